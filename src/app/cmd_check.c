#include <getopt.h>
#include <stdio.h>

#include "app/app.h"
#include "config/config.h"

static const char usage[] =
	"usage: weir check [-c FILE] [--json] [--strict]\n\n"
	"Validates a configuration and prints each finding as\n"
	"  FILE:LINE:COL: error|warning[rule] key: what; fix: how\n\n"
	"  -c, --config FILE   the file; else ./weir.yaml, else /etc/weir/weir.yaml, else the\n"
	"                      zero-config that the environment's API keys give\n"
	"      --json          the findings as a JSON array\n"
	"      --strict        exit 1 when there are warnings\n\n"
	"Exit codes: 0 clean, 1 warnings with --strict, 2 invalid.\n\n"
	"  weir check -c weir.yaml\n"
	"  weir check --json | jq '.[].message'";

static void print(const struct weir_findings *findings, bool json)
{
	struct weir_buf out;
	int rc = 0;

	weir_buf_init(&out, 64 * 1024 * 1024);
	if (json)
		rc = weir_findings_json(findings, &out);
	for (unsigned i = 0; !json && i < findings->n && rc == 0; i++)
		rc = weir_finding_print(findings, i, &out);
	if (rc)
		fprintf(stderr, "weir check: out of memory\n");
	fwrite(out.base ? out.base : "", 1, out.len, stdout);
	if (json)
		putchar('\n');
	else
		printf("%u errors, %u warnings\n", findings->errors, findings->warnings);
	weir_buf_fini(&out);
}

static int check(const char *path, bool json, bool strict)
{
	struct weir_findings findings;
	struct weir_config *config = NULL;
	int rc;

	path = weir_app_config_path(path);
	weir_findings_init(&findings, path ? path : "(environment)");
	rc = path ? weir_config_load(&config, path, &findings)
		  : weir_config_zero(&config, NULL, NULL, &findings);
	print(&findings, json);
	if (rc == 0)
		weir_config_unref(config);
	rc = rc ? WEIR_EXIT_USAGE : strict && findings.warnings ? WEIR_EXIT_BAD : WEIR_EXIT_DONE;
	weir_findings_fini(&findings);
	return rc;
}

int weir_cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "strict", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = NULL;
	bool json = false, strict = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 's':
			strict = true;
			break;
		case 'h':
			puts(usage);
			return WEIR_EXIT_DONE;
		default:
			return weir_app_usage("check", "bad option");
		}
	}
	if (optind < argc)
		return weir_app_usage("check", "takes options only");
	return check(path, json, strict);
}

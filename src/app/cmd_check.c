#include <getopt.h>
#include <stdio.h>

#include "app/app.h"
#include "app/identity.h"
#include "app/worst.h"

enum { OUTPUT_MAX = 64 * 1024 * 1024 };

static const char usage[] =
	"usage: weir check [-c FILE] [--json] [--strict]\n\n"
	"Validates a configuration and prints each finding as\n"
	"  FILE:LINE:COL: error|warning[rule] key: what; fix: how\n"
	"then, for each chain, the worst that can become of a request:\n"
	"  chains.NAME: at most N calls, T s, $C per 1k+1k tokens; walked P paths: ends, ...\n"
	"T until the caller has an answer or an error; C for 1,000 tokens into every call and\n"
	"1,000 out of the one that answers. The policy itself walks all that targets can do:\n"
	"that it always ends, in time, and never retries a caller's fault is seen, not said.\n\n"
	"  -c, --config FILE   the file; else ./weir.yaml, else /etc/weir/weir.yaml, else the\n"
	"                      zero-config that the environment's API keys give\n"
	"      --json          the findings alone, as a JSON array\n"
	"      --strict        exit 1 when there are warnings\n\n"
	"Exit codes: 0 clean, 1 warnings with --strict, 2 invalid.\n\n"
	"  weir check -c weir.yaml\n"
	"  weir check | grep '^chains\\.gpt-4o: '\n"
	"  weir check --json | jq '.[].message'";

static int print(const struct weir_findings *findings, const struct weir_buf *worst, bool json)
{
	struct weir_buf out;
	int rc = 0;

	weir_buf_init(&out, OUTPUT_MAX);
	if (json)
		rc = weir_findings_json(findings, &out);
	for (unsigned i = 0; !json && i < findings->n && rc == 0; i++)
		rc = weir_finding_print(findings, i, &out);
	if (rc == 0 && !json)
		rc = weir_buf_append(&out, worst->base, worst->len);
	fwrite(out.base ? out.base : "", 1, out.len, stdout);
	if (json)
		putchar('\n');
	else
		printf("%u errors, %u warnings\n", findings->errors, findings->warnings);
	weir_buf_fini(&out);
	return rc;
}

static int check(const char *path, bool json, bool strict)
{
	struct weir_findings findings;
	struct weir_config *config = NULL;
	struct weir_buf worst;
	int rc;

	path = weir_app_config_path(path);
	weir_buf_init(&worst, OUTPUT_MAX);
	weir_findings_init(&findings, path ? path : "(environment)");
	rc = path ? weir_config_load(&config, path, &findings)
		  : weir_config_zero(&config, NULL, NULL, &findings);
	if (rc == 0)
		weir_identity_check(config, &findings);
	if (rc == 0)
		rc = weir_worst(config, NULL, &findings, &worst);
	if (print(&findings, &worst, json) || rc == WEIR_ENOMEM)
		fprintf(stderr, "weir check: out of memory\n");
	weir_config_unref(config);
	rc = rc || findings.errors         ? WEIR_EXIT_USAGE
	     : strict && findings.warnings ? WEIR_EXIT_BAD
					   : WEIR_EXIT_DONE;
	weir_buf_fini(&worst);
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

#include <getopt.h>
#include <stdio.h>

#include "app/app.h"
#include "app/import.h"
#include "app/sim_chain.h"
#include "config/reader.h"

static const char usage[] =
	"usage: weir import litellm FILE [--strict]\n"
	"       weir import portkey FILE [--model NAME] [--strict]\n\n"
	"Prints the configuration that does what the file of another proxy did, and on stderr a\n"
	"finding for each key that does not carry over, with its reason:\n"
	"  FILE:LINE:COL: warning[rule] key: what; fix: how\n"
	"A key that stands in the file itself is not copied: the configuration names a "
	"variable.\n\n"
	"      --model NAME    what targets of a Portkey config ask for that take the model of\n"
	"                      each request, and the name of the chain\n"
	"      --strict        exit 1 when there are findings\n\n"
	"Exit codes: 0 done, 1 findings with --strict or nothing that can be used, 2 usage or not\n"
	"such a file.\n\n"
	"  weir import litellm config.yaml > weir.yaml && weir check -c weir.yaml\n"
	"  weir import portkey config.json --model gpt-4o > weir.yaml";

static int out_of_memory(void)
{
	fprintf(stderr, "weir import: out of memory\n");
	return WEIR_EXIT_BAD;
}

static int complain(const struct weir_findings *findings)
{
	unsigned all = findings->errors + findings->warnings;
	struct weir_buf out;
	int rc = 0;

	weir_buf_init(&out, 64 * 1024 * 1024);
	for (unsigned i = 0; i < findings->n && rc == 0; i++)
		rc = weir_finding_print(findings, i, &out);
	if (rc == 0 && findings->n < all)
		rc = weir_buf_printf(&out, "and %u more, which are not shown\n", all - findings->n);
	if (rc == 0)
		rc = weir_buf_printf(&out, "%u findings\n", all);
	fwrite(out.base ? out.base : "", 1, out.len, stderr);
	weir_buf_fini(&out);
	return rc;
}

struct order {
	enum weir_import_source source;
	const char *path, *model;
	bool strict;
};

static int exit_code(int rc, const struct order *order, const struct weir_buf *out,
		     const struct weir_findings *findings)
{
	if (rc == WEIR_ECONFIG)
		return out->len ? WEIR_EXIT_BAD : WEIR_EXIT_USAGE;
	if (rc)
		return WEIR_EXIT_BAD;
	return order->strict && findings->warnings ? WEIR_EXIT_BAD : WEIR_EXIT_DONE;
}

static int import(const struct order *order)
{
	struct weir_findings findings;
	struct weir_buf text, out;
	int rc, code;

	weir_findings_init(&findings, order->path);
	weir_buf_init(&out, WEIR_CONFIG_TEXT_MAX);
	rc = weir_sim_file(order->path, &text, &findings);
	if (rc == 0)
		rc = weir_import(order->source, weir_buf_slice(&text), order->model, &out,
				 &findings);
	if (text.base)
		explicit_bzero(text.base, text.len); /* may hold keys */
	weir_buf_fini(&text);
	if (rc == 0 || rc == WEIR_ECONFIG)
		fwrite(out.base ? out.base : "", 1, out.len, stdout);
	code = exit_code(rc, order, &out, &findings);
	if (complain(&findings) || rc == WEIR_ENOMEM)
		code = out_of_memory();
	if (rc == WEIR_ELIMIT)
		fprintf(stderr,
			"weir import: the result would be longer than a configuration may be: "
			"split the file\n");
	weir_buf_fini(&out);
	weir_findings_fini(&findings);
	return code;
}

int weir_cmd_import(int argc, char **argv)
{
	static const struct option options[] = {
		{ "model", required_argument, NULL, 'm' },
		{ "strict", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct order order = { .path = NULL };
	struct weir_slice source;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'm')
			order.model = optarg;
		else if (option == 's')
			order.strict = true;
		else if (option == 'h')
			return puts(usage), WEIR_EXIT_DONE;
		else
			return weir_app_usage("import", "bad option");
	}
	if (argc == optind)
		return fprintf(stderr, "%s\n", usage), WEIR_EXIT_USAGE;
	if (argc != optind + 2)
		return weir_app_usage("import", "needs litellm or portkey, and one file");
	source = weir_slice_of(argv[optind]);
	order.path = argv[optind + 1];
	if (weir_slice_is(source, "portkey"))
		order.source = WEIR_IMPORT_PORTKEY;
	else if (!weir_slice_is(source, "litellm"))
		return weir_app_usage("import", "knows litellm and portkey");
	if (order.model && order.source != WEIR_IMPORT_PORTKEY)
		return weir_app_usage("import", "--model goes with portkey");
	return import(&order);
}

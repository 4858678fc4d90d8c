#include <stdio.h>

#include "app/app.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} commands[] = {
	{ "serve", weir_cmd_serve, "the proxy (also without any command)" },
	{ "upgrade", weir_cmd_upgrade, "a new process takes over from the running one" },
	{ "check", weir_cmd_check, "validates a configuration" },
	{ "diff", weir_cmd_diff, "what a reload would change" },
	{ "schema", weir_cmd_schema, "the JSON Schema of a configuration, for editors" },
	{ "status", weir_cmd_status, "how a running weir is, and whether it is ready" },
	{ "demo", weir_cmd_demo, "a simulated outage, end to end; no key, no network" },
	{ "mock", weir_cmd_mock, "simulated providers, for tests and load tests" },
	{ "sim", weir_cmd_sim, "an outage on a virtual clock: the policy's own code, no network" },
	{ "try", weir_cmd_try,
	  "one prompt to every target of a chain, and their answers side by side" },
	{ "import", weir_cmd_import, "the configuration of LiteLLM or Portkey as one for weir" },
	{ "version", weir_cmd_version, "versions of weir and its libraries" },
};

static int help(void)
{
	puts("usage: weir [COMMAND] [OPTION...]\n\n"
	     "A fallback-chain proxy for LLM providers: tries an ordered list of targets until\n"
	     "one answers.\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		printf("  weir %-8s  %s\n", commands[i].name, commands[i].does);
	puts("\n`weir COMMAND --help` tells more. Exit codes: 0 done, 1 the thing asked about is\n"
	     "bad or the start failed, 2 usage or configuration error.\n\n"
	     "  weir demo                      watch a provider die and traffic move\n"
	     "  weir serve -c weir.yaml        run the proxy");
	return WEIR_EXIT_DONE;
}

static bool is(const char *text, const char *name)
{
	return weir_slice_is(weir_slice_of(text), name);
}

int main(int argc, char **argv)
{
	weir_app_prepare();
	if (argc < 2 || (argv[1][0] == '-' && !is(argv[1], "--help") && !is(argv[1], "-h") &&
			 !is(argv[1], "--version") && !is(argv[1], "-V")))
		return weir_cmd_serve(argc, argv);
	if (is(argv[1], "--help") || is(argv[1], "-h") || is(argv[1], "help"))
		return help();
	if (is(argv[1], "--version") || is(argv[1], "-V"))
		return weir_cmd_version(1, argv);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (is(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "weir: there is no command `%s`; `weir --help` lists them\n", argv[1]);
	return WEIR_EXIT_USAGE;
}

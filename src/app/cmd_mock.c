#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/slice.h"
#include "mock/mock.h"
#include "mock/script.h"

static const char usage[] =
	"usage: weir mock --vendor NAME[:PORT|=ADDRESS]... [OPTION...]\n\n"
	"Simulated providers that speak OpenAI's API (and Anthropic's and Gemini's, by the "
	"path\nthey are asked at)\n"
	"and fail on demand. Prints one line per vendor,\n"
	"`mock NAME http://127.0.0.1:PORT`, then serves until SIGTERM or SIGINT.\n\n"
	"  -v, --vendor NAME:PORT      port 0 or none: a free one; NAME=HOST:PORT elsewhere\n"
	"  -s, --script TARGET=SCRIPT  what a target does; TARGET is NAME, NAME/MODEL, NAME#KEY\n"
	"  -t, --tls NAME=MODE         valid, expired, not-yet, self-signed, wrong-host,\n"
	"                              unknown-ca, stall, reset, close, plaintext;\n"
	"                              `valid;only=1.2` one version\n"
	"      --seed N                of everything random (1)\n"
	"      --control ADDRESS       /mock/stats, /mock/last, /mock/script, /mock/reset\n"
	"      --ca-out FILE           writes the CA's certificate there\n"
	"      --script-help           the language of scripts\n\n"
	"  weir mock --vendor alpha:9001 --script 'alpha=503*2,200;latency=50ms'\n"
	"  weir mock --vendor a --tls a=expired --ca-out ca.pem --control 127.0.0.1:9009";

enum { VENDORS_MAX = 64, OPTIONS_MAX = 256 };

struct cli {
	uv_loop_t loop;
	struct weir_mock *mock;
	uv_signal_t signals[2];
	const char *vendors[VENDORS_MAX];
	const char *tls[VENDORS_MAX];
	const char *scripts[OPTIONS_MAX];
	unsigned vendors_n, tls_n, scripts_n;
	const char *control, *ca_out;
	uint64_t seed;
	char names[VENDORS_MAX][64];
};

static void on_signal(uv_signal_t *handle, int number)
{
	struct cli *cli = handle->loop->data;

	(void)number;
	weir_mock_close(cli->mock, NULL, NULL);
	for (size_t i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&cli->signals[i], NULL);
}

/* The --tls of a vendor, or NULL. */
static const char *tls_of(const struct cli *cli, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; i < cli->tls_n; i++)
		if (strncmp(cli->tls[i], name, n) == 0 && cli->tls[i][n] == '=')
			return cli->tls[i] + n + 1;
	return NULL;
}

/* "NAME", "NAME:PORT" or "NAME=ADDRESS". */
static int add_vendor(struct cli *cli, unsigned index, struct weir_error *err)
{
	const char *text = cli->vendors[index];
	size_t n = strcspn(text, ":=");
	char address[160] = "127.0.0.1:0";

	if (n == 0 || n >= sizeof cli->names[0])
		return weir_fail(err, WEIR_ECONFIG, "--vendor %s: write NAME:PORT", text);
	snprintf(cli->names[index], sizeof cli->names[0], "%.*s", (int)n, text);
	if (text[n] == ':')
		snprintf(address, sizeof address, "127.0.0.1:%s", text + n + 1);
	else if (text[n] == '=')
		snprintf(address, sizeof address, "%s", text + n + 1);
	return weir_mock_add(cli->mock, cli->names[index], address, tls_of(cli, cli->names[index]),
			     err);
}

static int write_ca(struct cli *cli, struct weir_error *err)
{
	struct weir_slice pem = weir_mock_ca_pem(cli->mock, err);
	FILE *file;
	bool ok;

	if (!pem.len)
		return err->code;
	file = fopen(cli->ca_out, "w");
	ok = file && fwrite(pem.base, 1, pem.len, file) == pem.len;
	ok = file && fclose(file) == 0 && ok;
	if (!ok)
		return weir_fail(err, WEIR_ECONFIG, "--ca-out %s: cannot be written", cli->ca_out);
	return 0;
}

static int set_up(struct cli *cli, struct weir_error *err)
{
	int rc = weir_mock_create(&cli->mock, &cli->loop, cli->seed);

	if (rc)
		return weir_fail(err, rc, "out of memory");
	for (unsigned i = 0; i < cli->vendors_n && rc == 0; i++)
		rc = add_vendor(cli, i, err);
	for (unsigned i = 0; i < cli->scripts_n && rc == 0; i++)
		rc = weir_mock_assign(cli->mock, cli->scripts[i], err);
	if (rc == 0 && cli->control)
		rc = weir_mock_control(cli->mock, cli->control, err);
	if (rc == 0 && cli->ca_out)
		rc = write_ca(cli, err);
	return rc;
}

static int run(struct cli *cli)
{
	static const int numbers[] = { SIGTERM, SIGINT };
	struct weir_error err = { 0 };

	if (!weir_app_loop(&cli->loop))
		return WEIR_EXIT_BAD;
	cli->loop.data = cli;
	if (set_up(cli, &err)) {
		fprintf(stderr, "weir mock: %s\n", err.text);
		return err.code == WEIR_ECONFIG ? WEIR_EXIT_USAGE : WEIR_EXIT_BAD;
	}
	for (size_t i = 0; i < 2; i++) {
		uv_signal_init(&cli->loop, &cli->signals[i]);
		uv_signal_start(&cli->signals[i], on_signal, numbers[i]);
	}
	for (unsigned i = 0; i < cli->vendors_n; i++)
		printf("mock %s %s\n", cli->names[i], weir_mock_url(cli->mock, cli->names[i]));
	if (cli->control)
		printf("control %s\n", weir_mock_control_url(cli->mock));
	fflush(stdout);
	uv_run(&cli->loop, UV_RUN_DEFAULT);
	uv_loop_close(&cli->loop);
	return WEIR_EXIT_DONE;
}

static int script_help(void)
{
	struct weir_buf text;

	weir_buf_init(&text, 1024 * 1024);
	if (weir_mock_script_help(&text) == 0)
		fwrite(text.base, 1, text.len, stdout);
	weir_buf_fini(&text);
	return WEIR_EXIT_DONE;
}

/* One more of a repeatable option; false: too many. */
static bool add(const char **list, unsigned *n, unsigned max, const char *value)
{
	if (*n == max)
		return false;
	list[(*n)++] = value;
	return true;
}

/* -1: go on; else the exit code. */
static int read_options(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "vendor", required_argument, NULL, 'v' },
		{ "script", required_argument, NULL, 's' },
		{ "tls", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 'e' },
		{ "control", required_argument, NULL, 'o' },
		{ "ca-out", required_argument, NULL, 'a' },
		{ "script-help", no_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool fits = true;
	int option;

	while ((option = getopt_long(argc, argv, "v:s:t:h", options, NULL)) != -1) {
		if (option == 'v')
			fits &= add(cli->vendors, &cli->vendors_n, VENDORS_MAX, optarg);
		else if (option == 's')
			fits &= add(cli->scripts, &cli->scripts_n, OPTIONS_MAX, optarg);
		else if (option == 't')
			fits &= add(cli->tls, &cli->tls_n, VENDORS_MAX, optarg);
		else if (option == 'e' && !weir_slice_to_u64(weir_slice_of(optarg), &cli->seed))
			return weir_app_usage("mock", "--seed takes a number");
		else if (option == 'o')
			cli->control = optarg;
		else if (option == 'a')
			cli->ca_out = optarg;
		else if (option == 'x')
			return script_help();
		else if (option == 'h')
			return puts(usage), WEIR_EXIT_DONE;
		else if (option == '?')
			return weir_app_usage("mock", "bad option");
	}
	if (!fits)
		return weir_app_usage("mock", "too many options of one kind");
	if (optind < argc)
		return weir_app_usage("mock", "takes options only");
	return cli->vendors_n ? -1 : weir_app_usage("mock", "needs at least one --vendor");
}

int weir_cmd_mock(int argc, char **argv)
{
	static struct cli cli;
	int code;

	cli.seed = 1;
	code = read_options(&cli, argc, argv);
	return code >= 0 ? code : run(&cli);
}

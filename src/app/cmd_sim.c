#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "app/app.h"
#include "app/sim_replay.h"
#include "app/sim_scenario.h"
#include "base/alloc.h"
#include "sim/traffic_report.h"
#include "sim/traffic_svg.h"

enum { OUT_MAX = 64 * 1024 * 1024, CHAINS_MAX = 64, USERS = 100 };

static const char usage[] =
	"usage: weir sim [-c FILE] SCENARIO.yaml [OPTION...]\n"
	"       weir sim --from LOG.jsonl [-c FILE] [--chain NAME]... [OPTION...]\n\n"
	"The proxy's own policy on a virtual clock. The first form runs an outage: simulated\n"
	"callers and providers as the scenario says, over one chain. The second replays a log of\n"
	"`weir serve`: the same requests over each candidate chain, at providers that do what\n"
	"they did at that time. The same seed prints the same bytes. Nobody is called.\n\n"
	"  -c, --config FILE   the configuration; else the scenario's own, else ./weir.yaml, else\n"
	"                      /etc/weir/weir.yaml\n"
	"      --chain NAME    the chain; with --from any number of them, else all\n"
	"      --policy ours|naive  naive: beside ours, three tries at each provider\n"
	"      --workers N     so many processes are one proxy, and chance says who is asked (1)\n"
	"      --seed N        of everything random\n"
	"      --json          one JSON object\n"
	"      --svg FILE      the timeline as a picture\n"
	"      --of CHAIN      with --from: only requests that the log has under this chain\n\n"
	"A scenario has: chain, seconds, seed, rate (400, or [ { from: 0s, per_s: 400 }, ... ]),\n"
	"arrivals (poisson, even), burst; callers: sdk_retries, timeout, leave, leave_within,\n"
	"streams, tokens_in, tokens_out, users; providers: default, or by name: first_token, "
	"pace,\n"
	"capacity, queue, connect, error, price; faults: who (target or step), from, to, and one\n"
	"of kind (dead, blackhole, hang, auth, quota), status, brownout, rate_limited, slow, cut,\n"
	"capacity, flapping; config: what weir.yaml holds.\n\n"
	"Exit codes: 0 done, 1 it could not be run, 2 usage, scenario or configuration wrong.\n\n"
	"  weir sim examples/scenarios/primary-dead.yaml --policy naive\n"
	"  weir sim --from weir.log -c weir.yaml --chain gpt-4o --chain gpt-4o-cheap";

struct cli {
	const char *config, *from, *of, *svg;
	const char *chains[CHAINS_MAX];
	unsigned chains_n;
	unsigned workers;
	bool json, naive, seed_given;
	uint64_t seed;
};

static int out_of_memory(void)
{
	fprintf(stderr, "weir sim: out of memory\n");
	return WEIR_EXIT_BAD;
}

/* Findings to stderr: stdout is for results. */
static int complain(const struct weir_findings *findings)
{
	struct weir_buf out;
	int rc = 0;

	weir_buf_init(&out, OUT_MAX);
	for (unsigned i = 0; i < findings->n && rc == 0; i++)
		if (findings->list[i].level == WEIR_FINDING_ERROR)
			rc = weir_finding_print(findings, i, &out);
	fwrite(out.base ? out.base : "", 1, out.len, stderr);
	weir_buf_fini(&out);
	return rc ? out_of_memory() : WEIR_EXIT_USAGE;
}

static int write_svg(const struct cli *cli, const struct weir_traffic_report *report)
{
	struct weir_buf out;
	FILE *file;
	int rc;

	weir_buf_init(&out, OUT_MAX);
	rc = weir_traffic_svg(report, &out);
	file = rc ? NULL : fopen(cli->svg, "we");
	if (file && fwrite(out.base, 1, out.len, file) != out.len)
		rc = WEIR_ECONFIG;
	if (file ? fclose(file) != 0 : !rc)
		rc = WEIR_ECONFIG;
	weir_buf_fini(&out);
	if (rc == WEIR_ECONFIG)
		fprintf(stderr, "weir sim: --svg %s: cannot be written\n", cli->svg);
	return rc == WEIR_ECONFIG ? WEIR_EXIT_USAGE : rc ? out_of_memory() : WEIR_EXIT_DONE;
}

static int print(const struct cli *cli, const struct weir_traffic_report *report)
{
	struct weir_buf out;
	int rc;

	weir_buf_init(&out, OUT_MAX);
	rc = cli->json ? weir_traffic_json(report, &out)
		       : weir_traffic_table(report, isatty(STDOUT_FILENO), &out);
	if (rc == 0)
		fwrite(out.base, 1, out.len, stdout);
	weir_buf_fini(&out);
	if (rc)
		return out_of_memory();
	return cli->svg ? write_svg(cli, report) : WEIR_EXIT_DONE;
}

static int run_policy(const struct cli *cli, struct weir_scenario *s,
		      enum weir_traffic_policy policy, struct weir_book *book)
{
	int rc = weir_sim_chain_begin(&s->chain, cli->workers);

	if (rc)
		return rc;
	s->traffic.policy = policy;
	/* Callers are told apart only where the chain keeps them apart. */
	if (s->chain.chain->affinity == WEIR_AFFINITY_NONE)
		s->traffic.callers.users = 0;
	else if (!s->traffic.callers.users)
		s->traffic.callers.users = USERS;
	return weir_sim_chain_run(&s->chain, &s->traffic, book);
}

static int run(const struct cli *cli, struct weir_scenario *s)
{
	struct weir_book books[WEIR_POLICY_N] = { 0 };
	struct weir_traffic_report report = {
		.name = s->name,
		.chain = s->chain.text.base,
		.traffic = &s->traffic,
		.books_n = cli->naive ? 2 : 1,
	};
	int rc = 0, code;

	for (unsigned i = 0; i < report.books_n && rc == 0; i++) {
		report.books[i] = &books[i];
		report.policies[i] = i ? WEIR_POLICY_NAIVE : WEIR_POLICY_WEIR;
		rc = run_policy(cli, s, report.policies[i], &books[i]);
	}
	if (rc == WEIR_ELIMIT)
		fprintf(stderr,
			"weir sim: more than %d requests are under way at once; lower the rate or "
			"the timers\n",
			WEIR_TRAFFIC_CALLERS_MAX);
	code = rc == WEIR_ELIMIT ? WEIR_EXIT_BAD : rc ? out_of_memory() : print(cli, &report);
	for (unsigned i = 0; i < report.books_n; i++)
		weir_book_fini(&books[i]);
	return code;
}

static int simulate(const struct cli *cli, const char *path)
{
	const struct weir_scenario_order order = {
		.path = path,
		.config_path = cli->config,
		.chain = cli->chains_n ? cli->chains[0] : NULL,
		.seed_given = cli->seed_given,
		.seed = cli->seed,
	};
	struct weir_scenario *scenario = weir_calloc(1, sizeof *scenario);
	struct weir_findings findings;
	int rc, code;

	if (!scenario)
		return out_of_memory();
	weir_findings_init(&findings, path);
	rc = weir_scenario_load(scenario, &order, &findings);
	code = rc == 0              ? run(cli, scenario)
	       : rc == WEIR_ECONFIG ? complain(&findings)
				    : out_of_memory();
	weir_scenario_fini(scenario);
	weir_findings_fini(&findings);
	weir_free(scenario);
	return code;
}

static int replay(const struct cli *cli)
{
	const char *path = weir_app_config_path(cli->config);
	const struct weir_sim_replay_order order = {
		.log = cli->from,
		.of = cli->of,
		.chains = cli->chains,
		.chains_n = cli->chains_n,
		.seed = cli->seed_given ? cli->seed : 1,
		.json = cli->json,
	};
	struct weir_config *config = NULL;
	struct weir_findings findings;
	struct weir_buf text;
	int rc, code;

	if (!path)
		return weir_app_usage("sim", "--from needs a configuration with candidate chains");
	weir_findings_init(&findings, path);
	rc = weir_sim_file(path, &text, &findings);
	if (rc == 0)
		rc = weir_sim_config(&config, weir_buf_slice(&text), path, &findings);
	weir_buf_fini(&text);
	code = rc == 0              ? weir_sim_replay(&order, config)
	       : rc == WEIR_ECONFIG ? complain(&findings)
				    : out_of_memory();
	weir_config_unref(config);
	weir_findings_fini(&findings);
	return code;
}

static bool read_policy(struct cli *cli, const char *word)
{
	struct weir_slice text = weir_slice_of(word);

	cli->naive = weir_slice_is(text, "naive");
	return cli->naive || weir_slice_is(text, "ours");
}

static bool read_workers(struct cli *cli, const char *word)
{
	uint64_t n;

	if (!weir_slice_to_u64(weir_slice_of(word), &n) || n == 0 || n > WEIR_TRAFFIC_WORKERS_MAX)
		return false;
	cli->workers = (unsigned)n;
	return true;
}

/* -1: go on; else the exit code. */
static int read_options(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "chain", required_argument, NULL, 'n' },
		{ "policy", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 'e' },
		{ "workers", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "svg", required_argument, NULL, 'v' },
		{ "from", required_argument, NULL, 'f' },
		{ "of", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'c')
			cli->config = optarg;
		else if (option == 'n' && cli->chains_n < CHAINS_MAX)
			cli->chains[cli->chains_n++] = optarg;
		else if (option == 'n')
			return weir_app_usage("sim", "too many chains");
		else if (option == 'p' && !read_policy(cli, optarg))
			return weir_app_usage("sim", "--policy is ours or naive");
		else if (option == 'e' && !weir_slice_to_u64(weir_slice_of(optarg), &cli->seed))
			return weir_app_usage("sim", "--seed takes a number");
		else if (option == 'w' && !read_workers(cli, optarg))
			return weir_app_usage("sim", "--workers takes a number from 1 to 16");
		else if (option == 'j')
			cli->json = true;
		else if (option == 'v')
			cli->svg = optarg;
		else if (option == 'f')
			cli->from = optarg;
		else if (option == 'o')
			cli->of = optarg;
		else if (option == 'h')
			return puts(usage), WEIR_EXIT_DONE;
		else if (option == '?')
			return weir_app_usage("sim", "bad option");
		cli->seed_given |= option == 'e';
	}
	return -1;
}

int weir_cmd_sim(int argc, char **argv)
{
	struct cli cli = { .workers = 1 };
	int code = read_options(&cli, argc, argv);

	if (code >= 0)
		return code;
	if (cli.from)
		return argc > optind || cli.svg || cli.naive || cli.workers > 1
			       ? weir_app_usage("sim", "--from takes no scenario, --svg, --policy "
						       "or --workers")
			       : replay(&cli);
	if (cli.of || cli.chains_n > 1)
		return weir_app_usage("sim", "several chains and --of need --from");
	if (argc != optind + 1)
		return weir_app_usage("sim", "needs one scenario file");
	return simulate(&cli, argv[optind]);
}

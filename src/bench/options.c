#include "bench/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "bench/words.h"

enum {
	OPT_RATE = 256,
	OPT_ARRIVAL,
	OPT_WARMUP,
	OPT_TIMEOUT,
	OPT_DRAIN,
	OPT_STALL,
	OPT_FRESH,
	OPT_DIALECT,
	OPT_STREAM,
	OPT_TOOLS,
	OPT_PROMPT,
	OPT_ANSWER,
	OPT_MIX,
	OPT_BODY,
	OPT_METHOD,
	OPT_KEY,
	OPT_CA,
	OPT_VERIFY,
	OPT_SEED,
	OPT_JSON,
	OPT_HTML,
	OPT_MOCK,
	OPT_SCRIPT,
	OPT_MOCK_TLS,
	OPT_CONTROL,
	OPT_OUTAGE,
	OPT_COMPARE,
	OPT_ROUNDS,
	OPT_ROUND,
	OPT_DRIFT
};

static const char usage[] =
	"usage: weir-bench [OPTION...] URL\n"
	"       weir-bench [OPTION...] --mock NAME[=ADDRESS][,...] [URL]\n"
	"       weir-bench [OPTION...] --compare A=URL B=URL...\n\n"
	"Load on an LLM gateway or provider, and the truth about its answers. URL is\n"
	"http://HOST:PORT or https://HOST; the dialect's path is added unless it is there.\n"
	"\nload\n"
	"  -c, --connections N    closed loop: so many ask, and ask again when answered (50);\n"
	"                         with --rate: at most so many at once (10000)\n"
	"      --rate R           open loop: R requests a second are due, come what may;\n"
	"                         100..5000/60s climbs. Latency counts from when they were due\n"
	"      --arrival KIND     poisson (default) or const\n"
	"  -d, --duration T       10s, unless -n is given\n"
	"  -n, --requests N       end after so many\n"
	"      --warmup T         first, not counted (a tenth of the duration, at most 1s; 0)\n"
	"      --fresh            a new connection for every request\n"
	"      --timeout T        of a request (60s)\n"
	"      --drain T          wait for requests under way at the end (5s)\n"
	"\nrequests\n"
	"      --dialect NAME     openai (default), anthropic, or http: any server\n"
	"  -m, --model NAME       (gpt-4o-mini)\n"
	"      --stream SHARE     of streams: 0 (default) to 1, or 25%\n"
	"      --tools SHARE      of requests that must call a tool (0)\n"
	"      --prompt-tokens D  100, 50..500, exp:300, normal:400,100,\n"
	"                         lognormal:200,1500 (median,p95); default 200\n"
	"      --answer-tokens D  max_tokens; not said by default\n"
	"      --mix FILE         kinds of requests, or requests, one JSON object a line\n"
	"      --body FILE        this body, every time; $NONCE in it becomes the nonce\n"
	"      --method NAME      GET or POST; of --dialect http, else POST\n"
	"  -H, --header FIELD     \"name: value\", repeatable\n"
	"      --key TEXT         the API key; else $OPENAI_API_KEY or $ANTHROPIC_API_KEY is\n"
	"                         NOT used: a load test with a real key should be a decision\n"
	"      --ca FILE          trusted beside nothing else\n"
	"      --verify HOW       nonce (default): every answer must have its request's nonce;\n"
	"                         tokens: and be exactly what a simulated provider says; none\n"
	"      --stall T          a gap between tokens that counts as a stall (1s)\n"
	"\nsimulated providers and outages\n"
	"      --mock LIST        starts providers NAME, NAME=HOST:PORT, each at a port;\n"
	"                         without a URL the first is the target\n"
	"      --script T=SCRIPT  what they do, as `weir mock --script-help` tells; repeatable\n"
	"      --mock-tls T=MODE  valid, expired, self-signed …, as `weir mock --tls` has them\n"
	"      --control URL      of a `weir mock` that runs already, instead of --mock\n"
	"      --outage WHAT      TARGET=SCRIPT@START+FOR: \"alpha=503@5s+10s\"\n"
	"\ncomparing\n"
	"      --compare          targets take turns, round by round; one named `control`, or\n"
	"                         else the first, must stay the same for there to be a verdict\n"
	"      --rounds N         (10)\n"
	"      --round T          (2s)\n"
	"      --drift SHARE      of the control that is too much (10%)\n"
	"\noutput\n"
	"      --json             instead of the table\n"
	"      --html FILE        a report with charts, in one file\n"
	"  -q, --quiet            no progress line\n"
	"      --seed N           of everything random; default: another one every time\n"
	"  -h, --help             this\n"
	"  -V, --version\n\n"
	"Exit codes: 0 done, 1 nothing was answered well or there is no verdict, 2 usage.\n\n"
	"  weir-bench --mock alpha -c 64 -d 5s\n"
	"  weir-bench http://127.0.0.1:4000 --rate 500 --stream 50% -d 30s";

static const struct option table[] = {
	{ "connections", required_argument, NULL, 'c' },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "arrival", required_argument, NULL, OPT_ARRIVAL },
	{ "duration", required_argument, NULL, 'd' },
	{ "requests", required_argument, NULL, 'n' },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "fresh", no_argument, NULL, OPT_FRESH },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "drain", required_argument, NULL, OPT_DRAIN },
	{ "dialect", required_argument, NULL, OPT_DIALECT },
	{ "model", required_argument, NULL, 'm' },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "tools", required_argument, NULL, OPT_TOOLS },
	{ "prompt-tokens", required_argument, NULL, OPT_PROMPT },
	{ "answer-tokens", required_argument, NULL, OPT_ANSWER },
	{ "mix", required_argument, NULL, OPT_MIX },
	{ "body", required_argument, NULL, OPT_BODY },
	{ "method", required_argument, NULL, OPT_METHOD },
	{ "header", required_argument, NULL, 'H' },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "verify", required_argument, NULL, OPT_VERIFY },
	{ "stall", required_argument, NULL, OPT_STALL },
	{ "mock", required_argument, NULL, OPT_MOCK },
	{ "script", required_argument, NULL, OPT_SCRIPT },
	{ "mock-tls", required_argument, NULL, OPT_MOCK_TLS },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "outage", required_argument, NULL, OPT_OUTAGE },
	{ "compare", no_argument, NULL, OPT_COMPARE },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "round", required_argument, NULL, OPT_ROUND },
	{ "drift", required_argument, NULL, OPT_DRIFT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "html", required_argument, NULL, OPT_HTML },
	{ "quiet", no_argument, NULL, 'q' },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int bad(struct weir_error *err, const char *option, const char *value, const char *want)
{
	return weir_fail(err, WEIR_ECONFIG, "%s %.80s: %s", option, value, want);
}

static int take_time(uint64_t *ns, const char *option, const char *value, bool zero,
		     struct weir_error *err)
{
	if (zero && strcmp(value, "0") == 0) {
		*ns = 0;
		return 0;
	}
	return weir_bench_duration(weir_slice_of(value), ns)
		       ? 0
		       : bad(err, option, value, "write a time, 250ms, 20s, 2m");
}

static int take_share(double *share, const char *option, const char *value, struct weir_error *err)
{
	return weir_bench_share(weir_slice_of(value), share)
		       ? 0
		       : bad(err, option, value, "write a share, 0.25 or 25%");
}

static int take_count(uint64_t *n, uint64_t max, const char *option, const char *value,
		      struct weir_error *err)
{
	if (weir_slice_to_u64(weir_slice_of(value), n) && *n >= 1 && *n <= max)
		return 0;
	return weir_fail(err, WEIR_ECONFIG, "%s %.80s: write a number from 1 to %llu", option,
			 value, (unsigned long long)max);
}

static int take_dist(struct weir_bench_dist *dist, const char *option, const char *value,
		     struct weir_error *err)
{
	struct weir_error why;

	if (weir_bench_dist_parse(dist, weir_slice_of(value), &why) == 0)
		return 0;
	return weir_fail(err, WEIR_ECONFIG, "%s: %s", option, why.text);
}

static int take_field(struct weir_bench_options *o, const char *value, struct weir_error *err)
{
	size_t len = strlen(o->fields), n = strlen(value);
	const char *colon = strchr(value, ':');

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)value[i] < ' ' && value[i] != '\t')
			return bad(err, "--header", "…", "a control character stands in it");
	if (!colon || colon == value)
		return bad(err, "--header", value, "write \"name: value\"");
	if (len + n + 3 > sizeof o->fields)
		return weir_fail(err, WEIR_ECONFIG, "--header: more than 8 KiB of them");
	snprintf(o->fields + len, sizeof o->fields - len, "%s\r\n", value);
	return 0;
}

static int take_care(struct weir_bench_options *o, const char *value, struct weir_error *err)
{
	static const char *const names[] = { [WEIR_BENCH_CARE_NONE] = "none",
					     [WEIR_BENCH_CARE_NONCE] = "nonce",
					     [WEIR_BENCH_CARE_TOKENS] = "tokens" };

	o->has_care = true;
	for (unsigned i = 0; i < WEIR_COUNT_OF(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			o->load.care = (enum weir_bench_care)i;
			return 0;
		}
	}
	return bad(err, "--verify", value, "write nonce, tokens or none");
}

static int take_arrival(struct weir_bench_options *o, const char *value, struct weir_error *err)
{
	o->load.poisson = strcmp(value, "poisson") == 0;
	if (o->load.poisson || strcmp(value, "const") == 0)
		return 0;
	return bad(err, "--arrival", value, "write poisson or const");
}

static int take_vendors(struct weir_bench_options *o, char *list, struct weir_error *err)
{
	o->mock = true;
	for (char *rest = list, *name; (name = strsep(&rest, ","));) {
		if (!*name)
			return bad(err, "--mock", list, "write NAME or NAME=HOST:PORT");
		if (o->vendors_n == WEIR_BENCH_LIST_MAX)
			return weir_fail(err, WEIR_ECONFIG, "--mock: more than %d of them",
					 WEIR_BENCH_LIST_MAX);
		o->vendors[o->vendors_n++] = name;
	}
	return 0;
}

/* One more of an option that may be repeated: "TARGET=WHAT". */
static int take_more(const char **list, unsigned *n, const char *option, const char *value,
		     struct weir_error *err)
{
	if (!strchr(value, '='))
		return bad(err, option, value, "write TARGET=WHAT");
	if (*n == WEIR_BENCH_LIST_MAX)
		return weir_fail(err, WEIR_ECONFIG, "%s: too many of them", option);
	list[(*n)++] = value;
	return 0;
}

static int take_load(struct weir_bench_options *o, int option, char *value, struct weir_error *err)
{
	uint64_t n;
	int rc = 0;

	switch (option) {
	case 'c':
		rc = take_count(&n, WEIR_BENCH_CONNECTIONS_MAX, "--connections", value, err);
		o->load.connections = rc ? 1 : (unsigned)n;
		o->has_connections = true;
		return rc;
	case 'd':
		o->has_duration = true;
		return take_time(&o->duration_ns, "--duration", value, false, err);
	case 'n':
		return take_count(&o->requests, UINT32_MAX, "--requests", value, err);
	case OPT_RATE:
		o->load.open_loop = true;
		return weir_bench_rate_parse(&o->load.rate, weir_slice_of(value), err);
	case OPT_ARRIVAL:
		return take_arrival(o, value, err);
	case OPT_WARMUP:
		o->has_warmup = true;
		return take_time(&o->warmup_ns, "--warmup", value, true, err);
	case OPT_TIMEOUT:
		return take_time(&o->load.timeout_ns, "--timeout", value, false, err);
	case OPT_DRAIN:
		return take_time(&o->load.drain_ns, "--drain", value, true, err);
	case OPT_FRESH:
		o->load.fresh = true;
		return 0;
	default:
		return 1;
	}
}

static int take_request(struct weir_bench_options *o, int option, char *value,
			struct weir_error *err)
{
	switch (option) {
	case OPT_DIALECT:
		o->dialect = weir_bench_dialect(weir_slice_of(value));
		return o->dialect ? 0
				  : bad(err, "--dialect", value, "write openai, anthropic or http");
	case OPT_STREAM:
		return take_share(&o->kind.stream, "--stream", value, err);
	case OPT_TOOLS:
		return take_share(&o->kind.tools, "--tools", value, err);
	case OPT_PROMPT:
		return take_dist(&o->kind.prompt, "--prompt-tokens", value, err);
	case OPT_ANSWER:
		o->kind.has_answer = true;
		return take_dist(&o->kind.answer, "--answer-tokens", value, err);
	case OPT_METHOD:
		o->method = value;
		return strcmp(value, "GET") == 0 || strcmp(value, "POST") == 0
			       ? 0
			       : bad(err, "--method", value, "write GET or POST");
	case OPT_STALL:
		return take_time(&o->load.stall_ns, "--stall", value, false, err);
	case OPT_VERIFY:
		return take_care(o, value, err);
	case 'H':
		return take_field(o, value, err);
	default:
		return 1;
	}
}

static int take_mode(struct weir_bench_options *o, int option, char *value, struct weir_error *err)
{
	uint64_t n;
	int rc;

	switch (option) {
	case OPT_MOCK:
		return take_vendors(o, value, err);
	case OPT_SCRIPT:
		return take_more(o->scripts, &o->scripts_n, "--script", value, err);
	case OPT_MOCK_TLS:
		return take_more(o->mock_tls, &o->mock_tls_n, "--mock-tls", value, err);
	case OPT_COMPARE:
		o->compare = true;
		return 0;
	case OPT_ROUNDS:
		rc = take_count(&n, 1000, "--rounds", value, err);
		o->rounds = rc ? 1 : (unsigned)n;
		return rc;
	case OPT_ROUND:
		return take_time(&o->round_ns, "--round", value, false, err);
	case OPT_DRIFT:
		return take_share(&o->drift, "--drift", value, err);
	case OPT_SEED:
		o->has_seed = true;
		return take_count(&o->load.seed, UINT32_MAX, "--seed", value, err);
	default:
		return 1;
	}
}

/* What is only remembered. */
static int take_plain(struct weir_bench_options *o, int option, char *value)
{
	switch (option) {
	case 'm':
		o->model = value;
		break;
	case OPT_MIX:
		o->mix_file = value;
		break;
	case OPT_BODY:
		o->body_file = value;
		break;
	case OPT_KEY:
		o->key = value;
		break;
	case OPT_CA:
		o->ca_file = value;
		break;
	case OPT_CONTROL:
		o->control = value;
		break;
	case OPT_OUTAGE:
		o->outage = value;
		break;
	case OPT_HTML:
		o->html = value;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	default:
		return 1;
	}
	return 0;
}

static int take(struct weir_bench_options *o, int option, char *value, struct weir_error *err)
{
	int rc = take_load(o, option, value, err);

	if (rc == 1)
		rc = take_request(o, option, value, err);
	if (rc == 1)
		rc = take_mode(o, option, value, err);
	if (rc == 1)
		rc = take_plain(o, option, value);
	return rc == 1 ? weir_fail(err, WEIR_ECONFIG, "bad option") : rc;
}

/* "NAME=URL" with --compare, "URL" without. */
static int add_target(struct weir_bench_options *o, char *text, struct weir_error *err)
{
	char *equals = strchr(text, '=');
	struct weir_bench_named *t = &o->targets[o->targets_n];

	if (o->targets_n == WEIR_BENCH_TARGETS_MAX)
		return weir_fail(err, WEIR_ECONFIG, "more than %d targets", WEIR_BENCH_TARGETS_MAX);
	t->name = "";
	t->url = text;
	if (o->compare) {
		if (!equals || equals == text || equals - text >= WEIR_BENCH_NAME_MAX)
			return bad(err, "--compare", text, "write NAME=URL");
		*equals = '\0';
		t->name = text;
		t->url = equals + 1;
	}
	o->targets_n++;
	return 0;
}

static int check(struct weir_bench_options *o, struct weir_error *err)
{
	const struct weir_bench_kind *k = &o->kind;
	bool http = !o->dialect->put_body;

	if (o->compare && o->targets_n < 2)
		return weir_fail(err, WEIR_ECONFIG, "--compare needs two targets, A=URL B=URL");
	if (!o->compare && o->targets_n > 1)
		return weir_fail(err, WEIR_ECONFIG, "one URL, or --compare A=URL B=URL");
	if (!o->targets_n && !o->mock)
		return weir_fail(err, WEIR_ECONFIG, "needs a URL, or --mock NAME");
	if (o->mix_file && o->body_file)
		return weir_fail(err, WEIR_ECONFIG, "--mix or --body, not both");
	if (http && (o->mix_file || k->stream > 0 || k->tools > 0))
		return weir_fail(err, WEIR_ECONFIG,
				 "--dialect http knows no mix, streams or tools; use --body");
	if (!http && o->method && strcmp(o->method, "POST") != 0)
		return weir_fail(err, WEIR_ECONFIG, "--method GET is for --dialect http");
	if (o->outage && !o->mock && !o->control)
		return weir_fail(err, WEIR_ECONFIG, "--outage needs --mock or --control");
	if (o->mock && o->control)
		return weir_fail(err, WEIR_ECONFIG, "--mock or --control, not both");
	if ((o->scripts_n || o->mock_tls_n) && !o->mock)
		return weir_fail(err, WEIR_ECONFIG, "--script and --mock-tls need --mock");
	if (o->compare && (o->requests || o->has_duration || o->outage))
		return weir_fail(err, WEIR_ECONFIG,
				 "--compare goes by --rounds and --round, without an outage");
	if (o->requests && o->warmup_ns)
		return weir_fail(err, WEIR_ECONFIG, "-n goes without --warmup");
	return 0;
}

/* What depends on other options. */
static void settle(struct weir_bench_options *o)
{
	const uint64_t second = UINT64_C(1000000000);

	if (!o->has_connections)
		o->load.connections = o->load.open_loop ? 10000 : 50;
	if (!o->requests && !o->has_duration)
		o->duration_ns = 10 * second;
	if (!o->has_warmup && !o->requests) {
		uint64_t tenth = (o->compare ? o->round_ns : o->duration_ns) / 10;

		o->warmup_ns = tenth < second ? tenth : second;
	}
	if (!o->has_care)
		o->load.care = o->mock ? WEIR_BENCH_CARE_TOKENS : WEIR_BENCH_CARE_NONCE;
	if (!o->dialect->put_body)
		o->load.care = WEIR_BENCH_CARE_NONE;
	if (!o->has_seed)
		o->load.seed = (uint32_t)(uv_hrtime() ^ (uint64_t)uv_os_getpid() << 20);
	if (!o->method)
		o->method = o->dialect->put_body || o->body_file ? "POST" : "GET";
}

static void set_defaults(struct weir_bench_options *o)
{
	const uint64_t second = UINT64_C(1000000000);

	*o = (struct weir_bench_options){
		.rounds = 10,
		.round_ns = 2 * second,
		.drift = 0.1,
		.dialect = weir_bench_dialect(WEIR_SLICE("openai")),
		.model = "gpt-4o-mini",
		.load = { .poisson = true,
			  .timeout_ns = 60 * second,
			  .stall_ns = second,
			  .drain_ns = 5 * second },
		.kind = { .weight = 1, .prompt = { .kind = WEIR_BENCH_DIST_ALWAYS, .a = 200 } },
	};
}

int weir_bench_options_read(struct weir_bench_options *o, int argc, char **argv)
{
	struct weir_error err = { 0 };
	int option, rc = 0;

	set_defaults(o);
	while (rc == 0 && (option = getopt_long(argc, argv, "c:d:n:m:H:qhV", table, NULL)) != -1) {
		if (option == 'h')
			return puts(usage), 0;
		if (option == 'V')
			return puts("weir-bench " WEIR_VERSION), 0;
		rc = option == '?' ? weir_fail(&err, WEIR_ECONFIG, "bad option")
				   : take(o, option, optarg, &err);
	}
	for (; rc == 0 && optind < argc; optind++)
		rc = add_target(o, argv[optind], &err);
	if (rc == 0)
		rc = check(o, &err);
	if (rc) {
		fprintf(stderr, "weir-bench: %s; see `weir-bench --help`\n", err.text);
		return 2;
	}
	settle(o);
	return WEIR_BENCH_GO;
}

#include <getopt.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <yyjson.h>

#include "app/app.h"
#include "app/try_print.h"
#include "base/alloc.h"
#include "base/error.h"
#include "config/config.h"
#include "config/value.h"
#include "weir.h"

enum {
	PARALLEL = 16,
	PARALLEL_MAX = 1024,
	COLUMNS = 100,
	ID_MAX = 64,
	OUTPUT_MAX = 1024 * 1024 * 1024,
	WHY_MAX = 512
};

static const char usage[] =
	"usage: weir try [-c FILE] CHAIN [PROMPT] [--file FILE] [OPTION...]\n\n"
	"Asks every target of a chain the same, all at once, each alone: no fallback, no retry. "
	"Shows\n"
	"each one's status, time to the first token, time, tokens, cost, finish reason and "
	"answer,\n"
	"so that a fallback is known before it is needed. The calls are real, and cost what they "
	"cost.\n"
	"Without PROMPT it is read from standard input.\n\n"
	"  -c, --config FILE     the file; else ./weir.yaml, else /etc/weir/weir.yaml\n"
	"      --file FILE       many prompts: on each line {\"prompt\": \"...\"} or a body with\n"
	"                        `messages`, `tools`, `response_format`, ...; shows per target "
	"how\n"
	"                        many were answered, the mean length, how much of what should be "
	"JSON\n"
	"                        is, tool calls, refusals, and how often it agrees with the first\n"
	"                        target: refuses or does not, calls the same tools, is JSON or is\n"
	"                        not, and is not more than twice as long or short\n"
	"      --stream off      asks for whole answers: then the first token comes with the last\n"
	"      --timeout TIME    of each call, as 20s; else the chain's own\n"
	"      --max-tokens N    of each answer\n"
	"      --parallel N      at most so many calls at a time with --file (16)\n"
	"      --json            one JSON object\n\n"
	"Exit codes: 0 every target has answered, 1 some have not, 2 usage or configuration "
	"error.\n\n"
	"  weir try gpt-4o 'What is the capital of France?'\n"
	"  weir try -c weir.yaml gpt-4o --file prompts.jsonl --json | jq .summary";

struct trial;

/* One prompt at one target. */
struct call {
	struct trial *trial;
	struct weir_request *request; /* NULL: over */
	struct weir_try_result *result;
	struct weir_buf answer; /* as it came */
	char id[ID_MAX];
	int status;
};

struct trial {
	uv_loop_t loop;
	struct weir_gateway *gateway;
	const char *config_path, *chain, *file, *prompt;
	struct weir_try_wishes wishes;
	bool json, out_of_memory;
	unsigned parallel;
	struct weir_try_prompts prompts;
	const char **targets; /* ids */
	unsigned targets_n;
	struct weir_try_result *results;
	struct call *calls;
	unsigned calls_n, begun, over;
	unsigned oldest; /* that is not over, or may not be */
};

static void begin_more(struct trial *t);

/* ---- one call ---- */

static void on_start(struct weir_request *request, int status, const char *type, const char *target)
{
	struct call *call = weir_request_user(request);

	(void)type, (void)target;
	call->status = status;
}

static void on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	struct call *call = weir_request_user(request);

	if (weir_buf_append(&call->answer, bytes, len))
		call->trial->out_of_memory = true;
}

static void finish(struct call *call, bool whole)
{
	struct weir_try_result *r = call->result;

	r->answered = whole;
	call->trial->out_of_memory |= weir_try_read(r, call->status,
						    weir_buf_slice(&call->answer)) == WEIR_ENOMEM;
	weir_buf_fini(&call->answer);
	call->request = NULL;
	call->trial->over++;
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	struct call *call = weir_request_user(request);

	(void)trail;
	finish(call, whole);
	begin_more(call->trial);
}

static const struct weir_request_callbacks callbacks = { on_start, on_bytes, on_done };

static void begin(struct trial *t, unsigned index)
{
	const struct weir_try_prompt *prompt = &t->prompts.list[index / t->targets_n];
	struct call *call = &t->calls[index];
	struct weir_buf body;
	int rc;

	*call = (struct call){ .trial = t, .result = &t->results[index] };
	weir_buf_init(&call->answer, WEIR_TRY_ANSWER_MAX);
	weir_buf_init(&body, WEIR_TRY_FILE_MAX);
	rc = weir_try_put_body(&body, prompt, t->chain, &t->wishes);
	if (rc == 0)
		rc = weir_request_start_at(&call->request, t->gateway, "/v1/chat/completions",
					   t->targets[index % t->targets_n], body.base, body.len,
					   &callbacks, call);
	weir_buf_fini(&body);
	if (rc) {
		snprintf(call->result->reason, sizeof call->result->reason, "%s",
			 rc == UV_EMSGSIZE ? "too_large" : "out_of_memory");
		t->over++;
		return;
	}
	snprintf(call->id, sizeof call->id, "%s", weir_request_id(call->request));
}

static void on_closed(void *arg)
{
	(void)arg;
}

static void begin_more(struct trial *t)
{
	while (t->begun < t->calls_n && t->begun - t->over < t->parallel)
		begin(t, t->begun++);
	if (t->over == t->calls_n && t->gateway) {
		weir_gateway_close(t->gateway, on_closed, t);
		t->gateway = NULL;
	}
}

/* What weir counted of a call comes before its end. */
static void on_log(void *arg, const char *line, size_t len)
{
	struct trial *t = arg;
	yyjson_doc *doc = yyjson_read(line, len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	const char *id = yyjson_get_str(yyjson_obj_get(root, "request_id"));

	while (t->oldest < t->begun && !t->calls[t->oldest].request)
		t->oldest++;
	if (id && yyjson_equals_str(yyjson_obj_get(root, "event"), "request"))
		for (unsigned i = t->oldest; i < t->begun; i++)
			if (t->calls[i].request && strcmp(t->calls[i].id, id) == 0)
				weir_try_read_log(t->calls[i].result, weir_slice(line, len));
	yyjson_doc_free(doc);
}

/* ---- all of them ---- */

static bool is_listed(const struct trial *t, const char *id)
{
	for (unsigned i = 0; i < t->targets_n; i++)
		if (strcmp(t->targets[i], id) == 0)
			return true;
	return false;
}

/* Every target once, in the chain's order; its ids live as long as the configuration. */
static int list_targets(struct trial *t, const struct weir_chain *chain)
{
	t->targets = weir_calloc(WEIR_MEMBERS_MAX * WEIR_STEPS_MAX, sizeof *t->targets);
	if (!t->targets)
		return WEIR_ENOMEM;
	for (unsigned i = 0; i < chain->steps_n; i++)
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++)
			if (!is_listed(t, chain->steps[i].targets[k].target->id))
				t->targets[t->targets_n++] = chain->steps[i].targets[k].target->id;
	return 0;
}

static int fail(int code, const char *what)
{
	fprintf(stderr, "weir try: %s\n", what);
	return code;
}

static void print_findings(const struct weir_findings *findings)
{
	for (unsigned i = 0; i < findings->n; i++) {
		struct weir_buf line;

		weir_buf_init(&line, 64 * 1024);
		if (findings->list[i].level == WEIR_FINDING_ERROR &&
		    weir_finding_print(findings, i, &line) == 0)
			fwrite(line.base, 1, line.len, stderr);
		weir_buf_fini(&line);
	}
}

static int find_chain(struct trial *t, struct weir_config **config)
{
	struct weir_findings findings;
	struct weir_chain *chain;
	int rc;

	t->config_path = weir_app_config_path(t->config_path);
	if (!t->config_path)
		return fail(WEIR_EXIT_USAGE, "there is no ./weir.yaml; name a file with -c");
	weir_findings_init(&findings, t->config_path);
	rc = weir_config_load(config, t->config_path, &findings);
	if (rc)
		print_findings(&findings);
	weir_findings_fini(&findings);
	if (rc)
		return fail(WEIR_EXIT_USAGE, "the configuration has errors");
	chain = weir_config_chain(*config, weir_slice_of(t->chain));
	if (chain)
		return list_targets(t, chain) ? fail(WEIR_EXIT_BAD, "out of memory") : 0;
	fprintf(stderr, "weir try: there is no chain `%s`; there are:", t->chain);
	for (unsigned i = 0; i < (*config)->chains_n; i++)
		fprintf(stderr, "%s %s", i ? "," : "", (*config)->chains[i]->name);
	fputs("\n", stderr);
	return WEIR_EXIT_USAGE;
}

static int read_file(FILE *file, struct weir_buf *out)
{
	char bytes[16 * 1024];
	size_t n;
	int rc = 0;

	while (rc == 0 && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
		rc = weir_buf_append(out, bytes, n);
	return rc == 0 && ferror(file) ? WEIR_ECONFIG : rc;
}

static bool is_blank(struct weir_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr(" \t\r\n", text.base[i]))
			return false;
	return true;
}

static int take_prompts(struct trial *t, struct weir_slice text)
{
	char why[WHY_MAX] = "";
	int rc;

	if (!t->file && is_blank(text))
		return fail(WEIR_EXIT_USAGE, "the prompt is empty");
	rc = t->file ? weir_try_add_lines(&t->prompts, text, why, sizeof why)
		     : weir_try_add_text(&t->prompts, text);

	if (rc == WEIR_ECONFIG)
		fprintf(stderr, "weir try: %s: %s\n", t->file, why);
	else if (rc)
		return fail(WEIR_EXIT_BAD, "out of memory");
	return rc ? WEIR_EXIT_USAGE : 0;
}

static int read_prompts(struct trial *t)
{
	FILE *file = stdin;
	struct weir_buf text;
	int rc;

	if (t->prompt)
		return take_prompts(t, weir_slice_of(t->prompt));
	if (t->file && strcmp(t->file, "-") != 0)
		file = fopen(t->file, "r");
	if (!file) {
		fprintf(stderr, "weir try: cannot read %s\n", t->file);
		return WEIR_EXIT_USAGE;
	}
	weir_buf_init(&text, WEIR_TRY_FILE_MAX);
	rc = read_file(file, &text);
	if (file != stdin)
		fclose(file);
	rc = rc ? fail(WEIR_EXIT_USAGE, "the prompts cannot be read, or are too large")
		: take_prompts(t, t->file ? weir_buf_slice(&text)
					  : weir_slice_trim(weir_buf_slice(&text)));
	weir_buf_fini(&text);
	return rc;
}

static int open_gateway(struct trial *t)
{
	struct weir_gateway_options options = {
		.size = sizeof options,
		.config_path = t->config_path,
		.on_log = on_log,
		.arg = t,
	};
	char why[WHY_MAX] = "";
	int rc = weir_gateway_create(&t->gateway, &t->loop, &options, why, sizeof why);

	if (rc == 0)
		return 0;
	t->gateway = NULL;
	return fail(rc == WEIR_ERR_CONFIG ? WEIR_EXIT_USAGE : WEIR_EXIT_BAD, why);
}

static int ask_all(struct trial *t)
{
	int rc;

	t->calls_n = t->prompts.n * t->targets_n;
	t->calls = weir_calloc(t->calls_n, sizeof *t->calls);
	t->results = weir_calloc(t->calls_n, sizeof *t->results);
	if (!t->calls || !t->results)
		return fail(WEIR_EXIT_BAD, "out of memory");
	for (unsigned i = 0; i < t->calls_n; i++)
		weir_try_result_init(&t->results[i]);
	if (!t->file && t->parallel < t->targets_n)
		t->parallel = t->targets_n;
	if (!weir_app_loop(&t->loop))
		return WEIR_EXIT_BAD;
	rc = open_gateway(t);
	if (rc == 0)
		begin_more(t);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	uv_loop_close(&t->loop);
	return rc;
}

static unsigned columns(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return COLUMNS;
}

static int show(const struct trial *t)
{
	struct weir_try_table table = {
		.chain = t->chain,
		.targets = t->targets,
		.targets_n = t->targets_n,
		.prompts = &t->prompts,
		.results = t->results,
		.many = t->file,
	};
	struct weir_buf out;
	int rc;

	weir_buf_init(&out, OUTPUT_MAX);
	rc = t->json ? weir_try_json(&table, &out) : weir_try_text(&table, columns(), &out);
	if (rc == 0 && !t->out_of_memory)
		fwrite(out.base, 1, out.len, stdout);
	weir_buf_fini(&out);
	if (rc || t->out_of_memory)
		return fail(WEIR_EXIT_BAD, "out of memory");
	for (unsigned i = 0; i < t->calls_n; i++)
		if (!t->results[i].answered)
			return WEIR_EXIT_BAD;
	return WEIR_EXIT_DONE;
}

static int try_all(struct trial *t)
{
	struct weir_config *config = NULL;
	int rc = find_chain(t, &config);

	if (rc == 0)
		rc = read_prompts(t);
	if (rc == 0)
		rc = ask_all(t);
	if (rc == 0)
		rc = show(t);
	for (unsigned i = 0; t->results && i < t->calls_n; i++)
		weir_try_result_fini(&t->results[i]);
	weir_free(t->results);
	weir_free(t->calls);
	weir_free(t->targets);
	weir_try_prompts_fini(&t->prompts);
	weir_config_unref(config);
	return rc;
}

/* ---- the command line ---- */

static bool read_count(const char *text, uint64_t most, uint64_t *n)
{
	return weir_value_count(weir_slice_of(text), n) == WEIR_VALUE_OK && *n > 0 && *n <= most;
}

/* NULL, or what is wrong. */
static const char *read_option(struct trial *t, int option)
{
	uint64_t n;

	switch (option) {
	case 'c':
		t->config_path = optarg;
		return NULL;
	case 'f':
		t->file = optarg;
		return NULL;
	case 's':
		t->wishes.stream = strcmp(optarg, "off") != 0;
		return t->wishes.stream && strcmp(optarg, "on") != 0 ? "--stream takes on or off"
								     : NULL;
	case 't':
		return weir_value_duration(weir_slice_of(optarg), &t->wishes.timeout_ms) ||
				       !t->wishes.timeout_ms
			       ? "--timeout takes a time, as 20s"
			       : NULL;
	case 'm':
		return read_count(optarg, UINT32_MAX, &t->wishes.max_tokens)
			       ? NULL
			       : "--max-tokens takes a number";
	case 'p':
		if (!read_count(optarg, PARALLEL_MAX, &n))
			return "--parallel takes a number from 1 to 1024";
		t->parallel = (unsigned)n;
		return NULL;
	case 'j':
		t->json = true;
		return NULL;
	default:
		return "bad option";
	}
}

int weir_cmd_try(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "file", required_argument, NULL, 'f' },
		{ "stream", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 't' },
		{ "max-tokens", required_argument, NULL, 'm' },
		{ "parallel", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct trial trial = { .wishes = { .stream = true }, .parallel = PARALLEL };
	const char *wrong;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'h') {
			puts(usage);
			return WEIR_EXIT_DONE;
		}
		wrong = read_option(&trial, option);
		if (wrong)
			return weir_app_usage("try", wrong);
	}
	if (optind == argc)
		return weir_app_usage("try", "takes the name of a chain");
	trial.chain = argv[optind++];
	if (optind < argc)
		trial.prompt = argv[optind++];
	if (optind < argc || (trial.prompt && trial.file))
		return weir_app_usage("try", "takes a chain and one prompt, or --file");
	return try_all(&trial);
}

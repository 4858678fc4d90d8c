/* Any text is a configuration or a list of findings: never a crash, never a leak, never a
 * finding that is not one line, and never the value of a variable in one. */
#include "base/alloc.h"
#include "base/error.h"
#include "config/board.h"
#include "fuzz.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("listen: [ \"127.0.0.1:4000\", \"[::1]:4000\", \"unix:/x\" ]\nadmin: off\n"
		  "workers: 1\nmax_body: 8MiB\naccess: { keys: [ { name: a, key: \"${KEY}\" } ] }\n"
		  "providers:\n  openai: { keys: [ \"${KEY}\", { file: x } ], max_inflight: 5 }\n"
		  "  p: { dialect: openai, base_url: 'https://h.example:8443/a%20b/v1/',\n"
		  "       headers: { x-a: \"${X:-y} $${z}\" }, ca_file: ca.pem }\n"
		  "defaults: { deadline: 120s, max_attempts: 4, retries: 0, repair: on }\n"
		  "chains:\n  gpt-4o:\n    attempt_timeout: 1m30s\n    hedge: off\n"
		  "    steps:\n      - openai/gpt-4o\n      - balance: weighted\n"
		  "        targets: [ { target: p/m, weight: 3, stall_timeout: 1.5s } ]\n"
		  "      - { target: groq/x, retries: 2, max_inflight: 9 }\n"),
	FUZZ_SEED(
		"providers:\n  a: { dialect: openai, base_url: 'http://a', groups: [ r, s ], rpm: "
		"5, "
		"tpm: 900 }\n  b: { dialect: openai, base_url: 'http://b', groups: r, keys: [ "
		"\"${KEY}\" ] }\n"
		"models: { gpt-4o: { context: 9000, output: 10, input_price: 0.15, output_price: "
		"10,\n"
		"  prefill: on, thinks: off, images: off, tools: on, json_schema: on }, b/y: {} }\n"
		"defaults: { midstream: continue, hedge: on, early_keepalive: 10s, affinity: user "
		"}\n"
		"chains:\n  m:\n    latency_ejection: 300%\n    affinity: header:X-Session\n"
		"    steps:\n      - balance: cost\n        targets: [ a/gpt-4o, { target: b/y, "
		"weight: 0, rpm: 3 } ]\n      - { balance: latency, targets: [ b/z ] }\n"),
	FUZZ_SEED("{ \"chains\": { \"m\": { \"steps\": [ \"openai\\/m\", \"\\u00e9/\\n\" ] } } }"),
	FUZZ_SEED("a: &a [ x, &b { c: *a } ]\nchains: *b\n<<: *a\n? [ k ]\n: v\n--- !t\n\"\\0\": "
		  "|\n  x\n"),
	FUZZ_SEED(
		"chains: { m: { steps: [ \"${KEY}/m\", \"openai/${KEY}\", \"${KEY}\" ], deadline: "
		"\"${KEY}\" } }\nproviders: { a: { base_url: \"http://${KEY}@h/${KEY}\" } }\n"),
	FUZZ_SEED("listne: 0.0.0.0:1\nchians: {}\nproviders: { opneai: {}, azure: { dialect: azure "
		  "} }\n"),
	FUZZ_SEED("chains: { m: { steps: [ opena/x, openai, gpt-4o, groq/y, anthropic/z ] }, m: {} "
		  "}\n"),
};

static const char *look_up(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "KEY") == 0 ? "Hidden-Secret-0123456789" : NULL;
}

static void check_findings(const struct weir_findings *findings)
{
	struct weir_buf out;

	weir_buf_init(&out, 1 << 22);
	for (unsigned i = 0; i < findings->n; i++) {
		weir_buf_clear(&out);
		FUZZ_CHECK(weir_finding_print(findings, i, &out) == 0);
		FUZZ_CHECK(memchr(out.base, '\n', out.len) == out.base + out.len - 1);
		FUZZ_CHECK(!memmem(out.base, out.len, "Hidden", 6));
	}
	weir_buf_clear(&out);
	FUZZ_CHECK(weir_findings_json(findings, &out) == 0);
	weir_buf_fini(&out);
}

static void check_step(const struct weir_config *config, const struct weir_step *step)
{
	bool weighs = false;

	FUZZ_CHECK(step->targets_n > 0 && step->targets_n <= WEIR_MEMBERS_MAX);
	FUZZ_CHECK(step->balance < WEIR_BALANCE_N);
	FUZZ_CHECK(step->timers.connect_timeout_ms > 0);
	for (unsigned i = 0; i < step->targets_n; i++) {
		const struct weir_step_target *t = &step->targets[i];

		FUZZ_CHECK(t->target->provider->dialect);
		FUZZ_CHECK(t->target->index < config->targets_n);
		FUZZ_CHECK(t->timers.connect_timeout_ms > 0);
		weighs = weighs || t->weight;
		for (unsigned k = 0; k < i; k++)
			FUZZ_CHECK(step->targets[k].target != t->target);
	}
	FUZZ_CHECK(weighs);
}

static void check_provider(const struct weir_config *config, const struct weir_provider *provider)
{
	FUZZ_CHECK(provider->groups_n > 0 && provider->groups_n <= WEIR_GROUPS_MAX);
	FUZZ_CHECK(strcmp(config->groups[provider->groups[0]], provider->name) == 0);
	for (unsigned i = 0; i < provider->groups_n; i++)
		FUZZ_CHECK(provider->groups[i] < config->groups_n);
}

/* Whatever was read can be turned into the state of the policy. */
static void check_board(const struct weir_config *config)
{
	struct weir_board *board;
	struct weir_plan plan;

	FUZZ_CHECK(weir_board_create(&board, config) == 0);
	for (unsigned i = 0; i < config->chains_n; i++) {
		weir_board_plan(board, config->chains[i], true, &plan);
		FUZZ_CHECK(plan.steps_n == config->chains[i]->steps_n);
		FUZZ_CHECK(plan.steps[plan.steps_n - 1].pool->members[0].health);
	}
	weir_board_destroy(board);
}

static void check_config(const struct weir_config *config)
{
	FUZZ_CHECK(config->listen_n > 0 && config->listen_n <= WEIR_LISTEN_MAX);
	FUZZ_CHECK(config->chains_n > 0 && config->chains_n <= WEIR_CHAINS_MAX);
	for (unsigned i = 0; i < config->providers_n; i++)
		check_provider(config, config->providers[i]);
	for (unsigned i = 0; i < config->chains_n; i++) {
		const struct weir_chain *chain = config->chains[i];

		FUZZ_CHECK(weir_config_chain(config, weir_slice_of(chain->name)) == chain);
		FUZZ_CHECK(chain->steps_n > 0 && chain->steps_n <= WEIR_STEPS_MAX);
		FUZZ_CHECK(chain->max_attempts > 0 && chain->max_attempts <= WEIR_ATTEMPTS_MAX);
		FUZZ_CHECK(chain->affinity != WEIR_AFFINITY_HEADER ||
			   chain->affinity_header < config->affinity_headers_n);
		for (unsigned k = 0; k < chain->steps_n; k++)
			check_step(config, &chain->steps[k]);
	}
	check_board(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_config *config;
	struct weir_findings findings;
	int rc;

	weir_findings_init(&findings, "/nowhere/weir.yaml");
	rc = weir_config_parse(&config, weir_slice((const char *)data, size), "/nowhere/weir.yaml",
			       look_up, NULL, &findings);
	FUZZ_CHECK(rc == 0 || rc == WEIR_ECONFIG);
	FUZZ_CHECK((rc == 0) == (findings.errors == 0) && (rc == 0) == (config != NULL));
	check_findings(&findings);
	if (config)
		check_config(config);
	weir_config_unref(config);
	weir_findings_fini(&findings);
	FUZZ_CHECK(weir_alloc_live() == 0);
	return 0;
}

FUZZ_MAIN(seeds, 20000)

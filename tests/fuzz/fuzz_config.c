/* Any text is a configuration or a list of findings: never a crash, never a leak, never a
 * finding that is not one line, and never the value of a variable in one. */
#include "base/alloc.h"
#include "base/error.h"
#include "config/config.h"
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

static void check_config(const struct weir_config *config)
{
	FUZZ_CHECK(config->listen_n > 0 && config->listen_n <= WEIR_LISTEN_MAX);
	FUZZ_CHECK(config->chains_n > 0 && config->chains_n <= WEIR_CHAINS_MAX);
	for (unsigned i = 0; i < config->chains_n; i++) {
		const struct weir_chain *chain = config->chains[i];

		FUZZ_CHECK(weir_config_chain(config, weir_slice_of(chain->name)) == chain);
		FUZZ_CHECK(chain->steps_n > 0 && chain->steps_n <= WEIR_STEPS_MAX);
		FUZZ_CHECK(chain->max_attempts > 0 && chain->max_attempts <= WEIR_ATTEMPTS_MAX);
		for (unsigned k = 0; k < chain->steps_n; k++) {
			FUZZ_CHECK(chain->steps[k].target->provider->dialect);
			FUZZ_CHECK(chain->steps[k].timers.connect_timeout_ms > 0);
		}
	}
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

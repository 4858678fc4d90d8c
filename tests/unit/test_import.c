/* Configurations of other proxies: what becomes of each part, and what is said of the rest. The
 * files that are imported whole are in e2e. */
#include "import_help.h"

struct row {
	const char *text;
	const char *out, *said; /* must be there, a line each; NULL: anything */
	const char *not_out;    /* must not; NULL */
};

static void check_row(enum weir_import_source source, const struct row *row)
{
	struct import_try try;

	import_begin(&try, source, weir_slice_of(row->text), NULL);
	if (!test_int(try.rc, 0, __FILE__, __LINE__, "rc"))
		NOTE("%s\n%s", row->text, try.said.base);
	import_has("the result", &try.out, row->out);
	import_has("what is said", &try.said, row->said);
	if (row->not_out && !test_check(!strstr(import_body(&try.out), row->not_out), __FILE__,
					__LINE__, "there is"))
		NOTE("has `%s`:\n%s", row->not_out, try.out.base);
	import_finish(&try);
}

static const struct row litellm_rows[] = {
	/* who answers */
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: gpt-4o } }\n",
	  "  openai: { keys: [ \"${OPENAI_API_KEY}\" ] }\n      - openai/gpt-4o", NULL, NULL },
	{ IMPORT_LIST
	  "  - { model_name: a, litellm_params: { model: groq/m/n, api_key: os.environ/MY } }\n",
	  "  groq: { keys: [ \"${MY}\" ] }\n      - groq/m/n", NULL, NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: perplexity/sonar } }\n",
	  "  perplexity: { keys: [ \"${PERPLEXITYAI_API_KEY}\" ] }", NULL, NULL },
	{ IMPORT_LIST
	  "  - { model_name: a, litellm_params: { model: m, custom_llm_provider: mistral } }\n",
	  "      - mistral/m", NULL, NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: openai/l, api_base: "
		      "\"https://api.groq.com/openai/v1/\", api_key: os.environ/K } }\n",
	  "  groq: { keys: [ \"${K}\" ] }\n      - groq/l", NULL, "base_url" },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: novita/l } }\n",
	  "  novita: { dialect: openai, base_url: \"https://api.novita.ai/v3/openai\", keys: [ "
	  "\"${NOVITA_API_KEY}\" ] }",
	  NULL, NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: ollama/q, api_base: "
		      "\"os.environ/O_URL\" } }\n",
	  "  o: { dialect: openai, base_url: \"${O_URL}/v1\" }", NULL, NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: ollama/q } }\n",
	  "  ollama: {}", NULL, NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: databricks/q } }\n",
	  "base_url: \"${DATABRICKS_BASE_URL}\"",
	  "warning[missing-address] model_list[0].litellm_params.model", NULL },
	{ IMPORT_LIST
	  "  - { model_name: a, litellm_params: { model: openai/q, api_base: \"http://h\" } }\n",
	  "  h: { dialect: openai, base_url: \"http://h\" }", "warning[key-not-sent]", "OPENAI" },
	{ IMPORT_LIST IMPORT_ONE("a", ", api_key: None"), "base_url: \"http://a\" }",
	  "warning[placeholder]", "keys:" },
	{ IMPORT_LIST IMPORT_ONE(
		  "a", "") "  - { model_name: b, litellm_params: { model: openai/b, api_base: "
			   "\"http://h/v1/chat/completions\" } }\n",
	  "base_url: \"${SERVER_BASE_URL}\"", "warning[bad-address] model_list[1]", "h/v1" },
	{ IMPORT_LIST IMPORT_ONE("a",
				 "") "  - { model_name: b, litellm_params: { model: nobody/b } }\n",
	  "  # b:\n      # - unknown/nobody/b", "warning[unsupported-provider]", NULL },
	{ IMPORT_LIST
	  "  - { model_name: a, litellm_params: { model: openai/x, api_key: os.environ/A } }\n"
	  "  - { model_name: a, litellm_params: { model: openai/x, api_key: os.environ/B } }\n",
	  "  openai: { keys: [ \"${A}\" ] }\n  openai-2: { dialect: openai, base_url: "
	  "https://api.openai.com/v1, keys: [ \"${B}\" ] }\n          - openai/x\n"
	  "          - openai-2/x",
	  NULL, "weight" },
	{ IMPORT_LIST IMPORT_ONE("a", ", extra_headers: { X-Team: os.environ/T, Host: h }"),
	  "headers: { X-Team: \"${T}\" } }", "extra_headers.Host", "Host" },
	{ IMPORT_LIST
	  "  - { model_name: a, litellm_params: { model: groq/x, litellm_credential_name: "
	  "none } }\n",
	  NULL, "warning[unknown-credential]", NULL },

	/* weights, orders, limits, times */
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x, weight: 0.5 } }\n"
		      "  - { model_name: a, litellm_params: { model: xai/x, weight: 0.25 } }\n"
		      "  - { model_name: a, litellm_params: { model: mistral/x } }\n",
	  "target: groq/x, weight: 2\ntarget: xai/x, weight: 1\ntarget: mistral/x, weight: 0",
	  "says no weight beside one that does", NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x } }\n"
		      "  - { model_name: a, litellm_params: { model: xai/x, weight: 7 } }\n",
	  "          - groq/x\n          - xai/x", "a weight of the first deployment",
	  "weight: 7" },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x, rpm: 900 } }\n"
		      "  - { model_name: a, litellm_params: { model: xai/x, rpm: 10, tpm: 5 } }\n",
	  "target: groq/x, weight: 90, rpm: 900\ntarget: xai/x, weight: 1, rpm: 10, tpm: 5", NULL,
	  NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x, weight: 1 } }\n"
		      "  - { model_name: a, litellm_params: { model: xai/x, weight: 9999 } }\n",
	  "target: groq/x, weight: 1 \ntarget: xai/x, weight: 1000", "they are rounded", NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x, weight: 0 } }\n"
		      "  - { model_name: a, litellm_params: { model: xai/x, weight: 0 } }\n",
	  "          - groq/x\n          - xai/x", NULL, "weight" },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x, order: 2 } }\n"
		      "  - { model_name: a, litellm_params: { model: xai/x, order: 1 } }\n"
		      "  - { model_name: a, litellm_params: { model: mistral/x } }\n",
	  "    steps:\n      - xai/x                                           # line 3\n"
	  "      - groq/x ",
	  "enable_pre_call_checks: here it makes steps", NULL },
	{ IMPORT_LIST IMPORT_ONE("a", ", timeout: 40, max_retries: 3"),
	  "target: a/a, retries: 3, attempt_timeout: 40s, first_token_timeout: 40s }", NULL,
	  "max_attempts" },
	{ IMPORT_LIST IMPORT_ONE("a", ", timeout: 0.25, stream_timeout: 1.5"),
	  "attempt_timeout: 250ms, first_token_timeout: 1500ms", NULL, NULL },
	{ IMPORT_LIST IMPORT_ONE("a", ", timeout: 200"), "    deadline: 200s", NULL, NULL },
	{ IMPORT_LIST IMPORT_ONE("a", ", timeout: -1, rpm: many, weight: [ 1 ]"), "      - a/a",
	  "litellm_params.timeout: is not a number from 0.001 to 86400\nrpm: is not a number\n"
	  "weight: is not a number",
	  "timeout" },
	{ IMPORT_LIST IMPORT_ONE(
		  "a",
		  ", rpm: 5") "  - { model_name: b, litellm_params: { model: openai/a, api_base: "
			      "\"http://a\", rpm: 6 } }\n",
	  "rpm: 5", "warning[conflict] model_list[1].litellm_params.rpm", "rpm: 6" },
	{ IMPORT_LIST IMPORT_ONE("a", "") "router_settings: { timeout: 30, num_retries: 3, "
					  "default_max_parallel_requests: "
					  "9 }\nlitellm_settings: { request_timeout: 7 }\n",
	  "  retries: 3\n  attempt_timeout: 30s\n  first_token_timeout: 30s\nmax_inflight: 9",
	  "warning[conflict] litellm_settings.request_timeout", NULL },
	{ IMPORT_LIST IMPORT_ONE("a", ", model_info: 1"), NULL,
	  "unknown-key] model_list[0].litellm_params.model_info", NULL },

	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: bedrock/x, weight: 5 } }\n"
		      "  - { model_name: a, litellm_params: { model: xai/x, weight: 0 } }\n",
	  "          - xai/x\n          # - bedrock/x", NULL, NULL },

	/* strategies */
	{ IMPORT_LIST IMPORT_ONE(
		  "a", "") "  - { model_name: a, litellm_params: { model: groq/x, weight: 3 } }\n"
			   "router_settings: { routing_strategy: least-busy }\n",
	  "balance: least_inflight", "that takes simple-shuffle", "weight" },
	{ IMPORT_LIST IMPORT_ONE(
		  "a", "") "  - { model_name: a, litellm_params: { model: groq/x } }\n"
			   "router_settings: { routing_strategy: usage-based-routing-v2 }\n",
	  "balance: least_inflight", "warning[approximated] router_settings.routing_strategy",
	  NULL },
	{ IMPORT_LIST IMPORT_ONE("a", "") "router_settings: { routing_strategy: my-own }\n", NULL,
	  "warning[bad-value] router_settings.routing_strategy", "my-own" },

	/* fallbacks */
	{ IMPORT_LIST IMPORT_ONE("a", "") IMPORT_ONE("b", "")
		  IMPORT_ONE("c", "") "router_settings: { fallbacks: [ { a: [ b ] "
				      "}, { b: [ c, a ] }, { \"*\": [ a ] } ] }\n",
	  "  a:                                                    # line 2\n    steps:\n"
	  "      - a/a                                             # line 2\n"
	  "      - b/b                                             # fallbacks; line 3\n"
	  "      - c/c                                             # fallbacks; line 4",
	  NULL, NULL },
	{ IMPORT_LIST IMPORT_ONE("a", "")
		  IMPORT_ONE("b", "") "router_settings: { default_fallbacks: [ b ] }\n",
	  "      - b/b                                             # fallbacks; line 3", NULL,
	  NULL },
	{ IMPORT_LIST IMPORT_ONE(
		  "a", "") "router_settings: { fallbacks: [ { a: [ zz, { model: a } ] }, { yy: [ "
			   "a ] }, 3 "
			   "] }\n",
	  NULL,
	  "unknown-model] router_settings.fallbacks[0].a[0]\nno-counterpart] "
	  "router_settings.fallbacks[0].a[1]\nunknown-model] router_settings.fallbacks[1].yy\n"
	  "bad-value] router_settings.fallbacks[2]",
	  NULL },
	{ IMPORT_LIST IMPORT_ONE("a", "")
		  IMPORT_ONE("b", "") "router_settings: { fallbacks: [ { a: [ b ] } ], "
				      "context_window_fallbacks: [ { a: [ b ] "
				      "} ] }\n",
	  "    context_overflow: next", NULL, "context_window_fallbacks; line" },
	{ IMPORT_LIST IMPORT_ONE("a", "") IMPORT_ONE(
		  "b", "") "router_settings: { content_policy_fallbacks: [ { a: [ b ] } ] }\n",
	  "    content_policy: next\n      - b/b                                             # "
	  "content_policy_fallbacks; line 3",
	  "refused content goes to the next step", NULL },
	{ IMPORT_LIST IMPORT_ONE(
		  "a", "") "  - { model_name: \"x/*\", litellm_params: { model: \"groq/*\" } }\n"
			   "router_settings: { fallbacks: [ { a: [ x/l ] } ] }\n",
	  "      - groq/l", "warning[wildcard] model_list[1].model_name", "*\"" },
	{ IMPORT_LIST IMPORT_ONE(
		  "a", "") "  - { model_name: b, litellm_params: { model: groq/x }, model_info: { "
			   "id: one } }\n"
			   "  - { model_name: b, litellm_params: { model: xai/x } }\n"
			   "router_settings: { default_fallbacks: [ one ] }\n",
	  "      - a/a                                             # line 2\n"
	  "      - groq/x                                          # fallbacks; line 3",
	  NULL, NULL },
	{ IMPORT_LIST IMPORT_ONE(
		  "a", "") "router_settings: { model_group_alias: { b: a, c: nobody, a: a } }\n",
	  "  b:                                                    # model_group_alias, line 3",
	  "unknown-model] router_settings.model_group_alias.c\nconflict] "
	  "router_settings.model_group_alias.a",
	  NULL },

	{ IMPORT_LIST IMPORT_ONE("a", "")
		  IMPORT_ONE("b", "") "router_settings: { fallbacks: [ { \"*\": [ b ] } ], "
				      "default_fallbacks: [ a ] }\n",
	  "      - b/b                                             # fallbacks; line 3", NULL,
	  "fallbacks; line 2" },

	/* models, names, and the rest */
	{ IMPORT_LIST
	  "  - { model_name: a, litellm_params: { model: groq/x, input_cost_per_token: 2.5e-06 }, "
	  "model_info: { output_cost_per_token: 0.00001, max_output_tokens: 9, supports_vision: "
	  "true, supports_response_schema: False } }\n",
	  "  groq/x: { output: 9, input_price: 2.5, output_price: 10, images: on, json_schema: off "
	  "}",
	  NULL, NULL },
	{ IMPORT_LIST "  - { model_name: \" a\\tb \", litellm_params: { model: groq/x } }\n"
		      "  - { model_name: \"-a-b-\", litellm_params: { model: xai/x } }\n",
	  "  \"-a-b-\":\n  \"-a-b--2\":", "warning[renamed]", NULL },
	{ IMPORT_LIST
	  "  - { model_name: \"${x}: #1\", litellm_params: { model: \"groq/${y}\" } }\n",
	  "  \"${x}: #1\":\n      - \"groq/$${y}\"", NULL, NULL },
	{ IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x } }\n"
		      "  - { model_name: a, litellm_params: { model: groq/x } }\n",
	  "      - groq/x", "warning[repeated] model_list[1].litellm_params.model", NULL },
	{ "base: &b { api_base: \"http://h\", api_key: os.environ/K }\n" IMPORT_LIST
	  "  - { model_name: a, litellm_params: { <<: *b, model: openai/x } }\n"
	  "  - { model_name: b, litellm_params: { <<: [ *b, { rpm: 5 } ], model: openai/y, "
	  "api_key: "
	  "os.environ/L } }\n",
	  "  h: { dialect: openai, base_url: \"http://h\", keys: [ \"${K}\" ] }\nkeys: [ \"${L}\" "
	  "]\n"
	  "rpm: 5",
	  "unknown-key] base:", NULL },
	{ IMPORT_LIST IMPORT_ONE(
		  "a",
		  "") "general_settings: { master_key: os.environ/M, max_request_size_mb: 4 }\n",
	  "key: \"${M}\"\nmax_body: 4MiB", NULL, NULL },
	{ IMPORT_LIST IMPORT_ONE("a", "") "litellm_settings: { drop_params: false }\n",
	  "  repair: off", NULL, NULL },
	{ IMPORT_LIST IMPORT_ONE("a",
				 "") "  - 3\n  - {}\n  - { model_name: b }\nlitellm_settings: 5\n",
	  NULL,
	  "bad-value] model_list[1]: an entry of model_list is a map\nbad-value] model_list[2]: "
	  "has no "
	  "model_name\nbad-value] litellm_settings: litellm_settings is a map",
	  NULL },
};

TEST(litellm_part_by_part)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(litellm_rows); i++)
		check_row(WEIR_IMPORT_LITELLM, &litellm_rows[i]);
}

#define OPENAI "\"provider\": \"openai\", \"override_params\": { \"model\": \"m\" }"
#define GROQ   "\"provider\": \"groq\", \"override_params\": { \"model\": \"n\" }"

static const struct row portkey_rows[] = {
	/* one target */
	{ "{ " OPENAI " }",
	  "  openai: { keys: [ \"${OPENAI_API_KEY}\" ] }\n  retries: 0\n  m:\n      - openai/m",
	  NULL, NULL },
	{ "{ \"strategy\": { \"mode\": \"single\" }, \"targets\": [ { " GROQ " }, { " OPENAI
	  " } ] }",
	  "  n:\n      - groq/n", "no-counterpart] targets[1]: is never asked", "openai" },
	{ "{ \"provider\": \"openai\" }", "  default:\n      - \"openai/${WEIR_MODEL}\"",
	  "warning[missing-model]", NULL },
	{ "{ \"overrideParams\": { \"model\": \"@openai/gpt-4o\" } }",
	  "  openai: { keys: [ \"${OPENAI_API_KEY}\" ] }\n  gpt-4o:\n      - openai/gpt-4o",
	  "warning[virtual-key] overrideParams.model", NULL },
	{ "{ \"provider\": \"@my-llm\", \"override_params\": { \"model\": \"x\" } }",
	  "  my-llm: { dialect: openai, base_url: \"${MY_LLM_BASE_URL}\", keys: [ "
	  "\"${MY_LLM_API_KEY}\" ] }",
	  "missing-address] provider\nvirtual-key] provider", NULL },
	{ "{ \"virtual_key\": \"groq-1a2b\", \"override_params\": { \"model\": \"x\" } }",
	  "  groq: { keys: [ \"${GROQ_API_KEY}\" ] }", "virtual-key] virtual_key", "1a2b" },
	{ "{ \"provider\": \"ollama\", \"customHost\": \"http://h:11434\", \"overrideParams\": { "
	  "\"model\": \"x\" } }",
	  "  h: { dialect: openai, base_url: \"http://h:11434/v1\" }", NULL, NULL },

	{ "{ \"custom_host\": \"http://h/v1\", \"override_params\": { \"model\": \"x\" }, "
	  "\"targets\": [ "
	  "{ \"provider\": \"openai\", \"api_key\": \"${K}\" } ] }",
	  "  h: { dialect: openai, base_url: \"http://h/v1\", keys: [ \"${K}\" ] }\n      - h/x",
	  NULL, NULL },

	/* steps and pools */
	{ "{ \"targets\": [ { " OPENAI " }, { " GROQ ", \"retry\": { \"attempts\": 2 } } ] }",
	  "      - openai/m\n      - { target: groq/n, retries: 2 }", NULL, "targets:" },
	{ "{ \"strategy\": { \"mode\": \"loadbalance\" }, \"targets\": [ { " OPENAI
	  ", \"weight\": 0.7 }, { " GROQ ", \"weight\": 0.3 } ] }",
	  "target: openai/m, weight: 7\ntarget: groq/n, weight: 3", NULL, NULL },
	{ "{ \"strategy\": { \"mode\": \"loadbalance\" }, \"targets\": [ { " OPENAI
	  ", \"weight\": 0.333 }, { " GROQ ", \"weight\": 0 } ] }",
	  "target: openai/m, weight: 1\ntarget: groq/n, weight: 0", NULL, NULL },
	{ "{ \"strategy\": { \"mode\": \"loadbalance\" }, \"targets\": [ { \"weight\": 1, "
	  "\"strategy\": { \"mode\": \"loadbalance\" }, \"targets\": [ { " OPENAI
	  ", \"weight\": 3 }, { " GROQ " } ] }, { \"provider\": \"x-ai\", \"override_params\": { "
	  "\"model\": \"g\" } } ] }",
	  "target: openai/m, weight: 3\ntarget: groq/n, weight: 1\ntarget: xai/g, weight: 4", NULL,
	  NULL },
	{ "{ \"strategy\": { \"mode\": \"loadbalance\" }, \"targets\": [ { \"strategy\": { "
	  "\"mode\": "
	  "\"fallback\" }, \"targets\": [ { " OPENAI " }, { " GROQ
	  " } ] }, { \"provider\": \"x-ai\", "
	  "\"override_params\": { \"model\": \"g\" } } ] }",
	  "          - openai/m\n          - xai/g\n      - groq/n",
	  "approximated] targets[0]: its fallbacks become part", NULL },
	{ "{ \"strategy\": { \"mode\": \"sample\", \"cancel_others\": true }, \"targets\": [ "
	  "{ " OPENAI " }, { " GROQ " } ] }",
	  "      - openai/m\n      - groq/n", "strategy.mode: weir has no strategy of this name",
	  NULL },
	{ "{ \"targets\": [ { \"strategy\": { \"mode\": \"conditional\", \"default\": \"b\" }, "
	  "\"targets\": [ { \"name\": \"a\", " OPENAI " }, { \"name\": \"b\", " GROQ " } ] } ] }",
	  "      - groq/n", "strategy.mode: weir has no conditions", "openai" },
	{ "{ \"strategy\": { \"mode\": \"conditional\", \"conditions\": [], \"default\": \"b\" }, "
	  "\"targets\": [ { \"name\": \"a\", " OPENAI " }, { \"name\": \"b\", " GROQ " } ] }",
	  "  a:\n      - openai/m\n  b:\n      - groq/n",
	  "strategy.conditions: weir has no conditions", NULL },

	/* times, statuses, and the rest */
	{ "{ \"request_timeout\": 30000, \"targets\": [ { " OPENAI " }, { " GROQ
	  ", \"requestTimeout\": 1500 } ] }",
	  "  attempt_timeout: 30s\n  first_token_timeout: 30s\ntarget: groq/n, attempt_timeout: "
	  "1500ms",
	  NULL, NULL },
	{ "{ \"strategy\": { \"mode\": \"fallback\", \"onStatusCodes\": [ 429, 404 ] }, "
	  "\"targets\": [ "
	  "{ " OPENAI " } ] }",
	  NULL, "strategy.onStatusCodes: weir goes by what a failure means: some", NULL },
	{ "{ \"strategy\": { \"mode\": \"fallback\", \"on_status_codes\": [ 429, 503 ] }, "
	  "\"targets\": "
	  "[ { " OPENAI " } ] }",
	  NULL, "strategy.on_status_codes: weir goes by what a failure means, and on", NULL },
	{ "{ \"targets\": [ { " OPENAI ", \"cache\": {}, \"cb_config\": {}, \"nonsense\": 1, "
	  "\"retry\": { \"attempts\": 1, \"on_status_codes\": [ 500 ], \"use_retry_after_header\": "
	  "false "
	  "} } ] }",
	  NULL,
	  "no-counterpart] targets[0].cache\nno-counterpart] targets[0].cb_config\nunknown-key] "
	  "targets[0].nonsense\napproximated] targets[0].retry.on_status_codes\napproximated] "
	  "targets[0].retry.use_retry_after_header",
	  NULL },
	{ "{ \"targets\": [ { " OPENAI " }, {}, { \"provider\": \"nobody\", \"override_params\": { "
	  "\"model\": \"z\" } } ] }",
	  "      # - unknown/z",
	  "targets[1]: names no provider\nunsupported-provider] targets[2].provider", NULL },
};

TEST(portkey_part_by_part)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(portkey_rows); i++)
		check_row(WEIR_IMPORT_PORTKEY, &portkey_rows[i]);
}

TEST(a_model_for_targets_that_take_the_requests)
{
	struct import_try try;

	import_begin(&try, WEIR_IMPORT_PORTKEY, WEIR_SLICE("{ \"provider\": \"groq\" }"), "llama");
	CHECK_INT(try.rc, 0);
	import_has("the result", &try.out, "  llama:\n      - groq/llama");
	CHECK_STR(try.said.base, "");
	import_finish(&try);
}

static const struct row bad_rows[] = {
	{ "", NULL, "in:1:1: error[wrong-type] .: is not", NULL },
	{ "just a text", NULL, "in:1:1: error[wrong-type] .: is not", NULL },
	{ "[ 1 ]", NULL, "in:1:1: error[wrong-type] .: is not", NULL },
	{ "a: [ 1", NULL, "error[yaml-syntax]", NULL },
	{ "{ a: 1, a: 2 }", NULL, "in:1:9: error[duplicate-key] a: ", NULL },
	{ "a: 1\n---\nb: 2\n", NULL, "error[yaml-documents]", NULL },
	{ "\tx: 1", NULL, "in:1:1: error[yaml-", NULL },
	{ "a: \"\\xff", NULL, "error[", NULL },
	{ "{ unrelated: 1 }", NULL, "error[missing-key] .: has ", NULL },
	{ "{ model_list: [], targets: [] }", NULL, "error[missing-key] ", NULL },
	{ "{ model_list: 3, targets: 3 }", NULL, "error[missing-key] ", NULL },
};

TEST(what_is_no_such_file_gives_an_error_and_no_result)
{
	for (enum weir_import_source s = WEIR_IMPORT_LITELLM; s <= WEIR_IMPORT_PORTKEY; s++) {
		for (size_t i = 0; i < WEIR_COUNT_OF(bad_rows); i++) {
			struct import_try try;

			import_begin(&try, s, weir_slice_of(bad_rows[i].text), NULL);
			CHECK_INT(try.rc, WEIR_ECONFIG);
			CHECK_INT(try.out.len, 0);
			CHECK(try.findings.errors > 0);
			import_has("what is said", &try.said, bad_rows[i].said);
			import_finish(&try);
		}
	}
}

TEST(when_nothing_can_be_used_all_stands_in_comments)
{
	struct import_try try;

	import_begin(&try, WEIR_IMPORT_LITELLM,
		     WEIR_SLICE(IMPORT_LIST
				"  - { model_name: a, litellm_params: { model: bedrock/m } }\n"),
		     NULL);
	CHECK_INT(try.rc, WEIR_ECONFIG);
	import_has("the result", &try.out, "# chains:\n  # a:\n      # - bedrock/m");
	import_has("what is said", &try.said, "error[nothing-usable]");
	CHECK(!strstr(try.out.base, "\nchains:") && !strstr(try.out.base, "\nproviders:"));
	import_finish(&try);
}

TEST_MAIN

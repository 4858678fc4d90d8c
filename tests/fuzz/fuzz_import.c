/* Any text is imported or refused with findings: never a crash, never a leak, and what is written
 * is a configuration that the program itself takes. */
#include "app/import.h"
#include "base/alloc.h"
#include "base/error.h"
#include "config/reader.h"
#include "fuzz.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("model_list:\n"
		  "  - model_name: a\n    litellm_params: { model: groq/x, api_key: os.environ/K,\n"
		  "      weight: 0.5, rpm: 9, timeout: 3, order: 1, <<: &m { max_retries: 2 } }\n"
		  "    model_info: { id: i, mode: chat, input_cost_per_token: 1e-6 }\n"
		  "  - { model_name: a, litellm_params: { model: openai/y, api_base: "
		  "'http://h:8/v1',\n"
		  "      api_key: sk-1, extra_headers: { X-A: b }, weight: 2, <<: *m } }\n"
		  "  - { model_name: 'w/*', litellm_params: { model: 'azure/*', api_base: "
		  "os.environ/A_URL } }\n"
		  "router_settings: { fallbacks: [ { a: [ b, i, w/q ] } ], num_retries: 1,\n"
		  "  routing_strategy: least-busy, model_group_alias: { c: a } }\n"),
	FUZZ_SEED(
		"model_list: [ { model_name: b, litellm_params: { model: gpt-4o, "
		"litellm_credential_name: c } } ]\n"
		"credential_list: [ { credential_name: c, credential_values: { api_key: k } } ]\n"
		"litellm_settings: { default_fallbacks: [ b, a ], context_window_fallbacks: [ { b: "
		"[ b ] } ],\n  request_timeout: 30, drop_params: true, nope: 1 }\n"
		"general_settings: { master_key: sk-2, max_request_size_mb: 3 }\n"),
	FUZZ_SEED("{\"strategy\":{\"mode\":\"fallback\",\"on_status_codes\":[429,404]},\"retry\":{"
		  "\"attempts\":2},\n\"targets\":[{\"strategy\":{\"mode\":\"loadbalance\"},"
		  "\"targets\":[{\"provider\":\"openai\",\"weight\":0.7,\"api_key\":\"k\","
		  "\"overrideParams\":{\"model\":\"m\"}},{\"provider\":\"@groq-x\",\"weight\":0.3,"
		  "\"requestTimeout\":900}]},\n{\"virtual_key\":\"mistral-1\",\"override_params\":{"
		  "\"model\":\"@x-ai/g\"},\"customHost\":\"http://h/v1\"}]}"),
	FUZZ_SEED("{\"strategy\":{\"mode\":\"conditional\",\"conditions\":[],\"default\":\"a\"},"
		  "\"targets\":[{\"name\":\"a\",\"provider\":\"azure-openai\",\"resource_name\":"
		  "\"r\","
		  "\"deployment_id\":\"d\"},{\"name\":\"b\",\"provider\":\"ollama\"}]}"),
};

static void check_import(enum weir_import_source source, struct weir_slice text)
{
	struct weir_findings findings;
	struct weir_buf out, line;
	int rc;

	weir_findings_init(&findings, "in");
	weir_buf_init(&out, WEIR_CONFIG_TEXT_MAX);
	weir_buf_init(&line, 1 << 22);
	rc = weir_import(source, text, NULL, &out, &findings);
	FUZZ_CHECK(rc == 0 || rc == WEIR_ECONFIG);
	FUZZ_CHECK((rc == 0) == (findings.errors == 0));
	for (unsigned i = 0; i < findings.n; i++) {
		weir_buf_clear(&line);
		FUZZ_CHECK(strcmp(findings.list[i].rule, "not-valid") != 0);
		FUZZ_CHECK(findings.list[i].fix[0]);
		FUZZ_CHECK(weir_finding_print(&findings, i, &line) == 0);
		FUZZ_CHECK(memchr(line.base, '\n', line.len) == line.base + line.len - 1);
	}
	weir_buf_fini(&line);
	weir_buf_fini(&out);
	weir_findings_fini(&findings);
	FUZZ_CHECK(weir_alloc_live() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_import(WEIR_IMPORT_LITELLM, weir_slice((const char *)data, size));
	check_import(WEIR_IMPORT_PORTKEY, weir_slice((const char *)data, size));
	return 0;
}

FUZZ_MAIN(seeds, 5000)

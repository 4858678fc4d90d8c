/* Imports that must not print a secret, meet a bound, or run out of memory. */
#include "import_help.h"

/* A key wherever the sources have one, and where they should not. */
static const char *const secrets[] = {
	IMPORT_LIST "  - { model_name: a, litellm_params: { model: groq/x, api_key: Hidden } }\n",
	IMPORT_LIST
	"  - { model_name: a, litellm_params: { model: groq/x, api_key: [ Hidden ] } }\n",
	IMPORT_LIST IMPORT_ONE("a", ", api_key: \"Bearer Hidden\""),
	IMPORT_LIST "  - { model_name: a, litellm_params: { model: openai/x, api_base: "
		    "\"http://u:Hidden@h/v1\" } }\n",
	IMPORT_LIST "  - { model_name: a, litellm_params: { model: openai/x, api_base: "
		    "\"http://h/v1?key=Hidden\" } }\n",
	IMPORT_LIST
	"  - { model_name: a, litellm_params: { model: openai/x, api_base: Hidden } }\n",
	IMPORT_LIST IMPORT_ONE(
		"a", ", extra_headers: { X-Key: Hidden, Authorization: \"Bearer Hidden\" }"),
	IMPORT_LIST IMPORT_ONE(
		"a", ", organization: Hidden, api_version: Hidden, aws_secret_access_key: Hidden"),
	IMPORT_LIST IMPORT_ONE(
		"a",
		", nonsense: Hidden, temperature: Hidden, rpm: Hidden, timeout: Hidden, tpm: [ "
		"Hidden ]"),
	IMPORT_LIST IMPORT_ONE("a",
			       "") "general_settings: { master_key: Hidden, database_url: Hidden, "
				   "max_request_size_mb: Hidden }\n",
	IMPORT_LIST IMPORT_ONE(
		"a",
		"") "router_settings: { redis_password: Hidden, routing_strategy: Hidden, timeout: "
		    "Hidden, num_retries: Hidden, retry_policy: Hidden, model_group_alias: Hidden "
		    "}\n",
	IMPORT_LIST IMPORT_ONE(
		"a",
		"") "litellm_settings: { cache_params: { password: Hidden }, fallbacks: Hidden, "
		    "drop_params: Hidden }\n",
	IMPORT_LIST IMPORT_ONE(
		"a", "") "environment_variables: { OPENAI_API_KEY: Hidden }\nwhatever: Hidden\n",
	IMPORT_LIST
	"  - { model_name: a, litellm_params: { model: groq/x, litellm_credential_name: c } "
	"}\ncredential_list: [ { credential_name: c, credential_values: { api_key: Hidden, "
	"other: Hidden } } ]\n",
	IMPORT_LIST IMPORT_ONE("a",
			       "") "  - Hidden\n  - { model_name: b, litellm_params: Hidden }\n",
	"{ \"provider\": \"groq\", \"api_key\": \"Hidden\" }",
	"{ \"provider\": \"groq\", \"api_key\": { \"x\": \"Hidden\" } }",
	"{ \"virtual_key\": \"groq-Hidden\" }",
	"{ \"virtual_key\": \"Hidden\" }",
	"{ \"provider\": \"groq\", \"custom_host\": \"https://h/?k=Hidden\", \"openai_project\": "
	"\"Hidden\", \"openai_organization\": \"Hidden\" }",
	"{ \"provider\": \"groq\", \"aws_secret_access_key\": \"Hidden\", \"metadata\": "
	"\"Hidden\", "
	"\"override_params\": { \"user\": \"Hidden\" }, \"weight\": \"Hidden\", \"retry\": "
	"\"Hidden\", "
	"\"request_timeout\": \"Hidden\", \"strategy\": \"Hidden\" }",
	"{ \"provider\": \"azure-openai\", \"resource_name\": \"x.Hidden\", \"api_version\": "
	"\"Hidden\", \"deployment_id\": \"d\" }",
};

TEST(no_secret_of_the_source_is_printed)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(secrets); i++) {
		struct import_try try;

		import_begin(&try, secrets[i][0] == '{' ? WEIR_IMPORT_PORTKEY : WEIR_IMPORT_LITELLM,
			     weir_slice_of(secrets[i]), NULL);
		CHECK(try.rc == 0 || try.rc == WEIR_ECONFIG);
		if (!test_check(!memmem(try.out.base, try.out.len, "idden", 5) &&
					!strstr(try.said.base, "idden"),
				__FILE__, __LINE__, "not printed"))
			NOTE("%s\n%s\n%s", secrets[i], try.out.base, try.said.base);
		import_finish(&try);
	}
}

/* So many of a thing that a bound is met: it is said, and the rest is as it should be. */

static void many_fallbacks(struct weir_buf *text, unsigned n)
{
	int rc = weir_buf_puts(text, IMPORT_LIST);

	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = weir_buf_printf(
			text, "  - { model_name: m%u, litellm_params: { model: groq/m%u } }\n", i,
			i);
	if (rc == 0)
		rc = weir_buf_puts(text, "router_settings: { fallbacks: [ { m0: [ m1");
	for (unsigned i = 2; i < n && rc == 0; i++)
		rc = weir_buf_printf(text, ", m%u", i);
	if (rc == 0)
		rc = weir_buf_puts(text, " ] } ] }\n");
	CHECK_INT(rc, 0);
}

static void many_deployments(struct weir_buf *text, unsigned n)
{
	int rc = weir_buf_puts(text, IMPORT_LIST);

	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = weir_buf_printf(
			text, "  - { model_name: a, litellm_params: { model: groq/m%u } }\n", i);
	CHECK_INT(rc, 0);
}

static void many_providers(struct weir_buf *text, unsigned n)
{
	int rc = weir_buf_puts(text, IMPORT_LIST);

	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = weir_buf_printf(
			text,
			"  - { model_name: m%u, litellm_params: { model: groq/m, api_key: "
			"os.environ/K%u } }\n",
			i, i);
	CHECK_INT(rc, 0);
}

static void many_targets(struct weir_buf *text, unsigned n)
{
	int rc = weir_buf_puts(text, "{ \"targets\": [ ");

	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = weir_buf_printf(
			text,
			"%s{ \"provider\": \"groq\", \"override_params\": { \"model\": "
			"\"m%u\" } }",
			i ? ", " : "", i);
	if (rc == 0)
		rc = weir_buf_puts(text, " ] }");
	CHECK_INT(rc, 0);
}

static void check_many(void (*make)(struct weir_buf *text, unsigned n), unsigned n,
		       enum weir_import_source source, const char *out, const char *said)
{
	struct weir_buf text;
	struct import_try try;

	weir_buf_init(&text, IMPORT_OUT_MAX);
	make(&text, n);
	import_begin(&try, source, weir_buf_slice(&text), NULL);
	CHECK_INT(try.rc, 0);
	import_has("the result", &try.out, out);
	if (said)
		import_has("what is said", &try.said, said);
	else
		CHECK_STR(try.said.base, "");
	import_finish(&try);
	weir_buf_fini(&text);
}

TEST(bounds_are_met_and_said)
{
	check_many(many_fallbacks, WEIR_STEPS_MAX, WEIR_IMPORT_LITELLM,
		   "    max_attempts: 16\n      - groq/m15", NULL);
	check_many(many_fallbacks, WEIR_STEPS_MAX + 1, WEIR_IMPORT_LITELLM, "      - groq/m15",
		   "warning[limit] router_settings.fallbacks[0].m0[15]");
	check_many(many_deployments, WEIR_MEMBERS_MAX, WEIR_IMPORT_LITELLM, "          - groq/m63",
		   NULL);
	check_many(many_deployments, WEIR_MEMBERS_MAX + 1, WEIR_IMPORT_LITELLM,
		   "          - groq/m63", "warning[limit] model_list[64].litellm_params.model");
	check_many(many_providers, WEIR_PROVIDERS_MAX, WEIR_IMPORT_LITELLM, "  groq-256: {", NULL);
	check_many(many_providers, WEIR_PROVIDERS_MAX + 1, WEIR_IMPORT_LITELLM, "  groq-256: {",
		   "warning[limit] model_list[256].litellm_params.model");
	check_many(many_targets, WEIR_STEPS_MAX + 1, WEIR_IMPORT_PORTKEY, "      - groq/m15",
		   "warning[limit] targets[16]");
	check_many(many_targets, WEIR_MEMBERS_MAX + 1, WEIR_IMPORT_PORTKEY, "      - groq/m15",
		   "warning[limit] targets[64]");
}

/* Is the failure still to come? */
static bool is_armed(uint64_t k)
{
	for (; k; k--) {
		void *block = weir_alloc(1);

		if (!block)
			return true;
		weir_free(block);
	}
	return false;
}

static bool import_once(enum weir_import_source source, struct weir_slice text, uint64_t k)
{
	struct weir_findings findings;
	size_t live = weir_alloc_live();
	struct weir_buf out;
	int rc;

	weir_alloc_fail_after(k);
	weir_findings_init(&findings, "in");
	weir_buf_init(&out, IMPORT_OUT_MAX);
	rc = weir_import(source, text, NULL, &out, &findings);
	CHECK(rc == WEIR_ENOMEM || is_armed(k));
	weir_alloc_fail_after(0);
	weir_buf_fini(&out);
	weir_findings_fini(&findings);
	CHECK_INT(weir_alloc_live(), live);
	return rc == WEIR_ENOMEM;
}

static void import_until_it_works(enum weir_import_source source, const char *name)
{
	char path[PATH_MAX];
	size_t len;
	uint64_t k = 1;
	char *text;

	config_path(path, sizeof path, name);
	text = config_slurp(path, &len);
	REQUIRE(text && len > 0);
	while (import_once(source, weir_slice(text, len), k))
		k++;
	CHECK(k > 100);
	free(text);
}

TEST(each_allocation_may_fail)
{
	import_until_it_works(WEIR_IMPORT_LITELLM, "../import/litellm-pools.yaml");
	import_until_it_works(WEIR_IMPORT_PORTKEY, "../import/portkey-nested.json");
	import_until_it_works(WEIR_IMPORT_PORTKEY, "../import/portkey-conditional.json");
}

TEST_MAIN

/* What needs not be configured of well-known providers. */
#include "config_help.h"
#include "dialect/path.h"

static const struct weir_timers *timers(const struct config_try *try, unsigned step)
{
	return &try->config->chains[0]->steps[step].targets[0].timers;
}

TEST(who_loads_models_is_waited_for)
{
	struct config_try try;

	config_parse(&try, "chains: { m: { steps: [ ollama/m, openai/m ] } }");
	REQUIRE(try.rc == 0);
	CHECK_INT(timers(&try, 0)->first_token_timeout_ms, 100000);
	CHECK_INT(timers(&try, 0)->attempt_timeout_ms, 100000);
	CHECK_INT(timers(&try, 0)->stall_timeout_ms, 30000);
	CHECK_INT(timers(&try, 1)->first_token_timeout_ms, 20000);
	CHECK_INT(timers(&try, 1)->attempt_timeout_ms, 60000);
	config_done(&try);
}

TEST(a_configured_timer_holds_for_them_too)
{
	struct config_try try;

	config_parse(&try, "defaults: { attempt_timeout: 9s }\n"
			   "chains: { m: { first_token_timeout: 7s, steps: [ ollama/m ] } }");
	REQUIRE(try.rc == 0);
	CHECK_INT(timers(&try, 0)->first_token_timeout_ms, 7000);
	CHECK_INT(timers(&try, 0)->attempt_timeout_ms, 9000);
	config_done(&try);
}

TEST(either_variable_holds_the_key)
{
	static const char *const envs[][2] = { { "COHERE_API_KEY=co-0123456789", NULL },
					       { "CO_API_KEY=co-0123456789", NULL },
					       { "CO_API_KEY=", NULL } };
	struct config_try try;

	for (unsigned i = 0; i < 3; i++) {
		config_parse_with(&try, WEIR_SLICE("chains: { m: { steps: [ cohere/m ] } }"),
				  "weir.yaml", envs[i]);
		CHECK_INT(try.rc, i < 2 ? 0 : WEIR_ECONFIG);
		if (try.rc == 0)
			CHECK_STR(try.config->providers[0]->keys[0].text, "co-0123456789");
		config_done(&try);
	}
}

TEST(the_form_of_an_own_address_is_told)
{
	struct config_try try;

	config_parse(&try, "providers: { bedrock: { keys: [ \"${OPENAI_API_KEY}\" ] } }\n"
			   "chains: { m: { steps: [ bedrock/m, cloudflare/m ] } }");
	CHECK_INT(try.rc, WEIR_ECONFIG);
	CHECK(strstr(try.text.base, "`base_url: https://bedrock-mantle.REGION.api.aws/v1`"));
	CHECK(strstr(try.text.base, "https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1"));
	config_done(&try);
}

TEST(a_vendor_is_known_where_it_is_asked)
{
	struct config_try try;

	config_parse(&try, "providers:\n"
			   "  groq: { base_url: http://127.0.0.1:1/v1 }\n"
			   "  mine: { dialect: openai, base_url: https://api.groq.com/openai/v1 }\n"
			   "  gemini-openai: { keys: [ \"${OPENAI_API_KEY}\" ] }\n"
			   "chains: { m: { steps: [ groq/m, mine/m, gemini-openai/m ] } }");
	REQUIRE(try.rc == 0);
	CHECK(!try.config->providers[0]->vendor);
	CHECK_STR(try.config->providers[1]->vendor->name, "groq");
	CHECK_STR(try.config->providers[2]->vendor->name, "gemini-openai");
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Where Azure is asked: a chat's path, and the query. */
static const struct {
	const char *fields, *path, *query;
} addresses[] = {
	{ "base_url: 'https://r.openai.azure.com'", "/openai/v1/chat/completions", NULL },
	{ "base_url: 'https://r.openai.azure.com/'", "/openai/v1/chat/completions", NULL },
	{ "base_url: 'https://r.openai.azure.com/openai'", "/openai/v1/chat/completions", NULL },
	{ "base_url: 'https://r.openai.azure.com/openai/v1/'", "/openai/v1/chat/completions",
	  NULL },
	{ "base_url: 'https://api.example.com/team/v1'", "/team/v1/chat/completions", NULL },
	{ "base_url: 'https://r.openai.azure.com', api_version: preview",
	  "/openai/v1/chat/completions", "api-version=preview" },
	{ "base_url: 'https://r.openai.azure.com/openai/v1', api_version: 2025-04-01-preview",
	  "/openai/v1/chat/completions", "api-version=2025-04-01-preview" },
	{ "base_url: 'https://r.openai.azure.com', api_version: '2024-10-21'",
	  "/openai/deployments/m/chat/completions", "api-version=2024-10-21" },
	{ "base_url: 'https://r.openai.azure.com/openai', api_version: 2024-10-21",
	  "/openai/deployments/m/chat/completions", "api-version=2024-10-21" },
	{ "base_url: 'https://api.example.com/team', api_version: 2024-10-21",
	  "/team/openai/deployments/m/chat/completions", "api-version=2024-10-21" },
};

static void check_address(unsigned i)
{
	struct config_try try;
	const struct weir_provider *p;
	struct weir_buf path;
	char text[512];

	snprintf(text, sizeof text,
		 "providers: { a: { dialect: azure, keys: [ \"${OPENAI_API_KEY}\" ], %s } }\n"
		 "chains: { c: { steps: [ a/m ] } }",
		 addresses[i].fields);
	config_parse(&try, text);
	CHECK_STR(try.text.base, "");
	REQUIRE(try.rc == 0);
	p = try.config->providers[0];
	weir_buf_init(&path, 1024);
	CHECK_INT(weir_path_put(&path, weir_slice_of(p->base_path),
				p->dialect->routes[WEIR_ROUTE_CHAT], WEIR_SLICE("m")),
		  0);
	CHECK_INT(weir_buf_append(&path, "", 1), 0);
	CHECK_STR(path.base, addresses[i].path);
	CHECK_STR(p->query, addresses[i].query);
	CHECK_STR(p->dialect->name, "azure");
	CHECK_STR(p->vendor->name, "azure");
	weir_buf_fini(&path);
	config_done(&try);
}

TEST(the_version_says_where_azure_is_asked)
{
	for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++)
		check_address(i);
}

TEST(what_azure_is_not_asked_for_is_refused)
{
	static const char *const rows[][2] = {
		{ "a: { dialect: azure, base_url: "
		  "'https://r.openai.azure.com/openai/deployments/m' }",
		  "error[bad-url] providers.a.base_url: names a deployment" },
		{ "a: { dialect: azure, base_url: 'https://a.b', api_version: 'x&y=z' }",
		  "error[bad-value] providers.a.api_version: " },
		{ "a: { dialect: azure, base_url: 'https://a.b', api_version: '' }",
		  "error[empty-value] providers.a.api_version: " },
		{ "a: { dialect: openai, base_url: 'https://a.b', api_version: 2024-10-21 }",
		  "error[misplaced-key] providers.a.api_version: " },
		{ "azure: { keys: [ \"${OPENAI_API_KEY}\" ] }",
		  "`base_url: https://RESOURCE.openai.azure.com/openai/v1`" },
	};
	struct config_try try;
	char text[512];

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text,
			 "providers: { %s }\nchains: { c: { steps: [ openai/m ] } }", rows[i][0]);
		config_parse(&try, text);
		CHECK_INT(try.rc, WEIR_ECONFIG);
		CHECK(strstr(try.text.base, rows[i][1]));
		if (!strstr(try.text.base, rows[i][1]))
			NOTE("%s", try.text.base);
		config_done(&try);
	}
}

TEST(azure_is_found_by_its_variables)
{
	static const char *const env[] = { "AZURE_OPENAI_ENDPOINT=https://r.openai.azure.com/",
					   "AZURE_OPENAI_API_KEY=azure-0123456789", NULL };
	static const char *const nowhere[] = { env[1], NULL };
	static const char named[] =
		"providers: { azure: { base_url: https://r.openai.azure.com } }\n"
		"chains: { c: { steps: [ azure/m ] } }";
	static const char elsewhere[] =
		"providers: { azure: { base_url: https://elsewhere.example.com } }\n"
		"chains: { c: { steps: [ azure/m ] } }";
	struct config_try try;

	config_parse_with(&try, WEIR_SLICE("chains: { c: { steps: [ azure/m ] } }"), "weir.yaml",
			  env);
	REQUIRE(try.rc == 0);
	CHECK_STR(try.config->providers[0]->host, "r.openai.azure.com");
	CHECK_INT(try.config->providers[0]->keys_n, 1);
	config_done(&try);
	config_parse_with(&try, WEIR_SLICE("chains: { c: { steps: [ azure/m ] } }"), "weir.yaml",
			  nowhere);
	CHECK_INT(try.rc, WEIR_ECONFIG);
	config_done(&try);
	config_parse_with(&try, WEIR_SLICE(named), "weir.yaml", nowhere);
	REQUIRE(try.rc == 0);
	CHECK_INT(try.config->providers[0]->keys_n, 1);
	config_done(&try);
	/* the key goes to the vendor's own hosts only */
	config_parse_with(&try, WEIR_SLICE(elsewhere), "weir.yaml", nowhere);
	REQUIRE(try.rc == 0);
	CHECK_INT(try.config->providers[0]->keys_n, 0);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

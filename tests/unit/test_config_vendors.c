/* What needs not be configured of well-known providers. */
#include "config_help.h"

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

TEST_MAIN

/* Zero-config: the environment is all there is. */
#include "config_help.h"

static void zero(struct config_try *try, const char *const *env)
{
	weir_findings_init(&try->findings, "weir");
	try->rc = weir_config_zero(&try->config, config_getenv, (void *)env, &try->findings);
	config_print(try);
}

static const char *const two[] = { "OPENAI_API_KEY=sk-openai-0123456789",
				   "GROQ_API_KEY=gsk-groq-0123456789", "MISTRAL_API_KEY=", NULL };

TEST(providers_come_from_the_environment)
{
	struct config_try try;
	const struct weir_config *c;

	zero(&try, two);
	REQUIRE(try.rc == 0);
	c = try.config;
	CHECK_STR(try.text.base, "");
	CHECK(c->zero);
	CHECK_INT(c->chains_n, 0);
	CHECK_INT(c->providers_n, 2);
	CHECK_STR(c->providers[0]->name, "openai");
	CHECK_STR(c->providers[0]->keys[0].text, "sk-openai-0123456789");
	CHECK_STR(c->providers[1]->host, "api.groq.com");
	CHECK_STR(c->providers[1]->base_path, "/openai/v1");
	CHECK(c->providers[1]->public_vendor);
	CHECK_STR(c->listen[0], "127.0.0.1:4000");
	CHECK_STR(c->admin, "127.0.0.1:4001");
	CHECK_INT(c->defaults->deadline_ms, 120000);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(models_resolve_to_their_vendor)
{
	static const struct {
		const char *model, *id; /* NULL: unknown */
	} rows[] = {
		{ "gpt-4o", "openai/gpt-4o" },
		{ "openai/gpt-4o", "openai/gpt-4o" },
		{ "o3-mini", "openai/o3-mini" },
		{ "groq/llama-3.1-8b-instant", "groq/llama-3.1-8b-instant" },
		{ "groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-120b" },
		{ "mistral-small-latest", NULL }, /* its key is not set */
		{ "mistral/mistral-small", NULL },
		{ "claude-3-5-sonnet-latest", NULL }, /* no key of its vendor */
		{ "llama3", NULL },
		{ "", NULL },
		{ "/", NULL },
		{ "openai/", NULL },
		{ "/gpt-4o", NULL },
		{ "gpt-4o\n", NULL },
		{ "gpt-\xff", NULL },
		{ "ollama/llama3", NULL },
		{ "openai/../x", NULL },
		{ "openai/gpt-4o/..", NULL },
	};
	struct config_try try;
	struct weir_target *target;

	zero(&try, two);
	REQUIRE(try.rc == 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		target = weir_config_zero_target(try.config, weir_slice_of(rows[i].model));
		CHECK_STR(target ? target->id : NULL, rows[i].id);
		CHECK(!target ||
		      target == weir_config_target(try.config, weir_slice_of(target->id)));
	}
	CHECK_INT(try.config->targets_n, 4);
	target = weir_config_zero_target(try.config, WEIR_SLICE("gpt-4o"));
	CHECK(target == try.config->targets[0] && target->index == 0);
	CHECK_STR(target->model, "gpt-4o");
	config_done(&try);
}

TEST(targets_made_on_demand_are_bounded)
{
	struct weir_target *first;
	struct config_try try;
	char name[32];

	zero(&try, two);
	REQUIRE(try.rc == 0);
	first = weir_config_zero_target(try.config, WEIR_SLICE("gpt-0"));
	for (int i = 0; i < WEIR_CHAINS_MAX + 5; i++) {
		snprintf(name, sizeof name, "gpt-%d", i);
		CHECK(!weir_config_zero_target(try.config, weir_slice_of(name)) ==
		      (i >= WEIR_CHAINS_MAX));
	}
	CHECK_INT(try.config->targets_n, WEIR_CHAINS_MAX);
	CHECK(weir_config_zero_target(try.config, WEIR_SLICE("gpt-0")) == first);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(a_configured_weir_makes_no_targets)
{
	struct config_try try;

	config_parse(&try, "chains: { m: { steps: [ openai/m ] } }");
	REQUIRE(try.rc == 0);
	CHECK(!weir_config_zero_target(try.config, WEIR_SLICE("gpt-4o")));
	config_done(&try);
}

TEST(without_a_key_it_says_what_to_do)
{
	static const char *const none[] = { "GITHUB_TOKEN=ghp-not-for-models", "HOME=/", NULL };
	static const char *const rows[] = { "OPENAI_API_KEY", "TOGETHER_API_KEY", "weir.yaml",
					    "`weir demo`" };
	struct config_try try;

	zero(&try, none);
	CHECK_INT(try.rc, WEIR_ECONFIG);
	CHECK(!try.config);
	CHECK_INT(try.findings.n, 1);
	CHECK(strncmp(try.text.base, "weir: error[no-provider] environment: ", 38) == 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK(strstr(try.text.base, rows[i]));
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(a_gemini_key_alone_is_enough)
{
	static const char *const env[] = { "GEMINI_API_KEY=AIza-0123456789", NULL };
	const struct weir_target *target;
	struct config_try try;

	zero(&try, env);
	REQUIRE(try.rc == 0);
	target = weir_config_zero_target(try.config, WEIR_SLICE("gemini-2.5-flash"));
	REQUIRE(target != NULL);
	CHECK_STR(target->id, "gemini/gemini-2.5-flash");
	CHECK_STR(target->provider->dialect->name, "gemini");
	config_done(&try);
}

TEST(an_anthropic_key_alone_is_enough)
{
	static const char *const env[] = { "ANTHROPIC_API_KEY=sk-ant-0123456789", NULL };
	const struct weir_target *target;
	struct config_try try;

	zero(&try, env);
	CHECK_INT(try.rc, 0);
	CHECK_STR(try.text.base, "");
	REQUIRE(try.config);
	target = weir_config_zero_target(try.config, WEIR_SLICE("claude-sonnet-4-5"));
	REQUIRE(target);
	CHECK_STR(target->provider->dialect->name, "anthropic");
	CHECK_STR(target->provider->host, "api.anthropic.com");
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(a_key_that_cannot_be_sent_is_named_and_not_shown)
{
	static const char *const env[] = { "OPENAI_API_KEY=hidden secret\n", NULL };
	struct config_try try;

	zero(&try, env);
	CHECK_INT(try.rc, WEIR_ECONFIG);
	CHECK(strncmp(try.text.base, "weir: error[bad-key] OPENAI_API_KEY: ", 37) == 0);
	CHECK(!strstr(try.text.base, "hidden"));
	config_done(&try);
}

TEST_MAIN

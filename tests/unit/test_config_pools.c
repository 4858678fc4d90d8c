/* Pools, what is shared between targets, and what is known of their models. */
#include "config_help.h"

static void load(struct config_try *try, const char *name)
{
	char path[PATH_MAX];
	size_t len;
	char *text;

	config_path(path, sizeof path, name);
	text = config_slurp(path, &len);
	config_parse_with(try, weir_slice(text, len), path, config_usual);
	free(text);
}

TEST(a_pool_has_its_targets)
{
	struct config_try try;
	const struct weir_chain *chain;
	const struct weir_step *step;

	load(&try, "good-full.yaml");
	REQUIRE(try.rc == 0);
	chain = weir_config_chain(try.config, WEIR_SLICE("pools"));
	REQUIRE(chain && chain->steps_n == 2);
	step = &chain->steps[0];
	REQUIRE(step->targets_n == 3);
	CHECK_INT(step->balance, WEIR_BALANCE_LATENCY);
	CHECK_INT(step->retries, 2);
	CHECK(step->retries_set);
	CHECK_STR(step->targets[0].target->id, "east/m");
	CHECK_STR(step->targets[1].target->id, "v6/m");
	CHECK_STR(step->targets[2].target->id, "west/m");
	CHECK_INT(step->targets[0].weight, 1);
	CHECK_INT(step->targets[1].weight, 3);
	CHECK_INT(step->targets[2].weight, 0);
	step = &chain->steps[1];
	REQUIRE(step->targets_n == 2);
	CHECK_INT(step->balance, WEIR_BALANCE_COST);
	CHECK_INT(step->retries, 0);
	CHECK(!step->retries_set);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

/* defaults 11 s, step 3 s, one target 4 s. */
TEST(the_nearest_timer_wins_inside_a_pool)
{
	struct config_try try;
	const struct weir_chain *chain;
	const struct weir_step *step;

	load(&try, "good-full.yaml");
	REQUIRE(try.rc == 0);
	chain = weir_config_chain(try.config, WEIR_SLICE("pools"));
	REQUIRE(chain && chain->steps_n == 2 && chain->steps[0].targets_n == 3);
	step = &chain->steps[0];
	CHECK_INT(chain->timers.first_token_timeout_ms, 11000);
	CHECK_INT(step->timers.first_token_timeout_ms, 3000);
	CHECK_INT(step->targets[0].timers.first_token_timeout_ms, 3000);
	CHECK_INT(step->targets[1].timers.first_token_timeout_ms, 4000);
	CHECK_INT(step->targets[2].timers.first_token_timeout_ms, 3000);
	CHECK_INT(step->targets[1].timers.connect_timeout_ms, 1000);
	CHECK_INT(chain->steps[1].targets[1].timers.stall_timeout_ms, 2000);
	config_done(&try);
}

TEST(a_member_has_its_own_limits)
{
	struct config_try try;
	const struct weir_target *target;

	load(&try, "good-full.yaml");
	REQUIRE(try.rc == 0);
	target = weir_config_target(try.config, WEIR_SLICE("v6/m"));
	REQUIRE(target);
	CHECK_INT(target->max_inflight, 5);
	CHECK_INT(target->rpm, 60);
	CHECK_INT(target->tpm, 7000);
	CHECK_INT(target->provider->rpm, 0);
	target = weir_config_target(try.config, WEIR_SLICE("west/m"));
	REQUIRE(target);
	CHECK(target->max_inflight == 0 && target->rpm == 0 && target->tpm == 0);
	config_done(&try);
}

/* What one step says holds wherever the target stands. */
TEST(limits_of_a_target_need_not_be_repeated)
{
	struct config_try try;

	config_parse(&try, "chains:\n  a: { steps: [ { target: ollama/m, rpm: 9 } ] }\n"
			   "  b: { steps: [ ollama/m ] }\n"
			   "  c: { steps: [ { targets: [ ollama/n, { target: ollama/m, rpm: 9, "
			   "tpm: 5 } ] } ] }\n");
	REQUIRE(try.rc == 0);
	CHECK_INT(try.config->targets_n, 2);
	CHECK_INT(try.config->targets[0]->rpm, 9);
	CHECK_INT(try.config->targets[0]->tpm, 5);
	config_done(&try);
}

static void check_chain(const struct weir_chain *chain, bool on)
{
	REQUIRE(chain);
	CHECK_INT(chain->midstream_continue, on);
	CHECK_INT(chain->hedge, on);
	CHECK_INT(chain->early_keepalive_ms, on ? 10000 : 0);
	CHECK_INT(chain->drift_percent, on ? 300 : 0);
	CHECK_INT(chain->affinity, on ? WEIR_AFFINITY_HEADER : WEIR_AFFINITY_USER);
}

TEST(chains_overrule_the_defaults)
{
	struct config_try try;

	load(&try, "good-full.yaml");
	REQUIRE(try.rc == 0);
	check_chain(weir_config_chain(try.config, WEIR_SLICE("plain")), true);
	check_chain(weir_config_chain(try.config, WEIR_SLICE("pools")), false);
	check_chain(try.config->defaults, true);
	config_done(&try);
}

TEST(affinity_headers_are_kept_once)
{
	struct config_try try;
	const struct weir_config *c;

	config_parse(&try, "defaults: { affinity: header:X-B }\n"
			   "chains:\n  a: { affinity: header:X-A, steps: [ ollama/m ] }\n"
			   "  b: { affinity: header:x-a, steps: [ ollama/m ] }\n"
			   "  c: { steps: [ ollama/m ] }\n"
			   "  d: { affinity: off, steps: [ ollama/m ] }\n");
	REQUIRE(try.rc == 0);
	c = try.config;
	REQUIRE(c->affinity_headers_n == 2);
	CHECK_STR(c->affinity_headers[0], "x-b");
	CHECK_STR(c->affinity_headers[1], "x-a");
	CHECK_INT(c->chains[0]->affinity_header, 1);
	CHECK_INT(c->chains[1]->affinity_header, 1);
	CHECK_INT(c->chains[2]->affinity_header, 0);
	CHECK_INT(c->chains[2]->affinity, WEIR_AFFINITY_HEADER);
	CHECK_INT(c->chains[3]->affinity, WEIR_AFFINITY_NONE);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

/* A provider's name may be the name of a group, too: then it is in it. */
TEST(groups_share_their_fate_by_name)
{
	static const char text[] =
		"providers:\n"
		"  a: { dialect: openai, base_url: 'http://10.0.0.1', groups: [ r, b, r ] }\n"
		"  b: { dialect: openai, base_url: 'http://10.0.0.2', groups: [ r, b ] }\n"
		"  c: { dialect: openai, base_url: 'http://10.0.0.3', groups: [ alone ] }\n"
		"  d: { dialect: openai, base_url: 'http://10.0.0.4', groups: }\n"
		"chains: { m: { steps: [ a/m, ollama/m ] } }\n";
	static const struct {
		const char *provider, *groups[WEIR_GROUPS_MAX];
	} rows[] = {
		{ "a", { "a", "r", "b" } }, { "b", { "b", "r" } },      { "c", { "c", "alone" } },
		{ "d", { "d" } },           { "ollama", { "ollama" } },
	};
	struct config_try try;

	config_parse(&try, text);
	CHECK_STR(try.text.base, "");
	REQUIRE(try.rc == 0 && try.config->providers_n == 5);
	CHECK_INT(try.config->groups_n, 7);
	for (size_t i = 0; i < 5; i++) {
		const struct weir_provider *p = try.config->providers[i];
		unsigned n = 0;

		CHECK_STR(p->name, rows[i].provider);
		for (; n < WEIR_GROUPS_MAX && rows[i].groups[n]; n++)
			CHECK_STR(n < p->groups_n ? try.config->groups[p->groups[n]] : NULL,
				  rows[i].groups[n]);
		CHECK_INT(p->groups_n, n);
	}
	config_done(&try);
}

static const struct weir_model_facts *facts_of(const struct config_try *try, const char *id)
{
	static const struct weir_model_facts none;
	const struct weir_target *target = weir_config_target(try->config, weir_slice_of(id));

	CHECK(target);
	return target ? &target->facts : &none;
}

TEST(what_is_said_of_a_model_lies_over_what_is_known)
{
	static const char text[] = "models:\n"
				   "  gpt-4o: { context: 9, images: off }\n"
				   "  GPT-4o-2024-08-06: { output: 8 }\n"
				   "  openai/gpt-4o: { context: 7, prefill: on, output_price: 9 }\n"
				   "  gpt-4o-mini: { input_price: 0.1 }\n"
				   "  meta-llama/llama-3.3-70b: { input_price: 0.000000001, "
				   "output_price: 3, cached_price: 0.5, thinks: on }\n"
				   "chains: { m: { max_attempts: 9, steps: [ openai/gpt-4o, "
				   "openai/gpt-4o-2024-08-06,\n"
				   "  ollama/openai/gpt-4o, ollama/meta-llama/Llama-3.3-70B, "
				   "openai/gpt-4o-mini ] } }\n";
	struct config_try try;
	const struct weir_model_facts *f;

	config_parse(&try, text);
	REQUIRE(try.rc == 0);
	f = facts_of(&try, "openai/gpt-4o");
	CHECK_INT(f->context_tokens, 7);
	CHECK_INT(f->output_tokens, 16384);
	CHECK_INT(f->price_in, 2500000000);
	CHECK_INT(f->price_out, 9000000000);
	CHECK_INT(f->price_cached, 1250000000);
	CHECK_INT(f->prefill, 1);
	CHECK_INT(f->can, WEIR_ABLE_TOOLS | WEIR_ABLE_SCHEMA | WEIR_ABLE_PDF);
	CHECK_INT(f->cannot, WEIR_ABLE_IMAGES | WEIR_ABLE_AUDIO);
	f = facts_of(&try, "openai/gpt-4o-2024-08-06");
	CHECK_INT(f->context_tokens, 7);
	CHECK_INT(f->output_tokens, 8);
	CHECK_INT(f->prefill, 1);
	f = facts_of(&try, "ollama/openai/gpt-4o"); /* the model's full name is openai/gpt-4o */
	CHECK_INT(f->context_tokens, 7);
	f = facts_of(&try, "ollama/meta-llama/Llama-3.3-70B");
	CHECK_INT(f->context_tokens, 0);
	CHECK_INT(f->price_in, 1);
	CHECK_INT(f->price_out, 3000000000);
	CHECK_INT(f->price_cached, 500000000);
	CHECK(f->thinks);
	CHECK_INT(f->prefill, -1);
	f = facts_of(&try, "openai/gpt-4o-mini");
	CHECK_INT(f->context_tokens, 128000);
	CHECK_INT(f->price_in, 100000000);
	CHECK(f->price_cached == WEIR_PRICE_UNKNOWN); /* it was another price's */
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(facts_of_the_full_example)
{
	struct config_try try;
	const struct weir_model_facts *f;

	load(&try, "good-full.yaml");
	REQUIRE(try.rc == 0);
	f = facts_of(&try, "west/m");
	CHECK_INT(f->context_tokens, 128000);
	CHECK_INT(f->output_tokens, 4096);
	CHECK_INT(f->price_in, 75000000);
	CHECK_INT(f->price_out, 3000000000);
	CHECK_INT(f->prefill, 1);
	CHECK(f->thinks);
	CHECK_INT(f->can, WEIR_ABLE_TOOLS);
	CHECK_INT(f->cannot, WEIR_ABLE_IMAGES | WEIR_ABLE_SCHEMA);
	f = facts_of(&try, "east/m");
	CHECK_INT(f->price_out, 2000000000);
	CHECK(f->prefill == -1 && !f->thinks && !f->can && !f->cannot);
	f = facts_of(&try, "west/n");
	CHECK_INT(weir_model_price(f), 0);
	config_done(&try);
}

static const char *const all_keys[] = { "OPENAI_API_KEY=sk-test-openai-0123456789",
					"ANTHROPIC_API_KEY=sk-test-anthropic-0123456789",
					"MISTRAL_API_KEY=sk-test-mistral-0123456789",
					"DEEPSEEK_API_KEY=sk-test-deepseek-0123456789",
					"GROQ_API_KEY=sk-test-groq-0123456789",
					"XAI_API_KEY=sk-test-xai-0123456789",
					NULL };

static void check_same(const struct weir_model_facts *a, const struct weir_model_facts *b)
{
	CHECK_INT(a->context_tokens, b->context_tokens);
	CHECK_INT(a->output_tokens, b->output_tokens);
	CHECK(a->price_in == b->price_in && a->price_out == b->price_out);
	CHECK(a->price_cached == b->price_cached);
	CHECK_INT(a->can, b->can);
	CHECK_INT(a->cannot, b->cannot);
	CHECK_INT(a->prefill,
		  strcmp(b->prefill_path ? b->prefill_path : "", "/beta") ? b->prefill : 1);
	CHECK_STR(a->prefill_flag, b->prefill_flag);
	CHECK_STR(a->prefill_path, b->prefill_path);
	CHECK_INT(a->thinks, b->thinks);
	CHECK_INT(a->thinks_long, b->thinks_long);
	CHECK_INT(a->no_thinking_with_tools, b->no_thinking_with_tools);
	CHECK_INT(a->thinking_budget, b->thinking_budget);
	CHECK_INT(a->efforts, b->efforts);
	CHECK_STR(a->max_tokens, b->max_tokens);
	CHECK_STR(a->refuses, b->refuses);
	CHECK_STR(a->refuses_thinking, b->refuses_thinking);
	CHECK_STR(a->one_of, b->one_of);
}

TEST(what_may_be_said_of_a_model)
{
	static const char text[] =
		"models:\n"
		"  openai/mine: { like: gpt-5, context: 9, pdf: off, audio: on }\n"
		"  openai/other: { like: groq/gpt-oss-120b }\n"
		"  \"ours-*\": { thinks: asked, thinks_long: on, thinks_with_tools: off, effort: [ "
		"low, max ],\n"
		"    max_tokens: max_tokens, refuses: [ temperature, 'messages[].name' ],\n"
		"    refuses_thinking: top_p, one_of: [ a, b ], prefill: unknown,\n"
		"    prefill_flag: prefix, thinking_budget: on }\n"
		"chains: { m: { steps: [ openai/mine, openai/other, openai/ours-1 ] } }\n";
	struct config_try try;
	const struct weir_model_facts *f;

	config_parse(&try, text);
	REQUIRE(try.rc == 0);
	f = facts_of(&try, "openai/mine");
	CHECK_INT(f->context_tokens, 9);
	CHECK_INT(f->output_tokens, 128000);
	CHECK_STR(f->max_tokens, "max_completion_tokens");
	CHECK_INT(f->cannot, WEIR_ABLE_PDF);
	CHECK(f->can & WEIR_ABLE_AUDIO);
	f = facts_of(&try, "openai/other");
	CHECK_INT(f->price_in, 150000000);
	f = facts_of(&try, "openai/ours-1");
	CHECK_INT(f->thinks, WEIR_THINKS_ASKED);
	CHECK(f->thinks_long && f->no_thinking_with_tools && f->thinking_budget);
	CHECK_INT(f->efforts, 1u << WEIR_EFFORT_LOW | 1u << WEIR_EFFORT_MAX);
	CHECK_STR(f->max_tokens, "max_tokens");
	CHECK_STR(f->refuses, "temperature,messages[].name");
	CHECK_STR(f->refuses_thinking, "top_p");
	CHECK_STR(f->one_of, "a,b");
	CHECK_INT(f->prefill, -1);
	CHECK_STR(f->prefill_flag, "prefix");
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(what_cannot_be_said_of_a_model)
{
	static const char *const rows[][2] = {
		{ "like: gpt-2000", "error[unknown-model] models.m.like" },
		{ "like: []", "error[wrong-type] models.m.like" },
		{ "thinks: maybe", "error[bad-value] models.m.thinks" },
		{ "effort: [ low, much ]", "error[bad-value] models.m.effort[1]" },
		{ "effort: { low: on }", "error[wrong-type] models.m.effort" },
		{ "refuses: [ 'a b' ]", "error[bad-value] models.m.refuses[0]" },
		{ "refuses: { a: b }", "error[wrong-type] models.m.refuses" },
		{ "max_tokens: ''", "models.m.max_tokens" },
		{ "prefill_path: a?b", "error[bad-value] models.m.prefill_path" },
		{ "refused: [ a ]", "error[unknown-key] models.m.refused" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config_try try;
		char text[256];

		snprintf(text, sizeof text,
			 "models: { m: { %s } }\nchains: { c: { steps: [ openai/m ] } }\n",
			 rows[i][0]);
		config_parse(&try, text);
		CHECK_INT(try.rc, WEIR_ECONFIG);
		if (!test_check(strstr(try.text.base, rows[i][1]) != NULL, __FILE__, __LINE__,
				rows[i][1]))
			NOTE("%s", try.text.base);
		config_done(&try);
	}
	CHECK_INT(weir_alloc_live(), 0);
}

/* By its address, whatever it is called; by its name, where that has no address of its own. */
TEST(a_provider_is_known_by_its_address)
{
	static const char text[] =
		"providers:\n"
		"  fast: { dialect: openai, base_url: 'https://API.groq.com/openai/v1' }\n"
		"  groq: { dialect: openai, base_url: 'https://other.example.com/v1' }\n"
		"  beta: { dialect: openai, base_url: 'https://api.deepseek.com/beta' }\n"
		"  cloudflare: { base_url: 'https://api.cloudflare.com/client/v4/accounts/1/ai/v1' "
		"}\n"
		"chains: { m: { max_attempts: 9, steps: [ fast/llama-3.1-8b-instant, "
		"groq/llama-3.1-8b-"
		"instant, beta/deepseek-chat, cloudflare/x ] } }\n";
	struct config_try try;
	const struct weir_config *c;

	config_parse(&try, text);
	REQUIRE(try.rc == 0 && try.config->providers_n == 4);
	c = try.config;
	REQUIRE(c->providers[0]->vendor && c->providers[2]->vendor && c->providers[3]->vendor);
	CHECK_STR(c->providers[0]->vendor->name, "groq");
	CHECK(!c->providers[1]->vendor);
	CHECK_STR(c->providers[2]->vendor->name, "deepseek");
	CHECK_STR(c->providers[3]->vendor->name, "cloudflare");
	CHECK_INT(facts_of(&try, "fast/llama-3.1-8b-instant")->context_tokens, 128000);
	CHECK_INT(facts_of(&try, "groq/llama-3.1-8b-instant")->context_tokens, 0);
	CHECK_INT(facts_of(&try, "beta/deepseek-chat")->prefill, 1);
	config_done(&try);
}

/* What the build made a table of means the same where a user writes it. */
TEST(a_row_of_the_table_can_be_copied)
{
	static const char *const ids[] = {
		"openai/gpt-4o",
		"openai/o1",
		"openai/o3",
		"openai/o4-mini",
		"openai/gpt-5-chat-latest",
		"openai/gpt-5.2",
		"openai/gpt-5.6",
		"openai/gpt-6-sol",
		"mistral/mistral-small-latest",
		"deepseek/deepseek-reasoner",
		"groq/openai/gpt-oss-120b",
		"xai/grok-4.5",
		"anthropic/claude-sonnet-4-5",
		"anthropic/claude-opus-4-0",
		"anthropic/claude-opus-4-6",
		"anthropic/claude-fable-5",
		"anthropic/claude-3-7-sonnet-20250219",
		"ollama/llama3",
	};
	struct weir_buf text;
	struct config_try try;
	char path[PATH_MAX];
	size_t len;
	char *table;

	config_path(path, sizeof path, "../../../data/models.yaml");
	table = config_slurp(path, &len);
	REQUIRE(table && len);
	weir_buf_init(&text, 1 << 20);
	CHECK_INT(weir_buf_append(&text, table, len), 0);
	free(table);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		CHECK_INT(
			weir_buf_puts(&text, i ? ", " : "\nchains: { m: { steps: [ { targets: [ "),
			0);
		CHECK_INT(weir_buf_puts(&text, ids[i]), 0);
	}
	CHECK_INT(weir_buf_puts(&text, " ] } ] } }\n"), 0);
	config_parse_with(&try, weir_buf_slice(&text), "weir.yaml", all_keys);
	REQUIRE(try.rc == 0);
	for (unsigned i = 0; i < try.config->targets_n; i++) {
		const struct weir_target *target = try.config->targets[i];
		struct weir_model_facts built = weir_model_facts(weir_slice_of(target->model),
								 target->provider->vendor, "/v1");

		NOTE("%s", target->id);
		check_same(&target->facts, &built);
	}
	weir_buf_fini(&text);
	config_done(&try);
}

TEST(zero_config_knows_the_models_too)
{
	struct config_try try;
	const struct weir_target *target;

	weir_findings_init(&try.findings, "weir");
	try.rc = weir_config_zero(&try.config, config_getenv, (void *)config_usual, &try.findings);
	config_print(&try);
	REQUIRE(try.rc == 0);
	target = weir_config_zero_target(try.config, WEIR_SLICE("gpt-4o-2024-11-20"));
	REQUIRE(target);
	CHECK_INT(target->facts.context_tokens, 128000);
	CHECK_INT(try.config->groups_n, 1);
	CHECK_INT(try.config->providers[0]->groups_n, 1);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Servers without keys want any text: that is no secret. */
TEST(dummy_keys_may_stand_in_the_file)
{
	static const char *const dummies[] = { "none", "sk-no-key-required",
					       "a-dummy-for-the-server",
					       "not-needed-by-this-server", "123456789012345" };
	static const char *const secrets[] = { "1234567890123456", "sk-proj-0123456789abcdef" };
	struct config_try try;
	char text[256];

	for (size_t i = 0; i < 7; i++) {
		snprintf(text, sizeof text,
			 "providers: { ollama: { keys: [ %s ] } }\n"
			 "chains: { m: { steps: [ ollama/m ] } }\n",
			 i < 5 ? dummies[i] : secrets[i - 5]);
		config_parse(&try, text);
		CHECK_INT(try.rc, 0);
		CHECK_STR(try.findings.n ? try.findings.list[0].rule : "",
			  i < 5 ? "" : "literal-key");
		config_done(&try);
	}
	config_parse(&try, "access: { keys: [ { name: a, key: a-dummy-for-callers } ] }\n"
			   "chains: { m: { steps: [ ollama/m ] } }\n");
	CHECK_STR(try.findings.n ? try.findings.list[0].rule : "", "literal-key");
	config_done(&try);
}

TEST_MAIN

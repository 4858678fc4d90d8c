/* Good configurations and the values they resolve to. */
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

static void check_timers(struct weir_timers t, uint64_t connect, uint64_t first, uint64_t attempt,
			 uint64_t stall)
{
	CHECK_INT(t.connect_timeout_ms, connect);
	CHECK_INT(t.first_token_timeout_ms, first);
	CHECK_INT(t.attempt_timeout_ms, attempt);
	CHECK_INT(t.stall_timeout_ms, stall);
}

TEST(defaults_are_those_of_the_product)
{
	struct config_try try;
	const struct weir_config *c;
	const struct weir_chain *chain;

	config_parse(&try, "chains: { m: { steps: [ openai/m ] } }");
	REQUIRE(try.rc == 0);
	c = try.config;
	CHECK_INT(c->listen_n, 1);
	CHECK_STR(c->listen[0], "127.0.0.1:4000");
	CHECK_STR(c->admin, "127.0.0.1:4001");
	CHECK_INT(c->workers, 1);
	CHECK_INT(c->body_max, 32 << 20);
	CHECK_INT(c->bodies_max, 512 << 20);
	CHECK_INT(c->connections_per_address, 0);
	CHECK_INT(c->drain_delay_ms, 0);
	CHECK(c->log.least == WEIR_LOG_INFO && c->log.format == WEIR_LOG_AUTO);
	CHECK(!c->log.file && !c->log.attempts);
	CHECK_INT(c->drain_timeout_ms, 600000);
	CHECK(!c->access_open && !c->zero && !c->half_close_serve && !c->ready_needs_chains);
	CHECK(!c->compat_portkey && !c->compat_litellm);
	chain = weir_config_chain(c, WEIR_SLICE("m"));
	REQUIRE(chain);
	check_timers(chain->timers, 3000, 20000, 60000, 30000);
	check_timers(chain->steps[0].timers, 3000, 20000, 60000, 30000);
	check_timers(c->defaults->timers, 3000, 20000, 60000, 30000);
	CHECK_INT(chain->deadline_ms, 120000);
	CHECK_INT(c->defaults->deadline_ms, 120000);
	CHECK_INT(chain->stream_timeout_ms, 600000);
	CHECK_INT(chain->retries, 1);
	CHECK_INT(chain->steps[0].retries, 1);
	CHECK(!chain->steps[0].retries_set);
	CHECK_INT(chain->max_attempts, 4);
	CHECK(!chain->max_attempts_set);
	CHECK_INT(chain->content_policy, WEIR_CHOICE_RETURN);
	CHECK_INT(chain->context_overflow, WEIR_CHOICE_AUTO);
	CHECK_INT(chain->repair, WEIR_REPAIR_FALLBACKS);
	CHECK(!chain->translate_strict);
	CHECK(!chain->midstream_continue && !chain->hedge && chain->early_keepalive_ms == 0);
	CHECK(chain->drift_percent == 0 && chain->affinity == WEIR_AFFINITY_NONE);
	CHECK_INT(chain->steps[0].targets_n, 1);
	CHECK_INT(chain->steps[0].targets[0].weight, 1);
	CHECK_INT(chain->steps[0].balance, WEIR_BALANCE_WEIGHTED);
	config_done(&try);
}

/* No providers section: the vendor's row and its variable. */
TEST(a_well_known_provider_needs_only_its_variable)
{
	struct config_try try;
	const struct weir_provider *p;

	config_parse(&try, "chains: { m: { steps: [ openai/m, ollama/llama3.2 ] } }");
	REQUIRE(try.rc == 0 && try.config->providers_n == 2);
	CHECK_STR(try.text.base, "");
	p = try.config->providers[0];
	CHECK_STR(p->name, "openai");
	CHECK_STR(p->host, "api.openai.com");
	CHECK_STR(p->host_field, "api.openai.com");
	CHECK_STR(p->base_path, "/v1");
	CHECK(p->tls && p->public_vendor && p->port == 443);
	CHECK_INT(p->keys_n, 1);
	CHECK_STR(p->keys[0].text, "sk-test-openai-0123456789");
	p = try.config->providers[1];
	CHECK_STR(p->host, "127.0.0.1");
	CHECK(!p->tls && !p->public_vendor && p->keys_n == 0 && p->index == 1);
	config_done(&try);
}

/* Who changes the address must say which key goes there. */
TEST(the_key_of_a_variable_goes_nowhere_else)
{
	struct config_try try;

	config_parse(&try, "providers: { openai: { base_url: 'https://evil.example.com/v1' } }\n"
			   "chains: { m: { steps: [ openai/m ] } }");
	REQUIRE(try.rc == 0);
	CHECK_INT(try.config->providers[0]->keys_n, 0);
	CHECK(!try.config->providers[0]->public_vendor);
	config_done(&try);
}

TEST(the_example_of_the_manual)
{
	struct config_try try;
	const struct weir_chain *chain;

	load(&try, "good-product.yaml");
	REQUIRE(try.rc == 0);
	CHECK_INT(try.config->access_keys_n, 1);
	CHECK_INT(try.config->callers_n, 1);
	CHECK_STR(try.config->callers[0].name, "app");
	CHECK(!try.config->callers[0].chains && try.config->callers[0].targets);
	CHECK_INT(try.config->providers_n, 4);
	CHECK_STR(try.config->providers[3]->keys[0].text, "none-at-all");
	CHECK_STR(try.config->providers[3]->base_path, "/openai/v1");
	CHECK_INT(try.config->targets_n, 5);
	chain = weir_config_chain(try.config, WEIR_SLICE("gpt-4o"));
	REQUIRE(chain && chain->steps_n == 4);
	CHECK_INT(chain->max_attempts, 4);
	CHECK(chain->max_attempts_set);
	CHECK_INT(chain->timers.attempt_timeout_ms, 20000);
	CHECK_INT(chain->retries, 2);
	REQUIRE(chain->steps[1].targets_n == 2);
	CHECK_INT(chain->steps[1].balance, WEIR_BALANCE_LEAST_INFLIGHT);
	CHECK_STR(chain->steps[1].targets[0].target->id, "azure-east/gpt-4o");
	CHECK_INT(chain->steps[1].targets[0].weight, 3);
	CHECK_STR(chain->steps[1].targets[1].target->id, "azure-west/gpt-4o");
	CHECK_INT(chain->steps[1].targets[1].weight, 1);
	CHECK_INT(chain->steps[1].targets[1].line, 24);
	CHECK_STR(chain->steps[2].targets[0].target->id, "local/meta-llama/Llama-3.3-70B");
	CHECK_STR(chain->steps[2].targets[0].target->model, "meta-llama/Llama-3.3-70B");
	CHECK_INT(chain->line, 16);
	CHECK_INT(chain->steps[0].line, 20);
	CHECK(weir_config_target(try.config, WEIR_SLICE("openai/gpt-4o-mini")) ==
	      chain->steps[3].targets[0].target);
	CHECK(!weir_config_target(try.config, WEIR_SLICE("openai/gpt-5")));
	CHECK(!weir_config_chain(try.config, WEIR_SLICE("gpt-4")));
	config_done(&try);
}

static void check_own_chain(const struct weir_config *c)
{
	const struct weir_chain *chain = weir_config_chain(c, WEIR_SLICE("own"));

	REQUIRE(chain && chain->steps_n == 2);
	check_timers(chain->timers, 2000, 11000, 13000, 12000);
	check_timers(chain->steps[0].timers, 2000, 5000, 13000, 12000);
	check_timers(chain->steps[1].timers, 2000, 11000, 7000, 6000);
	check_timers(chain->steps[1].targets[0].timers, 2000, 11000, 8000, 6000);
	CHECK_INT(chain->steps[1].targets[0].weight, 2);
	CHECK_INT(chain->deadline_ms, 50000);
	CHECK_INT(chain->stream_timeout_ms, 3600000);
	CHECK_INT(chain->max_attempts, 7);
	CHECK_INT(chain->retries, 3);
	CHECK_INT(chain->steps[0].retries, 1);
	CHECK(chain->steps[0].retries_set);
	CHECK_INT(chain->steps[1].retries, 3);
	CHECK(!chain->steps[1].retries_set);
	CHECK_INT(chain->content_policy, WEIR_CHOICE_RETURN);
	CHECK_INT(chain->context_overflow, WEIR_CHOICE_RETURN);
	CHECK_INT(chain->repair, WEIR_REPAIR_OFF);
	CHECK(!chain->translate_strict);
	CHECK_INT(chain->steps[0].targets[0].target->max_inflight, 9);
	CHECK_STR(chain->steps[1].targets[0].target->id, "v6/a,b;c%d e");
	CHECK_STR(chain->steps[1].targets[0].target->trail_id, "v6/a%2Cb%3Bc%25d%20e");
}

TEST(every_key_has_its_effect)
{
	struct config_try try;
	const struct weir_config *c;
	const struct weir_chain *chain;

	load(&try, "good-full.yaml");
	REQUIRE(try.rc == 0);
	c = try.config;
	CHECK_INT(c->listen_n, 4);
	CHECK_STR(c->listen[2], "unix:/run/weir.sock");
	CHECK(!c->admin && c->access_open && c->half_close_serve && c->ready_needs_chains);
	CHECK(c->compat_portkey && c->compat_litellm);
	CHECK_STR(c->admin_key.text, "app-key-0123456789");
	CHECK_INT(c->body_max, 8 << 20);
	CHECK_INT(c->bodies_max, 64 << 20);
	CHECK_INT(c->connections_per_address, 100);
	CHECK_INT(c->drain_delay_ms, 5000);
	CHECK_INT(c->drain_timeout_ms, 90000);
	CHECK(c->any_traceparent);
	CHECK(c->log.least == WEIR_LOG_WARN && c->log.format == WEIR_LOG_TEXT);
	CHECK_STR(c->log.file, "/var/log/weir/weir.log");
	CHECK(weir_slice_has_nocase(weir_slice_of(c->log.attempts), "config/attempts.jsonl"));
	chain = weir_config_chain(c, WEIR_SLICE("plain"));
	REQUIRE(chain && chain->steps_n == 2);
	check_timers(chain->steps[1].timers, 1000, 11000, 13000, 12000);
	CHECK_INT(chain->deadline_ms, 100000);
	CHECK_INT(chain->stream_timeout_ms, 1200000);
	CHECK_INT(chain->retries, 0);
	CHECK_INT(chain->max_attempts, 4);
	CHECK_INT(chain->content_policy, WEIR_CHOICE_NEXT);
	CHECK_INT(chain->context_overflow, WEIR_CHOICE_NEXT);
	CHECK_INT(chain->repair, WEIR_REPAIR_ON);
	CHECK(chain->translate_strict);
	CHECK_INT(c->defaults->deadline_ms, 100000);
	check_own_chain(c);
	CHECK(weir_config_chain(c, weir_slice_of("gpt-4o (fast), für alle")));
	for (unsigned i = 0; i < c->chains_n; i++)
		CHECK_INT(c->chains[i]->index, i);
	for (unsigned i = 0; i < c->targets_n; i++)
		CHECK_INT(c->targets[i]->index, i);
	config_done(&try);
}

TEST(a_provider_with_everything)
{
	struct config_try try;
	const struct weir_provider *p;

	load(&try, "good-full.yaml");
	REQUIRE(try.rc == 0 && try.config->providers_n == 3);
	p = try.config->providers[0];
	CHECK_STR(p->host, "llm.example.com");
	CHECK_STR(p->host_field, "llm.example.com:8443");
	CHECK_STR(p->base_path, "/team/a%20b/v1");
	CHECK(p->tls && p->port == 8443 && !p->public_vendor);
	CHECK_INT(p->keys_n, 2);
	CHECK_INT(p->max_inflight, 100);
	CHECK_INT(p->rpm, 600);
	CHECK_INT(p->tpm, 90000);
	CHECK_INT(p->warm, 2);
	REQUIRE(p->headers_n == 2);
	CHECK_STR(p->headers[0].name, "X-Team");
	CHECK_STR(p->headers[0].value, "search");
	CHECK_STR(p->headers[1].value, "org-1");
	CHECK_STR(p->dialect->name, "openai");
	p = try.config->providers[1];
	CHECK_INT(p->warm, WEIR_WARM_AUTO);
	CHECK_STR(p->host, "fd12::7");
	CHECK_STR(p->host_field, "[fd12::7]:8000");
	CHECK_STR(p->base_path, "");
	CHECK(!p->tls && p->keys_n == 0);
	config_done(&try);
}

static unsigned derived(const char *settings, const char *steps)
{
	char text[512];
	struct config_try try;
	unsigned attempts;

	snprintf(text, sizeof text, "chains: { m: { %s steps: [ %s ] } }", settings, steps);
	config_parse(&try, text);
	attempts = try.rc ? 0 : try.config->chains[0]->max_attempts;
	config_done(&try);
	return attempts;
}

TEST(max_attempts_follows_from_retries_and_steps)
{
	CHECK_INT(derived("", "openai/a"), 4);
	CHECK_INT(derived("retries: 0,", "openai/a, openai/b"), 4);
	CHECK_INT(derived("retries: 2,", "openai/a, openai/b, openai/c"), 5);
	CHECK_INT(derived("retries: 20,", "openai/a"), 8);
	CHECK_INT(derived("", "openai/a, { target: openai/b, retries: 5 }"), 7);
	CHECK_INT(derived("max_attempts: 1,", "openai/a, openai/b"), 1);
	CHECK_INT(derived("max_attempts: 32,", "openai/a"), 32);
}

TEST(an_alias_is_the_same_value_twice)
{
	struct config_try try;
	const struct weir_chain *a, *b;

	load(&try, "good-alias.yaml");
	REQUIRE(try.rc == 0);
	a = weir_config_chain(try.config, WEIR_SLICE("a"));
	b = weir_config_chain(try.config, WEIR_SLICE("b"));
	REQUIRE(a && b && b->steps_n == 2);
	CHECK(a->steps[1].targets[0].target == b->steps[1].targets[0].target);
	CHECK_INT(b->deadline_ms, 10000);
	config_done(&try);
}

TEST(json_is_read_as_it_is)
{
	struct config_try try;

	load(&try, "good-json.yaml");
	REQUIRE(try.rc == 0);
	CHECK_INT(try.config->providers[0]->port, 8000);
	config_done(&try);
}

/* Editors of Windows write it. */
TEST(a_byte_order_mark_is_nothing)
{
	struct config_try try;

	config_parse(&try, "\xef\xbb\xbfproviders: { local: { dialect: openai, base_url: "
			   "'http://127.0.0.1:9/v1' } }\n"
			   "chains: { m: { steps: [ local/m ] } }");
	CHECK(try.rc == 0);
	CHECK_STR(try.text.base, "");
	config_done(&try);
}

TEST(variables_stand_anywhere_in_a_text)
{
	static const char *const env[] = { "HOST=10.0.0.7", "PORT=8000", "EMPTY=", "N=3", NULL };
	static const char text[] =
		"providers:\n"
		"  a: { dialect: \"${D:-openai}\", base_url: \"http://${HOST}:${PORT}/v1\",\n"
		"       headers: { x-a: \"$5 $${x} ${EMPTY:-default} ${EMPTY-}.\" } }\n"
		"chains: { m: { retries: \"${N}\", steps: [ \"a/${MODEL:-m}\" ] } }\n";
	struct config_try try;

	config_parse_with(&try, weir_slice_of(text), "weir.yaml", env);
	CHECK_STR(try.text.base, "");
	REQUIRE(try.rc == 0);
	CHECK_STR(try.config->providers[0]->host_field, "10.0.0.7:8000");
	CHECK_STR(try.config->providers[0]->headers[0].value, "$5 ${x} default .");
	CHECK_INT(try.config->chains[0]->retries, 3);
	CHECK_STR(try.config->chains[0]->steps[0].targets[0].target->id, "a/m");
	config_done(&try);
}

TEST(texts_are_not_guessed_at)
{
	static const char text[] =
		"providers: { \"1e3\": { dialect: openai, base_url: 'http://10.0.0.7' } }\n"
		"chains:\n  no: { steps: [ 1e3/007 ] }\n  1.10: { steps: [ 1e3/yes ] }\n";
	struct config_try try;

	config_parse(&try, text);
	CHECK_STR(try.text.base, "");
	REQUIRE(try.rc == 0);
	CHECK(weir_config_chain(try.config, WEIR_SLICE("no")));
	CHECK(weir_config_chain(try.config, WEIR_SLICE("1.10")));
	CHECK(weir_config_target(try.config, WEIR_SLICE("1e3/007")));
	config_done(&try);
}

TEST(requests_under_way_keep_what_they_began_with)
{
	struct config_try try;
	struct weir_config *kept;

	config_parse(&try, "chains: { m: { steps: [ openai/m ] } }");
	REQUIRE(try.rc == 0);
	kept = try.config;
	weir_config_ref(kept);
	config_done(&try);
	CHECK_STR(kept->chains[0]->name, "m");
	weir_config_unref(kept);
	weir_config_unref(NULL);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(addresses_of_the_command_line_can_be_loops)
{
	static const char *const rows[][2] = {
		{ "127.0.0.1:5000", NULL }, { "127.0.0.1:8000", "b" }, { "[::1]:8000", "a" },
		{ ":8000", "a" },           { "127.0.0.1:0", NULL },   { "unix:/x", NULL },
		{ "nonsense", NULL },
	};
	struct config_try try;

	config_parse(&try, "providers: { a: { dialect: openai, base_url: 'http://[::1]:8000' },\n"
			   "  b: { dialect: openai, base_url: 'http://127.0.0.1:8000' } }\n"
			   "chains: { m: { steps: [ a/m ] } }");
	REQUIRE(try.rc == 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct weir_provider *provider = weir_config_loop(try.config, rows[i][0]);

		CHECK_STR(provider ? provider->name : NULL, rows[i][1]);
	}
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Unless its clock is set anywhere. */
TEST(models_that_think_long_have_longer_clocks)
{
	static const struct {
		const char *defaults, *chain, *step, *target;
		uint64_t first, attempt;
	} rows[] = {
		{ "", "", "", "", 120000, 300000 },
		{ "attempt_timeout: 7s", "", "", "", 120000, 7000 },
		{ "", "first_token_timeout: 7s,", "", "", 7000, 300000 },
		{ "", "", "first_token_timeout: 7s,", "", 7000, 300000 },
		{ "", "", "", ", attempt_timeout: 7s", 120000, 7000 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config_try try;
		char text[512];

		snprintf(text, sizeof text,
			 "defaults: { %s }\nchains: { m: { %s\n steps: [ { %s targets: [ { target: "
			 "openai/o3 %s }, openai/gpt-4o ] } ] } }\n",
			 rows[i].defaults, rows[i].chain, rows[i].step, rows[i].target);
		config_parse(&try, text);
		REQUIRE(try.rc == 0);
		check_timers(try.config->chains[0]->steps[0].targets[0].timers, 3000, rows[i].first,
			     rows[i].attempt, 30000);
		CHECK(try.config->chains[0]->steps[0].targets[1].timers.first_token_timeout_ms <=
		      20000);
		config_done(&try);
	}
}

/* Also where it stands in no chain. */
TEST(alone_they_have_them_too)
{
	struct config_try try;

	config_parse(&try, "chains: { m: { first_token_timeout: 9s, steps: [ openai/o3 ] } }\n");
	REQUIRE(try.rc == 0);
	CHECK_INT(try.config->defaults->long_timers.first_token_timeout_ms, 120000);
	CHECK_INT(try.config->defaults->timers.first_token_timeout_ms, 20000);
	CHECK_INT(try.config->chains[0]->long_timers.first_token_timeout_ms, 9000);
	CHECK_INT(try.config->chains[0]->long_timers.attempt_timeout_ms, 300000);
	config_done(&try);
}

TEST_MAIN

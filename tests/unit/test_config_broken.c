/* Broken configurations, each with the one thing that is said about it. Larger ones with
 * many findings stand in tests/data/config. */
#include "config_help.h"

#define CHAIN          "chains: { m: { steps: [ openai/m ] } }\n"
#define PROVIDER(text) "providers: { p: { dialect: openai, " text " } }\n" CHAIN
#define URL(text)      PROVIDER("base_url: '" text "'")
#define IN_CHAIN(text) "chains: { m: { " text ", steps: [ openai/m ] } }\n"
#define STEP(text)     "chains: { m: { steps: [ " text " ] } }\n"

static const struct {
	const char *text, *want; /* want: the beginning of the only line */
} rows[] = {
	{ "", "weir.yaml:1:1: error[missing-chains] chains: " },
	{ "# nothing\n", "weir.yaml:1:1: error[missing-chains] chains: " },
	{ "---\n", "weir.yaml:1:1: error[missing-chains] chains: " },
	{ "chains:\n", "weir.yaml:1:1: error[missing-chains] chains: " },
	{ "chains: {}\n", "weir.yaml:1:1: error[missing-chains] chains: " },
	{ "text\n", "weir.yaml:1:1: error[wrong-type] .: the configuration is a map of keys, not "
		    "a text; fix: write `chains: …`" },
	{ "- a\n", "weir.yaml:1:1: error[wrong-type] .: the configuration is a map of keys, not a "
		   "list; " },
	{ CHAIN "model_list: {}\n",
	  "weir.yaml:2:1: error[unknown-key] model_list: \"model_list\" is not a key "
	  "of the configuration; fix: write `chains`\n" },
	{ CHAIN "models: [ a ]\n", "weir.yaml:2:9: error[wrong-type] models: models are a map of "
				   "names; fix: write `gpt-4o: { context: 128000 }` below it; " },
	{ CHAIN "steps: []\n", "weir.yaml:2:1: error[misplaced-key] steps: \"steps\" cannot stand "
			       "here; fix: move it to a chain\n" },
	{ CHAIN "zzzzzz: 1\n", "weir.yaml:2:1: error[unknown-key] zzzzzz: \"zzzzzz\" is not a key "
			       "of the configuration; fix: remove it\n" },
	{ "a: &x [ *x ]\n", "weir.yaml:1:9: error[yaml-alias] a[0]: the alias \"x\" stands inside "
			    "the value it repeats; " },
	{ "? [ a ]\n: b\n", "weir.yaml:1:1: error[yaml-syntax] .: a key must be a plain text; " },
	{ "a: !env X\n", "weir.yaml:1:4: error[yaml-tag] a: tags such as \"!env\" are not "
			 "understood; fix: remove the tag\n" },
	{ "a: \"x\\0y\"\n", "weir.yaml:1:4: error[bad-character] " },
	{ "a: x\n"
	  "b: \xff\n",
	  "weir.yaml:2:4: error[bad-character] .: " },
	{ "a: \x01\n", "weir.yaml:1:4: error[bad-character] .: " },
	{ "a: [ b\n", "weir.yaml:2:1: error[yaml-syntax] .: while parsing a flow sequence: " },
	{ "a: b: c\n", "weir.yaml:1:5: error[yaml-syntax] .: mapping values are not allowed in "
		       "this context; " },
	{ "a: 1\n  b: 2\n", "weir.yaml:2:4: error[yaml-syntax] .: " },
	{ "a: @x\n", "weir.yaml:1:4: error[yaml-syntax] .: while scanning for the next token: " },
	{ URL("https://"), "weir.yaml:1:46: error[bad-url] providers.p.base_url: the host " },
	{ URL("https://a..b"), "weir.yaml:1:46: error[bad-url] " },
	{ URL("https://a:0"), "weir.yaml:1:46: error[bad-url] providers.p.base_url: the port " },
	{ URL("https://a:"), "weir.yaml:1:46: error[bad-url] providers.p.base_url: the port " },
	{ URL("https://a:8x"), "weir.yaml:1:46: error[bad-url] providers.p.base_url: the port " },
	{ URL("https://[fe80::1]/"), "weir.yaml:1:46: error[forbidden-address] " },
	{ URL("https://[::1]x"), "weir.yaml:1:46: error[bad-url] providers.p.base_url: the port " },
	{ URL("https://[127.0.0.1]"), "weir.yaml:1:46: error[bad-url] providers.p.base_url: no "
				      "IPv6 address " },
	{ URL("https://127.1/v1"),
	  "weir.yaml:1:46: error[bad-url] providers.p.base_url: the host " },
	{ URL("https://0x7f000001/v1"), "weir.yaml:1:46: error[bad-url] " },
	{ URL("http://metadata.google.internal/"), "weir.yaml:1:46: error[forbidden-address] " },
	{ URL("http://[::ffff:169.254.169.254]"), "weir.yaml:1:46: error[forbidden-address] " },
	{ URL("http://0.0.0.0:4000"), "weir.yaml:1:46: error[loop] " },
	{ URL("http://127.0.0.1:4001"), "weir.yaml:1:46: error[loop] " },
	{ URL("http://[::ffff:127.0.0.1]:4000"), "weir.yaml:1:46: error[loop] " },
	{ "providers: { p: { dialect: smoke-signals, base_url: 'http://10.1.1.1' } }\n" CHAIN,
	  "weir.yaml:1:28: error[unknown-dialect] providers.p.dialect: no dialect named "
	  "\"smoke-signals\"; fix: write one of: openai, anthropic, " },
	{ PROVIDER("base_url: 'http://10.1.1.1', ca_file: /no/such/file"),
	  "weir.yaml:1:74: error[missing-file] providers.p.ca_file: cannot read "
	  "\"/no/such/file\"" },
	{ PROVIDER("base_url: 'http://10.1.1.1', ca_file: /"),
	  "weir.yaml:1:74: error[missing-file] " },
	{ PROVIDER("base_url: 'http://10.1.1.1', keys: { file: /dev/null }"),
	  "weir.yaml:1:79: error[key-file] providers.p.keys.file: \"/dev/null\" is not a file" },
	{ PROVIDER("base_url: 'http://10.1.1.1', keys: { file: / }"),
	  "weir.yaml:1:79: error[key-file] " },
	{ IN_CHAIN("deadline: 1d"), "weir.yaml:1:26: error[bad-duration] chains.m.deadline: " },
	{ IN_CHAIN("deadline: -1s"), "weir.yaml:1:26: error[bad-duration] chains.m.deadline: " },
	{ IN_CHAIN("deadline: 1s30m"), "weir.yaml:1:26: error[bad-duration] chains.m.deadline: " },
	{ IN_CHAIN("deadline: 0.1ms"), "weir.yaml:1:26: error[out-of-range] chains.m.deadline: "
				       "\"0.1ms\" is out of range; fix: write a duration from 1ms "
				       "to 24h\n" },
	{ IN_CHAIN("deadline: 25h"), "weir.yaml:1:26: error[out-of-range] chains.m.deadline: " },
	{ IN_CHAIN("deadline: 99999999999999h"), "weir.yaml:1:26: error[out-of-range] " },
	{ IN_CHAIN("deadline: "), "weir.yaml:1:26: error[empty-value] chains.m.deadline: is empty "
				  "where a duration is wanted; " },
	{ IN_CHAIN("retries: 32"), "weir.yaml:1:25: error[out-of-range] chains.m.retries: \"32\" "
				   "is out of range; fix: write a whole number from 0 to 31\n" },
	{ IN_CHAIN("max_attempts: 0"), "weir.yaml:1:30: error[out-of-range] " },
	{ IN_CHAIN("midstream: perhaps"), "weir.yaml:1:27: error[bad-value] chains.m.midstream: "
					  "\"perhaps\" is not one of the words here; fix: write "
					  "error | continue\n" },
	{ IN_CHAIN("hedge: { after: 2s }"), "weir.yaml:1:23: error[wrong-type] chains.m.hedge: " },
	{ IN_CHAIN("hedge: yes"), "weir.yaml:1:23: error[bad-value] chains.m.hedge: \"yes\" is not "
				  "one of the words here; fix: write off | on\n" },
	{ IN_CHAIN("stream_usage: yes"), "weir.yaml:1:30: error[bad-value] " },
	{ IN_CHAIN("stream_usage: [ off ]"), "weir.yaml:1:30: error[wrong-type] " },
	{ IN_CHAIN("early_keepalive: on"),
	  "weir.yaml:1:33: error[bad-duration] chains.m.early_keepalive: \"on\" is not a duration; "
	  "fix: write off, or a number with its unit, as 250ms, " },
	{ IN_CHAIN("early_keepalive: 10"),
	  "weir.yaml:1:33: error[bad-duration] chains.m.early_keepalive: \"10\" has no unit; fix: "
	  "write 10s\n" },
	{ IN_CHAIN("early_keepalive: 99ms"),
	  "weir.yaml:1:33: error[out-of-range] chains.m.early_keepalive: \"99ms\" is out of range; "
	  "fix: write off, or a duration from 100ms to 1h\n" },
	{ IN_CHAIN("latency_ejection: 300"),
	  "weir.yaml:1:34: error[bad-number] chains.m.latency_ejection: \"300\" has no unit; fix: "
	  "write 300%\n" },
	{ IN_CHAIN("latency_ejection: slow"),
	  "weir.yaml:1:34: error[bad-number] chains.m.latency_ejection: \"slow\" is not a "
	  "percentage; fix: write off, or a number with its sign, as 300%\n" },
	{ IN_CHAIN("latency_ejection: 149%"),
	  "weir.yaml:1:34: error[out-of-range] chains.m.latency_ejection: \"149%\" is out of "
	  "range; "
	  "fix: write off, or a percentage from 150% to 10000%\n" },
	{ IN_CHAIN("latency_ejection: 10001%"), "weir.yaml:1:34: error[out-of-range] " },
	{ IN_CHAIN("affinity: session"),
	  "weir.yaml:1:26: error[bad-value] chains.m.affinity: \"session\" is not one of the words "
	  "here; fix: write off | user | header:NAME, " },
	{ IN_CHAIN("affinity: 'header:'"), "weir.yaml:1:26: error[bad-value] " },
	{ IN_CHAIN("affinity: 'header:a b'"), "weir.yaml:1:26: error[bad-value] " },
	{ IN_CHAIN("affinity: header:AUTHORIZATION"),
	  "weir.yaml:1:26: error[forbidden-header] chains.m.affinity: this field holds a "
	  "secret; " },
	{ IN_CHAIN("affinity: header:x-api-key"), "weir.yaml:1:26: error[forbidden-header] " },
	{ IN_CHAIN("affinity: header:Cookie"), "weir.yaml:1:26: error[forbidden-header] " },
	{ IN_CHAIN("affinity: [ user ]"), "weir.yaml:1:26: error[wrong-type] " },
	{ IN_CHAIN("rpm: 5"), "weir.yaml:1:16: error[misplaced-key] chains.m.rpm: \"rpm\" cannot "
			      "stand here; fix: move it to a target or a provider\n" },
	{ IN_CHAIN("requests_per_minute: 5"), "weir.yaml:1:16: error[unknown-key] " },
	{ IN_CHAIN("wieght: 1"), "weir.yaml:1:16: error[unknown-key] " },
	{ IN_CHAIN("weight: 1"), "weir.yaml:1:16: error[misplaced-key] chains.m.weight: \"weight\" "
				 "cannot stand here; fix: move it to a target\n" },
	{ STEP("openai"), "weir.yaml:1:25: error[bad-target] chains.m.steps[0]: \"openai\" is not "
			  "PROVIDER/MODEL; " },
	{ STEP("claude-3-5-sonnet-latest"), "weir.yaml:1:25: error[bad-target] chains.m.steps[0]: "
					    "\"claude-3-5-sonnet-latest\" names no provider; fix: "
					    "write `anthropic/claude-3-5-sonnet-latest`, as " },
	{ STEP("gemini/gemini-2.5-pro"),
	  "weir.yaml:1:25: error[missing-credential] chains.m.steps[0]: gemini has no key: " },
	{ STEP("azure/gpt-4o"), "weir.yaml:1:25: error[unknown-provider] " },
	{ STEP("cloudflare/x"), "weir.yaml:1:25: error[unknown-provider] chains.m.steps[0]: "
				"cloudflare has no address of its own for everybody; " },
	{ STEP("OpenAI/x"),
	  "weir.yaml:1:25: error[unknown-provider] chains.m.steps[0]: no provider "
	  "named \"OpenAI\"; fix: write `openai/…`" },
	{ STEP("\"openai/a\\nb\""), "weir.yaml:1:25: error[bad-target] " },
	{ STEP("{ target: openai/m, max_inflight: 2 }, { target: openai/m, max_inflight: 3 }"),
	  "weir.yaml:1:98: error[conflict] chains.m.steps[1].max_inflight: another step says "
	  "max_inflight 2 of the same target; " },
	{ STEP("{ targets: [ openai/m, { target: openai/m, weight: 2 } ] }"),
	  "weir.yaml:1:48: error[duplicate-target] chains.m.steps[0].targets[1]: " },
	{ STEP("{ targets: [ { target: openai/m, weight: 0 } ] }"),
	  "weir.yaml:1:36: error[bad-value] chains.m.steps[0].targets: every target of this step "
	  "has weight 0, " },
	{ STEP("{ targets: [ openai/m ], balance: fair }"),
	  "weir.yaml:1:59: error[bad-value] chains.m.steps[0].balance: " },
	{ STEP("{ targets: null }"), "weir.yaml:1:36: error[missing-steps] " },
	{ "access: { keys: a }\n" CHAIN, "weir.yaml:1:17: error[wrong-type] access.keys: " },
	{ "listen: []\n" CHAIN, "weir.yaml:1:9: error[empty-value] listen: an empty list " },
	{ "workers: many\n" CHAIN, "weir.yaml:1:10: error[bad-number] workers: " },
	{ "workers: 65\n" CHAIN, "weir.yaml:1:10: error[out-of-range] workers: " },
	{ "workers: 0\n" CHAIN, "weir.yaml:1:10: error[out-of-range] workers: " },
	{ "max_body: 2GiB\n" CHAIN, "weir.yaml:1:11: error[out-of-range] max_body: \"2GiB\" is out "
				    "of range; fix: write a size from 1KiB to 1GiB\n" },
	{ PROVIDER("base_url: 'http://10.1.1.1', http2: maybe"),
	  "weir.yaml:1:72: error[bad-value] providers.p.http2: " },
	{ PROVIDER("base_url: 'http://10.1.1.1', traceparent: maybe"),
	  "weir.yaml:1:78: error[bad-value] providers.p.traceparent: " },
	{ "log: loud\n" CHAIN, "weir.yaml:1:6: error[wrong-type] log: " },
	{ "log: { level: loud }\n" CHAIN, "weir.yaml:1:15: error[bad-value] log.level: " },
	{ "log: { levle: info }\n" CHAIN, "weir.yaml:1:8: error[unknown-key] log.levle: "
					  "\"levle\" is not a key of log; fix: write `level`\n" },
	{ "log: { format: xml }\n" CHAIN, "weir.yaml:1:16: error[bad-value] log.format: " },
	{ "log: { file: [] }\n" CHAIN, "weir.yaml:1:14: error[wrong-type] log.file: " },
	{ "log: { file: a, attempts: a }\n" CHAIN,
	  "weir.yaml:1:27: error[bad-value] log.attempts: is the file of the log itself; fix: " },
	{ "drain_delay: 2h\n" CHAIN, "weir.yaml:1:14: error[out-of-range] drain_delay: " },
	{ "listen: \":4000\"\naccess: { keys: [] }\n" CHAIN, "weir.yaml:1:9: error[open-access] " },
	{ "listen: \"[::]:4000\"\naccess:\n" CHAIN, "weir.yaml:1:9: error[open-access] " },
	{ "admin: \"[::1]\"\n" CHAIN,
	  "weir.yaml:1:8: error[bad-address] admin: \"[::1]\" is not an "
	  "address to listen on; " },
	{ "listen: 127.0.0.1:4001\n" CHAIN, "weir.yaml:1:1: error[duplicate-listen] .: " },
	{ "otel: {}\n" CHAIN, "weir.yaml:1:1: error[unknown-key] otel: " },
};

static void check_row(size_t i)
{
	struct config_try try;

	config_parse(&try, rows[i].text);
	CHECK_INT(try.rc, WEIR_ECONFIG);
	CHECK_INT(try.findings.n, 1);
	if (!test_check(strncmp(try.text.base, rows[i].want, strlen(rows[i].want)) == 0, __FILE__,
			__LINE__, "finding"))
		NOTE("row %zu\n# is       %s# expected %s", i, try.text.base, rows[i].want);
	config_done(&try);
}

TEST(one_mistake_gives_one_finding)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_row(i);
	CHECK_INT(weir_alloc_live(), 0);
}

static const char *rule_of(struct config_try *try)
{
	return try->findings.n ? try->findings.list[0].rule : "";
}

static void repeat(struct weir_buf *out, const char *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		CHECK_INT(weir_buf_puts(out, text), 0);
}

TEST(depth_is_bounded)
{
	struct config_try try;
	struct weir_buf text;

	weir_buf_init(&text, 1 << 20);
	repeat(&text, "[", 200000);
	config_parse_with(&try, weir_buf_slice(&text), "deep", config_usual);
	CHECK_STR(rule_of(&try), "too-deep");
	config_done(&try);
	weir_buf_clear(&text);
	repeat(&text, "{a: ", 33);
	config_parse_with(&try, weir_buf_slice(&text), "deep", config_usual);
	CHECK_STR(rule_of(&try), "too-deep");
	config_done(&try);
	weir_buf_fini(&text);
}

/* Nine levels of nine aliases each would be 400 million values. */
TEST(aliases_are_counted_in_full)
{
	struct config_try try;
	struct weir_buf text;

	weir_buf_init(&text, 1 << 20);
	CHECK_INT(weir_buf_puts(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"), 0);
	for (int i = 1; i < 9; i++) {
		CHECK_INT(weir_buf_printf(&text, "a%d: &a%d [", i, i), 0);
		for (int k = 0; k < 9; k++)
			CHECK_INT(weir_buf_printf(&text, "%s*a%d", k ? "," : "", i - 1), 0);
		CHECK_INT(weir_buf_puts(&text, "]\n"), 0);
	}
	config_parse_with(&try, weir_buf_slice(&text), "laughs", config_usual);
	CHECK_STR(rule_of(&try), "too-large");
	config_done(&try);
	weir_buf_fini(&text);
}

TEST(sizes_are_bounded)
{
	struct config_try try;
	struct weir_buf text;

	weir_buf_init(&text, 1 << 22);
	repeat(&text, "#", (1 << 20) + 1);
	config_parse_with(&try, weir_buf_slice(&text), "long", config_usual);
	CHECK_STR(rule_of(&try), "too-large");
	config_done(&try);
	weir_buf_clear(&text);
	repeat(&text, "[],", 340000);
	text.base[0] = '[';
	config_parse_with(&try, weir_buf_slice(&text), "wide", config_usual);
	CHECK_STR(rule_of(&try), "yaml-syntax");
	config_done(&try);
	weir_buf_clear(&text);
	repeat(&text, "- a\n", 200000);
	config_parse_with(&try, weir_buf_slice(&text), "wide", config_usual);
	CHECK_STR(rule_of(&try), "too-large");
	config_done(&try);
	weir_buf_clear(&text);
	for (int i = 0; i < 300; i++)
		CHECK_INT(weir_buf_printf(&text, "a%d: &a%d x\n", i, i), 0);
	config_parse_with(&try, weir_buf_slice(&text), "anchors", config_usual);
	CHECK_STR(rule_of(&try), "too-large");
	config_done(&try);
	weir_buf_fini(&text);
}

static void parse_many(struct config_try *try, const char *head, const char *each, unsigned n,
		       const char *tail)
{
	struct weir_buf text;

	weir_buf_init(&text, 1 << 20);
	CHECK_INT(weir_buf_puts(&text, head), 0);
	for (unsigned i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		CHECK_INT(weir_buf_printf(&text, each, i), 0);
#pragma GCC diagnostic pop
	}
	CHECK_INT(weir_buf_puts(&text, tail), 0);
	config_parse_with(try, weir_buf_slice(&text), "many", config_usual);
	weir_buf_fini(&text);
}

TEST(numbers_of_things_are_bounded)
{
	static const struct {
		const char *head, *each, *tail;
		unsigned n; /* the most */
		const char *rule;
	} many[] = {
		{ "chains:\n", "  c%u: { steps: [ openai/m ] }\n", "", WEIR_CHAINS_MAX,
		  "too-many" },
		{ CHAIN "providers:\n", "  p%u: { dialect: openai, base_url: http://10.0.0.1 }\n",
		  "", WEIR_PROVIDERS_MAX - 1, "too-many" },
		{ CHAIN "providers: { openai: { keys: [ ", "\"${X:-key-%u}\", ", "] } }\n",
		  WEIR_KEYS_MAX, "too-many" },
		{ "chains: { m: { max_attempts: 32, steps: [ ", "openai/m%u, ", "ollama/x ] } }\n",
		  WEIR_STEPS_MAX - 1, "too-many" },
	};

	for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
		struct config_try try;

		parse_many(&try, many[i].head, many[i].each, many[i].n, many[i].tail);
		CHECK_STR(try.text.base, "");
		config_done(&try);
		parse_many(&try, many[i].head, many[i].each, many[i].n + 2, many[i].tail);
		CHECK_STR(rule_of(&try), many[i].rule);
		config_done(&try);
	}
	CHECK_INT(weir_alloc_live(), 0);
}

/* Eight fields, and one more. */
TEST(affinity_headers_are_bounded)
{
	for (unsigned n = 8; n <= 9; n++) {
		struct config_try try;

		parse_many(&try, "chains:\n",
			   "  c%1$u: { affinity: 'header:x-%1$u', steps: [ openai/m ] }\n", n,
			   "  d: { affinity: header:X-0, steps: [ openai/m ] }\n");
		CHECK_STR(rule_of(&try), n == 8 ? "" : "too-many");
		config_done(&try);
	}
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(targets_of_a_pool_are_bounded)
{
	for (unsigned n = 64; n <= 65; n++) {
		struct config_try try;

		parse_many(&try, "chains: { m: { steps: [ { targets: [ ", "openai/m%u, ", n,
			   "] } ] } }\n");
		CHECK_STR(rule_of(&try), n == 64 ? "" : "too-many");
		CHECK(try.findings.n <= 1);
		config_done(&try);
	}
	CHECK_INT(weir_alloc_live(), 0);
}

/* Six targets of eleven keys each. */
TEST(members_of_a_chain_are_bounded)
{
	struct config_try try;

	parse_many(&try, "providers: { openai: { keys: [ ", "\"${X:-key-%u}\", ", 11,
		   "] } }\nchains: { m: { max_attempts: 9, steps: [ openai/a, openai/b, openai/c, "
		   "openai/d, openai/e, openai/f, ollama/g ] } }\n");
	CHECK_STR(rule_of(&try), "too-many");
	config_done(&try);
	parse_many(
		&try, "providers: { openai: { keys: [ ", "\"${X:-key-%u}\", ", 11,
		"] } }\nchains: { m: { steps: [ { targets: [ openai/a, openai/b, openai/c ] }, { "
		"targets: [ openai/d, openai/e, openai/f ] }, ollama/g ] } }\n");
	CHECK_STR(rule_of(&try), "too-many");
	config_done(&try);
}

/* The file asks for trouble everywhere it can: no message shows what a variable holds. */
TEST(no_message_shows_a_secret)
{
	static const char *const env[] = { "S=hidden-secret-0123456789", NULL };
	static const char text[] =
		"listen: \"${S}\"\nadmin: \"${S}\"\nworkers: \"${S}\"\nmax_body: \"${S}\"\n"
		"half_close: \"${S}\"\nready_needs_chains: \"${S}\"\ndrain_delay: \"${S}\"\n"
		"access:\n  keys:\n    - { name: \"${S}/\", key: \"${S}\" }\n"
		"    - { name: \"${S}\", key: \"${S}\" }\n    - { name: \"${S}\", key: \"${S}\" }\n"
		"    - { name: b, key: { file: \"${S}\" } }\n"
		"providers:\n"
		"  a: { dialect: \"${S}\", base_url: \"${S}\", keys: [ \"${S}\", \"${S}\", \"${S} "
		"\" ],\n"
		"       ca_file: \"${S}\", max_inflight: \"${S}\", groups: [ \"${S}/\" ], rpm: "
		"\"${S}\",\n"
		"       headers: { x-a: \"${S}\\n\", host: \"${S}\" } }\n"
		"  b: { dialect: openai, base_url: \"http://${S}@h/\" }\n"
		"  c: { dialect: openai, base_url: \"http://h/${S}?\" }\n"
		"chains:\n  m:\n    deadline: \"${S}\"\n    repair: \"${S}\"\n    hedge: \"${S}\"\n"
		"    retries: \"${S}\"\n    affinity: \"${S}\"\n    early_keepalive: \"${S}\"\n"
		"    latency_ejection: \"${S}\"\n    midstream: \"${S}\"\n"
		"    steps: [ \"${S}\", \"${S}/m\", \"a/${S}\", \"gpt-${S}\",\n"
		"             { target: \"${S}\", balance: \"${S}\" },\n"
		"             { targets: [ \"${S}\", { target: \"${S}/x\", weight: \"${S}\", rpm: "
		"\"${S}\" } ] } ]\n"
		"models: { m: { context: \"${S}\", input_price: \"${S}\", prefill: \"${S}\" } }\n";
	struct config_try try;
	struct weir_buf json;

	config_parse_with(&try, weir_slice_of(text), "weir.yaml", env);
	CHECK_INT(try.rc, WEIR_ECONFIG);
	CHECK(try.findings.n > 35);
	if (!test_check(!strstr(try.text.base, "hidden"), __FILE__, __LINE__, "secret is hidden"))
		NOTE("%s", try.text.base);
	weir_buf_init(&json, 1 << 20);
	CHECK_INT(weir_findings_json(&try.findings, &json), 0);
	CHECK(!memmem(json.base, json.len, "hidden", 6));
	weir_buf_fini(&json);
	config_done(&try);
}

TEST(findings_come_by_line)
{
	struct config_try try;

	config_parse(&try, "chains: { m: { steps: [ nowhere/m ] } }\nlisten: x\nadmin: y\n"
			   "providers: { p: { dialect: q } }\nzzz: 1\nworkers: 70\n");
	for (unsigned i = 1; i < try.findings.n; i++)
		CHECK(try.findings.list[i - 1].line <= try.findings.list[i].line);
	CHECK_INT(try.findings.n, 7);
	config_done(&try);
}

TEST(a_file_that_is_not_there)
{
	static const char *const names[] = { "/no/such/weir.yaml", "/", "/dev/null" };

	for (size_t i = 0; i < 3; i++) {
		struct weir_findings findings;
		struct weir_config *config;

		weir_findings_init(&findings, names[i]);
		CHECK_INT(weir_config_load(&config, names[i], &findings), WEIR_ECONFIG);
		CHECK(!config);
		CHECK_INT(findings.n, 1);
		CHECK_STR(findings.list[0].rule, "missing-file");
		weir_findings_fini(&findings);
	}
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

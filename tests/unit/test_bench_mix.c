#include "base/alloc.h"
#include "bench/mix.h"
#include "bench/target.h"
#include "test.h"
#include "wire/json.h"

static struct weir_bench_kind plain(void)
{
	return (struct weir_bench_kind){ .weight = 1,
					 .prompt = { .kind = WEIR_BENCH_DIST_ALWAYS, .a = 50 } };
}

static struct weir_bench_envelope envelope(const char *dialect)
{
	return (struct weir_bench_envelope){
		.dialect = weir_bench_dialect(weir_slice_of(dialect)),
		.method = "POST",
		.path = "/v1/chat/completions",
		.host = "127.0.0.1:80",
		.fields = "x-test: 1\r\n",
		.model = "gpt \"4\"",
	};
}

static struct weir_slice body_of(const struct weir_bench_request *r)
{
	const char *at = memmem(r->bytes, r->len, "\r\n\r\n", 4);

	return weir_slice(at + 4, (size_t)(r->bytes + r->len - at - 4));
}

static bool has(const struct weir_bench_request *r, const char *text)
{
	return memmem(r->bytes, r->len, text, strlen(text)) != NULL;
}

TEST(a_request_is_valid_and_carries_its_nonce)
{
	static const char *const dialects[] = { "openai", "anthropic" };
	struct weir_bench_nonce nonce;

	weir_bench_nonce_init(&nonce, 42);
	for (size_t i = 0; i < 2; i++) {
		struct weir_bench_envelope e = envelope(dialects[i]);
		struct weir_bench_kind kind = plain();
		const struct weir_bench_request *r;
		struct weir_bench_mix mix;
		struct weir_error err;
		size_t offset;
		char length[64];

		kind.stream = kind.tools = 1;
		weir_bench_mix_init(&mix);
		REQUIRE(!weir_bench_mix_make(&mix, &e, &kind, 1, 1, &err));
		CHECK_INT(mix.requests_n, 1);
		weir_bench_nonce_number(&nonce, 1);
		r = weir_bench_mix_next(&mix, &nonce);
		CHECK(has(r, "nonce=wb0000002a.00000001 "));
		weir_bench_nonce_number(&nonce, 0xfffffffe);
		r = weir_bench_mix_next(&mix, &nonce);
		CHECK(has(r, "nonce=wb0000002a.fffffffe "));
		CHECK_INT(weir_json_check(body_of(r), &offset), 0);
		snprintf(length, sizeof length, "content-length: %zu\r\n", body_of(r).len);
		CHECK(has(r, length) && has(r, "x-test: 1\r\n") && has(r, "\"stream\":true"));
		CHECK(has(r, "\"name\":\"say\"") && has(r, "gpt \\\"4\\\""));
		CHECK(r->stream);
		weir_bench_mix_fini(&mix);
	}
}

TEST(shares_are_exact_and_independent)
{
	struct weir_bench_envelope e = envelope("openai");
	struct weir_bench_kind kind = plain();
	struct weir_bench_mix mix;
	struct weir_error err;
	int streams = 0, tools = 0, both = 0;

	kind.stream = 0.25;
	kind.tools = 0.5;
	weir_bench_mix_init(&mix);
	REQUIRE(!weir_bench_mix_make(&mix, &e, &kind, 1, 1, &err));
	for (unsigned i = 0; i < mix.order_n; i++) {
		const struct weir_bench_request *r = &mix.requests[mix.order[i]];

		streams += r->stream;
		tools += has(r, "\"tools\"");
		both += r->stream && has(r, "\"tools\"");
	}
	CHECK_INT(mix.order_n, 200);
	CHECK_INT(streams, 50);
	CHECK_INT(tools, 100);
	CHECK(both > 15 && both < 35);
	weir_bench_mix_fini(&mix);
}

TEST(a_seed_makes_the_same_mix_again)
{
	struct weir_bench_envelope e = envelope("openai");
	struct weir_bench_kind kind = plain();
	struct weir_bench_mix a, b;
	struct weir_error err;

	REQUIRE(!weir_bench_dist_parse(&kind.prompt, WEIR_SLICE("20..400"), &err));
	weir_bench_mix_init(&a);
	weir_bench_mix_init(&b);
	REQUIRE(!weir_bench_mix_make(&a, &e, &kind, 1, 5, &err));
	REQUIRE(!weir_bench_mix_make(&b, &e, &kind, 1, 5, &err));
	REQUIRE(a.requests_n == b.requests_n && a.order_n == b.order_n);
	CHECK_MEM(a.order, b.order, a.order_n * sizeof *a.order);
	for (unsigned i = 0; i < a.requests_n; i++)
		CHECK_INT(a.requests[i].len, b.requests[i].len);
	weir_bench_mix_fini(&a);
	weir_bench_mix_fini(&b);
}

TEST(a_file_gives_kinds_by_weight_and_bodies_as_they_are)
{
	static const char text[] =
		"{\"weight\":3,\"prompt_tokens\":\"10..20\",\"answer_tokens\":40,\"stream\":0.5}\n"
		"\n"
		"{\"weight\":1,\"body\":{\"messages\":[],\"stream\":true,\"x\":\"$NONCE "
		"$NONCE\"}}\r\n"
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"nonce=$NONCE\"}]}";
	struct weir_bench_kind kinds[WEIR_BENCH_KINDS_MAX], base = plain();
	struct weir_bench_envelope e = envelope("openai");
	struct weir_bench_mix mix;
	struct weir_error err = { 0 };
	unsigned n, given = 0, twice = 0;

	CHECK_INT(weir_bench_kinds_read(kinds, &n, &base, weir_slice_of(text), &err), 0);
	CHECK_STR(err.text, "");
	REQUIRE(n == 3);
	weir_bench_mix_init(&mix);
	REQUIRE(!weir_bench_mix_make(&mix, &e, kinds, n, 1, &err));
	for (unsigned i = 0; i < mix.order_n; i++) {
		given += mix.order[i] == mix.requests_n - 1;
		twice += mix.requests[mix.order[i]].nonces_n == 2;
	}
	CHECK(given * 5 >= mix.order_n - 5 && given * 5 <= mix.order_n + 5);
	CHECK(twice * 5 >= mix.order_n - 5 && twice * 5 <= mix.order_n + 5);
	CHECK(mix.requests[mix.requests_n - 2].stream);
	weir_bench_mix_fini(&mix);
}

TEST(a_wrong_line_is_named)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "", "there is no request in it" },
		{ "{\"stream\":1}\nnonsense", "line 2: not a JSON object: each line is one" },
		{ "{\"stream\":2}", "line 1: stream: a share is true, 0.25 or \"25%\"" },
		{ "{\"weight\":0}", "line 1: weight: a number above 0" },
		{ "{\"body\":5}", "line 1: body: an object" },
		{ "{\"strem\":1}",
		  "line 1: \"strem\" is unknown; a kind has weight, prompt_tokens, "
		  "answer_tokens, stream, tools, or body" },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct weir_bench_kind kinds[WEIR_BENCH_KINDS_MAX], base = plain();
		struct weir_error err = { 0 };
		unsigned n;

		CHECK(weir_bench_kinds_read(kinds, &n, &base, weir_slice_of(wrong[i].text), &err) !=
		      0);
		CHECK_STR(err.text, wrong[i].says);
	}
}

TEST(a_url_gets_the_dialects_path_unless_it_has_it)
{
	static const struct {
		const char *dialect, *url, *authority, *path;
		int port;
	} good[] = {
		{ "openai", "http://127.0.0.1:4000", "127.0.0.1:4000", "/v1/chat/completions",
		  4000 },
		{ "openai", "http://h/v1/", "h", "/v1/chat/completions", 80 },
		{ "openai", "https://h/api/v1", "h", "/api/v1/chat/completions", 443 },
		{ "openai", "http://[::1]:5/chat/completions", "[::1]:5", "/chat/completions", 5 },
		{ "anthropic", "http://h", "h", "/v1/messages", 80 },
		{ "http", "http://h", "h", "/", 80 },
		{ "http", "http://h/a?b=c", "h", "/a?b=c", 80 },
	};
	static const char *const bad[] = { "h:80",        "ftp://h",        "http://",
					   "http://h:0",  "http://h:99999", "http://h/a b",
					   "http://u@h/", "http://[::1" };
	struct weir_bench_target t;
	struct weir_error err;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		CHECK_INT(weir_bench_target_parse(
				  &t, good[i].url,
				  weir_bench_dialect(weir_slice_of(good[i].dialect)), &err),
			  0);
		CHECK_STR(t.authority, good[i].authority);
		CHECK_STR(t.path, good[i].path);
		CHECK_INT(t.port, good[i].port);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!weir_bench_target_parse(&t, bad[i], weir_bench_dialect(WEIR_SLICE("openai")),
					     &err))
			CHECK_STR(bad[i], "refused");
}

TEST(no_memory_is_an_error_and_leaks_nothing)
{
	struct weir_bench_envelope e = envelope("openai");
	struct weir_bench_kind kind = plain();
	size_t live = weir_alloc_live();
	int rc = -1;

	kind.stream = 0.5;
	for (uint64_t nth = 1; rc && nth < 5000; nth += 7) {
		struct weir_bench_mix mix;
		struct weir_error err;

		weir_bench_mix_init(&mix);
		weir_alloc_fail_after(nth);
		rc = weir_bench_mix_make(&mix, &e, &kind, 1, 1, &err);
		weir_alloc_fail_after(0);
		weir_bench_mix_fini(&mix);
		CHECK_INT(weir_alloc_live(), live);
	}
	CHECK_INT(rc, 0);
}

TEST_MAIN

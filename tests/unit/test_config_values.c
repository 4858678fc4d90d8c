/* The small parts: numbers with units, suggestions, addresses, the index by name. */
#include "config/index.h"
#include "config/suggest.h"
#include "config/url.h"
#include "config/value.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "test.h"

static const struct {
	const char *text;
	enum weir_value rc;
	uint64_t ms;
} durations[] = {
	{ "250ms", WEIR_VALUE_OK, 250 },
	{ "20s", WEIR_VALUE_OK, 20000 },
	{ "2m", WEIR_VALUE_OK, 120000 },
	{ "1h", WEIR_VALUE_OK, 3600000 },
	{ "0s", WEIR_VALUE_OK, 0 },
	{ "1.5s", WEIR_VALUE_OK, 1500 },
	{ "0.0004s", WEIR_VALUE_OK, 0 },
	{ " 20 s ", WEIR_VALUE_OK, 20000 },
	{ "1h30m", WEIR_VALUE_OK, 5400000 },
	{ "1m0.5s", WEIR_VALUE_OK, 60500 },
	{ "1s1ms", WEIR_VALUE_OK, 1001 },
	{ "20", WEIR_VALUE_NO_UNIT, 0 },
	{ "1.5", WEIR_VALUE_NO_UNIT, 0 },
	{ "", WEIR_VALUE_BAD, 0 },
	{ "s", WEIR_VALUE_BAD, 0 },
	{ "-1s", WEIR_VALUE_BAD, 0 },
	{ "+1s", WEIR_VALUE_BAD, 0 },
	{ "1.s", WEIR_VALUE_BAD, 0 },
	{ ".5s", WEIR_VALUE_BAD, 0 },
	{ "1..5s", WEIR_VALUE_BAD, 0 },
	{ "1e3s", WEIR_VALUE_BAD, 0 },
	{ "1S", WEIR_VALUE_BAD, 0 },
	{ "1sec", WEIR_VALUE_BAD, 0 },
	{ "1us", WEIR_VALUE_BAD, 0 },
	{ "1d", WEIR_VALUE_BAD, 0 },
	{ "1s1m", WEIR_VALUE_BAD, 0 },
	{ "1s1s", WEIR_VALUE_BAD, 0 },
	{ "1m30", WEIR_VALUE_BAD, 0 },
	{ "999999999999999999h", WEIR_VALUE_HUGE, 0 },
	{ "9999999999999999999s", WEIR_VALUE_BAD, 0 },
};

TEST(durations_have_units)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(durations); i++) {
		uint64_t ms = 0;
		enum weir_value rc = weir_value_duration(weir_slice_of(durations[i].text), &ms);

		if (!test_int(rc, durations[i].rc, __FILE__, __LINE__, durations[i].text) ||
		    rc != WEIR_VALUE_OK)
			continue;
		CHECK_INT(ms, durations[i].ms);
	}
}

static const struct {
	const char *text;
	enum weir_value rc;
	uint64_t bytes;
} sizes[] = {
	{ "32MiB", WEIR_VALUE_OK, 33554432 },    { "64 KiB", WEIR_VALUE_OK, 65536 },
	{ "1.5GiB", WEIR_VALUE_OK, 1610612736 }, { "512B", WEIR_VALUE_OK, 512 },
	{ "10MB", WEIR_VALUE_OK, 10000000 },     { "10kB", WEIR_VALUE_OK, 10000 },
	{ "512", WEIR_VALUE_NO_UNIT, 0 },        { "1KiB1B", WEIR_VALUE_BAD, 0 },
	{ "1kib", WEIR_VALUE_BAD, 0 },           { "KiB", WEIR_VALUE_BAD, 0 },
	{ "1TiB", WEIR_VALUE_BAD, 0 },           { "99999999999999999GiB", WEIR_VALUE_HUGE, 0 },
};

TEST(sizes_have_units)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(sizes); i++) {
		uint64_t bytes = 0;
		enum weir_value rc = weir_value_size(weir_slice_of(sizes[i].text), &bytes);

		if (!test_int(rc, sizes[i].rc, __FILE__, __LINE__, sizes[i].text) ||
		    rc != WEIR_VALUE_OK)
			continue;
		CHECK_INT(bytes, sizes[i].bytes);
	}
}

TEST(counts_are_digits)
{
	uint64_t n = 0;

	CHECK_INT(weir_value_count(WEIR_SLICE("007"), &n), WEIR_VALUE_OK);
	CHECK_INT(n, 7);
	CHECK_INT(weir_value_count(WEIR_SLICE(""), &n), WEIR_VALUE_BAD);
	CHECK_INT(weir_value_count(WEIR_SLICE("1.0"), &n), WEIR_VALUE_BAD);
	CHECK_INT(weir_value_count(WEIR_SLICE("0x10"), &n), WEIR_VALUE_BAD);
	CHECK_INT(weir_value_count(WEIR_SLICE("99999999999999999999"), &n), WEIR_VALUE_HUGE);
}

TEST(percentages_have_their_sign)
{
	uint64_t n = 0;

	CHECK_INT(weir_value_percent(WEIR_SLICE("300%"), &n), WEIR_VALUE_OK);
	CHECK_INT(n, 300);
	CHECK_INT(weir_value_percent(WEIR_SLICE("150.9 %"), &n), WEIR_VALUE_OK);
	CHECK_INT(n, 150);
	CHECK_INT(weir_value_percent(WEIR_SLICE("3"), &n), WEIR_VALUE_NO_UNIT);
	CHECK_INT(weir_value_percent(WEIR_SLICE("3x"), &n), WEIR_VALUE_BAD);
	CHECK_INT(weir_value_percent(WEIR_SLICE("3%3%"), &n), WEIR_VALUE_BAD);
}

TEST(dollars_have_nine_decimals)
{
	static const struct {
		const char *text;
		enum weir_value rc;
		uint64_t nano;
		const char *printed;
	} rows[] = {
		{ "2.5", WEIR_VALUE_OK, 2500000000, "2.5" },
		{ "0", WEIR_VALUE_OK, 0, "0" },
		{ "10", WEIR_VALUE_OK, 10000000000, "10" },
		{ "0.075", WEIR_VALUE_OK, 75000000, "0.075" },
		{ "0.0000000019", WEIR_VALUE_OK, 1, "0.000000001" },
		{ " 15.00 ", WEIR_VALUE_OK, 15000000000, "15" },
		{ "$2", WEIR_VALUE_BAD, 0, "" },
		{ "-2", WEIR_VALUE_BAD, 0, "" },
		{ "2 dollars", WEIR_VALUE_BAD, 0, "" },
		{ "1e-7", WEIR_VALUE_BAD, 0, "" },
		{ "", WEIR_VALUE_BAD, 0, "" },
		{ "99999999999", WEIR_VALUE_HUGE, 0, "" },
	};
	char text[32];

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		uint64_t nano = 0;
		enum weir_value rc = weir_value_dollars(weir_slice_of(rows[i].text), &nano);

		if (!test_int(rc, rows[i].rc, __FILE__, __LINE__, rows[i].text) ||
		    rc != WEIR_VALUE_OK)
			continue;
		CHECK_INT(nano, rows[i].nano);
		weir_value_print_dollars(nano, text, sizeof text);
		CHECK_STR(text, rows[i].printed);
	}
}

TEST(numbers_are_printed_as_people_write_them)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0s" },        { 1, "1ms" },      { 1500, "1500ms" },  { 20000, "20s" },
		{ 120000, "120s" }, { 600000, "10m" }, { 86400000, "24h" }, { 5400000, "90m" }
	};
	char text[32];

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		weir_value_print_duration(rows[i].ms, text, sizeof text);
		CHECK_STR(text, rows[i].text);
	}
	weir_value_print_size(1024, text, sizeof text);
	CHECK_STR(text, "1KiB");
	weir_value_print_size(1 << 30, text, sizeof text);
	CHECK_STR(text, "1GiB");
	weir_value_print_size(1025, text, sizeof text);
	CHECK_STR(text, "1025B");
}

static size_t distance(const char *a, const char *b)
{
	return weir_edit_distance(weir_slice_of(a), weir_slice_of(b), 9);
}

TEST(distances_count_typing_mistakes)
{
	CHECK_INT(distance("", ""), 0);
	CHECK_INT(distance("azure", "azure"), 0);
	CHECK_INT(distance("azrue", "azure"), 1);
	CHECK_INT(distance("Base-URL", "base_url"), 0);
	CHECK_INT(distance("deadlin", "deadline"), 1);
	CHECK_INT(distance("", "abc"), 3);
	CHECK_INT(distance("abc", ""), 3);
	CHECK_INT(distance("kitten", "sitting"), 3);
	CHECK_INT(weir_edit_distance(WEIR_SLICE("abcdef"), WEIR_SLICE("uvwxyz"), 2), 3);
	CHECK_INT(distance("a", "0123456789012345678901234567890123456789012345678901234567890123"
				"45678"),
		  10);
}

TEST(only_what_is_near_is_suggested)
{
	static const struct {
		const char *word, *want;
	} rows[] = { { "opena", "openai" }, { "opneai", "openai" }, { "azrue", "azure" },
		     { "grok", "groq" },    { "x", NULL },          { "entirely", NULL },
		     { "az", NULL } };
	static const char *const names[] = { "openai", "azure", "groq" };

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_suggest suggest;

		weir_suggest_init(&suggest, weir_slice_of(rows[i].word));
		for (size_t k = 0; k < WEIR_COUNT_OF(names); k++)
			weir_suggest_offer(&suggest, weir_slice_of(names[k]));
		CHECK_STR(suggest.best.base, rows[i].want);
	}
}

TEST(urls_that_are_fine)
{
	static const struct {
		const char *text, *host, *path;
		bool tls, v6;
		unsigned port;
	} rows[] = {
		{ "https://api.openai.com/v1", "api.openai.com", "/v1", true, false, 443 },
		{ "HTTP://h", "h", "", false, false, 80 },
		{ "http://h/", "h", "", false, false, 80 },
		{ "http://h:8000//a//", "h", "//a", false, false, 8000 },
		{ "http://[2001:db8::7]:80/x", "2001:db8::7", "/x", false, true, 80 },
		{ "http://192.0.2.7", "192.0.2.7", "", false, false, 80 },
		{ "http://a_b.c-d.e./v1", "a_b.c-d.e.", "/v1", false, false, 80 },
		{ "https://h/a%2Fb/(c)~;,=:@!$&'*+", "h", "/a%2Fb/(c)~;,=:@!$&'*+", true, false,
		  443 },
		{ "https://3com.example", "3com.example", "", true, false, 443 },
		{ "https://vllm-0", "vllm-0", "", true, false, 443 },
		{ "https://xn--bcher-kva.example", "xn--bcher-kva.example", "", true, false, 443 },
		{ "https://h/v1/chat/completions-proxy/v1", "h", "/v1/chat/completions-proxy/v1",
		  true, false, 443 },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_url url;

		CHECK_STR(weir_url_parse(weir_slice_of(rows[i].text), &url), NULL);
		CHECK(weir_slice_is(url.host, rows[i].host));
		CHECK(weir_slice_is(url.path, rows[i].path));
		CHECK(url.tls == rows[i].tls && url.v6 == rows[i].v6);
		CHECK_INT(url.port, rows[i].port);
	}
}

TEST(urls_are_safe_at_any_length)
{
	static const char text[] = "https://user@[::1]:80/%2F?#";

	for (size_t n = 0; n < sizeof text; n++) {
		char *exact = malloc(n ? n : 1);
		struct weir_url url;

		REQUIRE(exact);
		memcpy(exact, text, n);
		(void)weir_url_parse(weir_slice(exact, n), &url);
		free(exact);
	}
}

TEST(listening_addresses)
{
	static const struct {
		const char *text;
		int kind; /* -1: none */
	} rows[] = {
		{ "127.0.0.1:4000", WEIR_HOST_LOOPBACK },
		{ "127.9.9.9:0", WEIR_HOST_LOOPBACK },
		{ "[::1]:4000", WEIR_HOST_LOOPBACK },
		{ "localhost:1", WEIR_HOST_LOOPBACK },
		{ "unix:/run/weir.sock", WEIR_HOST_LOOPBACK },
		{ ":4000", WEIR_HOST_ANY },
		{ "0.0.0.0:65535", WEIR_HOST_ANY },
		{ "[::]:4000", WEIR_HOST_ANY },
		{ "10.0.0.1:80", WEIR_HOST_PRIVATE },
		{ "192.0.2.1:80", WEIR_HOST_PUBLIC },
		{ "[fd00::1]:80", WEIR_HOST_PRIVATE },
		{ "[2001:db8::1]:80", WEIR_HOST_PUBLIC },
		{ "4000", -1 },
		{ "", -1 },
		{ "127.0.0.1", -1 },
		{ "127.0.0.1:", -1 },
		{ "127.0.0.1:65536", -1 },
		{ "127.0.0.1:-1", -1 },
		{ "::1:4000", -1 },
		{ "[::1]", -1 },
		{ "[]:1", -1 },
		{ "[127.0.0.1]:1", -1 },
		{ "127.1:4000", -1 },
		{ "example.com:80", -1 },
		{ "unix:", -1 },
		{ "http://127.0.0.1:80", -1 },
		{ "[::1]x:80", -1 },
		{ "*:4000", -1 },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_endpoint endpoint;
		bool ok = weir_endpoint_parse(weir_slice_of(rows[i].text), &endpoint);

		test_int(ok ? (int)endpoint.kind : -1, rows[i].kind, __FILE__, __LINE__,
			 rows[i].text);
	}
}

TEST(own_addresses_are_recognised)
{
	static const struct {
		const char *listen, *host;
		unsigned port;
		bool ours;
	} rows[] = {
		{ "127.0.0.1:4000", "127.0.0.1", 4000, true },
		{ "127.0.0.1:4000", "127.0.0.1", 4001, false },
		{ "127.0.0.1:4000", "127.0.0.2", 4000, false },
		{ "127.0.0.1:4000", "LocalHost", 4000, true },
		{ "127.0.0.1:4000", "a.localhost", 4000, true },
		{ "127.0.0.1:4000", "::1", 4000, false },
		{ "127.0.0.1:4000", "::ffff:127.0.0.1", 4000, true },
		{ "127.0.0.1:4000", "0.0.0.0", 4000, true },
		{ "localhost:4000", "::1", 4000, true },
		{ ":4000", "127.3.2.1", 4000, true },
		{ ":4000", "10.0.0.1", 4000, false },
		{ "[::]:4000", "localhost", 4000, true },
		{ "10.0.0.1:4000", "10.0.0.1", 4000, true },
		{ "10.0.0.1:4000", "api.example.com", 4000, false },
		{ "[0:0::1]:4000", "::1", 4000, true },
		{ "127.0.0.1:0", "127.0.0.1", 0, false },
		{ "unix:/x", "127.0.0.1", 4000, false },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_endpoint endpoint;

		CHECK(weir_endpoint_parse(weir_slice_of(rows[i].listen), &endpoint));
		if (weir_endpoint_serves(&endpoint, weir_slice_of(rows[i].host),
					 (uint16_t)rows[i].port) != rows[i].ours) {
			CHECK(!"recognised");
			NOTE("%s, %s", rows[i].listen, rows[i].host);
		}
	}
}

TEST(the_index_finds_what_was_put_in)
{
	enum { N = 3000 };
	static char names[N][8];
	struct weir_index index = { 0 };

	CHECK(!weir_index_get(&index, WEIR_SLICE("1")));
	for (int i = 0; i < N; i++) {
		snprintf(names[i], sizeof names[i], "%d", i);
		CHECK_INT(weir_index_put(&index, weir_slice_of(names[i]), names[i]), 0);
	}
	for (int i = 0; i < N; i++)
		CHECK(weir_index_get(&index, weir_slice_of(names[i])) == names[i]);
	CHECK(!weir_index_get(&index, WEIR_SLICE("3000")));
	weir_index_fini(&index);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

#include "gateway_raw.h"

/* What stands on the wire between a caller and weir. */

static struct place p;
static struct raw caller;

static bool open_place(const char *defaults, const char *extra)
{
	if (!place_open_with(&p, defaults, extra))
		return false;
	place_listen(&p);
	return true;
}

static void end(void)
{
	raw_close(&caller);
	place_close(&p);
}

/* A field's value in the head that came, until the next call; "" when it is not there. */
static const char *field(const char *name)
{
	static char value[1024];
	char line[64];
	const char *at, *body = raw_body(&caller);
	size_t n;

	snprintf(line, sizeof line, "\r\n%s: ", name);
	at = raw_find(&caller, line);
	if (!at || !body || at > body)
		return "";
	at += strlen(line);
	n = strcspn(at, "\r");
	snprintf(value, sizeof value, "%.*s", (int)n, at);
	return value;
}

/* "503;overloaded;17ms" is what the pattern "503;overloaded;~ms" means. */
static bool matches(const char *text, const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern != '~') {
			if (*text++ != *pattern)
				return false;
			continue;
		}
		if (strspn(text, "0123456789abcdef") == 0)
			return false;
		text += strspn(text, "0123456789abcdef");
	}
	return *text == '\0';
}

#define CHECK_FIELD(name, pattern)                                                          \
	do {                                                                                \
		if (!test_check(matches(field(name), (pattern)), __FILE__, __LINE__, name)) \
			NOTE("%s: %s", name, field(name));                                  \
	} while (0)

static void post(const char *fields, const char *body)
{
	raw_connect(&caller, p.port);
	raw_post(&caller, fields, body);
	raw_wait(&p, &caller);
}

#define CALLERS_FIELDS                                                                           \
	"authorization: Bearer my-own\r\nidempotency-key: twice\r\nx-forwarded-for: 1.2.3.4\r\n" \
	"cookie: a=b\r\nx-client-request-id: mine\r\nconnection: idempotency-key\r\n"

TEST(the_head_of_an_answer)
{
	const struct weir_mock_request *sent;

	REQUIRE(open_place("retries: 0", ""));
	post(CALLERS_FIELDS, PLAIN);
	CHECK_INT(raw_status(&caller), 200);
	CHECK_FIELD("x-weir-request-id", "req_~");
	CHECK_INT(strlen(field("x-weir-request-id")), 28);
	CHECK(place_logged(&p, field("x-weir-request-id")) == 1);
	CHECK_FIELD("x-request-id", "req_~");
	CHECK_FIELD("x-weir-target", "alpha/m1#1");
	CHECK_FIELD("x-weir-attempts", "1");
	CHECK_FIELD("x-weir-trail", "alpha/m1#1;200;ok;~ms");
	CHECK_FIELD("content-type", "application/json");
	CHECK_FIELD("connection", "");
	sent = weir_mock_last(p.w.mock, "alpha");
	REQUIRE(sent);
	CHECK(weir_slice_is(weir_mock_field(sent, "authorization"), "Bearer sk-secret-alpha-0001"));
	CHECK(weir_slice_is(weir_mock_field(sent, "idempotency-key"), "twice"));
	CHECK(!weir_mock_field(sent, "cookie").base);
	CHECK(!weir_mock_field(sent, "x-forwarded-for").base);
	CHECK(!weir_mock_field(sent, "connection").base);
	CHECK(weir_slice_has_nocase(sent->body, "\"model\":\"m1\""));
	end();
}

TEST(the_head_of_a_stream)
{
	REQUIRE(open_place("retries: 0", ""));
	place_script(&p, "alpha", "503");
	post("", STREAM);
	CHECK_INT(raw_status(&caller), 200);
	CHECK_FIELD("x-weir-target", "beta/m2#1");
	CHECK_FIELD("x-weir-attempts", "2");
	CHECK_FIELD("x-weir-trail", "alpha/m1#1;503;overloaded;~ms, beta/m2#1;200;ok;~ms");
	CHECK_FIELD("transfer-encoding", "chunked");
	CHECK_FIELD("content-length", "");
	CHECK_FIELD("cache-control", "no-cache, no-transform");
	CHECK(strstr(caller.in, "\"model\":\"m2\""));
	end();
}

TEST(wishes_in_the_head)
{
	static const struct {
		const char *fields, *alpha;
		int status;
		const char *trail;
	} rows[] = {
		{ "x-weir-fallback: off\r\n", "503", 503, "alpha/m1#1;503;overloaded;~ms" },
		{ "x-weir-deadline-ms: 60\r\n", "hang", 504, NULL },
		{ "x-stainless-read-timeout: 0.06\r\n", "hang", 504, NULL },
		{ "x-weir-deadline-ms: 0\r\nx-stainless-timeout: -1\r\n", "200", 200, NULL },
		{ "x-weir-deadline-ms: 99999999999999999999\r\n", "200", 200, NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		REQUIRE(open_place("retries: 0", ""));
		place_script(&p, "alpha", rows[i].alpha);
		place_script(&p, "beta", i ? "hang" : "200");
		place_script(&p, "gamma", i ? "hang" : "200");
		post(rows[i].fields, PLAIN);
		CHECK_INT(raw_status(&caller), rows[i].status);
		if (rows[i].trail)
			CHECK_FIELD("x-weir-trail", rows[i].trail);
		end();
	}
}

/* All failed: product §1.7, §8. */
TEST(the_head_of_a_failure)
{
	static const struct {
		const char *alpha, *beta, *gamma;
		int status;
		const char *retry_after, *should_retry, *code;
	} rows[] = {
		{ "500", "500", "500", 502, "", "false", "chain_exhausted" },
		{ "503", "503", "503", 503, "", "false", "overloaded" },
		{ "429;retry-after=20.2", "429;retry-after=44", "429;retry-after=30", 429, "21", "",
		  "rate_limit_exceeded" },
		{ "429;retry-after=200", "429;retry-after=300", "429;retry-after=300", 429, "200",
		  "false", "rate_limit_exceeded" },
		{ "503;retry-after=40", "500", "500", 503, "40", "", "overloaded" },
		{ "hang", "hang", "hang", 504, "", "false", "deadline_exceeded" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int before = test_failures;

		REQUIRE(open_place(strcmp(rows[i].alpha, "hang") == 0
					   ? "retries: 0, attempt_timeout: 30ms"
					   : "retries: 0, max_attempts: 8",
				   ""));
		place_script(&p, "alpha", rows[i].alpha);
		place_script(&p, "beta", rows[i].beta);
		place_script(&p, "gamma", rows[i].gamma);
		post("", PLAIN);
		CHECK_INT(raw_status(&caller), rows[i].status);
		CHECK_STR(field("retry-after"), rows[i].retry_after);
		CHECK_STR(field("x-should-retry"), rows[i].should_retry);
		CHECK_STR(field("x-weir-target"), "");
		CHECK(strstr(caller.in, rows[i].code));
		CHECK(!strstr(caller.in, "127.0.0.1"));
		CHECK_INT(raw_find(&caller, "\"attempts\":[{") != NULL, 1);
		if (test_failures != before)
			NOTE("row %zu", i);
		end();
	}
}

/* A provider's own 4xx is the caller's, but no key of ours goes along. */
TEST(a_key_in_a_providers_words_is_scrubbed)
{
	static const char *const words[] = {
		"400;message=Incorrect key sk-secret-alpha-0001 given",
		"400;message=c2stc2VjcmV0LWFscGhhLTAwMDE", /* base64 */
		"422;message=sk-secret-beta-0002",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		REQUIRE(open_place("retries: 0", ""));
		place_script(&p, "alpha", words[i]);
		post("", PLAIN);
		CHECK(raw_status(&caller) == 400 || raw_status(&caller) == 422);
		CHECK(!strstr(caller.in, "sk-secret") && !strstr(caller.in, "c2stc2Vj"));
		CHECK_FIELD("x-weir-target", "alpha/m1#1");
		CHECK_FIELD("x-should-retry", "");
		end();
	}
}

/* An error event's words after commit, likewise. */
TEST(a_key_in_an_error_event_is_scrubbed)
{
	REQUIRE(open_place("retries: 0", ""));
	place_script(&p, "alpha", "error-event;after=2;message=sk-secret-alpha-0001");
	post("", STREAM);
	CHECK_INT(raw_status(&caller), 200);
	CHECK(strstr(caller.in, "tok1") && strstr(caller.in, "{\"error\"") && caller.ended);
	CHECK(!strstr(caller.in, "sk-secret"));
	CHECK(!raw_whole(&caller) && !strstr(caller.in, "[DONE]"));
	end();
}

/* T17: no path tells anything, and no body is read, before the key is known. */
TEST(keys_come_first)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
		{ "GET /v1/models HTTP/1.1\r\nhost: w\r\n\r\n", 401 },
		{ "GET /v1/models HTTP/1.1\r\nhost: w\r\nauthorization: Bearer wrong\r\n\r\n",
		  401 },
		{ "GET /v1/models HTTP/1.1\r\nhost: w\r\nauthorization: bearer "
		  "app-key-0123456789\r\n"
		  "\r\n",
		  200 },
		{ "GET /v1/models HTTP/1.1\r\nhost: w\r\nx-api-key: app-key-0123456789\r\n\r\n",
		  200 },
		{ "GET /v1/models HTTP/1.1\r\nhost: w\r\nx-api-key: app-key-012345678\r\n\r\n",
		  401 },
		{ "GET /v1/models HTTP/1.1\r\nhost: w\r\nx-api-key: app-key-01234567890\r\n\r\n",
		  401 },
		{ "GET /v1/models HTTP/1.1\r\nhost: w\r\nx-api-key: \r\n\r\n", 401 },
		{ "GET /v1/models/?key=app-key-0123456789 HTTP/1.1\r\nhost: w\r\n\r\n", 401 },
		{ "GET /nowhere HTTP/1.1\r\nhost: w\r\n\r\n", 401 },
		{ "GET /metrics HTTP/1.1\r\nhost: w\r\nx-api-key: app-key-0123456789\r\n\r\n",
		  404 },
		{ "GET /healthz HTTP/1.1\r\nhost: w\r\n\r\n", 200 },
		{ "GET /healthz/ HTTP/1.1\r\nhost: w\r\n\r\n", 401 },
		{ "GET //healthz HTTP/1.1\r\nhost: w\r\n\r\n", 401 },
		{ "GET /%68ealthz HTTP/1.1\r\nhost: w\r\n\r\n", 401 },
		{ "POST /healthz HTTP/1.1\r\nhost: w\r\ncontent-length: 0\r\n\r\n", 401 },
		{ "GET http://x/healthz HTTP/1.1\r\nhost: w\r\n\r\n", 200 },
		{ "POST " CHAT " HTTP/1.1\r\nhost: w\r\ncontent-length: 99\r\n\r\n", 401 },
		{ "POST " CHAT "/ HTTP/1.1\r\nhost: w\r\ncontent-length: 99\r\n\r\n", 401 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		REQUIRE(open_place("",
				   "access: { keys: [ { name: app, key: app-key-0123456789 } ] }"));
		raw_connect(&caller, p.port);
		raw_say(&caller, rows[i].request);
		raw_wait(&p, &caller);
		if (raw_status(&caller) != rows[i].status)
			NOTE("row %zu: %s", i, rows[i].request);
		CHECK_INT(raw_status(&caller), rows[i].status);
		CHECK(!strstr(caller.in, "app-key-0123456789"));
		CHECK(!strstr(p.log, "app-key-0123456789"));
		end();
	}
}

/* ---- one connection, several requests ---- */

static unsigned count(const char *text)
{
	unsigned n = 0;

	for (const char *at = caller.in; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static void await_count(const char *text, unsigned n)
{
	while (count(text) < n && !caller.ended) {
		place_turn(&p);
		raw_read(&caller, RAW_IN_MAX);
	}
	CHECK_INT(count(text), n);
}

/* Its answer says "gamma N007". */
static size_t put_numbered(char *to, size_t size, unsigned i)
{
	char body[256];

	snprintf(
		body, sizeof body,
		"{\"model\":\"m9\",\"messages\":[{\"role\":\"user\",\"content\":\"nonce=N%03u\"}]}",
		i);
	return (size_t)snprintf(
		to, size, "POST " CHAT " HTTP/1.1\r\nhost: weir\r\ncontent-length: %zu\r\n\r\n%s",
		strlen(body), body);
}

/* G-09. */
TEST(pipelined_requests_are_answered_in_order)
{
	static char many[64 * 1024];
	char name[32];
	size_t n = 0;

	for (unsigned i = 0; i < 100; i++)
		n += put_numbered(many + n, sizeof many - n, i);
	REQUIRE(open_place("retries: 0", ""));
	place_script(&p, "gamma", "200*3,400,200");
	raw_connect(&caller, p.port);
	CHECK_INT(raw_send(&caller, many, n), n);
	await_count("HTTP/1.1 ", 100);
	CHECK_INT(count("HTTP/1.1 200 "), 99);
	for (unsigned i = 0, at = 0; i < 100; i++) {
		const char *found;

		snprintf(name, sizeof name, "gamma N%03u", i);
		found = strstr(caller.in + at, name);
		CHECK(found || i == 3);
		at = found ? (unsigned)(found - caller.in) : at;
	}
	CHECK(!caller.ended);
	end();
}

/* G-10, H-28. */
TEST(a_bad_second_request_does_not_spoil_the_first)
{
	REQUIRE(open_place("retries: 0", ""));
	place_script(&p, "alpha", "200;latency=10ms");
	raw_connect(&caller, p.port);
	raw_post(&caller, "", PLAIN);
	raw_say(&caller, "BAD \x01 REQUEST\r\n\r\n");
	while (!caller.ended) {
		place_turn(&p);
		raw_read(&caller, RAW_IN_MAX);
	}
	CHECK_INT(count("HTTP/1.1 200 "), 1);
	CHECK_INT(count("HTTP/1.1 400 "), 1);
	CHECK(strstr(caller.in, "alpha N1") < strstr(caller.in, "HTTP/1.1 400 "));
	CHECK(!caller.reset);
	end();
}

/* G-20. */
TEST(an_old_caller_gets_no_chunks)
{
	static const char request[] = "POST " CHAT " HTTP/1.0\r\ncontent-length: %zu\r\n\r\n%s";
	char text[512];

	for (int stream = 0; stream < 2; stream++) {
		const char *body = stream ? STREAM : PLAIN;

		REQUIRE(open_place("retries: 0", ""));
		snprintf(text, sizeof text, request, strlen(body), body);
		raw_connect(&caller, p.port);
		raw_say(&caller, text);
		while (!caller.ended) {
			place_turn(&p);
			raw_read(&caller, RAW_IN_MAX);
		}
		CHECK_INT(raw_status(&caller), 200);
		CHECK(!strstr(caller.in, "chunked"));
		CHECK_FIELD("connection", "close");
		CHECK(strstr(caller.in, stream ? "\n\ndata: [DONE]\n\n" : "\"usage\""));
		end();
	}
}

/* G-07. */
TEST(a_half_close_is_a_hangup_unless_served)
{
	for (int served = 0; served < 2; served++) {
		REQUIRE(open_place("retries: 0", served ? "half_close: serve" : ""));
		place_script(&p, "alpha", "200;latency=20ms");
		raw_connect(&caller, p.port);
		raw_post(&caller, "", PLAIN);
		shutdown(caller.fd, SHUT_WR);
		while (!caller.ended) {
			place_turn(&p);
			raw_read(&caller, RAW_IN_MAX);
		}
		CHECK_INT(raw_status(&caller), served ? 200 : 0);
		CHECK_INT(place_logged(&p, "\"outcome\":\"hangup\",\"status\":499"), !served);
		end();
	}
}

/* G-17: who is refused while he still sends can read why. */
TEST(a_refusal_is_readable_while_the_body_comes)
{
	static char much[256 * 1024];
	size_t sent = 0;

	memset(much, ' ', sizeof much);
	REQUIRE(open_place("retries: 0", "max_body: 4KiB"));
	raw_connect(&caller, p.port);
	raw_say(&caller, "POST " CHAT " HTTP/1.1\r\nhost: weir\r\ncontent-length: 262144\r\n\r\n");
	while (!caller.ended) {
		if (sent < 60 * 1024)
			sent += raw_send(&caller, much + sent, 1024);
		place_turn(&p);
		raw_read(&caller, RAW_IN_MAX);
	}
	CHECK_INT(raw_status(&caller), 413);
	CHECK(raw_whole(&caller) && !caller.reset);
	end();
}

/* H-24. */
TEST(who_expects_100_hears_it_once)
{
	REQUIRE(open_place("retries: 0", ""));
	raw_connect(&caller, p.port);
	raw_say(&caller, "POST " CHAT " HTTP/1.1\r\nhost: weir\r\ncontent-length: 68\r\n"
			 "expect: 100-continue\r\n\r\n");
	CHECK_INT(sizeof PLAIN - 1, 68);
	await_count("HTTP/1.1 100 Continue\r\n\r\n", 1);
	raw_say(&caller, PLAIN);
	await_count("HTTP/1.1 200 OK", 1);
	CHECK_INT(count("HTTP/1.1 100"), 1);
	end();
}

TEST_MAIN

/* A stream that was cut, gone on with at another vendor: what each one says, and that a
 * caller reads one text, as exchange and seam join it. */
#include "mock_world.h"

#include "base/rng.h"
#include "dialect/exchange.h"

#define USER      "{\"role\":\"user\",\"content\":\"nonce=N1 hi\"}"
#define SAID      "{\"role\":\"assistant\",\"content\":\"alpha N1: tok0 tok1 tok2 tok3 tok4\"}"
#define GO_ON     "{\"role\":\"user\",\"content\":\"Go on exactly after it.\"}"
#define ASK(list) "{\"model\":\"m1\",\"messages\":[" list "]}"

struct row {
	const char *script, *body;
	unsigned status;
	const char *content; /* up to its end; of a 400: its message */
};

static const struct row rows[] = {
	{ "tokens=8", ASK(USER "," SAID), 200, "\" tok5 tok6 tok7\"" },
	{ "tokens=8", ASK(USER "," SAID "," GO_ON), 200, "\" tok5 tok6 tok7\"" },
	{ "tokens=8;resume=on", ASK(USER "," SAID), 200, "\" tok5 tok6 tok7\"" },
	{ "tokens=8;resume=overlap", ASK(USER "," SAID), 200,
	  "\" tok2 tok3 tok4 tok5 tok6 tok7\"" },
	{ "tokens=3;resume=overlap",
	  ASK(USER ",{\"role\":\"assistant\",\"content\":\"alpha N1: tok0 tok1\"}"), 200,
	  "\"alpha N1: tok0 tok1 tok2\"" },
	{ "tokens=8;resume=restart", ASK(USER "," SAID "," GO_ON), 200,
	  "\"alpha N1: tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7\"" },
	{ "tokens=2;resume=restart",
	  ASK("{\"role\":\"assistant\",\"content\":\"\\\"\\u00e9 q: tok0\"}"), 200,
	  "\"\\\"\\u00e9 q: tok0 tok1\"" },
	{ "tokens=2;resume=other", ASK(USER "," SAID), 200, "\"Something else: tok0 tok1\"" },
	{ "tokens=8;resume=off", ASK(USER "," SAID), 200,
	  "\"beta N1: tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7\"" },
	{ "tokens=8;resume=refuse-prefill", ASK(USER "," SAID "," GO_ON), 200,
	  "\" tok5 tok6 tok7\"" },
	{ "tokens=8;resume=refuse-prefill", ASK(USER "," SAID), 400, "assistant message prefill" },
	{ "tokens=2;resume=refuse-prefill", ASK(USER), 200, "\"beta N1: tok0 tok1\"" },
	{ "tokens=3;utf8",
	  ASK(USER ",{\"role\":\"assistant\",\"content\":\"alpha N1: "
		   "t\xc3\xb8k\xf0\x9f\x90\x8b"
		   "0\"}"),
	  200,
	  "\" t\xc3\xb8k\xf0\x9f\x90\x8b"
	  "1 t\xc3\xb8k\xf0\x9f\x90\x8b"
	  "2\"" },
	/* All is said: nothing is left of the assistant's own message. */
	{ "tokens=5", ASK(USER "," SAID), 200, "\"\"" },
	{ "tokens=5", ASK(USER "," SAID "," GO_ON), 200, "\"beta N1: tok0 tok1 tok2 tok3 tok4\"" },
	/* No continuation: the next question of a conversation, or another text. */
	{ "tokens=8", ASK(USER "," SAID "," USER), 200,
	  "\"beta N1: tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7\"" },
	{ "tokens=2", ASK(SAID "," USER "," GO_ON), 200, "\"beta N1: tok0 tok1\"" },
	{ "tokens=2;resume=other", ASK(USER), 200, "\"beta N1: tok0 tok1\"" },
	{ "tokens=2;resume=restart", ASK(USER), 200, "\"beta N1: tok0 tok1\"" },
	{ "tokens=2", ASK(USER ",{\"role\":\"assistant\",\"content\":\"Hi there, 7\"}"), 200,
	  "\"beta N1: tok0 tok1\"" },
};

TEST(each_way_to_go_on)
{
	struct mock_world w;
	struct mock_client c;
	char status[32];

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "beta", NULL, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK_INT(weir_mock_script(w.mock, "beta", rows[i].script, NULL), 0);
		CHECK_INT(mock_ask(&w, &c, "beta", rows[i].body, 5000), MOCK_KEPT);
		snprintf(status, sizeof status, "HTTP/1.1 %u ", rows[i].status);
		if (!mock_has(&c, status) || !mock_has(&c, rows[i].content)) {
			NOTE("row %zu: %s", i, rows[i].script);
			test_print("said", c.in.base, c.in.len);
			CHECK(!"as expected");
		}
		CHECK(rows[i].status == 200 || mock_has(&c, "invalid_request_error"));
		mock_client_close(&w, &c);
	}
	mock_world_close(&w);
}

enum { TEXT_MAX = 16 * 1024 };

struct caller {
	char text[TEXT_MAX];
	size_t len;
	unsigned events;
	bool ended, other_id;
};

static int read_event(void *arg, const struct weir_sse_event *event)
{
	struct caller *caller = arg;
	const struct weir_dialect *openai = weir_dialect_find(WEIR_SLICE("openai"));
	struct weir_delta delta;
	struct weir_buf scratch;

	CHECK(!caller->ended);
	if (weir_slice_is(event->data, "[DONE]")) {
		caller->ended = true;
		return 0;
	}
	weir_buf_init(&scratch, TEXT_MAX);
	openai->read_delta(event->data, &scratch, &delta);
	caller->events++;
	caller->other_id |= !weir_slice_is(delta.id_at, "\"chatcmpl-alpha-1\"");
	if (delta.text.len && caller->len + delta.text.len < TEXT_MAX) {
		memcpy(caller->text + caller->len, delta.text.base, delta.text.len);
		caller->len += delta.text.len;
	}
	caller->text[caller->len] = '\0';
	weir_buf_fini(&scratch);
	return 0;
}

/* One vendor's answer through an exchange, in pieces, to the caller. Returns its state. */
static enum weir_exchange_state relay(struct caller *caller, struct weir_seam *seam,
				      const struct mock_client *c, bool ended, size_t piece)
{
	enum weir_exchange_state state;
	struct weir_exchange x;
	struct weir_sse sse;

	weir_exchange_init(&x, weir_dialect_find(WEIR_SLICE("openai")), WEIR_ROUTE_CHAT, true);
	x.seam = seam;
	for (size_t at = 0; at < c->in.len; at += piece)
		weir_exchange_feed(&x, c->in.base + at,
				   piece < c->in.len - at ? piece : c->in.len - at, 1);
	if (ended)
		weir_exchange_eof(&x, true);
	weir_sse_init(&sse, read_event, caller);
	if (x.committed)
		CHECK_INT(weir_sse_feed(&sse, x.out.base, x.out.len), 0);
	CHECK_INT(sse.raw.len, 0);
	weir_sse_fini(&sse);
	state = x.state;
	if (state == WEIR_EXCHANGE_FAILED && !x.committed)
		CHECK_STR(x.verdict.reason, "seam_mismatch");
	weir_exchange_fini(&x);
	return state;
}

static void ask_to_go_on(char *body, size_t size, struct weir_slice text, bool prefill)
{
	snprintf(body, size,
		 "{\"model\":\"m1\",\"stream\":true,\"messages\":[" USER
		 ",{\"role\":\"assistant\",\"content\":\"%.*s\"}%s]}",
		 (int)text.len, text.base, prefill ? "" : "," GO_ON);
}

/* "alpha N1: tok0 tok1 …": every token once, one blank between them. */
static void check_text(const struct caller *caller, unsigned tokens, bool utf8)
{
	static char expected[TEXT_MAX];
	size_t n = (size_t)snprintf(expected, sizeof expected, "alpha N1:");

	for (unsigned i = 0; i < tokens; i++)
		n += (size_t)snprintf(expected + n, sizeof expected - n, " %s%u",
				      utf8 ? "t\xc3\xb8k\xf0\x9f\x90\x8b" : "tok", i);
	CHECK_STR(caller->text, expected);
	CHECK(caller->ended && !caller->other_id);
}

static void run_seed(struct mock_world *w, uint64_t seed)
{
	static const char *const ways[] = { "on", "overlap", "restart" };
	static struct caller caller;
	unsigned tokens, after;
	char script[128], body[TEXT_MAX];
	struct mock_client c;
	struct weir_seam seam;
	struct weir_rng rng;
	bool prefill, utf8;

	weir_rng_init(&rng, seed);
	prefill = weir_rng_upto(&rng, 1);
	utf8 = weir_rng_upto(&rng, 3) == 0;
	after = seed % 2 ? 40 : 1 + (unsigned)weir_rng_upto(&rng, 60);
	tokens = after + 1 + (unsigned)weir_rng_upto(&rng, 40);
	caller = (struct caller){ 0 };
	weir_seam_init(&seam);

	snprintf(script, sizeof script, "cut;after=%u;tokens=%u;chunk=50%s", after, tokens,
		 utf8 ? ";utf8" : "");
	weir_mock_reset(w->mock);
	CHECK_INT(weir_mock_script(w->mock, "alpha", script, NULL), 0);
	CHECK_INT(mock_ask(w, &c, "alpha", STREAM, 5000), MOCK_FIN);
	CHECK_INT(relay(&caller, &seam, &c, true, 1 + weir_rng_upto(&rng, 500)),
		  WEIR_EXCHANGE_FAILED);
	mock_client_close(w, &c);
	CHECK(weir_seam_can_resume(&seam));

	ask_to_go_on(body, sizeof body, weir_seam_text(&seam), prefill);
	snprintf(script, sizeof script, "tokens=%u;chunk=50;resume=%s%s", tokens,
		 ways[weir_rng_upto(&rng, 2)], utf8 ? ";utf8" : "");
	CHECK_INT(weir_mock_script(w->mock, "beta", script, NULL), 0);
	CHECK_INT(mock_ask(w, &c, "beta", body, 5000), MOCK_KEPT);
	CHECK_INT(weir_seam_begin(&seam, prefill), 0);
	CHECK_INT(relay(&caller, &seam, &c, false, 1 + weir_rng_upto(&rng, 500)),
		  WEIR_EXCHANGE_DONE);
	mock_client_close(w, &c);
	check_text(&caller, tokens, utf8);
	weir_seam_fini(&seam);
}

TEST(one_text_in_a_hundred_runs)
{
	struct mock_world w;
	unsigned failures = 0;

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, NULL);
	mock_vendor(&w, "beta", NULL, NULL);
	for (uint64_t seed = 1; seed <= 100 && failures < 5; seed++) {
		int before = test_failures;

		run_seed(&w, seed);
		if (test_failures > before) {
			NOTE("seed %d", (int)seed);
			failures++;
		}
	}
	mock_world_close(&w);
}

/* What does not fit is not shown, and a tool call is not gone on with. */
TEST(nothing_that_does_not_fit)
{
	static const char *const ways[] = { "other", "off" };
	static struct caller caller;
	struct mock_world w;
	struct mock_client c;
	struct weir_seam seam;
	char script[64], body[TEXT_MAX];

	REQUIRE(mock_world_open(&w));
	mock_vendor(&w, "alpha", NULL, "cut;after=40;tokens=60");
	mock_vendor(&w, "beta", NULL, NULL);
	for (unsigned i = 0; i < 4; i++) {
		bool prefill = i / 2;

		caller = (struct caller){ 0 };
		weir_seam_init(&seam);
		CHECK_INT(mock_ask(&w, &c, "alpha", STREAM, 5000), MOCK_FIN);
		relay(&caller, &seam, &c, true, 100);
		mock_client_close(&w, &c);
		ask_to_go_on(body, sizeof body, weir_seam_text(&seam), prefill);
		snprintf(script, sizeof script, "tokens=60;resume=%s", ways[i % 2]);
		CHECK_INT(weir_mock_script(w.mock, "beta", script, NULL), 0);
		CHECK_INT(mock_ask(&w, &c, "beta", body, 5000), MOCK_KEPT);
		REQUIRE(weir_seam_begin(&seam, prefill) == 0);
		CHECK_INT(relay(&caller, &seam, &c, false, 100), WEIR_EXCHANGE_FAILED);
		CHECK_INT(caller.len, strlen("alpha N1:") + 10 * 5 + 30 * 6);
		mock_client_close(&w, &c);
		weir_seam_fini(&seam);
	}
	CHECK_INT(weir_mock_script(w.mock, "alpha", "cut;after=4;tools", NULL), 0);
	weir_seam_init(&seam);
	CHECK_INT(mock_ask(&w, &c, "alpha", STREAM, 5000), MOCK_FIN);
	CHECK_INT(relay(&caller, &seam, &c, true, 100), WEIR_EXCHANGE_FAILED);
	CHECK(!weir_seam_can_resume(&seam));
	mock_client_close(&w, &c);
	weir_seam_fini(&seam);
	mock_world_close(&w);
}

TEST_MAIN

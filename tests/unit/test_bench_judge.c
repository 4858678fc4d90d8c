#include "bench/judge.h"
#include "test.h"

#define NONCE "wb0000002a.00000007"

static struct weir_bench_nonce nonce;

static void make_nonce(void)
{
	weir_bench_nonce_init(&nonce, 42);
	weir_bench_nonce_number(&nonce, 7);
}

/* The outcome of a body that came in steps. */
static const char *judged(const char *dialect, bool stream, enum weir_bench_care care,
			  const char *text, size_t step, uint64_t *events)
{
	struct weir_bench_judge j;
	size_t len = strlen(text);
	enum weir_bench_outcome outcome;

	make_nonce();
	weir_bench_judge_init(&j, weir_bench_dialect(weir_slice_of(dialect)));
	weir_bench_judge_begin(&j, stream, care, &nonce);
	weir_bench_judge_head(&j, stream);
	for (size_t at = 0; at < len; at += step)
		weir_bench_judge_bytes(&j, weir_slice(text + at, len - at < step ? len - at : step),
				       false);
	weir_bench_judge_bytes(&j, WEIR_SLICE(""), true);
	outcome = weir_bench_judge_end(&j);
	*events = j.events;
	weir_bench_judge_fini(&j);
	return weir_bench_outcome_name(outcome);
}

#define WHOLE(text) \
	"{\"choices\":[{\"message\":{\"content\":\"" text "\"},\"finish_reason\":\"stop\"}]}"
#define DELTA(text) \
	"data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}]}\n\n"
#define STOP "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define CALL(text)                                                                             \
	"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"" text \
	"\"}}]}}]}\n\n"
#define BLOCK(text)                                                 \
	"event: content_block_delta\ndata: "                        \
	"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{" \
	"\"type\":\"text_delta\",\"text\":\"" text "\"}}\n\n"
#define REASON                                                                             \
	"data: "                                                                           \
	"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{" \
	"\"output_tokens\":2}}\n\n"
#define GONE "data: {\"type\":\"message_stop\"}\n\n"

static const struct {
	const char *dialect;
	bool stream;
	enum weir_bench_care care;
	const char *text, *outcome;
	unsigned events;
} rows[] = {
	{ "openai", false, WEIR_BENCH_CARE_NONCE, WHOLE("a " NONCE ": hi"), "ok", 1 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, WHOLE("hi"), "wrong", 1 },
	{ "openai", false, WEIR_BENCH_CARE_NONE, WHOLE("hi"), "ok", 1 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, WHOLE("a wb0000002a.00000008: hi"), "crossed",
	  1 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, WHOLE("a wb0000002b.00000007: hi"), "wrong", 1 },
	{ "openai", false, WEIR_BENCH_CARE_TOKENS, WHOLE("a " NONCE ": tok0 tok1 tok2"), "ok", 1 },
	{ "openai", false, WEIR_BENCH_CARE_TOKENS, WHOLE("a " NONCE ":"), "ok", 1 },
	{ "openai", false, WEIR_BENCH_CARE_TOKENS, WHOLE("a " NONCE ": tok0 tok2"), "wrong", 1 },
	{ "openai", false, WEIR_BENCH_CARE_TOKENS, WHOLE("a " NONCE ": tok0 tok0"), "wrong", 1 },
	{ "openai", false, WEIR_BENCH_CARE_TOKENS, WHOLE("a " NONCE ": tok0 to"), "wrong", 1 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, "{\"choices\":[]}", "bad_body", 0 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, "{\"choices\":[", "bad_body", 0 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, "", "bad_body", 0 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, "<html>", "bad_body", 0 },
	{ "openai", false, WEIR_BENCH_CARE_NONCE, "{\"error\":{\"message\":\"no\"}}",
	  "error_in_200", 0 },
	{ "openai", true, WEIR_BENCH_CARE_TOKENS,
	  DELTA("") DELTA("a " NONCE ": tok0") DELTA(" tok1") STOP DONE, "ok", 2 },
	{ "openai", true, WEIR_BENCH_CARE_TOKENS,
	  DELTA("a " NONCE ": tok0") DELTA(" tok2") STOP DONE, "wrong", 2 },
	{ "openai", true, WEIR_BENCH_CARE_NONCE,
	  DELTA("a wb00000") DELTA("02a.0000") DELTA("0007: b") STOP DONE, "ok", 3 },
	{ "openai", true, WEIR_BENCH_CARE_NONCE, DELTA("a " NONCE) DONE, "stream_cut", 1 },
	{ "openai", true, WEIR_BENCH_CARE_NONCE, DELTA("a " NONCE) STOP, "stream_cut", 1 },
	{ "openai", true, WEIR_BENCH_CARE_NONCE, STOP DONE, "bad_body", 0 },
	{ "openai", true, WEIR_BENCH_CARE_NONCE,
	  DELTA("a " NONCE) "data: {\"error\":{\"message\":\"no\"}}\n\n" DONE, "stream_error", 1 },
	{ "openai", true, WEIR_BENCH_CARE_NONCE, DELTA("a " NONCE) "data: {nonsense\n\n" STOP DONE,
	  "bad_body", 1 },
	{ "openai", true, WEIR_BENCH_CARE_TOKENS,
	  CALL("{\\\"text\\\":\\\"a " NONCE ": tok0") CALL(" tok1\\\"}") STOP DONE, "ok", 2 },
	{ "anthropic", false, WEIR_BENCH_CARE_TOKENS,
	  "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"a " NONCE
	  ": tok0\"}],\"stop_reason\":\"end_turn\"}",
	  "ok", 1 },
	{ "anthropic", false, WEIR_BENCH_CARE_TOKENS,
	  "{\"content\":[{\"type\":\"tool_use\",\"input\":{\"text\":\"a " NONCE ": tok0\"}}]}",
	  "ok", 1 },
	{ "anthropic", false, WEIR_BENCH_CARE_NONCE,
	  "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", "error_in_200", 0 },
	{ "anthropic", true, WEIR_BENCH_CARE_TOKENS,
	  "data: {\"type\":\"message_start\"}\n\n" BLOCK("a " NONCE ": tok0") BLOCK(" tok1")
		  REASON GONE,
	  "ok", 2 },
	{ "anthropic", true, WEIR_BENCH_CARE_TOKENS, BLOCK("a " NONCE ": tok0") REASON,
	  "stream_cut", 1 },
	{ "anthropic", true, WEIR_BENCH_CARE_NONCE,
	  BLOCK("a " NONCE) "event: error\ndata: {\"type\":\"error\",\"error\":{}}\n\n",
	  "stream_error", 1 },
	{ "http", false, WEIR_BENCH_CARE_NONE, "anything", "ok", 0 },
};

TEST(answers_are_judged_the_same_however_they_are_cut)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t step = 1; step < 300; step += step < 40 ? 1 : 37) {
			uint64_t events;
			const char *outcome = judged(rows[i].dialect, rows[i].stream, rows[i].care,
						     rows[i].text, step, &events);

			if (strcmp(outcome, rows[i].outcome) != 0 || events != rows[i].events) {
				NOTE("row %zu in steps of %zu", i, step);
				CHECK_STR(outcome, rows[i].outcome);
				CHECK_INT(events, rows[i].events);
			}
		}
}

TEST(a_stream_that_breaks_off_was_cut)
{
	struct weir_bench_judge j;
	struct weir_slice part = WEIR_SLICE(DELTA("a " NONCE));

	make_nonce();
	weir_bench_judge_init(&j, weir_bench_dialect(WEIR_SLICE("openai")));
	weir_bench_judge_begin(&j, true, WEIR_BENCH_CARE_NONCE, &nonce);
	weir_bench_judge_head(&j, true);
	CHECK_INT(weir_bench_judge_bytes(&j, part, false), 1);
	CHECK_INT(weir_bench_judge_cut(&j), WEIR_BENCH_STREAM_CUT);
	weir_bench_judge_begin(&j, false, WEIR_BENCH_CARE_NONCE, &nonce);
	CHECK_INT(weir_bench_judge_cut(&j), WEIR_BENCH_CLOSED);
	weir_bench_judge_fini(&j);
}

TEST(a_body_where_a_stream_was_asked_for_is_no_answer)
{
	struct weir_bench_judge j;

	make_nonce();
	weir_bench_judge_init(&j, weir_bench_dialect(WEIR_SLICE("openai")));
	weir_bench_judge_begin(&j, true, WEIR_BENCH_CARE_NONE, &nonce);
	weir_bench_judge_head(&j, false);
	weir_bench_judge_bytes(&j, WEIR_SLICE(WHOLE("hi")), true);
	CHECK_INT(weir_bench_judge_end(&j), WEIR_BENCH_BAD_BODY);
	weir_bench_judge_fini(&j);
}

TEST(the_known_text_is_followed_over_thousands_of_tokens)
{
	static struct weir_bench_verify v;
	char token[16];

	make_nonce();
	for (int wrong = -1; wrong < 12000; wrong += 1500) {
		weir_bench_verify_begin(&v, WEIR_BENCH_CARE_TOKENS, &nonce);
		weir_bench_verify_text(&v, WEIR_SLICE("alpha " NONCE ":"));
		for (int i = 0; i < 12000; i++) {
			snprintf(token, sizeof token, " tok%d", i + (i == wrong));
			weir_bench_verify_text(&v, weir_slice_of(token));
		}
		CHECK_INT(weir_bench_verify_end(&v),
			  wrong < 0 ? WEIR_BENCH_TRUE : WEIR_BENCH_FALSE);
	}
}

TEST_MAIN

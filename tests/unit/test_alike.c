/* Events that are alike are passed on without being read. What comes out is what comes out of
 * the same events where no two are alike, and so each is read. */
#include "test.h"

#include "base/alloc.h"
#include "dialect/exchange.h"

enum { WIRE_MAX = 32 * 1024, EVENTS_N = 40 };

#define HEAD "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"

/* In the text: # for blanks, $ for words. */
static const struct stream {
	const char *target, *caller, *begin, *text, *between, *end, *line_end;
	bool asked; /* the caller wants usage */
} streams[] = {
	{ "openai", "openai", "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n",
	  "data: {#\"choices\":[{\"delta\":{\"content\":\"$\"}}]}\n\n", ": ping\n\n",
	  "data: [DONE]\n\n", "\n", true },
	{ "openai", "openai", "",
	  "data: {#\"obfuscation\":\"x\",\"choices\":[{\"delta\":{\"content\":\"$\"}}],"
	  "\"usage\":null}\n\n",
	  "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n", "data: [DONE]\n\n", "\n",
	  false },
	{ "openai", "openai", "", "data: {#\"choices\":[{\"delta\":{\"content\":\"$\"}}]}\n\n",
	  "data: oops\n\n", "data: [DONE]\n\n", "\r\n", true },
	{ "openai", "openai", "",
	  "data: {#\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
	  "\"arguments\":\"$\"}}]}}]}\n\n",
	  "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{"
	  "\"name\":\"f\"}}]}}]}\n\n",
	  "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n", "\n", true },
	{ "anthropic", "anthropic", "event: ping\ndata: {\"type\":\"ping\"}\n\n",
	  "event: content_block_delta\ndata: {#\"type\":\"content_block_delta\",\"index\":0,"
	  "\"delta\":{\"type\":\"text_delta\",\"text\":\"$\"}}\n\n",
	  ":\n\n", "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "\n", true },
	{ "anthropic", "openai",
	  "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\"}}\n\n",
	  "data: {#\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
	  "\"text_delta\",\"text\":\"$\"}}\n\n",
	  "data: {\"type\":\"ping\"}\n\n", "data: {\"type\":\"message_stop\"}\n\n", "\n", true },
	{ "anthropic", "openai", "",
	  "data: {#\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
	  "\"thinking_delta\",\"thinking\":\"$\"}}\n\n",
	  "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
	  "\"text\",\"text\":\"t\"}}\n\n",
	  "data: {\"type\":\"message_stop\"}\n\n", "\n", true },
	{ "openai", "anthropic",
	  "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":"
	  "\"assistant\"}}]}\n\n",
	  "data: {#\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"$\"}}]}"
	  "\n\n",
	  "data: {\"choices\":[{\"delta\":{\"refusal\":\"r\"}}]}\n\n",
	  "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", "\n", true },
	{ "openai", "anthropic", "",
	  "data: {#\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"delta\":{\"tool_calls\":[{"
	  "\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"$\"}}]}}]}\n\n",
	  ": ping\n\n", "data: [DONE]\n\n", "\n", true },
	{ "openai", "anthropic", "",
	  "data: {#\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"delta\":{\"reasoning\":\"$\"}}]}"
	  "\n\n",
	  "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n", "data: [DONE]\n\n", "\n",
	  true },
};

static const char *const words[] = { "a",         "content",      "a longer text than eight bytes",
				     "\\\"q\\\"", "\xe2\x82\xac", "m",
				     "{}",        "\\u0041",      "text",
				     "" };

static void put(char *wire, size_t *n, const char *text, const char *line_end, int i, bool many)
{
	for (; *text; text++) {
		const char *word = words[(size_t)i % (sizeof words / sizeof *words)];
		int len = 1;

		if (*text == '\n')
			len = snprintf(wire + *n, 64, "%s", line_end);
		else if (*text == '$')
			len = snprintf(wire + *n, 64, "%s", word);
		else if (*text == '#')
			len = snprintf(wire + *n, 64, "%*s", many ? i : 0, "");
		else
			wire[*n] = *text;
		*n += (size_t)len;
	}
}

/* many: no two events have as many blanks. */
static size_t write_wire(char wire[WIRE_MAX], const struct stream *s, bool many)
{
	size_t n = 0;

	put(wire, &n, HEAD, "\n", 0, false);
	put(wire, &n, s->begin, s->line_end, 0, false);
	for (int i = 0; i < EVENTS_N; i++) {
		put(wire, &n, s->text, s->line_end, i, many);
		if (i % 17 == 11)
			put(wire, &n, s->between, s->line_end, 0, false);
	}
	put(wire, &n, s->end, s->line_end, 0, false);
	return n;
}

/* As an event has only the blanks of ours: none stands in what it says. */
static void drop_blanks(struct weir_buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < out->len; i++) {
		bool ours = n && out->base[n - 1] == '{' && out->base[i] == ' ';

		if (!ours)
			out->base[n++] = out->base[i];
	}
	out->len = n;
}

static void play(const struct stream *s, const char *wire, size_t len, size_t step,
		 struct weir_buf *shown)
{
	static const struct weir_usage_wish wish = { .field = "stream_options", .member = "usage" };
	const struct weir_dialect *target = weir_dialect_find(weir_slice_of(s->target));
	const struct weir_dialect *caller = weir_dialect_find(weir_slice_of(s->caller));
	struct weir_exchange_names names = { WEIR_SLICE("i"), WEIR_SLICE("m") };
	struct weir_exchange x;

	weir_exchange_init(&x, target, target->chat->route, true);
	if (target != caller)
		CHECK_INT(weir_exchange_translate(&x, caller, true, names), 0);
	x.unasked = s->asked ? NULL : &wish;
	for (size_t at = 0; at < len; at += step) {
		weir_exchange_feed(&x, wire + at, len - at < step ? len - at : step, 1000);
		if (x.state == WEIR_EXCHANGE_WAITING)
			continue;
		CHECK_INT(weir_buf_append(shown, x.out.base, x.out.len), 0);
		weir_buf_clear(&x.out);
	}
	weir_exchange_eof(&x, true);
	CHECK_INT(x.state, WEIR_EXCHANGE_DONE);
	CHECK_INT(weir_buf_append(shown, x.out.base, x.out.len), 0);
	weir_exchange_fini(&x);
}

static void compare(const struct stream *s, size_t step)
{
	static char alike[WIRE_MAX], many[WIRE_MAX];
	struct weir_buf got, want;

	weir_buf_init(&got, 4 * WIRE_MAX);
	weir_buf_init(&want, 4 * WIRE_MAX);
	play(s, alike, write_wire(alike, s, false), step, &got);
	play(s, many, write_wire(many, s, true), WIRE_MAX, &want);
	drop_blanks(&want);
	CHECK_INT(got.len, want.len);
	if (got.len != want.len || memcmp(got.base, want.base, got.len) != 0) {
		NOTE("%s for a caller of %s, %zu bytes at once: %s", s->target, s->caller, step,
		     s->text);
		CHECK(!"what is alike is told like the rest");
	}
	weir_buf_fini(&got);
	weir_buf_fini(&want);
}

TEST(what_is_alike_is_told_like_the_rest)
{
	static const size_t steps[] = { WIRE_MAX, 1, 7, 100, 333 };

	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
			compare(&streams[i], steps[k]);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

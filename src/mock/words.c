#include "mock/words.h"

#include <stddef.h>

/* clang-format off */
#define WELL  WEIR_MOCK_WELL, WEIR_MOCK_AT_BODY
#define ROW(word, kind, status, params, help) \
	{ word, WEIR_MOCK_##kind, status, WELL, params, help }
#define END(word, ending, point, params, help) \
	{ word, WEIR_MOCK_ANSWER, 200, WEIR_MOCK_##ending, WEIR_MOCK_AT_##point, params, help }

const struct weir_mock_word weir_mock_words[] = {
	ROW("200", ANSWER, 200, NULL, "a good answer, streamed when asked; also \"ok\""),
	ROW("ok", ANSWER, 200, NULL, NULL),

	ROW("content-policy", STATUS, 400, NULL, "400, code content_policy_violation"),
	ROW("context-length", STATUS, 400, NULL, "400, code context_length_exceeded"),
	ROW("unsupported-parameter", STATUS, 400, NULL, "400; param=max_tokens"),
	ROW("unsupported-value", STATUS, 400, NULL, "400; param=temperature"),
	ROW("not-found", STATUS, 404, NULL, "404 for the path; a plain 404 is for the model"),
	ROW("too-large", STATUS, 429, NULL, "429 of a request that never fits the token limit"),
	ROW("quota", STATUS, 429, NULL, "429, code insufficient_quota"),

	ROW("refuse", REFUSE, 0, NULL, "connections are refused; for=2s, else until changed"),
	ROW("blackhole", BLACKHOLE, 0, NULL, "SYNs are dropped (accept queue full); for=2s"),

	END("hang", HANG, BODY, NULL, "silence at the point, the connection stays open"),
	END("close", CLOSE, BODY, NULL, "FIN at the point"),
	END("reset", RESET, BODY, NULL, "RST at the point"),
	END("stall", HANG, TOKEN, "after=3", "hang@token"),
	END("cut", CLOSE, TOKEN, "after=3", "close@token; clean=1 ends the chunks properly"),

	ROW("truncated", TRUNCATED, 200, "by=10", "content-length is by=N more than is sent"),
	ROW("bad-json", BAD_JSON, 200, NULL, "a body, or every event, that is not JSON"),
	ROW("bad-event", BAD_EVENT, 200, "after=2", "one event that is not JSON, after=N tokens"),
	ROW("bad-chunk", BAD_CHUNK, 200, "after=2", "broken chunk framing after=N tokens"),
	ROW("html", HTML, 200, NULL, "an HTML error page under 200, or status=N"),
	ROW("error-200", ERROR_200, 200, NULL, "an error object under 200"),
	ROW("error-event", ERROR_EVENT, 200, "done=0", "an error event after=N tokens (0: first)"),
	ROW("empty", EMPTY, 200, NULL, "no body at all"),
	ROW("no-choices", NO_CHOICES, 200, NULL, "choices: []"),
	ROW("no-done", ANSWER, 200, "done=0", "finish_reason but no [DONE]"),
	ROW("no-finish", ANSWER, 200, "finish=none", "[DONE] but no finish_reason"),
	ROW("no-end", ANSWER, 200, "done=0;finish=none", "neither, the framing is whole"),
	ROW("pings", PINGS, 200, "gap=100ms", "only SSE comments; count=N, then the answer"),
	ROW("huge", ANSWER, 200, "bytes=8MiB;tokens=1", "a token of bytes=N"),
	ROW("huge-head", HUGE_HEAD, 200, "bytes=64KiB", "a header line of bytes=N"),
	ROW("extra", EXTRA, 200, NULL, "bytes after the answer; second=1: a whole response"),
	ROW("gzip", ANSWER, 200, "encoding=gzip", "claims content-encoding: gzip"),
	ROW("early", STATUS, 413, "early", "413 at the request's head, its body unread"),
	ROW("raw", RAW, 200, "keep=0", "text=BYTES as they are, percent-encoded, then close"),
	{ NULL, WEIR_MOCK_ANSWER, 0, WELL, NULL, NULL },
};

#define AT(member) offsetof(struct weir_mock_step, member)
#define BIG        (UINT64_C(1) << 40)
#define DAY_MS     (UINT64_C(24) * 3600 * 1000)

const struct weir_mock_param weir_mock_params[] = {
	{ "latency", WEIR_MOCK_MS, AT(latency_ms), DAY_MS, "before the head" },
	{ "jitter", WEIR_MOCK_MS, AT(jitter_ms), DAY_MS, "0 to this on latency" },
	{ "ttft", WEIR_MOCK_MS, AT(ttft_ms), DAY_MS, "from the head to the first token" },
	{ "tps", WEIR_MOCK_RATE, AT(gap_us), 0, "tokens a second" },
	{ "gap", WEIR_MOCK_GAP, AT(gap_us), DAY_MS, "between tokens, pings" },
	{ "tokens", WEIR_MOCK_NUMBER, AT(tokens), WEIR_MOCK_TOKENS_MAX, "default 16" },
	{ "bytes", WEIR_MOCK_NUMBER, AT(bytes), BIG, "size of a token, or of a huge head" },
	{ "after", WEIR_MOCK_NUMBER, AT(after), BIG, "tokens (@byte: bytes) before it happens" },
	{ "for", WEIR_MOCK_MS, AT(for_ms), DAY_MS, "how long refuse and blackhole last" },
	{ "chance", WEIR_MOCK_PERCENT, AT(chance_ppm), 0, "of this step, else a 200" },
	{ "every", WEIR_MOCK_NUMBER, AT(every), BIG, "3: each third time this step, else a 200" },
	{ "status", WEIR_MOCK_NUMBER, AT(status), 999, "for html, hang, close, reset" },
	{ "retry-after", WEIR_MOCK_TEXT, AT(retry_after), 0, "5, date:5, ms:250, or any text" },
	{ "shape", WEIR_MOCK_SHAPE, AT(shape), 0, "of an error's body, see below" },
	{ "message", WEIR_MOCK_TEXT, AT(message), 0, "of an error" },
	{ "code", WEIR_MOCK_TEXT, AT(code), 0, "of an error" },
	{ "type", WEIR_MOCK_TEXT, AT(type), 0, "of an error" },
	{ "param", WEIR_MOCK_TEXT, AT(param), 0, "of an error" },
	{ "header", WEIR_MOCK_HEADER, 0, 0, "NAME:VALUE, up to 6 times" },
	{ "content-type", WEIR_MOCK_TEXT, AT(content_type), 0, "empty: none is sent" },
	{ "encoding", WEIR_MOCK_TEXT, AT(encoding), 0, "content-encoding claimed" },
	{ "text", WEIR_MOCK_TEXT, AT(text), 0, "the body of an error or a 200; raw's bytes" },
	{ "say", WEIR_MOCK_TEXT, AT(say), 0, "an answer's text, in tokens=N pieces; not of tools" },
	{ "finish", WEIR_MOCK_TEXT, AT(finish), 0, "finish_reason; none: left out" },
	{ "done", WEIR_MOCK_FLAG, AT(done), 1, "0: no [DONE]" },
	{ "usage", WEIR_MOCK_FLAG, AT(usage), 1, "0: none, even when asked" },
	{ "named", WEIR_MOCK_FLAG, AT(named), 1, "error events are named \"error\"" },
	{ "notify", WEIR_MOCK_FLAG, AT(notify), 1, "0: a TLS close without close_notify" },
	{ "clean", WEIR_MOCK_FLAG, AT(clean), 1, "the last chunk is sent all the same" },
	{ "count", WEIR_MOCK_NUMBER, AT(count), BIG, "of pings" },
	{ "by", WEIR_MOCK_NUMBER, AT(by), BIG, "bytes claimed and not sent" },
	{ "chunk", WEIR_MOCK_NUMBER, AT(chunk_max), BIG, "chunks of 1 to N bytes, anywhere" },
	{ "split", WEIR_MOCK_NUMBER, AT(split_max), BIG, "written in pieces of 1 to N bytes" },
	{ "drip", WEIR_MOCK_MS, AT(drip_ms), DAY_MS, "between those pieces" },
	{ "framing", WEIR_MOCK_FRAMING, AT(framing), 0, "length, chunked, close" },
	{ "as", WEIR_MOCK_FORM, AT(form), 0, "json or stream, whatever was asked" },
	{ "resume", WEIR_MOCK_RESUME, AT(resume), 0,
	  "on, overlap, restart, other, off, refuse-prefill" },
	{ "info", WEIR_MOCK_NUMBER, AT(info), 199, "a 1xx first" },
	{ "info-n", WEIR_MOCK_NUMBER, AT(info_n), 1000, "so many of them" },
	{ "early", WEIR_MOCK_FLAG, AT(early), 1, "at the request's head, its body unread" },
	{ "keep", WEIR_MOCK_FLAG, AT(keep), 1, "0: closes after the answer" },
	{ "second", WEIR_MOCK_FLAG, AT(second), 1, "extra: a second response" },
	{ "utf8", WEIR_MOCK_FLAG, AT(utf8), 1, "tokens of several-byte characters" },
	{ "tools", WEIR_MOCK_SOME, AT(tools), 16, "answers with so many tool calls" },
	{ "http", WEIR_MOCK_NUMBER, AT(minor), 9, "0: HTTP/1.0" },
	{ NULL, WEIR_MOCK_NUMBER, 0, 0, NULL },
};

const struct weir_mock_shape weir_mock_shapes[] = {
	{ "openai", "application/json",
	  "{\"error\":{\"message\":$M,\"type\":$T,\"param\":$P,\"code\":$C}}" },
	{ "anthropic", "application/json",
	  "{\"type\":\"error\",\"error\":{\"type\":$T,\"message\":$M},"
	  "\"request_id\":\"req_mock\"}" },
	{ "google", "application/json; charset=UTF-8",
	  "{\n  \"error\": {\n    \"code\": $S,\n    \"message\": $M,\n    \"status\": $T$D\n"
	  "  }\n}\n" },
	{ "google-line", "application/json; charset=UTF-8",
	  "{\"error\":{\"code\":$S,\"message\":$M,\"status\":$T$D}}" },
	{ "google-list", "application/json; charset=UTF-8",
	  "[{\"error\":{\"code\":$S,\"message\":$M,\"status\":$T$D}}]" },
	{ "azure", "application/json", "{\"error\":{\"code\":$C,\"message\":$M}}" },
	{ "openrouter", "application/json",
	  "{\"error\":{\"code\":$S,\"message\":$M,\"metadata\":{}}}" },
	{ "string", "application/json", "{\"error\":$M}" },
	{ "xai", "application/json", "{\"code\":$C,\"error\":$M}" },
	{ "mistral", "application/json",
	  "{\"object\":\"error\",\"message\":$M,\"type\":$T,\"param\":$P,\"code\":$C,"
	  "\"raw_status_code\":$S}" },
	{ "flat", "application/json", "{\"message\":$M,\"type\":$T,\"param\":$P,\"code\":$C}" },
	{ "message", "application/json", "{\"message\":$M}" },
	{ "aws", "application/json", "{\"Message\":$M}" },
	{ "detail", "application/json", "{\"detail\":$M}" },
	{ "detail-list", "application/json",
	  "{\"detail\":[{\"loc\":[\"body\",$P],\"msg\":$M,\"type\":$T}]}" },
	{ "detail-error", "application/json", "{\"detail\":{\"error\":$M}}" },
	{ "cloudflare", "application/json",
	  "{\"errors\":[{\"message\":$M,\"code\":$S}],\"success\":false}" },
	{ "apim", "application/json", "{\"statusCode\":$S,\"message\":$M}" },
	{ "html", "text/html; charset=UTF-8",
	  "<html>\r\n<head><title>$S Mock Edge</title></head>\r\n<body>\r\n<center><h1>$S</h1>"
	  "</center>\r\n<hr><center>mock-edge</center>\r\n</body>\r\n</html>\r\n" },
	{ "text", "text/plain", "mock edge: upstream error $S\n" },
	{ "none", NULL, "" },
	{ NULL, NULL, NULL },
};
/* clang-format on */

const struct weir_mock_shape *weir_mock_shape(struct weir_slice name)
{
	const struct weir_mock_shape *s = weir_mock_shapes;

	while (s->name && !weir_slice_is(name, s->name))
		s++;
	return s->name ? s : NULL;
}

const char *const weir_mock_points[WEIR_MOCK_AT_N] = {
	[WEIR_MOCK_AT_ACCEPT] = "accept",   [WEIR_MOCK_AT_HEAD] = "head",
	[WEIR_MOCK_AT_BODY] = "body",       [WEIR_MOCK_AT_STATUS] = "status",
	[WEIR_MOCK_AT_HEADERS] = "headers", [WEIR_MOCK_AT_ROLE] = "role",
	[WEIR_MOCK_AT_TOKEN] = "token",     [WEIR_MOCK_AT_HALF] = "half",
	[WEIR_MOCK_AT_END] = "end",         [WEIR_MOCK_AT_BYTE] = "byte",
};

static int put_words(struct weir_buf *buf)
{
	int err = weir_buf_puts(
		buf, "A script is a row of steps, one per request; the last repeats for ever:\n\n"
		     "  WORD[@POINT][;NAME=VALUE]...[*TIMES][,STEP]...\n\n"
		     "  503*2,429;retry-after=5,200;latency=20ms;tokens=40;tps=50\n"
		     "  reset@half,stall;after=3,cut;after=2;clean\n"
		     "  503;chance=10%;latency=50ms;jitter=20ms\n"
		     "  503;every=3\n\n"
		     "No word is 200. Texts are percent-decoded: %2C for a comma, %3B for a\n"
		     "semicolon. refuse, blackhole, early and what happens @accept or @head are\n"
		     "for a vendor as a whole, not for one model or key.\n\n"
		     "Words:\n"
		     "  200 to 599 by number; 400 401 402 403 404 405 408 409 413 415 422 425 429\n"
		     "    500 502 503 504 520-526 529 and redirects with realistic bodies\n");

	for (const struct weir_mock_word *w = weir_mock_words; !err && w->word; w++)
		if (w->help)
			err = weir_buf_printf(buf, "  %-22s %s\n", w->word, w->help);
	return err;
}

static const char resume_help[] =
	"Asked to go on with an answer that was cut (an assistant's message at the end,\n"
	"or before a turn without a nonce), a vendor goes on exactly there; tokens= is the\n"
	"sum. resume=overlap says the last three tokens once more, restart all of it,\n"
	"other something that fits nowhere, off a new answer; refuse-prefill is 400 when\n"
	"the last message is the assistant's.\n\n";

int weir_mock_script_help(struct weir_buf *buf)
{
	int err = put_words(buf);

	if (!err)
		err = weir_buf_printf(buf, "\n%s", resume_help);
	if (!err)
		err = weir_buf_puts(buf, "Points, as in reset@half:\n ");
	for (size_t i = 0; !err && i < WEIR_MOCK_AT_N; i++)
		err = weir_buf_printf(buf, " %s", weir_mock_points[i]);
	if (!err)
		err = weir_buf_puts(buf, "\nParameters:\n");
	for (const struct weir_mock_param *p = weir_mock_params; !err && p->name; p++)
		err = weir_buf_printf(buf, "  %-22s %s\n", p->name, p->help);
	if (!err)
		err = weir_buf_puts(buf, "Shapes of errors:\n ");
	for (const struct weir_mock_shape *s = weir_mock_shapes; !err && s->name; s++)
		err = weir_buf_printf(buf, " %s", s->name);
	return err ? err : weir_buf_puts(buf, "\n");
}

/* What a scenario's callers send, its providers answer, and its configurations say; and how what
 * weir writes is read: strictly, and by nothing of weir's own. */
#ifndef WEIR_FUZZ_SCENARIO_H
#define WEIR_FUZZ_SCENARIO_H

#include <ctype.h>

#include "kernel.h"

enum { VENDORS = 3, LISTEN_PORT = 4000, ADMIN_PORT = 4001, VENDOR_PORT = 5000 };

/* Canaries: none of them may be seen where it does not belong. */
#define KEY(name)  "sk-canary-" name "-5fd1c7a0e2b94"
#define CALLER_KEY "ck-canary-app-8b03d6e1f7a25"
#define ADMIN_KEY  "ak-canary-ops-17c0e9d4a6b83"

static const char *const vendor_names[VENDORS] = { "alpha", "beta", "gamma" };
static const char *const canaries[] = { KEY("alpha"), KEY("beta"), KEY("gamma"), CALLER_KEY,
					ADMIN_KEY };

/* ---- configurations ---- */

enum {
	OPT_ACCESS = 1,
	OPT_HEDGE = 2,
	OPT_CONTINUE = 4,
	OPT_EARLY = 8,
	OPT_ANTHROPIC = 16, /* beta speaks Anthropic's API… */
	OPT_GEMINI = 32,    /* …gamma Gemini's */
	OPT_RETRIES = 64,
	OPT_USAGE = 128,
	OPT_POOL = 256,
	OPT_ROOM = 512, /* one at a time at alpha */
	OPT_HALF_CLOSE = 1024,
	OPT_NEXT = 2048, /* a refusal for content or size goes on */
	OPT_STRICT = 4096,
	OPT_TRACES = 8192,
	OPT_RATES = 16384,
	OPT_COMPAT = 32768
};

static const char *dialect_of(unsigned options, int vendor)
{
	if (vendor == 1 && options & OPT_ANTHROPIC)
		return "anthropic";
	return vendor == 2 && options & OPT_GEMINI ? "gemini" : "openai";
}

static size_t put_config(char *to, size_t size, unsigned options)
{
	size_t n = (size_t)snprintf(
		to, size,
		"listen: 127.0.0.1:%d\nadmin: 127.0.0.1:%d\nadmin_key: " ADMIN_KEY "\n%s%s%s"
		"defaults: { connect_timeout: 2s, first_token_timeout: 3s, attempt_timeout: 4s, "
		"stall_timeout: 2s, deadline: 8s, stream_timeout: 20s, retries: %d%s%s%s%s%s%s }\n"
		"models: { m2: { prefill: on, context: 100000 }, m3: { prefill: off } }\n"
		"providers:\n",
		LISTEN_PORT, ADMIN_PORT,
		options & OPT_ACCESS ? "access: { keys: [ { name: app, key: " CALLER_KEY
				       ", rpm: 20, max_inflight: 3 } ] }\n"
				     : "",
		options & OPT_HALF_CLOSE ? "half_close: serve\n" : "",
		options & OPT_COMPAT ? "compat: [ litellm, portkey ]\n" : "",
		options & OPT_RETRIES ? 2 : 0, options & OPT_HEDGE ? ", hedge: on" : "",
		options & OPT_CONTINUE ? ", midstream: continue" : "",
		options & OPT_EARLY ? ", early_keepalive: 1s" : "",
		options & OPT_USAGE ? ", stream_usage: on, repair: on" : "",
		options & OPT_NEXT ? ", content_policy: next, context_overflow: next" : "",
		options & OPT_STRICT ? ", translate: strict, latency_ejection: 300%" : "");

	for (int v = 0; v < VENDORS; v++)
		n += (size_t)snprintf(to + n, size - n,
				      "  %s: { dialect: %s, base_url: \"http://127.0.0.1:%d\", "
				      "keys: [ %s ]%s%s }\n",
				      vendor_names[v], dialect_of(options, v), VENDOR_PORT + v,
				      canaries[v],
				      v == 0 && options & OPT_ROOM ? ", max_inflight: 1" : "",
				      v == 1 && options & OPT_RATES ? ", rpm: 3, tpm: 2000" : "");
	n += (size_t)snprintf(
		to + n, size - n,
		"chains:\n  m: { steps: [ %s, gamma/m3 ] }\n  n: { steps: [ gamma/m3 ] }\n",
		options & OPT_POOL ? "{ balance: least_inflight, targets: [ alpha/m1, beta/m2 ] }"
				   : "alpha/m1, beta/m2");
	return n;
}

/* ---- what callers send: %A is the header with their key, bodies get their length ---- */

struct question {
	const char *head, *body;
};

#define JSON_TYPE      "content-type: application/json\r\n"
#define POST(path)     "POST " path " HTTP/1.1\r\nhost: weir\r\n%A" JSON_TYPE
#define CHAT           POST("/v1/chat/completions")
#define MESSAGES(more) "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"" more "}]"
#define ADMIN(what)                                                                  \
	what " HTTP/1.1\r\nhost: 127.0.0.1:4001\r\nauthorization: Bearer " ADMIN_KEY \
	     "\r\nx-weir-admin: 1\r\n"

static const struct question questions[] = {
	{ CHAT, "{\"model\":\"m\"," MESSAGES("") "}" },
	{ CHAT, "{\"model\":\"m\",\"stream\":true," MESSAGES("") "}" },
	{ CHAT,
	  "{\"model\":\"m\",\"stream\":true,\"num_retries\":1,\"timeout\":1.5,\"fallbacks\":["
	  "\"n\",{\"model\":\"beta/m2\",\"temperature\":0}],\"user\":\"u\"," MESSAGES("") "}" },
	{ POST("/v1/embeddings"), "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}" },
	{ POST("/v1/messages"),
	  "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true," MESSAGES("") "}" },
	{ POST("/v1/responses"), "{\"model\":\"m\",\"stream\":true,\"input\":\"hi\"}" },
	{ "GET /v1/models HTTP/1.1\r\nhost: weir\r\n%A", NULL },
	{ CHAT "transfer-encoding: chunked\r\n\r\n5\r\n{\"mod\r\n1d\r\nel\":\"m\",\"messages\":[{"
	       "\"role\":\"\r\n16\r\nuser\",\"content\":\"x\"}]}\r\n0\r\n\r\n",
	  NULL },
	{ CHAT "expect: 100-continue\r\n", "{\"model\":\"m\"," MESSAGES("") "}" },
	{ CHAT "x-weir-deadline-ms: 1500\r\nidempotency-key: k\r\nx-client-request-id: r\r\n",
	  "{\"model\":\"m\",\"temperature\":1,\"stop\":[\"a\"],\"max_tokens\":7," MESSAGES(
		  "") "}" },
	{ CHAT "x-weir-fallback: off\r\nconnection: close\r\n",
	  "{\"model\":\"m\"," MESSAGES("") "}" },
	{ CHAT, "{\"model\":\"m\",\"messages\":[" },
	{ CHAT, "{\"model\":\"unknown\"," MESSAGES("") "}" },
	{ "POST /v1/chat/completions HTTP/1.0\r\n%A",
	  "{\"model\":\"m\",\"stream\":true," MESSAGES("") "}" },
	{ POST("/v1/messages/count_tokens"), "{\"model\":\"m\"," MESSAGES("") "}" },
	{ POST("/v1/completions"), "{\"model\":\"m\",\"stream\":true,\"prompt\":\"a\"}" },
	{ CHAT, "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
		"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{"
		"\"type\":\"object\"}}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		"\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]}" },
	{ "HEAD /livez HTTP/1.1\r\nhost: weir\r\n", NULL },
	{ POST("/v1/messages"),
	  "{\"model\":\"m\",\"max_tokens\":9,\"system\":\"s\","
	  "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024},"
	  "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	  "\"hi\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}" },
	{ POST("/v1/responses"), "{\"model\":\"m\",\"store\":true,\"previous_response_id\":\"r1\","
				 "\"input\":[{\"role\":\"user\",\"content\":\"hi\"}]}" },
	{ "GET /readyz HTTP/1.1\r\nhost: weir\r\n", NULL },
	{ ADMIN("GET /status"), NULL },
	{ ADMIN("GET /metrics"), NULL },
	{ ADMIN("GET /events"), NULL },
	{ ADMIN("POST /targets/alpha/m1/disable") "content-length: 0\r\n", NULL },
	{ ADMIN("POST /targets/alpha/m1/enable") "content-length: 0\r\n", NULL },
	{ ADMIN("GET /"), NULL },
	{ ADMIN("GET /status/live"), NULL },
};

static size_t put_question(char *to, size_t size, const struct question *q, bool keyed)
{
	const char *at = strstr(q->head, "%A");
	size_t n;

	n = (size_t)snprintf(to, size, "%.*s%s%s", at ? (int)(at - q->head) : (int)strlen(q->head),
			     q->head, at && keyed ? "authorization: Bearer " CALLER_KEY "\r\n" : "",
			     at ? at + 2 : "");
	if (q->body)
		n += (size_t)snprintf(to + n, size - n, "content-length: %zu\r\n\r\n%s",
				      strlen(q->body), q->body);
	else if (!strstr(q->head, "\r\n\r\n"))
		n += (size_t)snprintf(to + n, size - n, "\r\n");
	return n;
}

/* ---- what providers answer: %K is their key ---- */

enum framing { BARE, LENGTH, CHUNKED, CHUNK, LAST_CHUNK, WHOLE_CHUNKED };

struct reply {
	enum framing framing;
	bool ends;           /* the answer is whole then, or never will be */
	const char *head;    /* status line and fields */
	const char *body[3]; /* of openai, anthropic, gemini; NULL: as openai */
};

#define H_OK             "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
#define H_SSE            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
#define H(n)             "HTTP/1.1 " n " x\r\ncontent-type: application/json\r\n"
#define A_EV(type, more) "event: " type "\ndata: {\"type\":\"" type "\"" more "}\n\n"

#define O_JSON                                                                                   \
	"{\"id\":\"c\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{"   \
	"\"role\":\"assistant\",\"content\":\"hello\"},\"finish_reason\":\"stop\"}],\"usage\":{" \
	"\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}"
#define A_JSON                                                                                     \
	"{\"id\":\"c\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m2\",\"content\":[" \
	"{"                                                                                        \
	"\"type\":\"text\",\"text\":\"hello\"}],\"stop_reason\":\"end_turn\",\"usage\":{"          \
	"\"input_tokens\":3,\"output_tokens\":2}}"
#define G_JSON                                                                                 \
	"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hello\"}],\"role\":\"model\"}," \
	"\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,"               \
	"\"candidatesTokenCount\":2}}"
#define O_TOKEN                                                                           \
	"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one two " \
	"\"}}]}\n\n"
#define A_START                                                                               \
	A_EV("message_start",                                                                 \
	     ",\"message\":{\"id\":\"c\",\"type\":\"message\",\"role\":"                      \
	     "\"assistant\",\"content\":[],\"model\":\"m2\",\"usage\":{\"input_tokens\":3}}") \
	A_EV("content_block_start",                                                           \
	     ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
#define A_TOKEN                                                                        \
	A_EV("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\"," \
				    "\"text\":\"one two \"}")
#define G_TOKEN \
	"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"one two \"}]}}]}\r\n\r\n"
#define O_STOP                                                                                     \
	"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}" \
	"\n\ndata: [DONE]\n\n"
#define A_STOP                                                                                 \
	A_EV("content_block_stop", ",\"index\":0")                                             \
	A_EV("message_delta", ",\"delta\":{"                                                   \
			      "\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}") \
	A_EV("message_stop", "")
#define G_STOP                                                                                 \
	"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\".\"}]},\"finishReason\":" \
	"\"STOP\"}]}\r\n\r\n"
#define R_EV(type, more) "event: " type "\ndata: {\"type\":\"" type "\"" more "}\n\n"
#define ERR(words)       "{\"error\":{\"message\":\"" words "\",\"type\":\"e\",\"code\":null}}"

static const struct reply replies[] = {
	{ LENGTH, true, H_OK, { O_JSON, A_JSON, G_JSON } },
	{ WHOLE_CHUNKED, true, H_OK, { O_JSON, A_JSON, G_JSON } },
	{ CHUNKED, false, H_SSE, { "", A_START } },
	{ CHUNK, false, "", { O_TOKEN, A_TOKEN, G_TOKEN } },
	{ LAST_CHUNK, true, "", { O_STOP, A_STOP, G_STOP } },
	{ LENGTH, true, H("503"), { ERR("overloaded"), NULL, NULL } },
	{ LENGTH, true, H("429") "retry-after: 2\r\n", { ERR("slow down") } },
	{ LENGTH, true, H("401"), { ERR("bad key %K") } },
	{ LENGTH, true, H("400") "x-key: %K\r\n", { ERR("you sent %K") } },
	{ CHUNK,
	  true,
	  "",
	  { "data: " ERR("broke for %K") "\n\n",
	    A_EV("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"%K\"}"),
	    "data: " ERR("x") "\r\n\r\n" } },
	{ BARE, false, H_SSE "connection: close\r\n\r\n", { "", A_START } },
	{ BARE, false, "", { O_TOKEN, A_TOKEN, G_TOKEN } },
	{ BARE, false, "", { O_STOP, A_STOP, G_STOP } },
	{ LENGTH, true, H_OK, { "{\"choices\":[{" } },
	{ BARE, true, H_OK "content-length: 999\r\n\r\n", { "{\"id\":\"c\"," } },
	{ BARE, false, "HTTP/1.1 100 Continue\r\n\r\n", { "" } },
	{ LENGTH,
	  true,
	  H("404"),
	  { "{\"error\":{\"message\":\"no such model\",\"code\":\"model_not_found\"}}" } },
	{ LENGTH,
	  true,
	  "HTTP/1.1 502 x\r\ncontent-type: text/html; a=%K\r\n",
	  { "<html>%K</html>" } },
	{ LENGTH, true, H_OK, { "" } },
	{ LENGTH,
	  true,
	  H("429"),
	  { "{\"error\":{\"message\":\"q\",\"code\":\"insufficient_quota\"}}" } },
	{ LENGTH,
	  true,
	  H("400"),
	  { "{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}" } },
	{ LENGTH,
	  true,
	  H("400"),
	  { "{\"error\":{\"message\":\"no\",\"code\":\"content_filter\"}}" } },
	{ WHOLE_CHUNKED,
	  true,
	  H_SSE,
	  { O_TOKEN O_TOKEN O_STOP, A_START A_TOKEN A_STOP, G_TOKEN G_STOP } },
	{ LENGTH,
	  true,
	  H_OK "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 2s\r\n"
	       "keep-alive: timeout=3\r\n",
	  { O_JSON, A_JSON, G_JSON } },
	{ CHUNK, false, "", { ": ping\n\n", A_EV("ping", "") } },
	{ LENGTH, true, H_OK "connection: close\r\n", { O_JSON, A_JSON, G_JSON } },
	{ LENGTH,
	  true,
	  H_OK,
	  { "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[0.5]}],\"usage\":{"
	    "\"prompt_tokens\":2}}" } },
	{ CHUNK,
	  false,
	  "",
	  { R_EV("response.created", ",\"response\":{\"id\":\"r1\"}")
		    R_EV("response.output_text.delta", ",\"delta\":\"one two \"") } },
	{ LAST_CHUNK,
	  true,
	  "",
	  { R_EV("response.completed", ",\"response\":{\"id\":\"r1\",\"usage\":{"
				       "\"input_tokens\":3,\"output_tokens\":2}}") } },
	{ LENGTH, true, H_OK, { "{\"id\":\"r1\",\"object\":\"response\",\"output\":[]}" } },
	{ LAST_CHUNK, true, "", { "" } },
	{ LENGTH, true, H("400"), { ERR("Unsupported parameter: temperature") } },
	{ CHUNK,
	  false,
	  "",
	  { "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{"
	    "\"index\":0,\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}"
	    "\n\n",
	    A_EV("content_block_start",
		 ",\"index\":1,\"content_block\":{\"type\":"
		 "\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}") } },
	{ LENGTH, true, H_OK, { "{\"input_tokens\":7}" } },
};

static size_t put_text(char *to, size_t size, const char *text, const char *key)
{
	size_t n = 0;

	for (const char *at = text; *at && n + 64 < size; at++) {
		if (at[0] == '%' && at[1] == 'K') {
			n += (size_t)snprintf(to + n, size - n, "%s", key);
			at++;
		} else {
			to[n++] = *at;
		}
	}
	to[n] = '\0';
	return n;
}

static size_t put_reply(char *to, size_t size, const struct reply *reply, int dialect,
			const char *key)
{
	static char body[4096];
	const char *text = reply->body[dialect] ? reply->body[dialect] : reply->body[0];
	size_t len = put_text(body, sizeof body, text, key), n;

	n = put_text(to, size, reply->head, key);
	if (reply->framing == LENGTH)
		n += (size_t)snprintf(to + n, size - n, "content-length: %zu\r\n\r\n", len);
	else if (reply->framing == CHUNKED || reply->framing == WHOLE_CHUNKED)
		n += (size_t)snprintf(to + n, size - n, "transfer-encoding: chunked\r\n\r\n");
	if (reply->framing < CHUNKED || len == 0)
		n += (size_t)snprintf(to + n, size - n, "%s", body);
	else
		n += (size_t)snprintf(to + n, size - n, "%zx\r\n%s\r\n", len, body);
	if (reply->framing == LAST_CHUNK || reply->framing == WHOLE_CHUNKED)
		n += (size_t)snprintf(to + n, size - n, "0\r\n\r\n");
	return n;
}

/* ---- reading what weir writes ---- */

struct message {
	bool whole;
	size_t head_len, len; /* with its head, framing included */
	unsigned status;      /* of an answer */
	unsigned hosts, lengths, chunked;
	size_t body_len; /* without framing */
	bool to_end;     /* its end is the connection's */
};

static bool named(const char *line, const char *name)
{
	for (; *name; line++, name++)
		if (tolower((unsigned char)*line) != *name)
			return false;
	return *line == ':';
}

/* Appends what the chunks hold to body, if there is one. False: not whole. */
static bool read_chunks(const char *at, const char *end, struct message *m,
			struct kernel_bytes *body)
{
	const char *begin = at;

	for (;;) {
		const char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
		size_t n = 0;

		if (!line)
			return false;
		for (FUZZ_CHECK(at < line); at < line; at++) {
			FUZZ_CHECK(isxdigit((unsigned char)*at));
			n = n * 16 + (size_t)(isdigit((unsigned char)*at) ? *at - '0'
									  : (*at | 32) - 'a' + 10);
		}
		at = line + 2;
		if (body && n)
			kernel_put(body, at, n < (size_t)(end - at) ? n : (size_t)(end - at));
		if ((size_t)(end - at) < n + 2)
			return false;
		FUZZ_CHECK(memcmp(at + n, "\r\n", 2) == 0);
		at += n + 2;
		m->body_len += n;
		if (n == 0)
			break;
	}
	m->len = m->head_len + (size_t)(at - begin);
	return true;
}

/* The message at `at`, an answer or a request; its body, as far as it came, to body. False: not
 * even its head has come. */
static bool read_message(const char *at, size_t len, bool answer, bool headless, struct message *m,
			 struct kernel_bytes *body)
{
	const char *blank = memmem(at, len, "\r\n\r\n", 4);
	size_t length = 0, there;

	*m = (struct message){ 0 };
	if (!blank)
		return false;
	m->head_len = (size_t)(blank - at) + 4;
	there = len - m->head_len;
	if (answer) {
		FUZZ_CHECK(strncmp(at, "HTTP/1.1 ", 9) == 0);
		m->status = (unsigned)strtoul(at + 9, NULL, 10);
		FUZZ_CHECK(m->status >= 100 && m->status < 600);
	}
	for (const char *line = at; line < blank + 2;
	     line = (const char *)memmem(line, (size_t)(blank + 2 - line), "\r\n", 2) + 2) {
		m->hosts += named(line, "host");
		if (named(line, "content-length")) {
			m->lengths++;
			length = strtoul(line + 15, NULL, 10);
		}
		m->chunked += named(line, "transfer-encoding");
	}
	m->len = m->head_len;
	if (m->status / 100 == 1 || headless) {
		m->whole = true;
	} else if (m->chunked) {
		m->whole = read_chunks(blank + 4, at + len, m, body);
	} else if (m->lengths) {
		m->body_len = length < there ? length : there;
		m->len += m->body_len;
		m->whole = there >= length;
		if (body && m->body_len)
			kernel_put(body, blank + 4, m->body_len);
	} else {
		m->to_end = m->whole = true;
		m->body_len = there;
		m->len = len;
		if (body && there)
			kernel_put(body, blank + 4, there);
	}
	return true;
}

#endif

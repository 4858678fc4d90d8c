/* The HTTP reader, in both roles: what comes out does not depend on where the bytes are cut,
 * and strict llhttp, shown the whole message, accepts and frames alike all that it accepts.
 * The first byte of the input says the role and where to cut. */
#include "fuzz.h"

#include "unit/http_trace.h"

#define ASK   "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:4000\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CODED "Transfer-Encoding: chunked\r\n\r\n"

/* clang-format off */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\x10" ASK "Content-Length: 5\r\nAuthorization: Bearer x\r\n\r\n"
		  "helloGET / HTTP/1.1\r\n"),
	FUZZ_SEED("\x22" ASK CODED "5;a=\"b\\\"\"\r\nhello\r\n1;c=d\r\n!\r\n0\r\n"
		  "X: y\r\n\r\nPOST"),
	FUZZ_SEED("\x54" "\r\n\r\nGET http://u:80/x?y HTTP/1.0\r\n"
		  "Connection: keep-alive, x\r\n\r\n"),
	FUZZ_SEED("\x36" ASK "Connection: upgrade\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n"
		  "X_Y: z\r\nContent-Length: 0\r\n\r\nPRI"),
	FUZZ_SEED("\x40" "OPTIONS * HTTP/1.1\r\nhost:[::1]\r\nContent_Length: 5\r\n\r\n"),
	FUZZ_SEED("\x46" ASK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	FUZZ_SEED("\x15" REPLY "Content-Length: 5\r\nConnection: close\r\n\r\nhelloHTTP/1.1 200"),
	FUZZ_SEED("\x27" "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" REPLY CODED
		  "6\r\ndata: \r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nz"),
	FUZZ_SEED("\x31" REPLY "\r\nuntil the end"),
	FUZZ_SEED("\x43" "HTTP/1.0 204\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"),
};
/* clang-format on */

struct peer {
	char *text;
	size_t size;
	FILE *out;
	bool ended;
};

static int on_body(llhttp_t *parser, const char *bytes, size_t len)
{
	struct peer *p = parser->data;

	fwrite(bytes, 1, len, p->out);
	return 0;
}

static int on_message_complete(llhttp_t *parser)
{
	struct peer *p = parser->data;

	p->ended = true;
	return HPE_PAUSED;
}

struct ours {
	FILE *out;
	bool head;
};

static int our_head(void *arg, const struct weir_http_head *head)
{
	struct ours *o = arg;

	(void)head;
	o->head = true;
	return 0;
}

static int our_body(void *arg, struct weir_slice bytes)
{
	struct ours *o = arg;

	fwrite(bytes.base, 1, bytes.len, o->out);
	return 0;
}

static void check_peer(enum weir_http_role role, const char *bytes, size_t used, bool complete,
		       const char *body, size_t body_bytes)
{
	llhttp_settings_t settings = { .on_body = on_body,
				       .on_message_complete = on_message_complete };
	struct peer p = { 0 };
	llhttp_t parser;
	llhttp_errno_t err;

	p.out = open_memstream(&p.text, &p.size);
	llhttp_init(&parser, role == WEIR_HTTP_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
	parser.data = &p;
	err = llhttp_execute(&parser, bytes, used);
	FUZZ_CHECK(err == HPE_OK || ((err == HPE_PAUSED || err == HPE_PAUSED_UPGRADE) && p.ended));
	FUZZ_CHECK(p.ended == complete);
	FUZZ_CHECK(!p.ended || llhttp_get_error_pos(&parser) == bytes + used);
	fclose(p.out);
	FUZZ_CHECK(p.size == body_bytes && memcmp(p.text, body, body_bytes) == 0);
	free(p.text);
}

static void compare(enum weir_http_role role, const char *bytes, size_t len)
{
	static const struct weir_http_reader_events events = { our_head, our_body };
	struct weir_http_reader r;
	struct ours o = { 0 };
	char *body = NULL;
	size_t used, size;
	int rc;

	o.out = open_memstream(&body, &size);
	weir_http_reader_init(&r, role, &events, &o);
	rc = weir_http_reader_feed(&r, bytes, len, &used);
	fclose(o.out);
	FUZZ_CHECK(used <= len);
	FUZZ_CHECK((rc == WEIR_HTTP_REFUSED) == (r.refusal.reason != NULL));
	/* An informational response in HTTP/1.0 or with Connection: close ends it for llhttp. */
	if (rc == 0 && o.head && r.informational_n == 0)
		check_peer(role, bytes, used, r.complete, body, size);
	weir_http_reader_fini(&r);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum weir_http_role role = size && data[0] & 1 ? WEIR_HTTP_RESPONSE : WEIR_HTTP_REQUEST;
	size_t step = size ? (size_t)(data[0] >> 1) + 1 : 1;
	const char *bytes = (const char *)data + 1;
	char *whole, *steps;

	if (size < 2)
		return 0;
	size--;
	whole = http_trace(role, bytes, size, size, 1, true);
	steps = http_trace(role, bytes, size, step, step, true);
	FUZZ_CHECK(strcmp(whole, steps) == 0);
	FUZZ_CHECK(!strchr(whole, '!') || memchr(bytes, '!', size));
	free(steps);
	free(whole);
	compare(role, bytes, size);
	return 0;
}

FUZZ_MAIN(seeds, 100000)

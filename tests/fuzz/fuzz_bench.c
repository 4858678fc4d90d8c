/* weir-bench's lean reader of answers: what comes out does not depend on where the bytes are
 * cut, and it reads all that the strict reader accepts as that one does. */
#include "fuzz.h"

#include "base/alloc.h"
#include "bench/answer.h"
#include "wire/http_read.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED(OK "Content-Length: 5\r\nConnection: close\r\n\r\nhelloHTTP/1.1 200"),
	FUZZ_SEED(
		"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" OK
		"Transfer-Encoding: chunked\r\n\r\n6;a=b\r\ndata: \r\nA\r\n0123456789\r\n0\r\nX: y"
		"\r\n\r\nz"),
	FUZZ_SEED(OK "\r\nuntil the end"),
	FUZZ_SEED("HTTP/1.0 204 No\r\nX-Weir-Attempts: 3\r\n\r\nhello"),
	FUZZ_SEED(OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
};

struct said {
	enum weir_bench_got last;
	unsigned status;
	size_t body_n, used;
	char body[FUZZ_INPUT_MAX];
};

/* In pieces of random size; seed 0: in one. */
static void read_in_pieces(struct weir_slice text, uint64_t seed, struct said *s)
{
	struct weir_rng rng = { seed };
	struct weir_bench_answer a;
	struct weir_slice body;

	s->body_n = s->used = 0;
	s->last = WEIR_BENCH_GOT_NOTHING;
	weir_bench_answer_init(&a);
	while (s->used < text.len && s->last != WEIR_BENCH_GOT_END &&
	       s->last != WEIR_BENCH_GOT_BAD) {
		size_t left = text.len - s->used, n = seed ? 1 + fuzz_below(&rng, 12) : left;
		struct weir_slice in = weir_slice(text.base + s->used, n < left ? n : left);
		const char *begin = in.base;

		do {
			s->last = weir_bench_answer_read(&a, &in, &body);
			if (s->last != WEIR_BENCH_GOT_BODY)
				continue;
			FUZZ_CHECK(s->body_n + body.len <= sizeof s->body);
			memcpy(s->body + s->body_n, body.base, body.len);
			s->body_n += body.len;
		} while (s->last == WEIR_BENCH_GOT_HEAD || s->last == WEIR_BENCH_GOT_BODY);
		s->used += (size_t)(in.base - begin);
	}
	s->status = a.status;
	weir_bench_answer_fini(&a);
	FUZZ_CHECK(weir_alloc_live() == 0);
}

struct strict {
	unsigned status;
	size_t body_n;
	char body[FUZZ_INPUT_MAX];
};

static int on_head(void *arg, const struct weir_http_head *head)
{
	struct strict *s = arg;

	s->status = head->status;
	return 0;
}

static int on_body(void *arg, struct weir_slice bytes)
{
	struct strict *s = arg;

	memcpy(s->body + s->body_n, bytes.base, bytes.len);
	s->body_n += bytes.len;
	return 0;
}

static void hold_against(struct weir_slice text, const struct said *ours)
{
	static const struct weir_http_reader_events events = { on_head, on_body };
	static struct strict theirs;
	struct weir_http_reader reader;
	size_t used = 0;

	theirs.status = 0;
	theirs.body_n = 0;
	weir_http_reader_init(&reader, WEIR_HTTP_RESPONSE, &events, &theirs);
	if (weir_http_reader_feed(&reader, text.base, text.len, &used) == 0 && reader.complete) {
		FUZZ_CHECK(ours->last == WEIR_BENCH_GOT_END);
		FUZZ_CHECK(ours->status == theirs.status && ours->used == used);
		FUZZ_CHECK(ours->body_n == theirs.body_n &&
			   memcmp(ours->body, theirs.body, theirs.body_n) == 0);
	}
	weir_http_reader_fini(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct said whole, other;
	struct weir_slice text = weir_slice((const char *)bytes, size);

	if (size == 0 || size > FUZZ_INPUT_MAX)
		return 0;
	read_in_pieces(text, 0, &whole);
	hold_against(text, &whole);
	for (uint64_t seed = 1; seed < 6; seed++) {
		read_in_pieces(text, seed * 9 + size, &other);
		FUZZ_CHECK(other.last == whole.last && other.status == whole.status);
		FUZZ_CHECK(other.body_n == whole.body_n &&
			   memcmp(other.body, whole.body, whole.body_n) == 0);
	}
	return 0;
}

FUZZ_MAIN(seeds, 20000)

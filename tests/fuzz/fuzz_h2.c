/* The client's end of HTTP/2, whatever the server sends: nothing is told after the end of a stream,
 * a head comes first and once, and no more is kept than the bounds allow. The first byte of the
 * input says where to cut the rest, and which streams are held or left. */
#include "fuzz.h"

#include "base/alloc.h"
#include "wire/h2.h"

#define SETTINGS        "\0\0\0\x04\0\0\0\0\0"
#define HEAD(id)        "\0\0\x01\x01\x04\0\0\0" id "\x88"
#define DATA(id, flags) "\0\0\x03\0" flags "\0\0\0" id "abc"

enum { STREAMS = 3 };

/* clang-format off */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\x10" SETTINGS HEAD("\x01") DATA("\x01", "\x01")
		  HEAD("\x03") DATA("\x03", "\0")),
	FUZZ_SEED("\x05" SETTINGS "\0\0\0\x04\x01\0\0\0\0" HEAD("\x05") DATA("\x05", "\0")
		  "\0\0\x08\x06\0\0\0\0\0" "12345678" DATA("\x05", "\x01")),
	FUZZ_SEED("\x21" SETTINGS "\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07"
		  "\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0"),
	FUZZ_SEED("\x42" "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x01"
		  "\0\0\x01\x01\0\0\0\0\x01\x88" "\0\0\x08\x09\x04\0\0\0\x01\0\x01x\x03yzw"
		  "\0\0\x04\x08\0\0\0\0\x01\0\0\0\x05"),
	FUZZ_SEED("\x93" SETTINGS "\0\0\x04\x05\x04\0\0\0\x01\0\0\0\x02"),
	FUZZ_SEED("\x03" "HTTP/1.1 200 OK\r\n\r\n"),
	FUZZ_SEED("\x0f" SETTINGS "\0\0\x05\x01\x04\0\0\0\x01\x08\x03" "103" HEAD("\x01")
		  "\0\0\x0a\0\x08\0\0\0\x01\x04" "hello\0\0\0\0"),
};
/* clang-format on */

struct asked {
	struct weir_h2_stream stream;
	unsigned heads, ends;
	size_t bytes;
	bool leave;
};

static void on_head(void *user, struct weir_http_head *head)
{
	struct asked *a = user;

	FUZZ_CHECK(a->ends == 0 && a->heads++ == 0);
	FUZZ_CHECK(head->status >= 200 && head->status <= 599);
	FUZZ_CHECK(head->fields_n <= WEIR_HTTP_FIELDS_MAX);
	for (unsigned i = 0; i < head->fields_n; i++)
		FUZZ_CHECK(head->fields[i].name.len > 0 && head->fields[i].name.base[0] != ':');
	weir_free(head);
	if (a->leave)
		weir_h2_close(&a->stream);
}

static void on_body(void *user, struct weir_slice bytes)
{
	struct asked *a = user;

	FUZZ_CHECK(a->heads == 1 && a->ends == 0 && !a->leave && bytes.len > 0);
	a->bytes += bytes.len;
	FUZZ_CHECK(!a->stream.held || a->stream.owed <= WEIR_H2_WINDOW);
}

static void on_end(void *user, enum weir_end end)
{
	struct asked *a = user;

	FUZZ_CHECK(a->ends++ == 0 && a->stream.h2 == NULL);
	FUZZ_CHECK(end != WEIR_END_WHOLE || a->heads == 1);
	FUZZ_CHECK(end != WEIR_END_REFUSED || a->heads == 0);
	FUZZ_CHECK(end != WEIR_END_STARVED && end != WEIR_END_STALE);
}

static void on_drained(void *user)
{
	FUZZ_CHECK(((struct asked *)user)->ends == 0);
}

static const struct weir_h2_events events = { on_head, on_body, on_end, on_drained };

static bool take_all(struct weir_h2 *h2)
{
	char room[WEIR_H2_FRAME_MAX];
	struct weir_buf buf;
	ssize_t n;

	do {
		weir_buf_init_lent(&buf, sizeof room, room, sizeof room);
		n = weir_h2_take(h2, &buf);
		FUZZ_CHECK(n < 0 || (size_t)n == buf.len);
	} while (n > 0);
	return n == 0;
}

static void play(const char *bytes, size_t len, size_t piece, unsigned odd)
{
	static const struct weir_slice request[] = {
		WEIR_SLICE("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"),
		WEIR_SLICE("hello"),
	};
	struct asked asked[STREAMS] = { 0 };
	struct weir_h2 *h2;

	FUZZ_CHECK(weir_h2_create(&h2, &events) == 0);
	for (unsigned i = 0; i < STREAMS; i++) {
		asked[i].stream.user = &asked[i];
		asked[i].leave = i == 2 && (odd & 1);
		FUZZ_CHECK(weir_h2_write(h2, &asked[i].stream, request, 2) == 0);
		if (i == 1 && (odd & 2))
			weir_h2_hold(&asked[i].stream);
	}
	for (bool good = take_all(h2); good && len;) {
		size_t n = len < piece ? len : piece;

		good = weir_h2_feed(h2, bytes, n) == 0 && take_all(h2);
		bytes += n;
		len -= n;
		weir_h2_resume(&asked[1].stream);
		FUZZ_CHECK(weir_h2_room(h2) <= WEIR_H2_STREAMS_MAX);
	}
	for (unsigned i = 0; i < STREAMS; i++)
		weir_h2_close(&asked[i].stream);
	weir_h2_destroy(h2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t live = weir_alloc_live();

	if (size == 0)
		return 0;
	play((const char *)data + 1, size - 1, 1 + (data[0] & 0x3f), data[0] >> 6);
	FUZZ_CHECK(weir_alloc_live() == live);
	return 0;
}

FUZZ_MAIN(seeds, 20000)

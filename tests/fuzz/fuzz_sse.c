/* The reader says what a plain reading of the whole text says, wherever it is cut, and
 * gives back every byte up to the last event. */
#include "fuzz.h"

#include "base/alloc.h"
#include "wire/sse.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED(
		"data: {\"a\":1}\n\nevent: x\r\ndata: 1\r\ndata: 2\r\n\r\n: c\r\rdata: [DONE]\n\n"),
	FUZZ_SEED("\xef\xbb\xbf"
		  "data:a\rdata\r\rid: 7\nretry: 1\n\n\n\r\n\revent:e\nevent\ndata: \n\r\n"),
	FUZZ_SEED("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\ndata: {\"cut\":"),
	FUZZ_SEED("data: a\r\r\ndata: b\n\r\ndata: c\r\n\rdata: d\r\r\r\n\n"),
};

enum { SAID_MAX = 3 * FUZZ_INPUT_MAX + 64 };

struct said {
	size_t n, raw_n;
	char text[SAID_MAX];
	char raw[SAID_MAX];
};

static void say(struct said *s, struct weir_slice bytes)
{
	FUZZ_CHECK(s->n + bytes.len <= SAID_MAX);
	if (bytes.len)
		memcpy(s->text + s->n, bytes.base, bytes.len);
	s->n += bytes.len;
}

static int on_event(void *arg, const struct weir_sse_event *event)
{
	struct said *s = arg;

	FUZZ_CHECK(event->raw.len > 0 && s->raw_n + event->raw.len <= SAID_MAX);
	memcpy(s->raw + s->raw_n, event->raw.base, event->raw.len);
	s->raw_n += event->raw.len;
	if (!event->has_data)
		return 0;
	say(s, WEIR_SLICE("<"));
	say(s, event->name);
	say(s, WEIR_SLICE("="));
	say(s, event->data);
	say(s, WEIR_SLICE(">"));
	return 0;
}

/* The line at *at without its end; advances past it. False when it is not ended. */
static bool next_line(struct weir_slice text, size_t *at, struct weir_slice *line)
{
	size_t end = *at;

	while (end < text.len && text.base[end] != '\n' && text.base[end] != '\r')
		end++;
	*line = weir_slice(text.base + *at, end - *at);
	if (end == text.len)
		return false;
	*at = end + 1;
	if (text.base[end] == '\r' && *at < text.len && text.base[*at] == '\n')
		++*at;
	return true;
}

/* HTML standard §9.2.6, without the unfinished event at the end. */
static void plain_reading(struct weir_slice text, struct said *s)
{
	static char data[SAID_MAX];
	struct weir_slice line, name = WEIR_SLICE("");
	size_t data_n = 0, at = weir_slice_starts(text, "\xef\xbb\xbf") ? 3 : 0;
	bool has_data = false;

	while (next_line(text, &at, &line)) {
		struct weir_slice field = line, value = WEIR_SLICE("");
		const char *colon = line.len ? memchr(line.base, ':', line.len) : NULL;

		if (colon) {
			field.len = (size_t)(colon - line.base);
			value = weir_slice(colon + 1, line.len - field.len - 1);
			if (weir_slice_starts(value, " "))
				value = weir_slice(value.base + 1, value.len - 1);
		}
		if (line.len == 0) {
			on_event(s, &(struct weir_sse_event){
					    .raw = WEIR_SLICE("-"),
					    .name = name,
					    .data = weir_slice(data, data_n ? data_n - 1 : 0),
					    .has_data = has_data });
			name = WEIR_SLICE("");
			data_n = 0;
			has_data = false;
		} else if (weir_slice_is(field, "data")) {
			memcpy(data + data_n, value.base, value.len);
			data_n += value.len;
			data[data_n++] = '\n';
			has_data = true;
		} else if (weir_slice_is(field, "event")) {
			name = value;
		}
	}
}

static void read_in_pieces(struct weir_slice text, uint64_t seed, struct said *s)
{
	struct weir_sse sse;
	struct weir_rng rng;
	size_t complete;

	weir_rng_init(&rng, seed);
	weir_sse_init(&sse, on_event, s);
	for (size_t at = 0, n; at < text.len; at += n) {
		n = 1 + fuzz_below(&rng, seed % 64 + 1);
		if (n > text.len - at)
			n = text.len - at;
		FUZZ_CHECK(weir_sse_feed(&sse, text.base + at, n) == 0);
	}
	/* All bytes are accounted for. */
	FUZZ_CHECK(s->raw_n + sse.raw.len == text.len);
	FUZZ_CHECK(memcmp(s->raw, text.base, s->raw_n) == 0);
	complete = s->raw_n;
	FUZZ_CHECK(weir_sse_eof(&sse) == 0);
	FUZZ_CHECK(memcmp(s->raw + complete, text.base + complete,
			  s->raw_n > complete ? text.len - complete : 0) == 0);
	weir_sse_fini(&sse);
	FUZZ_CHECK(weir_alloc_live() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct said plain, first, other;
	struct weir_slice text = weir_slice((const char *)bytes, size);

	if (size == 0 || size > FUZZ_INPUT_MAX)
		return 0;
	plain.n = plain.raw_n = first.n = first.raw_n = 0;
	plain_reading(text, &plain);
	read_in_pieces(text, 0, &first);
	FUZZ_CHECK(first.n >= plain.n && memcmp(first.text, plain.text, plain.n) == 0);
	for (uint64_t seed = 1; seed < 8; seed++) {
		other.n = other.raw_n = 0;
		read_in_pieces(text, seed * 9 + size, &other);
		FUZZ_CHECK(other.n == first.n && memcmp(other.text, first.text, first.n) == 0);
	}
	return 0;
}

FUZZ_MAIN(seeds, 20000)

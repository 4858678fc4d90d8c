#include "wire/http_chunk.h"

#include "base/attr.h"
#include "wire/http_chars.h"

/* What a byte is worth as a hexadecimal digit, and one more; 0: it is none. */
static const unsigned char worth[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static void enter(struct weir_http_chunks *c, enum weir_http_chunk_state state)
{
	c->state = state;
	c->word_n = 0;
}

static void begin_chunk(struct weir_http_chunks *c)
{
	c->left = 0;
	c->digits_n = 0;
	c->exts_bytes += c->ext_bytes;
	c->ext_bytes = 0;
	enter(c, WEIR_HTTP_CHUNK_SIZE);
}

/* After something that may be followed by a further extension or the line's end. */
static const char *end_of_word(struct weir_http_chunks *c, char byte)
{
	if (byte == '\r')
		enter(c, WEIR_HTTP_CHUNK_SIZE_LF);
	else if (byte == ';')
		enter(c, WEIR_HTTP_CHUNK_EXT_NAME);
	else
		return "malformed chunk extension";
	return NULL;
}

static const char *on_size(struct weir_http_chunks *c, char byte)
{
	unsigned digit = worth[(unsigned char)byte];

	if (digit) {
		if (c->digits_n++ == WEIR_HTTP_CHUNK_DIGITS_MAX)
			return "chunk size too long";
		c->left = c->left << 4 | (digit - 1);
		return NULL;
	}
	if (c->digits_n == 0)
		return "chunk size missing";
	return end_of_word(c, byte) ? "malformed chunk size" : NULL;
}

static const char *on_extension(struct weir_http_chunks *c, char byte)
{
	bool token = weir_http_is(byte, WEIR_HTTP_TOKEN);
	bool quoted = c->state == WEIR_HTTP_CHUNK_EXT_QUOTED;

	if (byte != '\r' && ++c->ext_bytes > WEIR_HTTP_CHUNK_EXT_MAX)
		return "chunk extension too long";
	if (c->exts_bytes + c->ext_bytes > WEIR_HTTP_CHUNK_EXTS_MAX)
		return "too many chunk extensions";
	if (c->state == WEIR_HTTP_CHUNK_EXT_END)
		return end_of_word(c, byte);
	if (quoted || c->state == WEIR_HTTP_CHUNK_EXT_ESCAPED) {
		if (!weir_http_is(byte, WEIR_HTTP_TEXT))
			return "control character in a chunk extension";
		enter(c, quoted && byte == '"'    ? WEIR_HTTP_CHUNK_EXT_END
			 : quoted && byte == '\\' ? WEIR_HTTP_CHUNK_EXT_ESCAPED
						  : WEIR_HTTP_CHUNK_EXT_QUOTED);
		return NULL;
	}
	if (token)
		c->word_n++;
	else if (c->word_n == 0 && byte == '"' && c->state == WEIR_HTTP_CHUNK_EXT_VALUE)
		enter(c, WEIR_HTTP_CHUNK_EXT_QUOTED);
	else if (c->word_n == 0)
		return "malformed chunk extension";
	else if (byte == '=' && c->state == WEIR_HTTP_CHUNK_EXT_NAME)
		enter(c, WEIR_HTTP_CHUNK_EXT_VALUE);
	else
		return end_of_word(c, byte);
	return NULL;
}

/* RFC 9110 §6.5.1: fields that decide framing, routing or who is asking. */
static bool is_forbidden(const char *name, size_t len)
{
	static const char *const forbidden[] = { "content-length", "transfer-encoding", "host",
						 "authorization",  "content-type",      "cookie" };
	struct weir_slice s = { name, len };

	for (size_t i = 0; i < WEIR_COUNT_OF(forbidden); i++)
		if (weir_slice_is(s, forbidden[i]))
			return true;
	return false;
}

static const char *on_trailer_name(struct weir_http_chunks *c, char byte)
{
	if (weir_http_is(byte, WEIR_HTTP_TOKEN)) {
		if (c->name_n < sizeof c->name)
			c->name[c->name_n] = byte == '_' ? '-' : lower(byte);
		c->name_n++;
		return NULL;
	}
	if (byte != ':' || c->name_n == 0)
		return "malformed trailer name";
	if (c->name_n <= sizeof c->name && is_forbidden(c->name, c->name_n))
		return "a field that must not be a trailer";
	enter(c, WEIR_HTTP_CHUNK_TRAILER_VALUE);
	return NULL;
}

static const char *on_trailer(struct weir_http_chunks *c, char byte)
{
	if (++c->trailer_bytes > WEIR_HTTP_TRAILERS_MAX)
		return "trailers too long";
	if (c->state == WEIR_HTTP_CHUNK_TRAILER) {
		if (byte == '\r') {
			enter(c, WEIR_HTTP_CHUNK_END_LF);
			return NULL;
		}
		c->name_n = 0;
		enter(c, WEIR_HTTP_CHUNK_TRAILER_NAME);
	}
	if (c->state == WEIR_HTTP_CHUNK_TRAILER_NAME)
		return on_trailer_name(c, byte);
	if (byte == '\r')
		enter(c, WEIR_HTTP_CHUNK_TRAILER_LF);
	else if (!weir_http_is(byte, WEIR_HTTP_TEXT))
		return "control character or bare line feed in a trailer";
	return NULL;
}

static const char *on_line_feed(struct weir_http_chunks *c, char byte)
{
	if (byte != '\n')
		return "bare carriage return in chunked framing";
	if (c->state == WEIR_HTTP_CHUNK_END_LF)
		enter(c, WEIR_HTTP_CHUNK_ENDED);
	else if (c->state == WEIR_HTTP_CHUNK_DATA_LF)
		begin_chunk(c);
	else if (c->state == WEIR_HTTP_CHUNK_SIZE_LF && c->left)
		enter(c, WEIR_HTTP_CHUNK_DATA);
	else
		enter(c, WEIR_HTTP_CHUNK_TRAILER);
	return NULL;
}

static const char *step(struct weir_http_chunks *c, char byte)
{
	switch (c->state) {
	case WEIR_HTTP_CHUNK_SIZE:
		return on_size(c, byte);
	case WEIR_HTTP_CHUNK_EXT_NAME:
	case WEIR_HTTP_CHUNK_EXT_VALUE:
	case WEIR_HTTP_CHUNK_EXT_QUOTED:
	case WEIR_HTTP_CHUNK_EXT_ESCAPED:
	case WEIR_HTTP_CHUNK_EXT_END:
		return on_extension(c, byte);
	case WEIR_HTTP_CHUNK_DATA_CR:
		enter(c, WEIR_HTTP_CHUNK_DATA_LF);
		return byte == '\r' ? NULL : "chunk longer than its size";
	case WEIR_HTTP_CHUNK_TRAILER:
	case WEIR_HTTP_CHUNK_TRAILER_NAME:
	case WEIR_HTTP_CHUNK_TRAILER_VALUE:
		return on_trailer(c, byte);
	case WEIR_HTTP_CHUNK_SIZE_LF:
	case WEIR_HTTP_CHUNK_DATA_LF:
	case WEIR_HTTP_CHUNK_TRAILER_LF:
	case WEIR_HTTP_CHUNK_END_LF:
		return on_line_feed(c, byte);
	case WEIR_HTTP_CHUNK_DATA:
	case WEIR_HTTP_CHUNK_ENDED:
		break;
	}
	return "not chunked framing";
}

/* A whole size line without extension, not the last one. Its length, or 0. */
static inline size_t plain_size_line(const char *bytes, size_t len, uint64_t *size)
{
	size_t most = len < WEIR_HTTP_CHUNK_DIGITS_MAX ? len : WEIR_HTTP_CHUNK_DIGITS_MAX, n;
	uint64_t sum = 0;
	unsigned digit;

	for (n = 0; n < most && (digit = worth[(unsigned char)bytes[n]]); n++)
		sum = sum << 4 | (digit - 1);
	*size = sum;
	return sum && len - n >= 2 && bytes[n] == '\r' && bytes[n + 1] == '\n' ? n + 2 : 0;
}

static bool between(const struct weir_http_chunks *c)
{
	return c->state == WEIR_HTTP_CHUNK_SIZE && c->digits_n == 0;
}

/* The common case in one go; 0: then byte by byte. */
static size_t take_size_line(struct weir_http_chunks *c, const char *bytes, size_t len)
{
	uint64_t size;
	size_t n = plain_size_line(bytes, len, &size);

	if (n) {
		c->left = size;
		c->state = WEIR_HTTP_CHUNK_DATA;
	}
	return n;
}

size_t weir_http_chunks_whole(const struct weir_http_chunks *c, const char *bytes, size_t len,
			      struct weir_slice *data)
{
	uint64_t size;
	size_t n = between(c) ? plain_size_line(bytes, len, &size) : 0;

	if (n == 0 || len - n < 2 || size > len - n - 2)
		return 0;
	*data = weir_slice(bytes + n, (size_t)size);
	n += (size_t)size;
	return bytes[n] == '\r' && bytes[n + 1] == '\n' ? n + 2 : 0;
}

static size_t skip_data(struct weir_http_chunks *c, const char *bytes, size_t len)
{
	size_t n = len < c->left ? len : (size_t)c->left;

	c->left -= n;
	if (c->left)
		return n;
	enter(c, WEIR_HTTP_CHUNK_DATA_CR);
	if (len - n < 2 || bytes[n] != '\r' || bytes[n + 1] != '\n')
		return n;
	begin_chunk(c);
	return n + 2;
}

size_t weir_http_chunks_check(struct weir_http_chunks *c, const char *bytes, size_t len,
			      const char **reason)
{
	size_t at = 0;

	*reason = NULL;
	while (at < len && c->state != WEIR_HTTP_CHUNK_ENDED) {
		size_t n = 0;

		if (c->state == WEIR_HTTP_CHUNK_DATA)
			n = skip_data(c, bytes + at, len - at);
		else if (between(c))
			n = take_size_line(c, bytes + at, len - at);
		if (n == 0) {
			*reason = step(c, bytes[at]);
			if (*reason)
				break;
			n = 1;
		}
		at += n;
	}
	return at;
}

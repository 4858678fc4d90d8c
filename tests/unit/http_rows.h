/* Tables of messages for the HTTP reader; see http_trace.h for the traces. */
#ifndef WEIR_HTTP_ROWS_H
#define WEIR_HTTP_ROWS_H

#include "test.h"
#include "unit/http_trace.h"

struct http_row {
	const char *bytes;
	size_t len;
	const char *want;
};

#define ROW(bytes_, want_) { (bytes_), sizeof(bytes_) - 1, (want_) }
#define CHECK_ROWS(role_, ...)                                                     \
	do {                                                                       \
		static const struct http_row rows_[] = { __VA_ARGS__ };            \
		for (size_t row_ = 0; row_ < sizeof rows_ / sizeof *rows_; row_++) \
			check_row(role_, &rows_[row_], (int)row_);                 \
	} while (0)
#define CHECK_REQUESTS(...)  CHECK_ROWS(WEIR_HTTP_REQUEST, __VA_ARGS__)
#define CHECK_RESPONSES(...) CHECK_ROWS(WEIR_HTTP_RESPONSE, __VA_ARGS__)

/* The same comes out wherever the bytes are cut. */
static inline void check_splits(enum weir_http_role role, const char *bytes, size_t len)
{
	char *whole = http_trace(role, bytes, len, len, 1, true);
	size_t stride = len / 1000 + 1;

	for (size_t first = 1; first < len; first += stride) {
		char *cut = http_trace(role, bytes, len, first, len, true);
		bool same = strcmp(cut, whole) == 0;

		if (!same) {
			NOTE("cut after %zu bytes", first);
			CHECK_STR(cut, whole);
		}
		free(cut);
		if (!same)
			break;
	}
	for (size_t step = 1; step <= 7; step += 2) {
		char *steps = http_trace(role, bytes, len, step, step, true);

		CHECK_STR(steps, whole);
		free(steps);
	}
	free(whole);
}

static inline void check_message(enum weir_http_role role, const char *bytes, size_t len,
				 const char *want)
{
	char *got = http_trace(role, bytes, len, len, 1, false);

	CHECK_STR(got, want);
	free(got);
	check_splits(role, bytes, len);
}

static inline void check_row(enum weir_http_role role, const struct http_row *row, int number)
{
	int before = test_failures;

	check_message(role, row->bytes, row->len, row->want);
	if (test_failures != before)
		NOTE("in row %d", number);
}

/* before, n times the letter x, after. */
static inline void check_filled(enum weir_http_role role, const char *before, size_t n,
				const char *after, const char *want)
{
	size_t begin = strlen(before), end = strlen(after);
	char *bytes = malloc(begin + n + end);

	memcpy(bytes, before, begin);
	memset(bytes + begin, 'x', n);
	memcpy(bytes + begin + n, after, end);
	check_message(role, bytes, begin + n + end, want);
	free(bytes);
}

/* before and n fields, one of them a Host, with an end to it if wanted. */
static inline void check_fields(enum weir_http_role role, const char *before, int n,
				const char *after, const char *want)
{
	char bytes[4096];
	size_t len = (size_t)snprintf(bytes, sizeof bytes, "%sHost: a\r\n", before);

	for (int i = 1; i < n; i++)
		len += (size_t)snprintf(bytes + len, sizeof bytes - len, "X-%d: y\r\n", i);
	len += (size_t)snprintf(bytes + len, sizeof bytes - len, "%s", after);
	check_message(role, bytes, len, want);
}

#endif

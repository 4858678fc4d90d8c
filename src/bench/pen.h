/* Writes without asking after each word whether it worked: once failed, the rest is not
 * written, and rc says why. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

struct weir_bench_pen {
	struct weir_buf *buf;
	int rc;
};

WEIR_PRINTF(2, 3) void weir_bench_put(struct weir_bench_pen *pen, const char *format, ...);
/* As a JSON string, with its quotes. */
void weir_bench_put_json(struct weir_bench_pen *pen, const char *text);
/* For the text of an HTML page. */
void weir_bench_put_html(struct weir_bench_pen *pen, const char *text);

enum { WEIR_BENCH_TIME_TEXT = 24 };

/* Three digits and a unit: "812 ns", "4.21 ms", "12.0 s". Returns text. */
const char *weir_bench_time(uint64_t ns, char text[WEIR_BENCH_TIME_TEXT]);

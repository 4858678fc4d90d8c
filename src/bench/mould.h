/* A stream's events are alike but for one text. The bytes around it are kept, and an event that
 * has just these, around a text that JSON writes as it is, says the same with that text: it need
 * not be read as JSON to know. What a load tester spares so is most of what an event costs it. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum { WEIR_BENCH_MOULD_MAX = 1024 };

struct weir_bench_mould {
	size_t head_len, tail_len; /* tail_len 0: none; it begins with the text's last quote */
	char bytes[WEIR_BENCH_MOULD_MAX];
};

/* text stands in event, between quotes. What is too long to keep is not kept. */
void weir_bench_mould_cast(struct weir_bench_mould *mould, struct weir_slice event,
			   struct weir_slice text);
/* The event's text; false: it is another one, or one to be read. */
bool weir_bench_mould_fits(const struct weir_bench_mould *mould, struct weir_slice event,
			   struct weir_slice *text);

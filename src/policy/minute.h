/* Never more than so much in any minute. Counted in slices of 5 s, with one to spare, because a
 * minute that begins within a slice ends within another. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { WEIR_MINUTE_SLICE_MS = 5000, WEIR_MINUTE_SLICES = 60000 / WEIR_MINUTE_SLICE_MS + 1 };

struct weir_minute {
	uint64_t most; /* 0: no limit */
	uint64_t counts[WEIR_MINUTE_SLICES];
	uint64_t slice; /* the newest, as time / WEIR_MINUTE_SLICE_MS */
	uint64_t taken; /* here, since ever, less what was given back; it goes round */
};

/* What has been counted stays. */
void weir_minute_set(struct weir_minute *minute, uint64_t most);
/* Has the minute that ends now room for amount? Else *return_ms is moved out to when it has. An
 * amount larger than the limit may go alone: else it never could. */
bool weir_minute_admits(const struct weir_minute *minute, uint64_t amount, uint64_t now_ms,
			uint64_t *return_ms);
void weir_minute_take(struct weir_minute *minute, uint64_t amount, uint64_t now_ms);
/* Of what was taken then so much was not needed. */
void weir_minute_give(struct weir_minute *minute, uint64_t amount, uint64_t then_ms);
/* So much more was taken elsewhere, or less. */
void weir_minute_hear(struct weir_minute *minute, int64_t amount, uint64_t now_ms);
/* What is left of it now, and in how many milliseconds all of it is. */
uint64_t weir_minute_left(const struct weir_minute *minute, uint64_t now_ms);
uint64_t weir_minute_whole_in(const struct weir_minute *minute, uint64_t now_ms);

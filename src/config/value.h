/* Numbers with and without units, as people write them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct weir_unit {
	const char *name;
	uint64_t factor;
};

/* The largest first; each ends with a NULL name. */
extern const struct weir_unit weir_durations[], weir_sizes[], weir_percents[];

enum weir_value {
	WEIR_VALUE_OK,
	WEIR_VALUE_BAD,     /* not one at all */
	WEIR_VALUE_NO_UNIT, /* a number, but of what? */
	WEIR_VALUE_HUGE     /* does not fit 64 bits */
};

/* "250ms", "1.5s", "2m", "1h30m": milliseconds, rounded down. */
enum weir_value weir_value_duration(struct weir_slice text, uint64_t *ms);
/* "32MiB", "64 KiB", "1.5GB", "512B": bytes, rounded down. */
enum weir_value weir_value_size(struct weir_slice text, uint64_t *bytes);
/* "4": digits only. */
enum weir_value weir_value_count(struct weir_slice text, uint64_t *count);
/* "300%": rounded down. */
enum weir_value weir_value_percent(struct weir_slice text, uint64_t *percent);
/* "2.5", "0.075": dollars, in nano-dollars, rounded down. */
enum weir_value weir_value_dollars(struct weir_slice text, uint64_t *nano);

/* The shortest way to write it, for messages: "24h", "90s", "1536KiB", "0.075". */
void weir_value_print_duration(uint64_t ms, char *text, size_t size);
void weir_value_print_size(uint64_t bytes, char *text, size_t size);
void weir_value_print_count(uint64_t count, char *text, size_t size);
void weir_value_print_percent(uint64_t percent, char *text, size_t size);
void weir_value_print_dollars(uint64_t nano, char *text, size_t size);

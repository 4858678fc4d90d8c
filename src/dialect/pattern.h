/* The events of one stream are nearly all alike: the same text but for the few words that
 * are new. An event that differs from one already read only inside such strings reads
 * the same, and saying so costs a comparison instead of a parse. */
#pragma once

#include "dialect/dialect.h"

enum { WEIR_PATTERN_MAX = 4096, WEIR_PATTERN_HOLES_MAX = 2 };

struct weir_pattern {
	struct weir_buf text;
	struct {
		size_t at, len;
	} holes[WEIR_PATTERN_HOLES_MAX];
	unsigned holes_n; /* 0: nothing is known */
};

void weir_pattern_init(struct weir_pattern *pattern);
void weir_pattern_fini(struct weir_pattern *pattern);

/* Takes an event as the example, if its reading says where the new words stand. */
void weir_pattern_learn(struct weir_pattern *pattern, struct weir_slice data,
			const struct weir_reading *reading);

/* Does data read as the example did? False: it has to be read. */
bool weir_pattern_match(const struct weir_pattern *pattern, struct weir_slice data);

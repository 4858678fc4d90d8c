/* Times counted by size, for percentiles: exact below 64, within 1.6 % above. */
#pragma once

#include <stdint.h>

enum { WEIR_TALLY_FINE = 64, WEIR_TALLY_OCTAVES = 32 };

struct weir_tally {
	uint64_t n;
	uint32_t counts[WEIR_TALLY_FINE * (WEIR_TALLY_OCTAVES + 1)];
};

void weir_tally_add(struct weir_tally *tally, uint64_t value);
/* The least value that so many thousandths of them do not exceed; 0 when there are none. */
uint64_t weir_tally_at(const struct weir_tally *tally, unsigned thousandths);

#include "sim/traffic_tally.h"

#include "base/attr.h"

/* Octave 0 holds 0…63, each of the others one doubling in 64 parts. */
static unsigned place_of(uint64_t value)
{
	unsigned octave = 0;

	while (value >= 2 * WEIR_TALLY_FINE) {
		value /= 2;
		octave++;
	}
	if (octave >= WEIR_TALLY_OCTAVES)
		return WEIR_TALLY_FINE * (WEIR_TALLY_OCTAVES + 1) - 1;
	return octave * WEIR_TALLY_FINE + (unsigned)value;
}

static uint64_t value_of(unsigned place)
{
	unsigned octave = place < 2 * WEIR_TALLY_FINE ? 0 : place / WEIR_TALLY_FINE - 1;

	return (uint64_t)(place - octave * WEIR_TALLY_FINE) << octave;
}

void weir_tally_add(struct weir_tally *tally, uint64_t value)
{
	tally->counts[place_of(value)]++;
	tally->n++;
}

uint64_t weir_tally_at(const struct weir_tally *tally, unsigned thousandths)
{
	uint64_t wanted = (tally->n * thousandths + 999) / 1000, seen = 0;

	for (unsigned i = 0; i < WEIR_COUNT_OF(tally->counts); i++) {
		seen += tally->counts[i];
		if (seen && seen >= wanted)
			return value_of(i);
	}
	return 0;
}

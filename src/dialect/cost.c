#include "dialect/cost.h"

enum { MILLION = 1000000 };

/* Adds tokens at a price; false: it is needed, and not known. */
static bool add(unsigned __int128 *sum, uint64_t tokens, uint64_t price)
{
	if (tokens && price == WEIR_PRICE_UNKNOWN)
		return false;
	*sum += (unsigned __int128)tokens * (tokens ? price : 0);
	return true;
}

uint64_t weir_cost(const struct weir_usage *usage, const struct weir_model_facts *facts)
{
	bool apart = facts->price_cached != WEIR_PRICE_UNKNOWN && usage->cached <= usage->in;
	uint64_t cached = apart ? usage->cached : 0;
	unsigned __int128 sum = MILLION / 2;

	if (!add(&sum, cached, facts->price_cached) ||
	    !add(&sum, usage->in - cached, facts->price_in) ||
	    !add(&sum, usage->out, facts->price_out))
		return WEIR_PRICE_UNKNOWN;
	sum /= MILLION;
	return sum < WEIR_PRICE_UNKNOWN ? (uint64_t)sum : WEIR_PRICE_UNKNOWN - 1;
}

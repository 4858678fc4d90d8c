#include "policy/backoff.h"

enum { BASE_MS = 200, CAP_MS = 5000, DOUBLINGS_MAX = 16 };

uint64_t weir_backoff_ms(unsigned retries, struct weir_rng *rng)
{
	unsigned doublings = retries < DOUBLINGS_MAX ? retries : DOUBLINGS_MAX;
	uint64_t most_ms = (uint64_t)BASE_MS << doublings;

	return weir_rng_upto(rng, most_ms < CAP_MS ? most_ms : CAP_MS);
}

/* Seeded random numbers for jitter and choices; repeatable, not for secrets.
 * SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
#pragma once

#include <stdint.h>

struct weir_rng {
	uint64_t state;
};

static inline void weir_rng_init(struct weir_rng *rng, uint64_t seed)
{
	rng->state = seed;
}

static inline uint64_t weir_rng_next(struct weir_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 <= result <= max, evenly. */
static inline uint64_t weir_rng_upto(struct weir_rng *rng, uint64_t max)
{
	return (uint64_t)(((unsigned __int128)weir_rng_next(rng) * ((unsigned __int128)max + 1)) >>
			  64);
}

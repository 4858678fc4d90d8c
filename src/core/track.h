/* A counter's last five minutes, in buckets that a clock fills from the outside: who counts pays
 * nothing for it. */
#pragma once

#include <stdint.h>

enum { WEIR_TRACK_BUCKETS = 60, WEIR_TRACK_BUCKET_MS = 5000 };

struct weir_track {
	uint64_t total;                       /* when the last bucket was filled */
	uint32_t buckets[WEIR_TRACK_BUCKETS]; /* a ring; see weir_track_at() */
};

/* The place of the nth bucket since the beginning, from 0. */
static inline unsigned weir_track_at(uint64_t n)
{
	return (unsigned)(n % WEIR_TRACK_BUCKETS);
}

static inline void weir_track_fill(struct weir_track *track, uint64_t n, uint64_t total)
{
	uint64_t more = total - track->total;

	track->buckets[weir_track_at(n)] = more > UINT32_MAX ? UINT32_MAX : (uint32_t)more;
	track->total = total;
}

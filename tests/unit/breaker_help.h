/* A breaker, and what is done to it. */
#pragma once

#include "policy/breaker.h"
#include "test.h"

static const uint64_t T0 = 1000000;

static struct weir_rng rng;

static inline void succeed(struct weir_breaker *b, bool probe, uint64_t now_ms)
{
	struct weir_breaker_ticket ticket = weir_breaker_begin(b, probe, now_ms);

	weir_breaker_good(b, &ticket, now_ms);
}

static inline void fail(struct weir_breaker *b, bool probe, uint64_t now_ms)
{
	struct weir_breaker_ticket ticket = weir_breaker_begin(b, probe, now_ms);

	weir_breaker_bad(b, &ticket, now_ms, &rng);
}

static inline void fail_times(struct weir_breaker *b, unsigned n, uint64_t now_ms)
{
	while (n--)
		fail(b, false, now_ms);
}

static inline struct weir_breaker opened(uint64_t now_ms)
{
	struct weir_breaker b;

	weir_breaker_init(&b);
	fail_times(&b, WEIR_BREAKER_ROW, now_ms);
	return b;
}

static inline struct weir_breaker recovered(uint64_t now_ms)
{
	struct weir_breaker b = opened(now_ms - 10000);

	succeed(&b, true, now_ms);
	succeed(&b, true, now_ms);
	return b;
}

static inline void check_window(const struct weir_breaker *b, unsigned good, unsigned bad)
{
	unsigned goods = 0, bads = 0;

	for (unsigned i = 0; i < WEIR_BREAKER_BUCKETS; i++) {
		goods += b->window[i].good;
		bads += b->window[i].bad;
	}
	CHECK_INT(goods, good);
	CHECK_INT(bads, bad);
}

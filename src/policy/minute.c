#include "policy/minute.h"

#include "base/sum.h"

enum { SLICES = WEIR_MINUTE_SLICES, SLICE_MS = WEIR_MINUTE_SLICE_MS };

#define MOST_MAX (UINT64_MAX / SLICES) /* so that a minute's sum is a number */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void weir_minute_set(struct weir_minute *m, uint64_t most)
{
	m->most = least(most, MOST_MAX);
}

/* Of one of the last SLICES slices. */
static uint64_t count_of(const struct weir_minute *m, uint64_t slice)
{
	return slice > m->slice ? 0 : m->counts[slice % SLICES];
}

/* A clock that went back must not forget what was taken since. */
static uint64_t slice_at(const struct weir_minute *m, uint64_t now_ms)
{
	uint64_t now = now_ms / SLICE_MS;

	return now < m->slice ? m->slice : now;
}

static uint64_t oldest_at(uint64_t slice)
{
	return slice < SLICES ? 0 : slice - SLICES + 1;
}

static uint64_t used_at(const struct weir_minute *m, uint64_t now)
{
	uint64_t used = 0;

	for (uint64_t slice = oldest_at(now); slice <= now; slice++)
		used += count_of(m, slice);
	return used;
}

static bool fits(const struct weir_minute *m, uint64_t used, uint64_t amount)
{
	return used == 0 || weir_sum(used, amount) <= m->most;
}

bool weir_minute_admits(const struct weir_minute *m, uint64_t amount, uint64_t now_ms,
			uint64_t *return_ms)
{
	uint64_t now, used, oldest;

	if (!m->most)
		return true;
	now = slice_at(m, now_ms);
	oldest = oldest_at(now);
	used = used_at(m, now);
	if (fits(m, used, amount))
		return true;
	for (; !fits(m, used, amount); oldest++)
		used -= count_of(m, oldest);
	if (*return_ms < (oldest - 1 + SLICES) * SLICE_MS)
		*return_ms = (oldest - 1 + SLICES) * SLICE_MS;
	return false;
}

static void take(struct weir_minute *m, uint64_t amount, uint64_t now_ms)
{
	uint64_t now = now_ms / SLICE_MS, *count;

	if (!m->most)
		return;
	if (now >= m->slice + SLICES)
		m->slice = now - SLICES;
	while (m->slice < now)
		m->counts[++m->slice % SLICES] = 0;
	count = &m->counts[m->slice % SLICES];
	*count = least(weir_sum(*count, amount), MOST_MAX);
}

void weir_minute_take(struct weir_minute *m, uint64_t amount, uint64_t now_ms)
{
	take(m, amount, now_ms);
	if (m->most)
		m->taken += least(amount, MOST_MAX);
}

static uint64_t give(struct weir_minute *m, uint64_t amount, uint64_t then_ms)
{
	uint64_t then = then_ms / SLICE_MS, given;

	if (!m->most || then > m->slice || then + SLICES <= m->slice)
		return 0;
	given = least(m->counts[then % SLICES], amount);
	m->counts[then % SLICES] -= given;
	return given;
}

void weir_minute_give(struct weir_minute *m, uint64_t amount, uint64_t then_ms)
{
	m->taken -= give(m, amount, then_ms);
}

void weir_minute_hear(struct weir_minute *m, int64_t amount, uint64_t now_ms)
{
	if (amount > 0)
		take(m, least((uint64_t)amount, m->most), now_ms);
	else
		give(m, 0 - (uint64_t)amount, now_ms);
}

uint64_t weir_minute_left(const struct weir_minute *m, uint64_t now_ms)
{
	uint64_t used = used_at(m, slice_at(m, now_ms));

	return m->most - least(m->most, used);
}

uint64_t weir_minute_whole_in(const struct weir_minute *m, uint64_t now_ms)
{
	uint64_t now = slice_at(m, now_ms);

	for (uint64_t slice = now;; slice--) {
		if (count_of(m, slice) && (slice + SLICES) * SLICE_MS > now_ms)
			return (slice + SLICES) * SLICE_MS - now_ms;
		if (slice == oldest_at(now))
			return 0;
	}
}

#include "sim/traffic_agenda.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"

enum { FIRST_CAP = 256 };

void weir_agenda_init(struct weir_agenda *agenda)
{
	*agenda = (struct weir_agenda){ .heap = NULL };
}

void weir_agenda_fini(struct weir_agenda *agenda)
{
	weir_free(agenda->heap);
	weir_agenda_init(agenda);
}

int weir_agenda_reserve(struct weir_agenda *agenda, size_t n)
{
	size_t more = agenda->cap ? agenda->cap : FIRST_CAP;
	struct weir_tick **grown;

	if (n < agenda->cap)
		return 0;
	while (more <= n)
		more *= 2;
	grown = weir_realloc(agenda->heap, more * sizeof(struct weir_tick *));
	if (!grown)
		return WEIR_ENOMEM;
	agenda->heap = grown;
	agenda->cap = more;
	return 0;
}

static bool is_before(const struct weir_tick *a, const struct weir_tick *b)
{
	return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void put(struct weir_agenda *agenda, struct weir_tick *tick, size_t place)
{
	agenda->heap[place] = tick;
	tick->place = place;
}

static void rise(struct weir_agenda *agenda, struct weir_tick *tick, size_t place)
{
	for (; place > 1 && is_before(tick, agenda->heap[place / 2]); place /= 2)
		put(agenda, agenda->heap[place / 2], place);
	put(agenda, tick, place);
}

static void sink(struct weir_agenda *agenda, struct weir_tick *tick, size_t place)
{
	for (size_t child; (child = place * 2) <= agenda->n; place = child) {
		if (child < agenda->n && is_before(agenda->heap[child + 1], agenda->heap[child]))
			child++;
		if (!is_before(agenda->heap[child], tick))
			break;
		put(agenda, agenda->heap[child], place);
	}
	put(agenda, tick, place);
}

static void settle(struct weir_agenda *agenda, struct weir_tick *tick, size_t place)
{
	if (place > 1 && is_before(tick, agenda->heap[place / 2]))
		rise(agenda, tick, place);
	else
		sink(agenda, tick, place);
}

void weir_agenda_clear(struct weir_agenda *agenda, struct weir_tick *tick)
{
	size_t place = tick->place;
	struct weir_tick *last;

	if (!place)
		return;
	tick->place = 0;
	last = agenda->heap[agenda->n--];
	if (last != tick)
		settle(agenda, last, place);
}

void weir_agenda_set(struct weir_agenda *agenda, struct weir_tick *tick, uint64_t at_ms)
{
	weir_agenda_clear(agenda, tick);
	if (at_ms == UINT64_MAX)
		return;
	WEIR_ASSERT(agenda->n + 1 < agenda->cap);
	tick->at_ms = at_ms > agenda->now_ms ? at_ms : agenda->now_ms;
	tick->order = agenda->order++;
	rise(agenda, tick, ++agenda->n);
}

struct weir_tick *weir_agenda_next(struct weir_agenda *agenda)
{
	struct weir_tick *tick = agenda->n ? agenda->heap[1] : NULL;

	if (!tick)
		return NULL;
	weir_agenda_clear(agenda, tick);
	agenda->now_ms = tick->at_ms;
	return tick;
}

/* What happens when, on a virtual clock: a heap of intrusive entries. Of one millisecond,
 * what was set first comes first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Zeroed, it is set to nothing. */
struct weir_tick {
	uint64_t at_ms, order;
	size_t place; /* in the heap, from 1; 0: nowhere */
	void (*fire)(struct weir_tick *tick);
};

struct weir_agenda {
	struct weir_tick **heap; /* [0] is not used */
	size_t n, cap;
	uint64_t now_ms, order;
};

void weir_agenda_init(struct weir_agenda *agenda);
void weir_agenda_fini(struct weir_agenda *agenda);

/* Room for so many in all, so that setting them cannot fail. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_agenda_reserve(struct weir_agenda *agenda, size_t n);

/* Moves it when it is set already. Never before now; UINT64_MAX: clears it. */
void weir_agenda_set(struct weir_agenda *agenda, struct weir_tick *tick, uint64_t at_ms);
void weir_agenda_clear(struct weir_agenda *agenda, struct weir_tick *tick);

/* Takes the next one out and moves the clock to it; NULL: nothing more happens. */
struct weir_tick *weir_agenda_next(struct weir_agenda *agenda);

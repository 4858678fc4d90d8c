/* A few large blocks of one size that are free, kept for who asks next: the allocator would take
 * them apart and put them together again. */
#pragma once

#include "base/alloc.h"

/* None where it is watched that nobody uses what is free. */
#ifdef __SANITIZE_ADDRESS__
#define WEIR_SPARES_KEPT false
#else
#define WEIR_SPARES_KEPT true
#endif

enum { WEIR_SPARES_MAX = 16 };

/* Zeroed: none yet. */
struct weir_spares {
	void *kept[WEIR_SPARES_MAX];
	unsigned n;
};

/* Not zeroed. NULL: out of memory. size: always the same. */
WEIR_MUST_CHECK static inline void *weir_spares_take(struct weir_spares *s, size_t size)
{
	return s->n ? s->kept[--s->n] : weir_alloc(size);
}

static inline void weir_spares_give(struct weir_spares *s, void *block)
{
	if (WEIR_SPARES_KEPT && s->n < WEIR_SPARES_MAX)
		s->kept[s->n++] = block;
	else
		weir_free(block);
}

static inline void weir_spares_fini(struct weir_spares *s)
{
	while (s->n)
		weir_free(s->kept[--s->n]);
}

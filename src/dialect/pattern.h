/* The events of one stream are nearly all alike: the same bytes but for the few words that
 * are new. An event that differs from one already read only inside such strings reads the
 * same, and is shown as that one was; saying so costs a comparison instead of a parse. */
#pragma once

#include "dialect/dialect.h"

enum { WEIR_PATTERN_MAX = 4096, WEIR_PATTERN_HOLES_MAX = 2 };

struct weir_pattern {
	struct weir_buf bytes; /* all that stays the same of the example, then of what was shown */
	/* How long: before, between and behind the words. */
	size_t came[WEIR_PATTERN_HOLES_MAX + 1], shown[WEIR_PATTERN_HOLES_MAX + 1];
	unsigned holes_n; /* 0: nothing is known */
	bool as_it_came;  /* it was shown as it is */
	bool crlf;        /* how its last line ends */
};

/* What stands in an event's holes. */
struct weir_pattern_words {
	struct weir_slice at[WEIR_PATTERN_HOLES_MAX];
};

void weir_pattern_init(struct weir_pattern *pattern);
void weir_pattern_fini(struct weir_pattern *pattern);

/* Takes an event, all its bytes, as the example, if its reading says where in it the new words
 * stand, and they stand in what was shown of it as they came. */
void weir_pattern_learn(struct weir_pattern *pattern, struct weir_slice raw,
			const struct weir_reading *reading, struct weir_slice shown);

/* How long the event is that bytes begin with, if it reads as the example did; 0: it has to be
 * read. */
size_t weir_pattern_match(const struct weir_pattern *pattern, struct weir_slice bytes,
			  struct weir_pattern_words *words);

/* The same of what was not shown as it came. */
WEIR_MUST_CHECK int weir_pattern_tell(const struct weir_pattern *pattern,
				      const struct weir_pattern_words *words, struct weir_buf *out);

/* Appends what is shown of an event that matched. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK static inline int weir_pattern_put(const struct weir_pattern *pattern,
						   struct weir_slice event,
						   const struct weir_pattern_words *words,
						   struct weir_buf *out)
{
	return pattern->as_it_came ? weir_buf_append(out, event.base, event.len)
				   : weir_pattern_tell(pattern, words, out);
}

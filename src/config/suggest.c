#include "config/suggest.h"

enum { WORD_MAX = 64 };

static char fold(char c)
{
	if (c == '-')
		return '_';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment, three rows. */
size_t weir_edit_distance(struct weir_slice a, struct weir_slice b, size_t limit)
{
	size_t rows[3][WORD_MAX + 1];

	if (a.len > WORD_MAX || b.len > WORD_MAX)
		return limit + 1;
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = fold(a.base[i - 1]), y = fold(b.base[j - 1]);

			row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == fold(b.base[j - 2]) &&
			    y == fold(a.base[i - 2]) && two[j - 2] + 1 < row[j])
				row[j] = two[j - 2] + 1;
		}
	}
	return rows[a.len % 3][b.len] <= limit ? rows[a.len % 3][b.len] : limit + 1;
}

void weir_suggest_init(struct weir_suggest *suggest, struct weir_slice word)
{
	size_t limit = word.len / 3;

	*suggest = (struct weir_suggest){ .word = word };
	suggest->distance = limit < 1 ? 2 : limit > 3 ? 4 : limit + 1;
}

void weir_suggest_offer(struct weir_suggest *suggest, struct weir_slice candidate)
{
	size_t distance = weir_edit_distance(suggest->word, candidate, suggest->distance);

	if (distance < suggest->distance && distance < candidate.len) {
		suggest->best = candidate;
		suggest->distance = distance;
	}
}

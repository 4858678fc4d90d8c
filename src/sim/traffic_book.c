#include "sim/traffic_book.h"

#include "base/alloc.h"
#include "base/error.h"

int weir_book_init(struct weir_book *book, uint64_t ms, unsigned targets_n)
{
	uint64_t wanted = (ms + WEIR_BOOK_BUCKET_MS - 1) / WEIR_BOOK_BUCKET_MS;
	size_t n = wanted < WEIR_BOOK_BUCKETS_MAX ? (size_t)wanted : WEIR_BOOK_BUCKETS_MAX;
	uint32_t *calls;

	*book = (struct weir_book){ .targets_n = targets_n };
	book->buckets = weir_calloc(n + 1, sizeof *book->buckets);
	calls = weir_calloc(n + 1, targets_n * sizeof *calls);
	if (!book->buckets || !calls) {
		weir_free(calls);
		weir_free(book->buckets);
		book->buckets = NULL;
		return WEIR_ENOMEM;
	}
	book->buckets_n = (unsigned)n;
	for (size_t i = 0; i <= n; i++)
		book->buckets[i].calls = calls + i * targets_n;
	return 0;
}

void weir_book_fini(struct weir_book *book)
{
	if (book->buckets)
		weir_free(book->buckets[0].calls);
	weir_free(book->buckets);
	book->buckets = NULL;
	book->buckets_n = 0;
}

struct weir_bucket *weir_book_at(struct weir_book *book, uint64_t at_ms)
{
	uint64_t i = at_ms / WEIR_BOOK_BUCKET_MS;

	return i < book->buckets_n ? &book->buckets[i] : NULL;
}

struct weir_span weir_book_span(const struct weir_book *book, uint64_t from_ms, uint64_t to_ms)
{
	struct weir_span sum = { 0 };
	uint64_t i = from_ms / WEIR_BOOK_BUCKET_MS, end = to_ms / WEIR_BOOK_BUCKET_MS;

	for (; i < end && i < book->buckets_n; i++) {
		const struct weir_bucket *b = &book->buckets[i];

		sum.offered += b->offered;
		sum.good += b->good;
		sum.failed += b->failed;
		sum.errors += b->errors;
		sum.at_once += b->at_once;
		sum.left += b->left;
		for (unsigned t = 0; t < book->targets_n; t++)
			sum.calls += b->calls[t];
	}
	return sum;
}

uint64_t weir_book_recovery_ms(const struct weir_book *book, uint64_t from_ms)
{
	uint64_t first = (from_ms + WEIR_BOOK_BUCKET_MS - 1) / WEIR_BOOK_BUCKET_MS;

	for (uint64_t i = first; i + WEIR_BOOK_SECOND <= book->buckets_n; i++) {
		uint64_t at_ms = i * WEIR_BOOK_BUCKET_MS;
		struct weir_span second = weir_book_span(
			book, at_ms, at_ms + WEIR_BOOK_SECOND * WEIR_BOOK_BUCKET_MS);
		uint64_t stayed = second.offered - second.left;

		if (stayed && second.at_once * 100 >= stayed * WEIR_BOOK_HEALTHY)
			return at_ms > from_ms ? at_ms - from_ms : 0;
	}
	return WEIR_NEVER;
}

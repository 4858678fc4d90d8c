#include <inttypes.h>

#include "sim/traffic_report.h"

enum { PARTS = 10000 }; /* of a ratio: four decimals */

static int put_count(struct weir_buf *out, const char *key, uint64_t value)
{
	return weir_buf_printf(out, ",\"%s\":%" PRIu64, key, value);
}

static int put_ratio(struct weir_buf *out, const char *key, uint64_t part, uint64_t whole)
{
	if (!whole)
		return weir_buf_printf(out, ",\"%s\":null", key);
	return weir_buf_printf(out, ",\"%s\":%.4f", key, (double)part / (double)whole);
}

static int put_times(struct weir_buf *out, const char *key, const struct weir_tally *tally)
{
	if (!tally->n)
		return weir_buf_printf(out, ",\"%s\":{\"p50\":null,\"p99\":null}", key);
	return weir_buf_printf(out, ",\"%s\":{\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 "}", key,
			       weir_tally_at(tally, 500), weir_tally_at(tally, 990));
}

static int put_recovery(struct weir_buf *out, const char *key, const struct weir_book *book,
			uint64_t from_ms)
{
	uint64_t ms = weir_book_recovery_ms(book, from_ms);

	return ms == WEIR_NEVER ? weir_buf_printf(out, ",\"%s\":null", key)
				: put_count(out, key, ms);
}

static int put_calls(const struct weir_traffic *traffic, const struct weir_book *book,
		     struct weir_buf *out)
{
	int rc = weir_buf_puts(out, ",\"calls_of\":{");

	for (unsigned i = 0; i < traffic->targets_n && rc == 0; i++) {
		if ((i && (rc = weir_buf_puts(out, ","))) ||
		    (rc = weir_buf_json(out, weir_slice_of(traffic->targets[i].name))))
			break;
		rc = weir_buf_printf(out, ":%" PRIu64, book->calls_of[i]);
	}
	return rc ? rc : weir_buf_puts(out, "}");
}

static int put_finals(const struct weir_book *book, struct weir_buf *out)
{
	int rc = weir_buf_puts(out, ",\"finals\":{");

	for (unsigned i = 0; i < WEIR_FINAL_N && rc == 0; i++)
		rc = weir_buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "",
				     weir_final_row((enum weir_final)i)->name, book->finals[i]);
	return rc ? rc : weir_buf_puts(out, "}");
}

static int put_fault_book(const struct weir_traffic *traffic, const struct weir_book *book,
			  unsigned i, struct weir_buf *out)
{
	const struct weir_fault *fault = &traffic->faults[i];
	const struct weir_fault_book *of = &book->faults[i];
	int rc;

	if ((rc = weir_buf_printf(out, "%s{\"offered\":%" PRIu64, i ? "," : "", of->offered)) ||
	    (rc = put_count(out, "calls", of->calls)) ||
	    (rc = put_ratio(out, "calls_per_request", of->calls, of->offered)) ||
	    (rc = put_recovery(out, "healthy_since_start_ms", book, fault->from_ms)) ||
	    (rc = put_recovery(out, "healthy_since_end_ms", book, fault->to_ms)))
		return rc;
	return weir_buf_puts(out, "}");
}

static uint32_t value_of(const struct weir_bucket *bucket, unsigned column)
{
	switch (column) {
	case 0:
		return bucket->offered;
	case 1:
		return bucket->good;
	case 2:
		return bucket->errors;
	default:
		return bucket->calls[column - 3];
	}
}

static int put_column(const struct weir_book *book, unsigned column, struct weir_buf *out)
{
	int rc = weir_buf_puts(out, "[");

	for (unsigned i = 0; i < book->buckets_n && rc == 0; i++)
		rc = weir_buf_printf(out, "%s%" PRIu32, i ? "," : "",
				     value_of(&book->buckets[i], column));
	return rc ? rc : weir_buf_puts(out, "]");
}

static int put_timeline(const struct weir_traffic *traffic, const struct weir_book *book,
			struct weir_buf *out)
{
	static const char *const names[] = { "offered", "good", "errors" };
	int rc = weir_buf_printf(out, ",\"timeline\":{\"bucket_ms\":%d", WEIR_BOOK_BUCKET_MS);

	for (unsigned i = 0; i < WEIR_COUNT_OF(names) && rc == 0; i++)
		if ((rc = weir_buf_printf(out, ",\"%s\":", names[i])) == 0)
			rc = put_column(book, i, out);
	if (rc == 0)
		rc = weir_buf_puts(out, ",\"calls\":{");
	for (unsigned i = 0; i < traffic->targets_n && rc == 0; i++) {
		if ((i && (rc = weir_buf_puts(out, ","))) ||
		    (rc = weir_buf_json(out, weir_slice_of(traffic->targets[i].name))) ||
		    (rc = weir_buf_puts(out, ":")))
			break;
		rc = put_column(book, 3 + i, out);
	}
	return rc ? rc : weir_buf_puts(out, "}}");
}

static int put_counts(const struct weir_book *book, struct weir_buf *out)
{
	const struct {
		const char *key;
		uint64_t value;
	} counts[] = {
		{ "offered", book->offered },
		{ "good", book->good },
		{ "failed", book->failed },
		{ "left", book->left },
		{ "tries", book->tries },
		{ "errors", book->errors },
		{ "cut", book->cut },
		{ "timeouts", book->timeouts },
		{ "calls", book->calls },
		{ "calls_most", book->attempts_most },
		{ "fallbacks", book->fallbacks },
		{ "probes", book->probes },
		{ "hedges", book->hedges },
		{ "waits", book->waits },
		{ "queued", book->queued },
		{ "tokens", book->tokens_good + book->tokens_wasted },
		{ "tokens_wasted", book->tokens_wasted },
		{ "over_ms", book->over_ms },
	};
	int rc = 0;

	for (size_t i = 0; i < WEIR_COUNT_OF(counts) && rc == 0; i++)
		rc = put_count(out, counts[i].key, counts[i].value);
	return rc;
}

static int put_policy(const struct weir_traffic_report *report, unsigned i, struct weir_buf *out)
{
	const struct weir_book *book = report->books[i];
	int rc;

	if ((rc = weir_buf_printf(out, "%s{\"policy\":\"%s\"", i ? "," : "",
				  weir_traffic_policy_name(report->policies[i]))) ||
	    (rc = put_counts(book, out)) ||
	    (rc = put_ratio(out, "availability", book->good, book->offered - book->left)) ||
	    (rc = put_ratio(out, "goodput_per_s", book->good * 1000, report->traffic->ms)) ||
	    (rc = put_ratio(out, "calls_per_request", book->calls, book->offered)) ||
	    (rc = put_ratio(out, "cost_usd", book->cost_nano / (1000000000 / PARTS), PARTS)) ||
	    (rc = put_times(out, "first_content_ms", &book->first_ms)) ||
	    (rc = put_times(out, "error_ms", &book->error_ms)) || (rc = put_finals(book, out)) ||
	    (rc = put_calls(report->traffic, book, out)) ||
	    (rc = weir_buf_puts(out, ",\"faults\":[")))
		return rc;
	for (unsigned f = 0; f < report->traffic->faults_n && rc == 0; f++)
		rc = put_fault_book(report->traffic, book, f, out);
	if (rc == 0 && (rc = weir_buf_puts(out, "]")) == 0)
		rc = put_timeline(report->traffic, book, out);
	return rc ? rc : weir_buf_puts(out, "}");
}

static int put_fault(const struct weir_fault *fault, bool first, struct weir_buf *out)
{
	int rc;

	if ((rc = weir_buf_puts(out, first ? "{\"target\":" : ",{\"target\":")) ||
	    (rc = weir_buf_json(out, weir_slice_of(fault->name))) ||
	    (rc = weir_buf_puts(out, ",\"what\":")) ||
	    (rc = weir_buf_json(out, weir_slice_of(fault->what))) ||
	    (rc = put_count(out, "from_ms", fault->from_ms)) ||
	    (rc = put_count(out, "to_ms", fault->to_ms)))
		return rc;
	return weir_buf_puts(out, "}");
}

int weir_traffic_json(const struct weir_traffic_report *report, struct weir_buf *out)
{
	const struct weir_traffic *traffic = report->traffic;
	int rc;

	if ((rc = weir_buf_puts(out, "{\"scenario\":")) ||
	    (rc = weir_buf_json(out, weir_slice_of(report->name))) ||
	    (rc = weir_buf_puts(out, ",\"chain\":")) ||
	    (rc = weir_buf_json(out, weir_slice_of(report->chain))) ||
	    (rc = put_count(out, "seed", traffic->seed)) ||
	    (rc = put_count(out, "workers", traffic->workers ? traffic->workers : 1)) ||
	    (rc = put_count(out, "ms", traffic->ms)) || (rc = weir_buf_puts(out, ",\"faults\":[")))
		return rc;
	for (unsigned i = 0; i < traffic->faults_n && rc == 0; i++)
		rc = put_fault(&traffic->faults[i], i == 0, out);
	if (rc == 0)
		rc = weir_buf_puts(out, "],\"policies\":[");
	for (unsigned i = 0; i < report->books_n && rc == 0; i++)
		rc = put_policy(report, i, out);
	return rc ? rc : weir_buf_puts(out, "]}\n");
}

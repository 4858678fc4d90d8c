#include <inttypes.h>
#include <stdio.h>

#include "sim/traffic_report.h"

enum { CELL = 64, COLUMN = 14, NAMES = 34 };

/* What stands in one row: a cell of each policy, made by the same function. */
struct row {
	const char *name;
	void (*cell)(const struct weir_traffic_report *report, const struct weir_book *book,
		     unsigned index, char text[CELL]);
};

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void availability(const struct weir_traffic_report *report, const struct weir_book *book,
			 unsigned index, char text[CELL])
{
	(void)report, (void)index;
	snprintf(text, CELL, "%.2f %%", 100 * share(book->good, book->offered - book->left));
}

static void goodput(const struct weir_traffic_report *report, const struct weir_book *book,
		    unsigned index, char text[CELL])
{
	(void)index;
	snprintf(text, CELL, "%.1f/s", 1000 * share(book->good, report->traffic->ms));
}

static void put_ms(const struct weir_tally *tally, unsigned thousandths, char text[CELL])
{
	if (tally->n)
		snprintf(text, CELL, "%" PRIu64 " ms", weir_tally_at(tally, thousandths));
	else
		snprintf(text, CELL, "-");
}

static void first_p50(const struct weir_traffic_report *report, const struct weir_book *book,
		      unsigned index, char text[CELL])
{
	(void)report, (void)index;
	put_ms(&book->first_ms, 500, text);
}

static void first_p99(const struct weir_traffic_report *report, const struct weir_book *book,
		      unsigned index, char text[CELL])
{
	(void)report, (void)index;
	put_ms(&book->first_ms, 990, text);
}

static void cost(const struct weir_traffic_report *report, const struct weir_book *book,
		 unsigned index, char text[CELL])
{
	(void)report, (void)index;
	if (book->cost_nano)
		snprintf(text, CELL, "$%.2f", (double)book->cost_nano / 1e9);
	else
		snprintf(text, CELL, "-");
}

static void wasted(const struct weir_traffic_report *report, const struct weir_book *book,
		   unsigned index, char text[CELL])
{
	(void)report, (void)index;
	snprintf(text, CELL, "%.2f %%",
		 100 * share(book->tokens_wasted, book->tokens_good + book->tokens_wasted));
}

static void calls(const struct weir_traffic_report *report, const struct weir_book *book,
		  unsigned index, char text[CELL])
{
	(void)report, (void)index;
	snprintf(text, CELL, "%.3f", share(book->calls, book->offered));
}

static void calls_of(const struct weir_traffic_report *report, const struct weir_book *book,
		     unsigned index, char text[CELL])
{
	(void)report;
	snprintf(text, CELL, "%" PRIu64, book->calls_of[index]);
}

static void fallbacks(const struct weir_traffic_report *report, const struct weir_book *book,
		      unsigned index, char text[CELL])
{
	(void)report, (void)index;
	snprintf(text, CELL, "%" PRIu64, book->fallbacks);
}

static void errors(const struct weir_traffic_report *report, const struct weir_book *book,
		   unsigned index, char text[CELL])
{
	(void)report, (void)index;
	snprintf(text, CELL, "%" PRIu64, book->errors + book->cut + book->timeouts);
}

static void error_p50(const struct weir_traffic_report *report, const struct weir_book *book,
		      unsigned index, char text[CELL])
{
	(void)report, (void)index;
	put_ms(&book->error_ms, 500, text);
}

static void error_p99(const struct weir_traffic_report *report, const struct weir_book *book,
		      unsigned index, char text[CELL])
{
	(void)report, (void)index;
	put_ms(&book->error_ms, 990, text);
}

static void left(const struct weir_traffic_report *report, const struct weir_book *book,
		 unsigned index, char text[CELL])
{
	(void)report, (void)index;
	snprintf(text, CELL, "%" PRIu64, book->left);
}

static void at_fault(const struct weir_traffic_report *report, const struct weir_book *book,
		     unsigned index, char text[CELL])
{
	(void)report;
	snprintf(text, CELL, "%.2f %%",
		 100 * share(book->faults[index].calls, book->faults[index].offered));
}

static void put_recovery(const struct weir_book *book, uint64_t from_ms, char text[CELL])
{
	uint64_t ms = weir_book_recovery_ms(book, from_ms);

	if (ms == WEIR_NEVER)
		snprintf(text, CELL, "never");
	else
		snprintf(text, CELL, "%.2f s", (double)ms / 1000);
}

static void healthy_since_fault(const struct weir_traffic_report *report,
				const struct weir_book *book, unsigned index, char text[CELL])
{
	put_recovery(book, report->traffic->faults[index].from_ms, text);
}

static void healthy_since_repair(const struct weir_traffic_report *report,
				 const struct weir_book *book, unsigned index, char text[CELL])
{
	put_recovery(book, report->traffic->faults[index].to_ms, text);
}

static const struct row rows[] = {
	{ "answered well", availability },
	{ "goodput", goodput },
	{ "first content, p50", first_p50 },
	{ "first content, p99", first_p99 },
	{ "cost", cost },
	{ "tokens made for nobody", wasted },
	{ "fallbacks", fallbacks },
	{ "tries that ended badly", errors },
	{ "how fast an error came, p50", error_p50 },
	{ "how fast an error came, p99", error_p99 },
	{ "callers who left", left },
	{ "upstream calls per request", calls },
};
static const struct row of_target = { NULL, calls_of };
static const struct row of_fault[] = {
	{ "  calls there for 100 requests", at_fault },
	{ "  95 % served after its beginning", healthy_since_fault },
};
static const struct row of_repair = { "  95 % served after its end", healthy_since_repair };

static int put_row(const struct weir_traffic_report *report, const char *name,
		   const struct row *row, unsigned index, struct weir_buf *out)
{
	int rc = weir_buf_printf(out, "  %-*s", NAMES, name);

	for (unsigned i = 0; i < report->books_n && rc == 0; i++) {
		char text[CELL];

		row->cell(report, report->books[i], index, text);
		rc = weir_buf_printf(out, "%*s", COLUMN, text);
	}
	return rc ? rc : weir_buf_puts(out, "\n");
}

static int put_fault(const struct weir_traffic_report *report, unsigned index, struct weir_buf *out)
{
	const struct weir_fault *fault = &report->traffic->faults[index];
	int rc = weir_buf_printf(out, "  %s %s, %.1f s to %.1f s\n", fault->name, fault->what,
				 (double)fault->from_ms / 1000, (double)fault->to_ms / 1000);

	for (size_t i = 0; i < WEIR_COUNT_OF(of_fault) && rc == 0; i++)
		rc = put_row(report, of_fault[i].name, &of_fault[i], index, out);
	if (rc == 0 && fault->to_ms < report->traffic->ms)
		rc = put_row(report, of_repair.name, &of_repair, index, out);
	return rc;
}

static int put_head(const struct weir_traffic_report *report, bool colour, struct weir_buf *out)
{
	const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
	int rc = weir_buf_printf(out, "%s%s%s: %" PRIu64 " requests in %.0f s, seed %" PRIu64 "\n",
				 bold, report->name, plain, report->books[0]->offered,
				 (double)report->traffic->ms / 1000, report->traffic->seed);

	if (rc == 0 && report->traffic->workers > 1)
		rc = weir_buf_printf(out, "%u workers, ", report->traffic->workers);
	if (rc == 0)
		rc = weir_buf_printf(out, "%s\n\n  %-*s%s", report->chain, NAMES, "", bold);
	for (unsigned i = 0; i < report->books_n && rc == 0; i++)
		rc = weir_buf_printf(out, "%*s", COLUMN,
				     weir_traffic_policy_name(report->policies[i]));
	return rc ? rc : weir_buf_printf(out, "%s\n", plain);
}

int weir_traffic_table(const struct weir_traffic_report *report, bool colour, struct weir_buf *out)
{
	const struct weir_traffic *traffic = report->traffic;
	int rc = put_head(report, colour, out);

	for (size_t i = 0; i < WEIR_COUNT_OF(rows) && rc == 0; i++)
		rc = put_row(report, rows[i].name, &rows[i], 0, out);
	for (unsigned i = 0; i < traffic->targets_n && rc == 0; i++) {
		char name[CELL];

		snprintf(name, sizeof name, "  %.30s", traffic->targets[i].name);
		rc = put_row(report, name, &of_target, i, out);
	}
	for (unsigned i = 0; i < traffic->faults_n && rc == 0; i++)
		rc = put_fault(report, i, out);
	return rc;
}

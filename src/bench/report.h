/* What a run has shown, written for people and for programs. Pure: facts in, text out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/compare.h"
#include "bench/failover.h"
#include "bench/options.h"
#include "bench/pen.h"
#include "bench/tally.h"

struct weir_bench_report {
	const struct weir_bench_options *options;
	const char *url;
	const struct weir_bench_tally *tally;
	const struct weir_bench_failover *failover;                     /* NULL: not known */
	const struct weir_bench_comparison *comparison;                 /* NULL: none */
	const struct weir_bench_tally *tallies[WEIR_BENCH_COMPARE_MAX]; /* of its contestants */
	const char *complaint;                                          /* NULL: none */
	bool interrupted; /* by the user, before its end */
};

/* Things the reader must know before believing the numbers; one call gives the i-th, NULL
 * when there are no more. text has room for a sentence. */
enum { WEIR_BENCH_WARNING_TEXT = 256 };
const char *weir_bench_warning(const struct weir_bench_report *report, unsigned i,
			       char text[WEIR_BENCH_WARNING_TEXT]);

void weir_bench_report_text(struct weir_bench_pen *pen, const struct weir_bench_report *report);
/* One object, without a line's end. */
void weir_bench_report_json(struct weir_bench_pen *pen, const struct weir_bench_report *report);

/* "closed loop, 50 connections, 10.0 s after 1.00 s of warm-up": how the load was made. */
void weir_bench_report_load(struct weir_bench_pen *pen, const struct weir_bench_options *options);

/* The failover figures, as lines of the table and as a member of the object. */
void weir_bench_failover_text(struct weir_bench_pen *pen, const struct weir_bench_report *report);
void weir_bench_failover_json(struct weir_bench_pen *pen, const struct weir_bench_report *report);
/* A whole page with charts, which needs nothing else. */
void weir_bench_report_html(struct weir_bench_pen *pen, const struct weir_bench_report *report);

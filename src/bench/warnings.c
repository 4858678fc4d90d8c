#include "bench/report.h"

#include <stdio.h>

static const double BUSY = 0.9, LATE_SHARE = 0.99;
static const uint64_t LATE_NS = 1000 * 1000;

struct seeker {
	char *text;
	unsigned left; /* until the one that is wanted */
	bool found;
};

#define SAY(seeker, ...)                                                                \
	do {                                                                            \
		if (!(seeker)->found && (seeker)->left-- == 0) {                        \
			(seeker)->found = true;                                         \
			snprintf((seeker)->text, WEIR_BENCH_WARNING_TEXT, __VA_ARGS__); \
		}                                                                       \
	} while (0)

static void about_us(struct seeker *s, const struct weir_bench_report *r)
{
	const struct weir_bench_tally *t = r->tally;
	uint64_t lag = weir_bench_hist_at(t->lag, LATE_SHARE);
	char text[WEIR_BENCH_TIME_TEXT];

	if (t->wall_ns && (double)t->cpu_ns > BUSY * (double)t->wall_ns)
		SAY(s, "this program was busy %.0f %% of the time: it may be what was measured",
		    100 * (double)t->cpu_ns / (double)t->wall_ns);
	if (lag > LATE_NS)
		SAY(s,
		    "1 %% of requests were sent %s late although a connection was free: "
		    "this machine is too slow or too busy for the rate",
		    weir_bench_time(lag, text));
}

static void about_load(struct seeker *s, const struct weir_bench_report *r)
{
	const struct weir_bench_tally *t = r->tally;
	uint64_t due = t->done + t->unfinished + t->unsent;

	if (t->unfinished && t->unfinished * 100 > due)
		SAY(s,
		    "%llu requests got no answer before the end and are in no percentile; "
		    "--drain waits longer",
		    (unsigned long long)t->unfinished);
	if (t->unsent)
		SAY(s, "%llu requests were due and never sent: the target is slower than the rate",
		    (unsigned long long)t->unsent);
	if (t->latency->n && t->latency->n < 1000)
		SAY(s, "%llu good answers are too few for p99.9",
		    (unsigned long long)t->latency->n);
}

static void about_answers(struct seeker *s, const struct weir_bench_report *r)
{
	const struct weir_bench_tally *t = r->tally;

	if (t->outcomes[WEIR_BENCH_CROSSED])
		SAY(s, "%llu callers got the answer to somebody else's request",
		    (unsigned long long)t->outcomes[WEIR_BENCH_CROSSED]);
	if (t->outcomes[WEIR_BENCH_LOCAL])
		SAY(s, "this machine ran short (descriptors, ports or memory): raise `ulimit -n`");
	if (r->complaint && weir_bench_tally_failed(t))
		SAY(s, "the last failure below HTTP was: %s", r->complaint);
}

const char *weir_bench_warning(const struct weir_bench_report *report, unsigned i,
			       char text[WEIR_BENCH_WARNING_TEXT])
{
	struct seeker seeker = { .text = text, .left = i };

	about_us(&seeker, report);
	about_load(&seeker, report);
	about_answers(&seeker, report);
	return seeker.found ? text : NULL;
}

#include "bench/tally.h"

#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"

enum { HISTS = 7 };

static void list(struct weir_bench_tally *t, struct weir_bench_hist **hists[HISTS])
{
	hists[0] = &t->latency;
	hists[1] = &t->service;
	hists[2] = &t->failure;
	hists[3] = &t->first;
	hists[4] = &t->gap;
	hists[5] = &t->connect;
	hists[6] = &t->lag;
}

struct weir_bench_tally *weir_bench_tally_create(void)
{
	struct weir_bench_tally *t = weir_calloc(1, sizeof *t);
	struct weir_bench_hist **hists[HISTS];
	bool whole = t != NULL;

	if (!t)
		return NULL;
	list(t, hists);
	for (unsigned i = 0; i < HISTS; i++)
		whole &= (*hists[i] = weir_bench_hist_create()) != NULL;
	for (unsigned i = 0; i < WEIR_BENCH_PHASES; i++)
		whole &= (t->phases[i].latency = weir_bench_hist_create()) != NULL;
	if (!whole) {
		weir_bench_tally_destroy(t);
		return NULL;
	}
	weir_bench_series_clear(&t->series);
	return t;
}

void weir_bench_tally_destroy(struct weir_bench_tally *t)
{
	struct weir_bench_hist **hists[HISTS];

	if (!t)
		return;
	list(t, hists);
	for (unsigned i = 0; i < HISTS; i++)
		weir_bench_hist_destroy(*hists[i]);
	for (unsigned i = 0; i < WEIR_BENCH_PHASES; i++)
		weir_bench_hist_destroy(t->phases[i].latency);
	weir_free(t);
}

void weir_bench_tally_clear(struct weir_bench_tally *t)
{
	struct weir_bench_hist **hists[HISTS], *kept[HISTS];
	struct weir_bench_hist *phases[WEIR_BENCH_PHASES];

	list(t, hists);
	for (unsigned i = 0; i < HISTS; i++) {
		kept[i] = *hists[i];
		weir_bench_hist_clear(kept[i]);
	}
	for (unsigned i = 0; i < WEIR_BENCH_PHASES; i++) {
		phases[i] = t->phases[i].latency;
		weir_bench_hist_clear(phases[i]);
	}
	memset(t, 0, sizeof *t);
	for (unsigned i = 0; i < HISTS; i++)
		*hists[i] = kept[i];
	for (unsigned i = 0; i < WEIR_BENCH_PHASES; i++)
		t->phases[i].latency = phases[i];
	weir_bench_series_clear(&t->series);
}

void weir_bench_tally_merge(struct weir_bench_tally *to, const struct weir_bench_tally *from)
{
	const struct {
		uint64_t *sum;
		uint64_t value;
	} sums[] = {
		{ &to->sent, from->sent },
		{ &to->warmup, from->warmup },
		{ &to->done, from->done },
		{ &to->ok_in_time, from->ok_in_time },
		{ &to->unfinished, from->unfinished },
		{ &to->unsent, from->unsent },
		{ &to->streams, from->streams },
		{ &to->streams_whole, from->streams_whole },
		{ &to->events, from->events },
		{ &to->stalls, from->stalls },
		{ &to->tokens, from->tokens },
		{ &to->tokens_good, from->tokens_good },
		{ &to->tokens_kept, from->tokens_kept },
		{ &to->upstream, from->upstream },
		{ &to->upstream_told, from->upstream_told },
		{ &to->connections, from->connections },
		{ &to->bytes_in, from->bytes_in },
		{ &to->bytes_out, from->bytes_out },
		{ &to->seconds_ns, from->seconds_ns },
		{ &to->cpu_ns, from->cpu_ns },
		{ &to->wall_ns, from->wall_ns },
	};
	struct weir_bench_hist **mine[HISTS], **theirs[HISTS];

	for (size_t i = 0; i < WEIR_COUNT_OF(sums); i++)
		*sums[i].sum += sums[i].value;
	for (unsigned i = 0; i < WEIR_BENCH_OUTCOME_N; i++)
		to->outcomes[i] += from->outcomes[i];
	for (unsigned i = 0; i < WEIR_BENCH_STATUS_MAX; i++)
		to->statuses[i] += from->statuses[i];
	list(to, mine);
	list((struct weir_bench_tally *)(uintptr_t)from, theirs);
	for (unsigned i = 0; i < HISTS; i++)
		weir_bench_hist_merge(*mine[i], *theirs[i]);
}

static bool came_to_its_end(enum weir_bench_outcome outcome)
{
	return outcome == WEIR_BENCH_OK || outcome == WEIR_BENCH_WRONG ||
	       outcome == WEIR_BENCH_CROSSED;
}

void weir_bench_tally_add(struct weir_bench_tally *t, const struct weir_bench_ended *e)
{
	bool ok = e->outcome == WEIR_BENCH_OK;
	struct weir_bench_phase *phase = &t->phases[e->phase];

	t->done++;
	t->outcomes[e->outcome]++;
	if (e->status && e->status < WEIR_BENCH_STATUS_MAX)
		t->statuses[e->status]++;
	t->tokens += e->tokens;
	t->streams += e->stream;
	t->streams_whole += e->stream && came_to_its_end(e->outcome);
	phase->n++;
	weir_bench_series_add(&t->series, e->at_ns, e->latency_ns, ok);
	if (!ok) {
		weir_bench_hist_add(t->failure, e->latency_ns);
		return;
	}
	t->ok_in_time += e->in_time;
	t->tokens_good += e->tokens;
	phase->ok++;
	weir_bench_hist_add(t->latency, e->latency_ns);
	weir_bench_hist_add(t->service, e->service_ns);
	weir_bench_hist_add(phase->latency, e->latency_ns);
}

uint64_t weir_bench_tally_failed(const struct weir_bench_tally *t)
{
	return t->done - t->outcomes[WEIR_BENCH_OK];
}

double weir_bench_tally_success(const struct weir_bench_tally *t)
{
	return t->done ? (double)t->outcomes[WEIR_BENCH_OK] / (double)t->done : 0;
}

double weir_bench_tally_rate(const struct weir_bench_tally *t)
{
	return t->seconds_ns ? (double)t->ok_in_time * 1e9 / (double)t->seconds_ns : 0;
}

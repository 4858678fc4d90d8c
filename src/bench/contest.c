#include "bench/contest.h"

#include "base/alloc.h"

static struct weir_bench_lane *whose_turn(const struct weir_bench_contest *c)
{
	bool back = c->comparison->rounds_n % 2;

	return &c->lanes[back ? c->lanes_n - 1 - c->turn : c->turn];
}

static int go(struct weir_bench_contest *c)
{
	struct weir_bench_lane *lane = whose_turn(c);
	struct weir_bench_round round = { .tally = c->round,
					  .warmup_ns = c->options->warmup_ns,
					  .duration_ns = c->options->round_ns };

	weir_bench_tally_clear(c->round);
	weir_bench_live_watch(c->live, &lane->run, c->round);
	return weir_bench_run_go(&lane->run, &round);
}

static void on_round(struct weir_bench_run *run)
{
	struct weir_bench_contest *c = run->user;
	struct weir_bench_lane *lane = whose_turn(c);

	weir_bench_tally_merge(lane->tally, c->round);
	if (!c->stopped) {
		weir_bench_compare_note(&c->comparison->contestants[lane - c->lanes],
					c->comparison->rounds_n, c->round);
		if (++c->turn == c->lanes_n) {
			c->turn = 0;
			c->comparison->rounds_n++;
		}
	}
	if (c->stopped || c->comparison->rounds_n == c->options->rounds || go(c))
		c->on_over(c);
}

/* The one named so, or the first; what others are held against is the first that it is not. */
static void cast(struct weir_bench_contest *c)
{
	struct weir_bench_comparison *cmp = c->comparison;
	unsigned control = c->lanes_n;

	for (unsigned i = 0; i < c->lanes_n; i++) {
		cmp->contestants[i].name = c->lanes[i].name;
		if (weir_slice_is(weir_slice_of(c->lanes[i].name), "control"))
			control = i;
	}
	cmp->base = control == 0 ? 1 : 0;
	cmp->control = control < c->lanes_n ? control : 0;
}

int weir_bench_contest_begin(struct weir_bench_contest *c)
{
	c->round = weir_bench_tally_create();
	c->comparison = weir_calloc(1, sizeof *c->comparison);
	if (!c->round || !c->comparison)
		return WEIR_ENOMEM;
	c->comparison->contestants_n = c->lanes_n;
	c->comparison->drift_max = c->options->drift;
	c->comparison->open_loop = c->options->load.open_loop;
	cast(c);
	for (unsigned i = 0; i < c->lanes_n; i++) {
		c->lanes[i].run.user = c;
		c->lanes[i].run.on_over = on_round;
	}
	return go(c);
}

void weir_bench_contest_stop(struct weir_bench_contest *c)
{
	c->stopped = true;
	weir_bench_run_stop(&whose_turn(c)->run);
}

void weir_bench_contest_fini(struct weir_bench_contest *c)
{
	weir_bench_tally_destroy(c->round);
	weir_free(c->comparison);
	c->comparison = NULL;
}

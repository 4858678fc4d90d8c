#include "bench/run.h"

#include <sys/resource.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "bench/slot.h"
#include "net/tls.h"

static const uint64_t OPENING_NS_MAX = UINT64_C(5000000000);

static struct weir_bench_slot *slot_at(struct weir_list *node)
{
	return WEIR_CONTAINER_OF(node, struct weir_bench_slot, node);
}

static uint64_t cpu_now(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return ((uint64_t)use.ru_utime.tv_sec + (uint64_t)use.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)use.ru_utime.tv_usec + (uint64_t)use.ru_stime.tv_usec) * 1000u;
}

/* The round is over as soon as nothing is under way; told by the sweep, so that it is never
 * told inside a call. */
static void over(struct weir_bench_run *run)
{
	run->state = WEIR_BENCH_RESTING;
	run->round.tally->unsent += run->backlog_n;
	run->backlog_n = 0;
	weir_bench_alarm_stop(&run->alarm);
	uv_timer_stop(&run->sweep);
	run->on_over(run);
}

/* No more requests from now on. */
static void drain(struct weir_bench_run *run, uint64_t now)
{
	struct weir_bench_tally *t = run->round.tally;
	uint64_t end = now < run->ends_ns ? now : run->ends_ns;

	run->state = WEIR_BENCH_DRAINING;
	run->ends_ns = end;
	t->seconds_ns += end > run->began_ns ? end - run->began_ns : 0;
	t->cpu_ns += cpu_now() - run->cpu_ns;
	t->wall_ns += now - run->start_ns;
	weir_bench_alarm_stop(&run->alarm);
}

static bool all_sent(const struct weir_bench_run *run)
{
	return run->round.requests && run->started >= run->round.requests;
}

static void note_start(struct weir_bench_run *run, uint64_t due)
{
	run->started++;
	if (due < run->began_ns)
		run->round.tally->warmup++;
}

static void remember(struct weir_bench_run *run, uint64_t due)
{
	if (run->backlog_n == run->backlog_max) {
		unsigned max = run->backlog_max ? 2 * run->backlog_max : 1024;
		uint64_t *ring = max <= WEIR_BENCH_BACKLOG_MAX ? weir_calloc(max, sizeof *ring)
							       : NULL;

		if (!ring) {
			run->round.tally->unsent++;
			return;
		}
		for (unsigned i = 0; i < run->backlog_n; i++)
			ring[i] = run->backlog[(run->backlog_at + i) % run->backlog_max];
		weir_free(run->backlog);
		run->backlog = ring;
		run->backlog_max = max;
		run->backlog_at = 0;
	}
	run->backlog[(run->backlog_at + run->backlog_n++) % run->backlog_max] = due;
}

static uint64_t recall(struct weir_bench_run *run)
{
	uint64_t due = run->backlog[run->backlog_at];

	run->backlog_at = (run->backlog_at + 1) % run->backlog_max;
	run->backlog_n--;
	return due;
}

static bool over_by_time(struct weir_bench_run *run, uint64_t now);

/* A free slot gets what waits, or in a closed loop the next one. */
static void employ(struct weir_bench_run *run, struct weir_bench_slot *slot, uint64_t now)
{
	bool ended = over_by_time(run, now);

	if (run->backlog_n) {
		weir_bench_slot_begin(slot, recall(run), now);
	} else if (ended || run->load.open_loop) {
		weir_list_remove(&slot->node);
		/* The front: the one used last is the warmest. */
		weir_list_push(run->idle.next, &slot->node);
	} else {
		note_start(run, now);
		weir_bench_slot_begin(slot, now, now);
	}
}

static void on_free(struct weir_bench_slot *slot, enum weir_bench_outcome outcome, uint64_t now)
{
	struct weir_bench_run *run = slot->run;
	bool bad = outcome == WEIR_BENCH_CONNECT || outcome == WEIR_BENCH_TLS ||
		   outcome == WEIR_BENCH_LOCAL;

	if (bad)
		weir_list_push(&run->resting, &slot->node);
	else
		employ(run, slot, now);
}

/* An idle one; or one more; or NULL. */
static struct weir_bench_slot *find_slot(struct weir_bench_run *run)
{
	struct weir_bench_slot *slot;

	if (!weir_list_empty(&run->idle)) {
		slot = slot_at(run->idle.next);
		weir_list_remove(&slot->node);
		return slot;
	}
	if (run->slots_n == run->load.connections)
		return NULL;
	slot = weir_bench_slot_create(run);
	if (slot)
		run->slots[run->slots_n++] = slot;
	return slot;
}

/* Open loop: everything that is due by now, also when we are late for it. */
static void ask_due(struct weir_bench_run *run)
{
	uint64_t now = uv_hrtime();

	while (run->state == WEIR_BENCH_ASKING && !all_sent(run) && run->next_due_ns <= now &&
	       run->next_due_ns < run->ends_ns) {
		struct weir_bench_slot *slot = find_slot(run);
		uint64_t due = run->next_due_ns;

		note_start(run, due);
		run->next_due_ns = run->start_ns + weir_bench_arrivals_next(&run->arrivals);
		if (slot) {
			if (due >= run->began_ns)
				weir_bench_hist_add(run->round.tally->lag, now - due);
			weir_bench_slot_begin(slot, due, now);
		} else {
			remember(run, due);
		}
		if (run->next_due_ns > now)
			now = uv_hrtime();
	}
}

static bool over_by_time(struct weir_bench_run *run, uint64_t now)
{
	if (run->state == WEIR_BENCH_ASKING && (now >= run->ends_ns || all_sent(run))) {
		if (run->load.open_loop)
			ask_due(run);
		if (run->state == WEIR_BENCH_ASKING) /* it may have been noticed meanwhile */
			drain(run, now);
	}
	return run->state != WEIR_BENCH_ASKING;
}

static void on_alarm(struct weir_bench_alarm *alarm)
{
	struct weir_bench_run *run = alarm->user;

	if (!over_by_time(run, uv_hrtime())) {
		ask_due(run);
		weir_bench_alarm_set(alarm, run->next_due_ns < run->ends_ns ? run->next_due_ns
									    : run->ends_ns);
	}
}

static void begin(struct weir_bench_run *run)
{
	uint64_t now = uv_hrtime();

	run->state = WEIR_BENCH_ASKING;
	run->start_ns = now;
	run->began_ns = now + run->round.warmup_ns;
	run->ends_ns = run->round.duration_ns ? run->began_ns + run->round.duration_ns : UINT64_MAX;
	run->cpu_ns = cpu_now();
	if (run->load.open_loop) {
		weir_bench_arrivals_init(&run->arrivals, &run->load.rate, run->load.poisson,
					 run->load.seed);
		run->next_due_ns = now + weir_bench_arrivals_next(&run->arrivals);
		weir_bench_alarm_set(&run->alarm, run->next_due_ns);
		return;
	}
	while (run->state == WEIR_BENCH_ASKING && !weir_list_empty(&run->idle)) {
		struct weir_bench_slot *slot = find_slot(run);

		employ(run, slot, uv_hrtime());
	}
}

static void on_opened(struct weir_bench_slot *slot)
{
	struct weir_bench_run *run = slot->run;

	WEIR_ASSERT(run->opening_n > 0);
	run->opening_n--; /* the sweep begins the round after the last */
	if (run->state == WEIR_BENCH_ASKING)
		employ(run, slot, uv_hrtime());
	else
		weir_list_push(&run->idle, &slot->node);
}

static void abandon_all(struct weir_bench_run *run)
{
	while (!weir_list_empty(&run->busy)) {
		struct weir_bench_slot *slot = slot_at(run->busy.next);

		run->round.tally->unfinished += slot->counts;
		weir_bench_slot_abandon(slot);
		weir_list_push(&run->idle, &slot->node);
	}
}

static void wake(struct weir_bench_run *run, uint64_t now)
{
	while (!weir_list_empty(&run->resting)) {
		struct weir_bench_slot *slot = slot_at(run->resting.next);

		if (now - slot->begun_ns < WEIR_BENCH_REST_MS * UINT64_C(1000000))
			return;
		weir_list_remove(&slot->node);
		employ(run, slot, now);
	}
}

static void time_out(struct weir_bench_run *run, uint64_t now)
{
	while (!weir_list_empty(&run->busy)) {
		struct weir_bench_slot *slot = slot_at(run->busy.next);

		if (now - slot->begun_ns < run->load.timeout_ns)
			return;
		weir_bench_slot_end(slot, WEIR_BENCH_TIMEOUT, now);
	}
}

static void on_sweep(uv_timer_t *timer)
{
	struct weir_bench_run *run = timer->data;
	uint64_t now = uv_hrtime();

	if (run->state == WEIR_BENCH_OPENING) {
		if (run->opening_n == 0 || now - run->start_ns > OPENING_NS_MAX)
			begin(run);
		return;
	}
	time_out(run, now);
	wake(run, now);
	(void)over_by_time(run, now);
	if (run->state != WEIR_BENCH_DRAINING)
		return;
	if (now - run->ends_ns > run->load.drain_ns)
		abandon_all(run);
	if (weir_list_empty(&run->busy))
		over(run);
}

static void closed_one(struct weir_bench_run *run)
{
	if (--run->parts_open)
		return;
	for (unsigned i = 0; i < run->slots_n; i++)
		weir_bench_slot_destroy(run->slots[i]);
	weir_free(run->slots);
	weir_free(run->backlog);
	weir_tls_ticket_destroy(run->ticket);
	if (run->on_closed)
		run->on_closed(run);
}

static void on_shut(struct weir_bench_slot *slot)
{
	if (slot->run->closing)
		closed_one(slot->run);
}

static const struct weir_bench_slot_events slot_events = { on_opened, on_free, on_shut };

int weir_bench_run_open(struct weir_bench_run *run)
{
	int rc;

	run->slots = weir_calloc(run->load.connections, sizeof(void *));
	if (!run->slots)
		return WEIR_ENOMEM;
	run->slot_events = &slot_events;
	run->number = 0;
	weir_list_init(&run->idle);
	weir_list_init(&run->busy);
	weir_list_init(&run->resting);
	run->alarm.user = run;
	run->alarm.on_alarm = on_alarm;
	rc = weir_bench_alarm_open(&run->alarm, run->loop);
	if (rc) {
		weir_free(run->slots);
		return rc;
	}
	run->sweep.data = run;
	(void)uv_timer_init(run->loop, &run->sweep);
	run->parts_open = 2;
	return 0;
}

/* All connections of a closed loop; of an open one nobody knows how many it needs. */
static int open_ahead(struct weir_bench_run *run)
{
	unsigned wanted = run->load.open_loop ? 0 : run->load.connections;

	while (run->slots_n < wanted) {
		struct weir_bench_slot *slot = weir_bench_slot_create(run);

		if (!slot)
			return WEIR_ENOMEM;
		run->slots[run->slots_n++] = slot;
		weir_list_push(&run->idle, &slot->node);
	}
	for (unsigned i = 0; i < run->slots_n && !run->load.fresh; i++) {
		struct weir_bench_slot *slot = run->slots[i];

		if (slot->state != WEIR_BENCH_SLOT_SHUT || slot->busy)
			continue;
		weir_list_remove(&slot->node);
		run->opening_n++;
		weir_bench_slot_open(slot);
	}
	return 0;
}

int weir_bench_run_go(struct weir_bench_run *run, const struct weir_bench_round *round)
{
	int rc;

	WEIR_ASSERT(run->state == WEIR_BENCH_RESTING && weir_list_empty(&run->busy));
	run->round = *round;
	run->started = 0;
	run->phase = 0;
	run->start_ns = uv_hrtime();
	run->cpu_ns = cpu_now();
	rc = open_ahead(run);
	if (rc)
		return rc;
	run->state = WEIR_BENCH_OPENING;
	return uv_timer_start(&run->sweep, on_sweep, 0, WEIR_BENCH_SWEEP_MS);
}

void weir_bench_run_stop(struct weir_bench_run *run)
{
	if (run->state == WEIR_BENCH_OPENING)
		run->began_ns = run->ends_ns = uv_hrtime();
	if (run->state == WEIR_BENCH_OPENING || run->state == WEIR_BENCH_ASKING)
		drain(run, uv_hrtime());
	if (run->state == WEIR_BENCH_DRAINING)
		abandon_all(run);
}

static void on_alarm_closed(struct weir_bench_alarm *alarm)
{
	closed_one(alarm->user);
}

static void on_sweep_closed(uv_handle_t *handle)
{
	closed_one(handle->data);
}

void weir_bench_run_close(struct weir_bench_run *run)
{
	if (run->closing)
		return;
	run->closing = true;
	while (!weir_list_empty(&run->busy))
		weir_bench_slot_abandon(slot_at(run->busy.next));
	for (unsigned i = 0; i < run->slots_n; i++) {
		run->parts_open += run->slots[i]->state != WEIR_BENCH_SLOT_SHUT;
		weir_bench_slot_shut(run->slots[i]);
	}
	run->alarm.on_closed = on_alarm_closed;
	weir_bench_alarm_close(&run->alarm);
	uv_close((uv_handle_t *)&run->sweep, on_sweep_closed);
}

#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

enum { EVENTS_MAX = 4096 };

/* An attempt in flight, and what its script does next. */
struct flying {
	bool live;
	unsigned attempt;
	const struct weir_world_line *line, *next;
	uint64_t lands_ms;
};

struct run {
	struct weir_world *world;
	struct flying flying[2];
	bool over;
};

__attribute__((format(printf, 2, 3))) static void put(struct weir_world *w, const char *format, ...)
{
	size_t room = sizeof w->trace - w->trace_len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(w->trace + w->trace_len, room, format, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < room)
		w->trace_len += (size_t)n;
}

static const struct weir_member *member_at(const struct weir_world *w, struct weir_spot spot)
{
	return &w->plan.steps[spot.step].pool->members[spot.member];
}

static void put_name(struct weir_world *w, struct weir_spot spot)
{
	const struct weir_member *member = member_at(w, spot);
	const struct weir_world_target *target = &w->targets[member->target];

	if (target->keys > 1)
		put(w, "%s#%u", target->name, member->key + 1);
	else
		put(w, "%s", target->name);
}

static const char *because(const struct weir_world *w, const struct weir_event *e)
{
	switch (e->type) {
	case WEIR_EV_RESULT:
		return weir_outcome_name(e->outcome);
	case WEIR_EV_TIMEOUT:
		return weir_timer_reason(w->failover.clock.timer);
	case WEIR_EV_START:
		return "start";
	case WEIR_EV_CONNECTED:
		return "connected";
	case WEIR_EV_REPLACED:
		return "replaced";
	case WEIR_EV_COMMIT:
		return "token";
	case WEIR_EV_PROGRESS:
		return "progress";
	case WEIR_EV_ROOM:
		return "room";
	case WEIR_EV_HANGUP:
		return "hangup";
	case WEIR_EV_N:
		break;
	}
	return "?";
}

static struct flying *flying_of(struct run *run, unsigned attempt)
{
	for (unsigned i = 0; i < 2; i++)
		if (run->flying[i].live && run->flying[i].attempt == attempt)
			return &run->flying[i];
	return NULL;
}

/* It goes on with its script's next line; silence repeats. */
static void advance(struct flying *flying, uint64_t now_ms)
{
	flying->line = flying->next;
	flying->lands_ms = WEIR_NEVER;
	if (flying->line->after_ms == WEIR_NEVER)
		return;
	flying->next++;
	flying->lands_ms = now_ms + flying->line->after_ms;
}

/* Up to its result the script is this try's, also if it is cancelled before. */
static const struct weir_world_line *take_script(struct weir_world *w, unsigned target)
{
	const struct weir_world_line *first = w->cursor[target], *line = first;

	while (line->after_ms != WEIR_NEVER && line->event.type != WEIR_EV_RESULT)
		line++;
	w->cursor[target] = line->after_ms == WEIR_NEVER ? line : line + 1;
	return first;
}

static void begin_try(struct run *run, const struct weir_action *a, uint64_t now_ms)
{
	struct weir_world *w = run->world;
	const struct weir_member *member = member_at(w, a->spot);
	struct flying *flying = &run->flying[run->flying[0].live];

	WEIR_ASSERT(w->tries_n < WEIR_WORLD_TRIES_MAX && !flying->live);
	WEIR_ASSERT(a->attempt == w->tries_n);
	w->tries[w->tries_n++] = (struct weir_world_try){
		.step = a->spot.step,
		.target = member->target,
		.key = member->key,
		.began_ms = now_ms,
		.outcome = WEIR_OUT_N,
		.hedge = a->type == WEIR_DO_HEDGE,
	};
	w->tries_after_relay_n += w->relays_n > 0;
	*flying = (struct flying){
		.live = true,
		.attempt = a->attempt,
		.next = take_script(w, member->target),
	};
	advance(flying, now_ms);
}

static void end_try(struct run *run, unsigned attempt, const struct weir_event *e)
{
	struct weir_world_try *t = &run->world->tries[attempt];

	t->timed_out = e->type == WEIR_EV_TIMEOUT;
	t->outcome = t->timed_out ? WEIR_OUT_SLOW : e->outcome;
	t->ended_ms = e->now_ms;
}

/* All but this one are cancelled. */
static void keep_only(struct run *run, unsigned attempt)
{
	for (unsigned i = 0; i < 2; i++)
		if (run->flying[i].attempt != attempt)
			run->flying[i].live = false;
}

static void end(struct run *run, uint64_t now_ms)
{
	run->world->ends_n++;
	run->world->end_ms = now_ms;
	run->over = true;
}

static void obey_finish(struct run *run, const struct weir_action *a, uint64_t now_ms)
{
	struct weir_world *w = run->world;

	w->finish = *a;
	put(w, "finish %s", weir_final_row(a->final)->name);
	if (a->retry_after_stated)
		put(w, ", retry after %llums", (unsigned long long)a->retry_after_ms);
	end(run, now_ms);
}

static void put_passed(struct weir_world *w)
{
	const struct weir_walk *walk = &w->failover.walk;

	for (unsigned i = 0; i < walk->passed_n; i++) {
		put(w, ", past ");
		put_name(w, walk->passed[i].spot);
		put(w, " %s", weir_leave_reason(walk->passed[i].leave));
	}
}

static void put_move(struct weir_world *w, const char *verb, const struct weir_action *a)
{
	put(w, "%s ", verb);
	put_name(w, a->spot);
	put_passed(w);
}

static void obey(struct run *run, const struct weir_event *e, struct weir_action a)
{
	struct weir_world *w = run->world;

	switch (a.type) {
	case WEIR_DO_TRY:
		put_move(w, a.repair ? "repair" : a.resume ? "resume at" : "try", &a);
		keep_only(run, WEIR_WORLD_TRIES_MAX);
		begin_try(run, &a, e->now_ms);
		return;
	case WEIR_DO_HEDGE:
		put_move(w, "hedge", &a);
		begin_try(run, &a, e->now_ms);
		return;
	case WEIR_DO_DROP:
		put(w, "drop attempt %u", a.attempt);
		if (flying_of(run, a.attempt))
			flying_of(run, a.attempt)->live = false;
		return;
	case WEIR_DO_WAIT:
		put_move(w, "wait for", &a);
		keep_only(run, WEIR_WORLD_TRIES_MAX);
		return;
	case WEIR_DO_QUEUE:
		put(w, "queue");
		keep_only(run, WEIR_WORLD_TRIES_MAX);
		return;
	case WEIR_DO_RELAY:
		put_move(w, "relay", &a);
		keep_only(run, a.attempt);
		w->relays_n++;
		w->relay_ms = e->now_ms;
		return;
	case WEIR_DO_FINISH:
		obey_finish(run, &a, e->now_ms);
		return;
	case WEIR_DO_ABANDON:
		put(w, "abandon");
		w->abandoned = true;
		end(run, e->now_ms);
		return;
	case WEIR_DO_NOTHING:
		put(w, "go on");
		return;
	}
}

static void step(struct run *run, const struct weir_event *e)
{
	struct weir_world *w = run->world;
	size_t before = w->trace_len;
	unsigned attempt = e->type == WEIR_EV_TIMEOUT
				   ? w->failover.flights[w->failover.clock.flight].attempt
				   : e->attempt;
	bool flew = w->failover.state == WEIR_ST_TRYING || w->failover.state == WEIR_ST_RELAYING;
	bool hedging = w->failover.clock.timer == WEIR_TIMER_HEDGE && e->type == WEIR_EV_TIMEOUT;
	struct flying *flying = flying_of(run, e->attempt);
	struct weir_action a;

	put(w, "[%5llu] %s -> ", (unsigned long long)(e->now_ms - w->began_ms), because(w, e));
	if (flew && !hedging && (e->type == WEIR_EV_RESULT || e->type == WEIR_EV_TIMEOUT))
		end_try(run, attempt, e);
	a = weir_failover_step(&w->failover, e);
	if (flying && (e->type == WEIR_EV_CONNECTED || e->type == WEIR_EV_REPLACED ||
		       e->type == WEIR_EV_COMMIT || e->type == WEIR_EV_PROGRESS))
		advance(flying, e->now_ms);
	obey(run, e, a);
	put(w, "\n");
	if (a.type == WEIR_DO_NOTHING) { /* what changes nothing is not told */
		w->trace_len = before;
		w->trace[before] = '\0';
	}
}

static void open_caps(struct weir_world *w)
{
	for (unsigned i = 0; i < w->targets_n; i++)
		w->models[i].max_inflight = 0;
	w->room_ms = WEIR_NEVER;
}

static struct weir_event next_event(struct run *run)
{
	struct weir_world *w = run->world;
	uint64_t hangup_ms = w->hangup_ms == WEIR_NEVER ? WEIR_NEVER : w->began_ms + w->hangup_ms;
	struct weir_event e = {
		.type = WEIR_EV_TIMEOUT,
		.now_ms = weir_failover_deadline(&w->failover),
		.can_resume = true,
	};

	for (unsigned i = 0; i < 2; i++) {
		const struct flying *flying = &run->flying[i];

		if (!flying->live || flying->lands_ms == WEIR_NEVER || flying->lands_ms > e.now_ms)
			continue;
		e = flying->line->event;
		e.now_ms = flying->lands_ms;
		e.attempt = flying->attempt;
	}
	if (hangup_ms < e.now_ms)
		e = (struct weir_event){ .type = WEIR_EV_HANGUP, .now_ms = hangup_ms };
	if (w->failover.state == WEIR_ST_QUEUED && w->room_ms < e.now_ms) {
		e = (struct weir_event){ .type = WEIR_EV_ROOM, .now_ms = w->room_ms };
		open_caps(w);
	}
	return e;
}

static void add_target(struct weir_world *w, unsigned i, unsigned *members_n)
{
	const struct weir_world_target *target = &w->targets[i];
	unsigned keys = target->keys ? target->keys : 1;
	struct weir_balancer *pool;

	WEIR_ASSERT(i < WEIR_WORLD_TARGETS_MAX && keys <= WEIR_WORLD_KEYS_MAX);
	if (!target->beside || i == 0) {
		pool = &w->pools[w->plan.steps_n];
		w->plan.steps[w->plan.steps_n++].pool = pool;
		*pool = (struct weir_balancer){ .balance = w->balance,
						.members = &w->members[*members_n] };
	}
	pool = &w->pools[w->plan.steps_n - 1];
	w->models[i].provider = &w->providers[i];
	w->models[i].max_inflight = target->at_cap;
	w->models[i].inflight = target->at_cap;
	weir_budget_init(&w->models[i].budget);
	for (unsigned k = 0; k < keys; k++) {
		weir_limits_init(&w->keys[i][k].limits, 0, 0);
		weir_health_init(&w->healths[i][k], &w->models[i], &w->keys[i][k]);
		w->members[(*members_n)++] = (struct weir_member){
			.health = &w->healths[i][k],
			.weight = (target->weight ? target->weight : 1) * WEIR_BALANCE_SCALE / keys,
			.price = target->price,
			.context_tokens = target->context_tokens,
			.target = i,
			.key = k,
		};
		pool->members_n++;
	}
	w->cursor[i] = target->lines;
}

void weir_world_init(struct weir_world *w)
{
	unsigned members_n = 0;

	w->plan.steps_n = 0;
	w->plan.queue = &w->queue;
	w->plan.hedges = &w->hedges;
	w->queue = (struct weir_queue){ 0 };
	w->hedges = (struct weir_hedges){ 0 };
	memset(w->providers, 0, sizeof w->providers);
	memset(w->models, 0, sizeof w->models);
	memset(w->keys, 0, sizeof w->keys);
	for (w->targets_n = 0; w->targets[w->targets_n].name; w->targets_n++)
		add_target(w, w->targets_n, &members_n);
	weir_rng_init(&w->rng, w->seed);
}

void weir_world_run(struct weir_world *w)
{
	struct run run = { .world = w };
	struct weir_event e = { .type = WEIR_EV_START, .now_ms = w->now_ms };

	w->began_ms = w->now_ms;
	w->tries_n = w->relays_n = w->ends_n = w->tries_after_relay_n = 0;
	w->abandoned = false;
	w->relay_ms = w->end_ms = 0;
	w->trace[0] = '\0';
	w->trace_len = 0;
	w->finish = (struct weir_action){ .type = WEIR_DO_NOTHING };
	weir_failover_init(&w->failover, &w->plan, &w->rng);
	for (unsigned i = 0; i < EVENTS_MAX && !run.over; i++) {
		step(&run, &e);
		if (!run.over)
			e = next_event(&run);
	}
	w->now_ms = w->end_ms;
}

#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

enum { EVENTS_MAX = 4096 };

struct run {
	struct weir_world *world;
	struct weir_failover failover;
	struct weir_rng rng;
	const struct weir_world_line *cursor[WEIR_PLAN_STEPS_MAX];
	const struct weir_world_line *flying; /* what the attempt in flight does next */
	uint64_t lands_ms;
	bool over;
};

__attribute__((format(printf, 3, 4))) static void note(struct weir_world *w, uint64_t now_ms,
						       const char *format, ...)
{
	size_t room = sizeof w->trace - w->trace_len;
	va_list ap;
	int n = snprintf(w->trace + w->trace_len, room, "[%5llu] ", (unsigned long long)now_ms);

	if (n < 0 || (size_t)n >= room)
		return;
	w->trace_len += (size_t)n;
	room -= (size_t)n;
	va_start(ap, format);
	n = vsnprintf(w->trace + w->trace_len, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 1 >= room)
		return;
	w->trace_len += (size_t)n;
	w->trace[w->trace_len++] = '\n';
	w->trace[w->trace_len] = '\0';
}

static const char *because(const struct run *run, const struct weir_event *e)
{
	switch (e->type) {
	case WEIR_EV_RESULT:
		return weir_outcome_name(e->outcome);
	case WEIR_EV_TIMEOUT:
		return weir_timer_reason(run->failover.timer);
	case WEIR_EV_START:
		return "start";
	case WEIR_EV_SKIPPED:
		return "at_cap";
	case WEIR_EV_CONNECTED:
		return "connected";
	case WEIR_EV_REPLACED:
		return "replaced";
	case WEIR_EV_COMMIT:
		return "token";
	case WEIR_EV_PROGRESS:
		return "progress";
	case WEIR_EV_HANGUP:
		return "hangup";
	case WEIR_EV_N:
		break;
	}
	return "?";
}

static const char *target_name(const struct run *run, const struct weir_action *a, char text[64])
{
	const struct weir_plan_step *step = &run->world->plan->steps[a->step];

	if (step->keys_n > 1)
		snprintf(text, 64, "%s#%u", run->world->targets[a->step].name, a->key + 1);
	else
		snprintf(text, 64, "%s", run->world->targets[a->step].name);
	return text;
}

/* The attempt in flight goes on with its script's next line; silence repeats. */
static void advance(struct run *run, unsigned step, uint64_t now_ms)
{
	run->flying = run->cursor[step];
	if (run->flying->after_ms != WEIR_NEVER)
		run->cursor[step]++;
	run->lands_ms = run->flying->after_ms == WEIR_NEVER ? WEIR_NEVER
							    : now_ms + run->flying->after_ms;
}

/* What a cancelled try would still have done never happens. */
static void forget_rest(struct run *run, unsigned step)
{
	const struct weir_world_line *line = run->cursor[step];

	if (line == run->world->targets[step].lines || line[-1].event.type == WEIR_EV_RESULT)
		return;
	while (line->after_ms != WEIR_NEVER && line->event.type != WEIR_EV_RESULT)
		line++;
	run->cursor[step] = line->after_ms == WEIR_NEVER ? line : line + 1;
}

static void begin_try(struct run *run, const struct weir_action *a, uint64_t now_ms)
{
	struct weir_world *w = run->world;

	WEIR_ASSERT(w->tries_n < WEIR_WORLD_TRIES_MAX);
	w->tries[w->tries_n++] = (struct weir_world_try){
		.step = a->step,
		.key = a->key,
		.began_ms = now_ms,
		.outcome = WEIR_OUT_N,
	};
	w->tries_after_relay_n += w->relays_n > 0;
	forget_rest(run, a->step);
	advance(run, a->step, now_ms);
}

static void end_try(struct run *run, const struct weir_event *e)
{
	struct weir_world *w = run->world;
	struct weir_world_try *last = w->tries_n ? &w->tries[w->tries_n - 1] : NULL;

	if (!last || last->outcome != WEIR_OUT_N)
		return;
	if (e->type != WEIR_EV_RESULT && e->type != WEIR_EV_TIMEOUT)
		return;
	last->timed_out = e->type == WEIR_EV_TIMEOUT;
	last->outcome = last->timed_out ? WEIR_OUT_SLOW : e->outcome;
	last->ended_ms = e->now_ms;
}

static void end(struct run *run, uint64_t now_ms)
{
	run->world->ends_n++;
	run->world->end_ms = now_ms;
	run->over = true;
}

static void obey_finish(struct run *run, const char *why, const struct weir_action *a,
			uint64_t now_ms)
{
	const struct weir_final_row *row = weir_final_row(a->final);

	run->world->finish = *a;
	if (a->retry_after_stated)
		note(run->world, now_ms, "%s -> finish %s, retry after %llums", why, row->name,
		     (unsigned long long)a->retry_after_ms);
	else
		note(run->world, now_ms, "%s -> finish %s", why, row->name);
	end(run, now_ms);
}

/* why: said before the step, which may set another clock. */
static void obey(struct run *run, const struct weir_event *e, const char *why, struct weir_action a)
{
	struct weir_world *w = run->world;
	char name[64];

	switch (a.type) {
	case WEIR_DO_TRY:
		note(w, e->now_ms, "%s -> %s %s", why, a.repair ? "repair" : "try",
		     target_name(run, &a, name));
		if (w->targets[a.step].at_cap) {
			struct weir_event skipped = { .type = WEIR_EV_SKIPPED,
						      .now_ms = e->now_ms };

			a = weir_failover_step(&run->failover, &skipped);
			obey(run, &skipped, because(run, &skipped), a);
			return;
		}
		begin_try(run, &a, e->now_ms);
		return;
	case WEIR_DO_WAIT:
		note(w, e->now_ms, "%s -> wait for %s", why, target_name(run, &a, name));
		run->lands_ms = WEIR_NEVER;
		return;
	case WEIR_DO_RELAY:
		note(w, e->now_ms, "%s -> relay %s", why, target_name(run, &a, name));
		w->relays_n++;
		w->relay_ms = e->now_ms;
		advance(run, a.step, e->now_ms);
		return;
	case WEIR_DO_FINISH:
		obey_finish(run, why, &a, e->now_ms);
		return;
	case WEIR_DO_ABANDON:
		note(w, e->now_ms, "%s -> abandon", why);
		w->abandoned = true;
		end(run, e->now_ms);
		return;
	case WEIR_DO_NOTHING:
		advance(run, run->failover.step, e->now_ms);
		return;
	}
}

static struct weir_event next_event(const struct run *run)
{
	uint64_t wake_ms = weir_failover_deadline(&run->failover);
	uint64_t hangup_ms = run->world->hangup_ms;
	struct weir_event e = { .type = WEIR_EV_TIMEOUT, .now_ms = wake_ms };

	if (run->lands_ms <= wake_ms && run->lands_ms != WEIR_NEVER) {
		e = run->flying->event;
		e.now_ms = run->lands_ms;
	}
	if (hangup_ms < e.now_ms)
		e = (struct weir_event){ .type = WEIR_EV_HANGUP, .now_ms = hangup_ms };
	return e;
}

void weir_world_run(struct weir_world *w)
{
	struct run run = { .world = w, .lands_ms = WEIR_NEVER };
	struct weir_event e = { .type = WEIR_EV_START };

	weir_rng_init(&run.rng, w->seed);
	weir_failover_init(&run.failover, w->plan, &run.rng);
	for (unsigned i = 0; i < w->plan->steps_n; i++)
		run.cursor[i] = w->targets[i].lines;
	for (unsigned i = 0; i < EVENTS_MAX && !run.over; i++) {
		const char *why = because(&run, &e);
		struct weir_action a = weir_failover_step(&run.failover, &e);

		end_try(&run, &e);
		obey(&run, &e, why, a);
		if (!run.over)
			e = next_event(&run);
	}
}

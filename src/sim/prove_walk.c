#include "sim/prove_walk.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/sum.h"

enum { TURNS_PER_CALL = 5, TURNS_BESIDE = 16, MINUTE_MS = 60000 };

/* Of a random number generator whose next number is the highest, and 0. */
#define NEXT_IS_MAX UINT64_C(0x31628af67b2131ab)
#define NEXT_IS_0   UINT64_C(0x61c8864680b583eb)

static struct weir_beyond walk(struct weir_proving *p, unsigned depth);

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool is_try(const struct weir_action *action)
{
	return action->type == WEIR_DO_TRY || action->type == WEIR_DO_HEDGE;
}

static bool is_at(struct weir_spot a, struct weir_spot b)
{
	return a.step == b.step && a.member == b.member;
}

/* After so many turns. */
static void fail(struct weir_proving *p, enum weir_promise promise, unsigned turns_n)
{
	p->stop = true;
	p->broken = promise;
	p->broken_turns = turns_n;
}

/* Block 0 is how everything is before a request. */
static unsigned char *saved(const struct weir_proving *p, unsigned block)
{
	return p->saved + block * p->scene.size;
}

static uint64_t limit_ms(const struct weir_proving *p)
{
	const struct weir_scene_now *now = p->scene.now;

	return now->shown_ms ? weir_sum(now->shown_ms, p->scene.plan.stream_ms)
			     : weir_sum(WEIR_WALK_BEGAN_MS, p->scene.plan.deadline_ms);
}

static bool moment_ms(const struct weir_proving *p, const struct weir_turn *turn, uint64_t *at_ms)
{
	const struct weir_failover *f = &p->scene.now->failover;
	uint64_t now_ms = p->scene.now->now_ms, wake_ms = weir_failover_deadline(f);

	switch (turn->moment) {
	case WEIR_AT_ONCE:
		*at_ms = now_ms;
		return true;
	case WEIR_QUICKLY:
		*at_ms = least(f->flights[turn->flight].tried_ms + WEIR_QUICK_MS - 1, wake_ms);
		return *at_ms >= now_ms;
	case WEIR_LATE:
		*at_ms = wake_ms;
		return wake_ms > now_ms;
	case WEIR_BY_CLOCK:
		*at_ms = most(wake_ms, now_ms);
		return true;
	case WEIR_MOMENT_N:
		break;
	}
	WEIR_ASSERT(!"a moment");
	return false;
}

/* How long may a pause be, that begins now and leaves time for an attempt afterwards? */
static uint64_t pause_ms(const struct weir_proving *p, uint64_t at_ms, uint64_t until_ms)
{
	uint64_t need_ms = least(WEIR_LEAST_ATTEMPT_MS, p->scene.plan.deadline_ms / 10);

	if (at_ms + need_ms >= until_ms)
		return WEIR_WAIT_OUT_MAX_MS;
	return least(WEIR_WAIT_OUT_MAX_MS, until_ms - need_ms - at_ms);
}

static void tell_others(struct weir_scene *s, uint64_t now_ms)
{
	struct weir_health *health = weir_scene_member(s, s->now->failover.spot)->health;

	health->attempts++; /* not like others any more, see is_twin() */
	health->bench = (struct weir_bench){
		.until_ms = now_ms + MINUTE_MS,
		.why = WEIR_OUT_RATE_LIMITED,
		.stated = true,
	};
}

static void twist(struct weir_proving *p, const struct weir_turn *turn, struct weir_event *e)
{
	const struct weir_walk *asks = &p->scene.now->failover.walk;

	switch (turn->row->twist) {
	case WEIR_TWIST_PAUSED:
		e->retry_after_ms = pause_ms(p, e->now_ms,
					     weir_walk_limit_ms(asks, turn->spot.step));
		return;
	case WEIR_TWIST_WAITED_OUT:
		e->retry_after_ms = pause_ms(p, e->now_ms, asks->give_up_ms);
		return;
	case WEIR_TWIST_ROOM:
		for (unsigned i = 0; i < p->scene.models_n; i++)
			p->scene.models[i].max_inflight = 0;
		return;
	case WEIR_TWIST_ELSEWHERE:
		tell_others(&p->scene, e->now_ms);
		return;
	case WEIR_TWIST_NONE:
	case WEIR_TWIST_JITTER:
	case WEIR_TWIST_STREAMS_ON:
		return;
	}
}

/* Of what came in between only the last counts: it moves a clock, and that is all. */
static void stream_on(struct weir_proving *p)
{
	uint64_t last_ms = most(limit_ms(p), 1) - 1;
	struct weir_event e = { .type = WEIR_EV_PROGRESS, .now_ms = last_ms };

	if (last_ms > p->scene.now->now_ms)
		p->step(&p->scene.now->failover, &e);
}

/* Is this what the turn was made for? */
static bool is_wanted(const struct weir_turn *turn)
{
	const struct weir_action *a = &turn->action;

	if (turn->favour)
		return is_try(a) && is_at(a->spot, *turn->favour);
	if (turn->short_pause || turn->moment == WEIR_QUICKLY)
		return a->type == WEIR_DO_WAIT;
	return turn->row->twist != WEIR_TWIST_ROOM || a->type != WEIR_DO_NOTHING;
}

/* False: this cannot happen now. */
static bool take_turn(struct weir_proving *p, struct weir_turn *turn)
{
	struct weir_scene_now *now = p->scene.now;
	struct weir_event e = turn->row->event;

	if (turn->row->twist == WEIR_TWIST_STREAMS_ON)
		stream_on(p);
	if (!moment_ms(p, turn, &e.now_ms))
		return false;
	turn->spot = now->failover.flights[turn->flight].spot;
	turn->now_ms = now->now_ms = e.now_ms;
	twist(p, turn, &e);
	e.attempt = now->failover.flights[turn->flight].attempt;
	weir_scene_favour(&p->scene, turn->favour);
	weir_rng_init(&now->rng, turn->short_pause ? NEXT_IS_0 : NEXT_IS_MAX);
	turn->action = p->step(&now->failover, &e);
	weir_scene_favour(&p->scene, NULL);
	return is_wanted(turn);
}

static bool is_callers_fault(const struct weir_proving *p, const struct weir_event *e)
{
	return e->type == WEIR_EV_RESULT && e->outcome == WEIR_OUT_CALLER &&
	       !p->scene.now->shown_ms && !(e->content_policy && p->scene.plan.policy_next);
}

/* WEIR_PROMISE_N: all are kept. */
static enum weir_promise judge(const struct weir_proving *p, const struct weir_turn *turn)
{
	const struct weir_scene_now *now = p->scene.now;
	const struct weir_action *a = &turn->action;
	bool over = now->failover.state == WEIR_ST_OVER;
	uint64_t wake_ms = over ? now->now_ms : weir_failover_deadline(&now->failover);

	if (now->calls > p->scene.plan.max_attempts)
		return WEIR_PROMISE_CALLS;
	if (is_callers_fault(p, &turn->row->event) && !(over && a->final == WEIR_FINAL_OWN))
		return WEIR_PROMISE_CALLER;
	if (now->shown_ms && !p->scene.plan.resume &&
	    (is_try(a) || a->type == WEIR_DO_WAIT || a->type == WEIR_DO_QUEUE))
		return WEIR_PROMISE_COMMIT;
	if (over != (a->type == WEIR_DO_FINISH) || wake_ms == WEIR_NEVER)
		return WEIR_PROMISE_ENDS;
	return wake_ms > limit_ms(p) ? WEIR_PROMISE_TIME : WEIR_PROMISE_N;
}

/* What the turn costs. */
static uint64_t book(struct weir_proving *p, const struct weir_turn *turn)
{
	struct weir_scene_now *now = p->scene.now;
	const struct weir_action *a = &turn->action;
	uint64_t after_ms = now->now_ms - WEIR_WALK_BEGAN_MS;
	const struct weir_prove_price *price;

	now->calls += is_try(a);
	p->calls = now->calls > p->calls ? now->calls : p->calls;
	if (!now->shown_ms && (a->type == WEIR_DO_RELAY || a->type == WEIR_DO_FINISH))
		p->answer_ms = most(p->answer_ms, after_ms);
	if (a->type == WEIR_DO_FINISH)
		p->end_ms = most(p->end_ms, after_ms);
	if (a->type == WEIR_DO_RELAY && !now->shown_ms)
		now->shown_ms = now->now_ms;
	if (!p->prices || !(is_try(a) || a->type == WEIR_DO_RELAY))
		return 0;
	price = &p->prices[weir_scene_member(&p->scene, a->spot) - p->scene.members];
	return is_try(a) ? price->in : price->out;
}

/* False: it cannot happen, or all is over. */
static bool go(struct weir_proving *p, unsigned depth, const struct weir_turn *as,
	       struct weir_beyond *beyond)
{
	struct weir_turn *turn = &p->turns[depth];
	struct weir_beyond after = { .paths = 1 };
	enum weir_promise broken;
	uint64_t cost;

	if (p->stop || p->steps == 0) {
		p->stop = true;
		return false;
	}
	p->steps--;
	*turn = *as;
	weir_scene_restore(&p->scene, saved(p, depth + 1));
	if (!take_turn(p, turn))
		return false;
	cost = book(p, turn);
	broken = judge(p, turn);
	if (broken != WEIR_PROMISE_N)
		fail(p, broken, depth + 1);
	else if (p->scene.now->failover.state != WEIR_ST_OVER)
		after = walk(p, depth + 1);
	beyond->paths = weir_sum(beyond->paths, after.paths);
	beyond->cost = most(beyond->cost, weir_sum(cost, after.cost));
	return !p->stop;
}

/* Has this key been asked for nothing yet, by anybody? */
static bool is_fresh(const struct weir_scene *s, const struct weir_key_health *key)
{
	for (unsigned i = 0; i < s->healths_n; i++)
		if (s->healths[i].key == key && s->healths[i].attempts)
			return false;
	return true;
}

/* Two keys of a target are as good as each other until one has been asked for something, since
 * every target of a provider has all its keys, with the same limits: is there one before this? */
static bool is_twin(const struct weir_scene *s, struct weir_spot spot)
{
	const struct weir_member *members = s->pools[spot.step].members;
	const struct weir_member *member = &members[spot.member];

	for (unsigned i = 0; i < spot.member; i++)
		if (members[i].health->model == member->health->model &&
		    is_fresh(s, members[i].health->key))
			return is_fresh(s, member->health->key);
	return false;
}

/* It chose this member: what if chance had chosen another? */
static void go_to_others(struct weir_proving *p, unsigned depth, struct weir_turn *turn,
			 struct weir_spot chosen, struct weir_beyond *beyond)
{
	unsigned members_n = p->scene.pools[chosen.step].members_n;
	struct weir_spot spot = { .step = chosen.step };

	turn->favour = &spot;
	for (; spot.member < members_n && !p->stop; spot.member++) {
		weir_scene_restore(&p->scene, saved(p, depth + 1));
		if (spot.member != chosen.member && !is_twin(&p->scene, spot))
			go(p, depth, turn, beyond);
	}
	turn->favour = NULL;
}

static void branch(struct weir_proving *p, unsigned depth, struct weir_turn *turn,
		   struct weir_beyond *beyond)
{
	const struct weir_action *action = &p->turns[depth].action;

	if (!go(p, depth, turn, beyond))
		return;
	if (is_try(action)) {
		go_to_others(p, depth, turn, action->spot, beyond);
	} else if (turn->row->twist == WEIR_TWIST_JITTER && action->type != WEIR_DO_WAIT) {
		turn->short_pause = true;
		go(p, depth, turn, beyond);
		turn->short_pause = false;
	}
}

static bool fits(const struct weir_row *row, const struct weir_failover *f, unsigned flight)
{
	if (!(row->in >> f->state & 1))
		return false;
	if (row->line == WEIR_LINE_ANY)
		return flight == 0;
	return f->flights[flight].live &&
	       f->flights[flight].connected == (row->line == WEIR_LINE_CONNECTED);
}

static void try_rows(struct weir_proving *p, unsigned depth, struct weir_beyond *beyond)
{
	const struct weir_scene_now *now = (const void *)saved(p, depth + 1);
	unsigned rows_n;
	const struct weir_row *rows = weir_prove_rows(&rows_n);
	struct weir_turn turn = { 0 };

	for (unsigned i = 0; i < rows_n; i++) {
		turn.row = &rows[i];
		for (turn.flight = 0; turn.flight < 2; turn.flight++) {
			if (!fits(turn.row, &now->failover, turn.flight))
				continue;
			for (unsigned at = 0; at < WEIR_MOMENT_N; at++) {
				turn.moment = (enum weir_moment)at;
				if (turn.row->at >> at & 1)
					branch(p, depth, &turn, beyond);
			}
		}
	}
}

/* Its place, or where it would be. */
static struct weir_memo *memo_of(const struct weir_proving *p)
{
	struct weir_scene_key key;
	uint64_t at;

	weir_scene_key_init(&key);
	weir_scene_moment(&p->scene, &key);
	at = (key.a ^ key.b) % WEIR_WALK_MEMO_N;
	while (p->memo[at].walk == p->walk &&
	       (p->memo[at].key.a != key.a || p->memo[at].key.b != key.b))
		at = (at + 1) % WEIR_WALK_MEMO_N;
	p->memo[at].key = key;
	return &p->memo[at];
}

static struct weir_beyond walk(struct weir_proving *p, unsigned depth)
{
	struct weir_beyond beyond = { 0 };
	struct weir_memo *memo = p->memo ? memo_of(p) : NULL;
	bool known = memo && memo->walk == p->walk;

	if (depth == p->depth_max || (known && memo->open))
		fail(p, WEIR_PROMISE_ENDS, depth);
	p->stop |= memo && !known && p->states == WEIR_PROVE_STATES_MAX;
	if (p->stop)
		return beyond;
	if (known)
		return memo->beyond;
	if (memo) {
		memo->walk = p->walk;
		memo->open = true;
	}
	p->states++;
	weir_scene_save(&p->scene, saved(p, depth + 1));
	try_rows(p, depth, &beyond);
	if (!p->stop && beyond.paths == 0)
		fail(p, WEIR_PROMISE_ENDS, depth);
	if (memo) {
		memo->open = false;
		memo->beyond = beyond;
	}
	return beyond;
}

/* A target that usually answers at once, and enough requests in the past. */
static void allow_hedges(struct weir_scene *s)
{
	for (unsigned i = 0; i < s->healths_n; i++) {
		struct weir_latency *latency = &s->healths[i].latency[s->plan.stream];

		for (unsigned k = 0; k < WEIR_LATENCY_SAMPLES_MIN; k++)
			weir_latency_add(latency, 1, WEIR_WALK_BEGAN_MS);
		latency->asked_ms = WEIR_WALK_BEGAN_MS;
	}
	for (unsigned i = 0; i < WEIR_HEDGE_REQUESTS * WEIR_HEDGE_BURST; i++)
		weir_hedges_request(&s->now->hedges);
}

static void make_sick(struct weir_scene *s, struct weir_health *health,
		      const struct weir_sickness *sickness)
{
	const struct weir_asking asking = { .now_ms = WEIR_WALK_BEGAN_MS,
					    .stream = s->plan.stream };
	const struct weir_ending ending = {
		.outcome = sickness->outcome,
		.now_ms = WEIR_WALK_BEGAN_MS,
		.stated = sickness->stated,
		.after_ms = sickness->after_ms,
	};
	struct weir_pass pass = { 0 };

	weir_rng_init(&s->now->rng, NEXT_IS_MAX);
	for (unsigned i = 0; i < sickness->times; i++) {
		weir_health_begin(health, &asking, &pass);
		weir_health_end(&pass, &ending, &s->now->rng);
	}
	health->attempts = 0;
}

void weir_proving_walk(struct weir_proving *p, const struct weir_sickness *sickness, uint64_t sick)
{
	struct weir_scene *s = &p->scene;
	struct weir_beyond beyond;

	if (p->stop)
		return;
	p->sickness = sickness;
	p->sick = sick;
	weir_scene_restore(s, saved(p, 0));
	for (unsigned i = 0; i < s->healths_n && sickness; i++)
		if (sick >> (s->healths[i].model - s->models) & 1)
			make_sick(s, &s->healths[i], sickness);
	for (unsigned i = 0; i < s->models_n && sickness && sickness->at_cap; i++)
		if (sick >> i & 1)
			s->models[i].inflight = s->models[i].max_inflight = 1;
	s->now->now_ms = WEIR_WALK_BEGAN_MS;
	weir_failover_init(&s->now->failover, &s->plan, &s->now->rng);
	beyond = walk(p, 0);
	p->beyond.paths = weir_sum(p->beyond.paths, beyond.paths);
	p->beyond.cost = most(p->beyond.cost, beyond.cost);
}

int weir_proving_init(struct weir_proving *p, const struct weir_plan *plan)
{
	int rc;

	*p = (struct weir_proving){ .broken = WEIR_PROMISE_N };
	rc = weir_scene_init(&p->scene, plan);
	if (rc)
		return rc;
	p->step = weir_failover_step;
	p->depth_max = plan->max_attempts * TURNS_PER_CALL + TURNS_BESIDE;
	p->saved = weir_calloc(p->depth_max + 1, p->scene.size);
	p->turns = weir_calloc(p->depth_max, sizeof *p->turns);
	if (!p->saved || !p->turns) {
		weir_proving_fini(p);
		return WEIR_ENOMEM;
	}
	if (plan->hedge)
		allow_hedges(&p->scene);
	weir_scene_save(&p->scene, saved(p, 0));
	return 0;
}

void weir_proving_fini(struct weir_proving *p)
{
	weir_scene_fini(&p->scene);
	weir_free(p->saved);
	weir_free(p->turns);
	p->saved = NULL;
	p->turns = NULL;
}

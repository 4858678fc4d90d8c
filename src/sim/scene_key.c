#include "sim/scene.h"

/* How much can still be asked: what would take more than that to matter does not. */
struct view {
	const struct weir_scene *scene;
	struct weir_scene_key *key;
	uint64_t now_ms;
	unsigned calls_left; /* those under way included */
	uint64_t spent;      /* healths that nobody will ask again, a bit each */
};

_Static_assert(WEIR_SCENE_MEMBERS_MAX <= 64, "a bit per health");

void weir_scene_key_init(struct weir_scene_key *key)
{
	*key = (struct weir_scene_key){ 0x243f6a8885a308d3, 0x13198a2e03707344 };
}

void weir_scene_key_add(struct weir_scene_key *key, uint64_t fact)
{
	key->a = (key->a ^ fact) * 0x9e3779b97f4a7c15;
	key->a ^= key->a >> 32;
	key->b = (key->b + fact) * 0xc2b2ae3d27d4eb4f;
	key->b ^= key->b >> 29;
}

static void add(struct view *v, uint64_t fact)
{
	weir_scene_key_add(v->key, fact);
}

static void add_timers(struct view *v, const struct weir_timers *timers)
{
	add(v, timers->connect_timeout_ms);
	add(v, timers->first_token_timeout_ms);
	add(v, timers->attempt_timeout_ms);
	add(v, timers->stall_timeout_ms);
}

/* Can the calls that are left reach it? */
static bool is_near(const struct view *v, const struct weir_minute *minute, uint64_t amount)
{
	uint64_t used = v->calls_left * amount;

	for (unsigned i = 0; i < WEIR_MINUTE_SLICES; i++)
		used += minute->counts[i];
	return minute->most && used >= minute->most;
}

/* Can they be a reason not to ask, that ends at a known time? */
static bool is_limited(const struct view *v, const struct weir_limits *limits)
{
	return is_near(v, &limits->requests, 1) ||
	       is_near(v, &limits->tokens, v->scene->plan.tokens) ||
	       limits->requests_until_ms > v->now_ms || limits->tokens_until_ms > v->now_ms;
}

static void add_minute(struct view *v, const struct weir_minute *minute)
{
	add(v, minute->most);
	add(v, minute->slice);
	for (unsigned i = 0; i < WEIR_MINUTE_SLICES; i++)
		add(v, minute->counts[i]);
}

static void add_limits(struct view *v, const struct weir_limits *limits)
{
	if (!is_limited(v, limits))
		return;
	add_minute(v, &limits->requests);
	add_minute(v, &limits->tokens);
	add(v, limits->requests_until_ms);
	add(v, limits->requests_left);
	add(v, limits->tokens_until_ms);
	add(v, limits->tokens_left);
}

static void add_bench(struct view *v, const struct weir_bench *bench)
{
	bool runs = bench->until_ms > v->now_ms;

	add(v, runs ? bench->until_ms : 0);
	add(v, runs ? bench->stated : 0);
	add(v, runs && !bench->stated ? bench->why : 0);
	add(v, bench->doublings << 1 | bench->asked);
}

/* A closed breaker is as good as new unless enough calls are left to open it. */
static void add_breaker(struct view *v, const struct weir_breaker *b)
{
	uint64_t samples = 0;

	for (unsigned i = 0; i < WEIR_BREAKER_BUCKETS; i++)
		samples += b->window[i].good + b->window[i].bad;
	add(v, b->state);
	add(v, b->openings);
	add(v, weir_breaker_ramp_percent(b, v->now_ms) < 100 ? b->closed_ms : 0);
	if (b->state == WEIR_BREAKER_CLOSED) {
		add(v, b->row + v->calls_left >= WEIR_BREAKER_ROW ? b->row : 0);
		if (samples + v->calls_left < WEIR_BREAKER_SAMPLES)
			return;
		add(v, b->bucket_ms);
		for (unsigned i = 0; i < WEIR_BREAKER_BUCKETS; i++) {
			unsigned at = (b->newest + i) % WEIR_BREAKER_BUCKETS;

			add(v, (uint64_t)b->window[at].good << 32 | b->window[at].bad);
		}
		return;
	}
	add(v, b->until_ms);
	add(v, b->probes_good << 1 | b->probing);
	add(v, b->probed_ms);
	add(v, b->opened_ms);
}

/* Full enough for all calls that are left, it cannot run out. */
static void add_budget(struct view *v, const struct weir_budget *budget)
{
	uint64_t most = (uint64_t)v->calls_left * 2 * WEIR_BUDGET_PER_RETRY;

	if (budget->tokens >= most) {
		add(v, most);
		return;
	}
	add(v, budget->tokens);
	add(v, budget->spent);
	add(v, budget->spent_ms);
}

static bool all_spent_with_key(const struct view *v, const struct weir_key_health *key)
{
	for (unsigned i = 0; i < v->scene->healths_n; i++)
		if (v->scene->healths[i].key == key && !(v->spent >> i & 1))
			return false;
	return true;
}

/* Failures in a row over all keys, if the calls that are left can make an outage of them. */
static void add_row(struct view *v, const struct weir_model_health *model)
{
	if (!model->row_of || model->row + v->calls_left < WEIR_BREAKER_ROW)
		return;
	add(v, model->row << 1 | model->row_mixed);
	add(v, (uint64_t)(model->row_of - v->scene->healths));
}

static bool all_spent_of_model(const struct view *v, const struct weir_model_health *model)
{
	for (unsigned i = 0; i < v->scene->healths_n; i++)
		if (v->scene->healths[i].model == model && !(v->spent >> i & 1))
			return false;
	return true;
}

static void add_health(struct view *v, const struct weir_health *h)
{
	add_bench(v, &h->bench);
	add_breaker(v, &h->breaker);
	add(v, h->disabled);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t usual_ms = weir_latency_usual_ms(&h->latency[i]);

		add(v, usual_ms);
		if (!usual_ms)
			continue;
		add(v, h->latency[i].asked_ms);
		add(v, weir_latency_percentile_ms(&h->latency[i], 95));
	}
}

static void add_targets(struct view *v)
{
	const struct weir_scene *s = v->scene;

	for (unsigned i = 0; i < s->healths_n; i++) {
		add_limits(v, &s->healths[i].limits);
		if (!(v->spent >> i & 1))
			add_health(v, &s->healths[i]);
	}
	for (unsigned i = 0; i < s->keys_n; i++) {
		add_limits(v, &s->keys[i].limits);
		if (!all_spent_with_key(v, &s->keys[i]))
			add_bench(v, &s->keys[i].bench);
	}
	for (unsigned i = 0; i < s->models_n; i++) {
		const struct weir_model_health *model = &s->models[i];

		if (!all_spent_of_model(v, model))
			add_bench(v, &model->bench);
		add_budget(v, &model->budget);
		add(v, model->max_inflight);
		add(v, model->max_inflight ? model->inflight : 0);
		add(v, model->open_n << 1 | model->disabled);
		add_row(v, model);
	}
	for (unsigned i = 0; i < s->providers_n; i++)
		add(v, s->providers[i].max_inflight ? s->providers[i].inflight : 0);
	for (unsigned i = 0; i < s->groups_n; i++)
		add(v, s->groups[i].tripped_n);
}

static void add_flight(struct view *v, const struct weir_flight *flight)
{
	const struct weir_pass *pass = &flight->pass;
	const unsigned char *block = (const unsigned char *)v->scene->now;

	add(v, flight->live);
	if (!flight->live)
		return;
	add(v, flight->connected);
	add(v, flight->attempt);
	add(v, (uint64_t)flight->spot.step << 32 | flight->spot.member);
	add(v, flight->tried_ms);
	add(v, flight->opened_ms);
	add(v, pass->ticket.probe << 1 | pass->ticket.good);
	add(v, pass->ticket.epoch == pass->health->breaker.epoch);
	add(v, pass->asks ? (uint64_t)((const unsigned char *)pass->asks - block) : 0);
}

/* Steps that it may try, or try again. */
static uint32_t open_steps(const struct view *v)
{
	const struct weir_scene *s = v->scene;
	uint32_t steps = 0;

	for (unsigned i = 0; i < s->plan.steps_n; i++)
		for (unsigned k = 0; k < s->pools[i].members_n; k++)
			if (!(v->spent >> weir_scene_health(s, &s->pools[i].members[k]) & 1))
				steps |= 1u << i;
	return steps;
}

static void add_failover(struct view *v, const struct weir_failover *f)
{
	const bool flags[] = { f->retrying, f->waited,          f->queued,      f->hedged,
			       f->shown,    f->walk.no_reserve, f->walk.hurried };

	add(v, f->state);
	add(v, (uint64_t)f->spot.step << 32 | f->spot.member);
	add(v, f->retries);
	for (unsigned i = 0; i < WEIR_COUNT_OF(flags); i++)
		add(v, flags[i]);
	add(v, f->repaired & open_steps(v));
	add(v, f->clock.wake_ms);
	add(v, (uint64_t)f->clock.timer << 1 | f->clock.flight);
	add(v, f->walk.give_up_ms);
	add(v, f->walk.attempts);
	add(v, f->walk.window_over);
	for (unsigned i = 0; i < v->scene->plan.steps_n; i++)
		add(v, f->walk.tried[i]);
	add_flight(v, &f->flights[0]);
	add_flight(v, &f->flights[1]);
}

/* May somebody still wait for this return? */
static bool is_awaited(const struct view *v, const struct weir_bench *bench)
{
	const struct weir_failover *f = &v->scene->now->failover;

	return bench->stated && bench->until_ms > v->now_ms && !f->waited && !f->shown &&
	       bench->until_ms <= f->walk.give_up_ms + WEIR_WAIT_OUT_MAX_MS;
}

static void unspend(struct view *v, struct weir_spot spot)
{
	const struct weir_scene *s = v->scene;
	const struct weir_member *member = &s->pools[spot.step].members[spot.member];

	v->spent &= ~(UINT64_C(1) << weir_scene_health(s, member));
}

/* All whose every member has had its turn, and who are not about to have another. */
static void find_spent(struct view *v)
{
	const struct weir_scene *s = v->scene;
	const struct weir_failover *f = &s->now->failover;

	v->spent = UINT64_MAX;
	for (unsigned i = 0; i < s->plan.steps_n; i++)
		for (unsigned k = 0; k < s->pools[i].members_n; k++)
			if (!(f->walk.tried[i] >> k & 1))
				unspend(v, (struct weir_spot){ i, k });
	if (f->state == WEIR_ST_WAITING)
		unspend(v, f->spot);
	for (unsigned i = 0; i < 2; i++)
		if (f->flights[i].live)
			unspend(v, f->flights[i].spot);
	for (unsigned i = 0; i < s->healths_n; i++) {
		const struct weir_health *h = &s->healths[i];

		if (is_awaited(v, &h->bench) || is_awaited(v, &h->model->bench) ||
		    is_awaited(v, &h->key->bench) || is_limited(v, &h->limits) ||
		    is_limited(v, &h->key->limits))
			v->spent &= ~(UINT64_C(1) << i);
	}
}

void weir_scene_moment(const struct weir_scene *scene, struct weir_scene_key *key)
{
	const struct weir_scene_now *now = scene->now;
	unsigned most = scene->plan.max_attempts;
	struct view v = {
		.scene = scene,
		.key = key,
		.now_ms = now->now_ms,
		.calls_left = now->calls < most ? most - now->calls : 0,
	};

	for (unsigned i = 0; i < 2; i++) /* these have still to end */
		v.calls_left += now->failover.flights[i].live;
	find_spent(&v);
	add(&v, now->now_ms);
	add(&v, now->shown_ms);
	add(&v, now->calls);
	add(&v, now->queue.n);
	add(&v, scene->plan.hedge ? now->hedges.tokens : 0);
	add_failover(&v, &now->failover);
	add_targets(&v);
}

static void add_member(struct view *v, const struct weir_member *member)
{
	const struct weir_health *h = member->health;
	const struct weir_model_health *model = h->model;

	add(v, (uint64_t)(h - v->scene->healths));
	add(v, (uint64_t)(h->key - v->scene->keys));
	add(v, (uint64_t)(model - v->scene->models));
	add(v, (uint64_t)(model->provider - v->scene->providers));
	add(v, model->provider->max_inflight);
	add(v, model->groups_n);
	for (unsigned i = 0; i < model->groups_n; i++) {
		add(v, (uint64_t)(model->groups[i] - v->scene->groups));
		add(v, model->groups[i]->models_n);
	}
	add(v, model->targets_n);
	add(v, member->weight);
	add(v, member->context_tokens);
	add_timers(v, &member->timers);
}

void weir_scene_shape(const struct weir_scene *scene, struct weir_scene_key *key)
{
	/* Those of a request, and those that made a target sick before it. */
	struct view v = { .scene = scene,
			  .key = key,
			  .calls_left = scene->plan.max_attempts + WEIR_BREAKER_ROW };
	const struct weir_plan *plan = &scene->plan;
	const bool flags[] = { plan->stream,       plan->stateful,     plan->policy_next,
			       plan->repair_first, plan->repair_later, plan->resume,
			       plan->hedge,        plan->hedges,       plan->queue,
			       plan->hurried };

	add(&v, plan->steps_n);
	add(&v, plan->max_attempts);
	for (unsigned i = 0; i < WEIR_COUNT_OF(flags); i++)
		add(&v, flags[i]);
	add(&v, plan->overflow);
	add(&v, plan->deadline_ms);
	add(&v, plan->stream_ms);
	add(&v, plan->attempt_ms);
	add(&v, plan->tokens);
	add(&v, plan->affinity);
	add(&v, plan->drift_percent);
	for (unsigned i = 0; i < plan->steps_n; i++) {
		const struct weir_plan_step *step = &plan->steps[i];

		add(&v, step->retries);
		add(&v, step->attempt_ms);
		add(&v, step->pool->balance);
		add(&v, step->pool->members_n);
		add(&v, step->timers != NULL);
		if (step->timers)
			add_timers(&v, step->timers);
		for (unsigned k = 0; k < step->pool->members_n; k++) {
			add_member(&v, &step->pool->members[k]);
			if (step->pool->balance == WEIR_BALANCE_COST)
				add(&v, step->pool->members[k].price);
		}
	}
	add_targets(&v);
}

/* Random chains, policies, callers and faults: what must be true of every request, in
 * whatever world. Worlds of about a thousand requests each, one after the other.
 *
 * A million requests; WEIR_REQUESTS=NUMBER makes it another number. A broken rule prints the
 * world's number, and WEIR_WORLD=NUMBER runs that one alone and prints what happened. */
#include "rig.h"

enum { CALLERS_MAX = 8192, REQUESTS = 1000000, TALKATIVE_LINES = 2000 };

/* One caller's present try, as seen from outside. */
struct seen {
	unsigned try, attempts, in_flight, hedges, shown, ends;
	uint64_t began_ms, shown_ms;
	bool at_fault; /* the caller is */
	bool sent;     /* something of it left, and may have acted */
};

static struct rig rig;
static struct weir_book book;
static struct seen seen[CALLERS_MAX];
static unsigned world, broken, talkative;
static uint64_t starts, ends;
/* What worlds are made for must happen in them. */
static uint64_t resumed, repaired, hedged, dropped, queued, waited, probed, left;

static void rule(bool kept, const struct weir_sight *sight, const char *what)
{
	if (kept)
		return;
	if (broken++ < 20)
		NOTE("world %u, request %llu at %llu ms: %s", world,
		     (unsigned long long)sight->caller, (unsigned long long)sight->now_ms, what);
}

static uint64_t deadline_ms(const struct weir_failover *f)
{
	return f->plan->deadline_ms;
}

static void see_try(struct seen *s, const struct weir_sight *sight)
{
	const struct weir_failover *f = sight->failover;
	const struct weir_action *a = sight->action;

	resumed += a->resume;
	repaired += a->repair;
	rule(!s->ends, sight, "a try after the end");
	rule(!s->at_fault, sight, "the caller's fault was tried again");
	rule(!s->shown || (a->resume && f->plan->resume), sight, "a try after bytes were shown");
	rule(!s->sent || !f->plan->stateful, sight, "what acts was sent twice");
	rule(s->attempts == a->attempt, sight, "attempts are not numbered in order");
	rule(++s->attempts <= f->plan->max_attempts, sight, "more than max_attempts");
	if (a->type == WEIR_DO_HEDGE) {
		rule(f->plan->hedge && ++s->hedges == 1, sight, "a hedge nobody wanted");
		rule(s->in_flight == 1 && !s->shown, sight, "a hedge beside nothing");
		rule(f->flights[0].pass.health != f->flights[1].pass.health, sight,
		     "a hedge at the same target");
		s->in_flight = 2;
	} else {
		s->in_flight = 1;
	}
}

static void see_end(struct seen *s, const struct weir_sight *sight)
{
	const struct weir_failover *f = sight->failover;

	rule(++s->ends == 1, sight, "a second end");
	ends++;
	if (s->shown)
		rule(sight->now_ms <= s->shown_ms + f->plan->stream_ms, sight,
		     "longer than a stream may last");
	else
		rule(sight->now_ms <= s->began_ms + deadline_ms(f), sight, "past the deadline");
	if (sight->action->type != WEIR_DO_FINISH)
		return;
	if (sight->action->final == WEIR_FINAL_OK || sight->action->final == WEIR_FINAL_CUT)
		rule(s->shown, sight, "an answer that was never shown");
	else
		rule(!s->shown, sight, "an error after bytes were shown");
}

static void see_event(struct seen *s, const struct weir_sight *sight)
{
	const struct weir_event *e = sight->event;

	if (e->type == WEIR_EV_START) {
		*s = (struct seen){ .try = sight->try, .began_ms = sight->now_ms };
		starts++;
	}
	rule(s->try == sight->try, sight, "an event of an earlier try");
	if (e->type == WEIR_EV_RESULT && !s->shown) {
		s->at_fault = e->outcome == WEIR_OUT_CALLER &&
			      !(e->content_policy && sight->failover->plan->policy_next);
		s->sent |= !e->unsent;
	}
	s->sent |= e->type == WEIR_EV_TIMEOUT && s->in_flight > 0;
}

static void talk(const struct weir_sight *sight)
{
	static const char *const events[] = { "start",  "connected", "replaced", "content", "more",
					      "result", "timeout",   "room",     "hangup" };
	static const char *const actions[] = { "-",     "try",   "hedge",  "drop",   "wait",
					       "queue", "relay", "finish", "abandon" };
	const struct weir_action *a = sight->action;

	if (!talkative || a->type == WEIR_DO_NOTHING)
		return;
	talkative--;
	NOTE("[%6llu] %llu.%u %s %s -> %s %u at %u.%u%s", (unsigned long long)sight->now_ms,
	     (unsigned long long)sight->caller, sight->try, events[sight->event->type],
	     sight->event->type == WEIR_EV_RESULT ? weir_outcome_name(sight->event->outcome) : "",
	     actions[a->type], a->attempt, a->spot.step, a->spot.member,
	     a->type == WEIR_DO_FINISH ? weir_final_row(a->final)->name : "");
}

static void watch(void *arg, const struct weir_sight *sight)
{
	struct seen *s = &seen[sight->caller % CALLERS_MAX];

	(void)arg;
	talk(sight);
	see_event(s, sight);
	switch (sight->action->type) {
	case WEIR_DO_TRY:
	case WEIR_DO_HEDGE:
		see_try(s, sight);
		break;
	case WEIR_DO_DROP:
		rule(s->in_flight == 2, sight, "one of one was dropped");
		dropped++;
		s->in_flight = 1;
		break;
	case WEIR_DO_WAIT:
	case WEIR_DO_QUEUE:
		rule(!s->ends && !s->shown, sight, "a pause after bytes were shown");
		s->in_flight = 0;
		break;
	case WEIR_DO_RELAY:
		rule(!s->ends && s->in_flight > 0, sight, "nothing there to be shown");
		if (!s->shown++)
			s->shown_ms = sight->now_ms;
		s->in_flight = 1;
		break;
	case WEIR_DO_FINISH:
	case WEIR_DO_ABANDON:
		see_end(s, sight);
		break;
	case WEIR_DO_NOTHING:
		break;
	}
}

static unsigned one_of(struct weir_rng *rng, const unsigned *list, unsigned n)
{
	return list[weir_rng_upto(rng, n - 1)];
}

static bool percent(struct weir_rng *rng, unsigned share)
{
	return weir_rng_upto(rng, 99) < share;
}

/* What no status alone says. */
static const struct weir_event answers[] = {
	{ .outcome = WEIR_OUT_NOT_HERE },
	{ .outcome = WEIR_OUT_NOT_HERE, .model_unknown = true },
	{ .outcome = WEIR_OUT_NOT_HERE, .overflow = true },
	{ .outcome = WEIR_OUT_CALLER, .content_policy = true },
	{ .outcome = WEIR_OUT_REPAIRABLE },
	{ .outcome = WEIR_OUT_REPAIRABLE, .can_repair = true },
	{ .outcome = WEIR_OUT_CREDENTIALS, .model_refused = true },
	{ .outcome = WEIR_OUT_RATE_LIMITED, .never_fits = true },
	{ .outcome = WEIR_OUT_RATE_LIMITED, .retry_after_stated = true, .retry_after_ms = 700 },
	{ .outcome = WEIR_OUT_UNREACHABLE },
	{ .outcome = WEIR_OUT_CUT },
};

static void random_faults(struct weir_rng *rng)
{
	static const unsigned statuses[] = { 400, 401, 402, 403, 404, 408, 413,
					     422, 429, 500, 502, 503, 529 };
	static const unsigned shares[] = { 0, 100000, 300000, 700000, 950000 };
	unsigned n = (unsigned)weir_rng_upto(rng, 8);

	for (unsigned i = 0; i < n; i++) {
		unsigned target = (unsigned)weir_rng_upto(rng, rig.traffic.targets_n - 1);
		uint64_t from_ms = weir_rng_upto(rng, 8000);
		struct weir_fault *fault = rig_fault(
			&rig, target, (enum weir_fault_kind)weir_rng_upto(rng, WEIR_FAULT_N - 1),
			from_ms, from_ms + 1 + weir_rng_upto(rng, 6000));

		fault->status = one_of(rng, statuses, WEIR_COUNT_OF(statuses));
		fault->share_ppm = one_of(rng, shares, WEIR_COUNT_OF(shares));
		fault->percent = 100 + 100 * (unsigned)weir_rng_upto(rng, 30);
		fault->up_ms = 1 + weir_rng_upto(rng, 2000);
		fault->down_ms = 1 + weir_rng_upto(rng, 2000);
		fault->most = weir_rng_upto(rng, 50);
		fault->window_ms = 100 + weir_rng_upto(rng, 5000);
		fault->capacity = (unsigned)weir_rng_upto(rng, 30);
		if (percent(rng, 50))
			fault->answer = &answers[weir_rng_upto(rng, WEIR_COUNT_OF(answers) - 1)];
		fault->says_when = percent(rng, 50);
		fault->says_left = percent(rng, 50);
		if (percent(rng, 30))
			fault->key = (uint32_t)weir_rng_upto(rng, rig.keys_n[target] - 1);
	}
}

static void random_targets(struct weir_rng *rng)
{
	unsigned steps_n = 1 + (unsigned)weir_rng_upto(rng, RIG_STEPS - 1);

	for (unsigned step = 0; step < steps_n; step++) {
		unsigned n = percent(rng, 50) ? 1 : 1 + (unsigned)weir_rng_upto(rng, 2);

		rig.pools[step].balance = (enum weir_balance)weir_rng_upto(rng, WEIR_BALANCE_N - 1);
		while (n--)
			rig_target(&rig, step,
				   percent(rng, 60) ? 1 : 1 + (unsigned)weir_rng_upto(rng, 2));
	}
	for (unsigned i = 0; i < rig.traffic.targets_n; i++) {
		struct weir_site *site = &rig.sites[i];

		site->first = weir_spread_of(20 + weir_rng_upto(rng, 400),
					     100 + weir_rng_upto(rng, 3000));
		site->tokens_per_s = percent(rng, 10) ? 0 : 20 + (unsigned)weir_rng_upto(rng, 300);
		if (percent(rng, 30)) {
			site->capacity = 5 + (unsigned)weir_rng_upto(rng, 200);
			site->queue = (unsigned)weir_rng_upto(rng, 20);
		}
		if (percent(rng, 25))
			rig.models[i].max_inflight = 1 + (unsigned)weir_rng_upto(rng, 60);
		if (percent(rng, 10))
			rig.providers[i].max_inflight = 1 + (unsigned)weir_rng_upto(rng, 60);
	}
}

static void random_plan(struct weir_rng *rng)
{
	static const unsigned deadlines[] = { 50, 300, 1000, 3000, 10000, 30000, 120000 };
	static const unsigned streams[] = { 500, 5000, 600000 };
	struct weir_plan plan = rig.plans[0];

	plan.max_attempts = percent(rng, 50) ? weir_plan_attempts(1, plan.steps_n)
					     : 1 + (unsigned)weir_rng_upto(rng, 7);
	plan.deadline_ms = one_of(rng, deadlines, WEIR_COUNT_OF(deadlines));
	plan.stream_ms = one_of(rng, streams, WEIR_COUNT_OF(streams));
	plan.attempt_ms = percent(rng, 20) ? 100 + weir_rng_upto(rng, 5000) : 0;
	plan.stateful = percent(rng, 10);
	plan.policy_next = percent(rng, 50);
	plan.repair_first = percent(rng, 50);
	plan.overflow = (enum weir_overflow)weir_rng_upto(rng, 2);
	plan.resume = percent(rng, 40);
	plan.hedge = percent(rng, 40);
	plan.drift_percent = percent(rng, 30) ? 200 : 0;
	plan.queue = percent(rng, 80) ? &rig.queue : NULL;
	plan.hedges = percent(rng, 90) ? &rig.hedges : NULL;
	for (unsigned i = 0; i < plan.steps_n; i++)
		plan.steps[i].retries = (unsigned)weir_rng_upto(rng, 3);
	for (unsigned stream = 0; stream < 2; stream++) {
		rig.plans[stream] = plan;
		rig.plans[stream].stream = stream;
	}
}

static void random_callers(struct weir_rng *rng)
{
	static const unsigned timeouts[] = { 0, 500, 2000, 10000, 60000 };
	struct weir_callers *callers = &rig.traffic.callers;

	rig.phase.per_s = (double)(20 + weir_rng_upto(rng, 300));
	rig.traffic.ms = (uint64_t)(1000 * 1000 / rig.phase.per_s);
	if (rig.traffic.ms > 10000)
		rig.traffic.ms = 10000;
	callers->arrivals = percent(rng, 70) ? WEIR_ARRIVE_POISSON : WEIR_ARRIVE_EVENLY;
	callers->burst = (unsigned)weir_rng_upto(rng, 40);
	callers->sdk_retries = (unsigned)weir_rng_upto(rng, 2);
	callers->timeout_ms = one_of(rng, timeouts, WEIR_COUNT_OF(timeouts));
	callers->leaves_ppm = percent(rng, 40) ? (uint32_t)weir_rng_upto(rng, 300000) : 0;
	callers->leaves_ms = 1 + weir_rng_upto(rng, 4000);
	callers->stream_ppm = percent(rng, 70) ? 600000 : 0;
	callers->users = percent(rng, 20) ? 1 + weir_rng_upto(rng, 100) : 0;
	if (!percent(rng, 20))
		return;
	for (unsigned i = 0; i < rig.traffic.targets_n; i++)
		rig.sites[i].connect_ms = weir_rng_upto(rng, 4000);
}

/* Runs the world of that number; how many requests were made at weir. */
static uint64_t run_world(unsigned number)
{
	int failures = test_failures;
	struct weir_rng rng;
	uint64_t tries;

	world = number;
	weir_rng_init(&rng, number);
	rig_init(&rig, 0);
	rig.traffic.seed = number;
	random_targets(&rng);
	random_plan(&rng);
	random_callers(&rng);
	random_faults(&rng);
	rig.traffic.saw = watch;
	starts = ends = 0;
	rig_run(&rig, WEIR_POLICY_WEIR, &book);
	CHECK(broken == 0);
	CHECK_INT(ends, starts);
	CHECK_INT(starts, book.tries);
	CHECK(book.offered < CALLERS_MAX);
	tries = book.tries;
	hedged += book.hedges;
	queued += book.queued;
	waited += book.waits;
	probed += book.probes;
	left += book.left;
	weir_book_fini(&book);
	if (test_failures > failures)
		NOTE("WEIR_WORLD=%u shows it", number);
	return tries;
}

static uint64_t number_in(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

TEST(whatever_happens_every_rule_is_kept)
{
	uint64_t wanted = number_in("WEIR_REQUESTS", REQUESTS), requests = 0;
	uint64_t only = number_in("WEIR_WORLD", UINT64_MAX);
	unsigned number = 0;

	if (only != UINT64_MAX) {
		talkative = TALKATIVE_LINES;
		run_world((unsigned)only);
		return;
	}
	while (requests < wanted && !test_failures)
		requests += run_world(number++);
	NOTE("%llu requests in %u worlds", (unsigned long long)requests, number);
	CHECK(resumed && repaired && hedged && dropped && queued && waited && probed && left);
}

TEST_MAIN

#include "sim/traffic.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "sim/traffic_caller.h"

enum {
	TICKS_OF_RUN = 3,
	TICKS_PER_CALLER = 2 + WEIR_CALLS_AT_ONCE,
	BACKOFF_MS = 500, /* of the official SDKs: doubled each time, */
	BACKOFF_MOST_MS = 8000,
	BACKOFF_JITTER_PERCENT = 25 /* shortened by up to this */
};

static uint64_t now(const struct weir_caller *caller)
{
	return caller->run->agenda.now_ms;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Freed when nothing is on the stack that could still look at it. */
static void go(struct weir_caller *caller)
{
	struct weir_run *run = caller->run;

	WEIR_ASSERT(!caller->over);
	caller->over = true;
	weir_agenda_clear(&run->agenda, &caller->tick);
	weir_agenda_clear(&run->agenda, &caller->timer);
	weir_list_remove(&caller->node);
	weir_list_push(&run->gone, &caller->node);
	run->callers_n--;
	run->book->over_ms = now(caller);
}

static void fail(struct weir_caller *caller)
{
	struct weir_bucket *bucket = weir_book_at(caller->run->book, now(caller));

	caller->run->book->failed++;
	if (bucket)
		bucket->failed++;
	go(caller);
}

static void succeed(struct weir_caller *caller)
{
	struct weir_book *book = caller->run->book;
	struct weir_bucket *bucket = weir_book_at(book, now(caller));
	struct weir_bucket *came = weir_book_at(book, caller->came_ms);

	book->good++;
	if (bucket)
		bucket->good++;
	if (came && caller->tries == 1)
		came->at_once++;
	go(caller);
}

static void leave(struct weir_caller *caller)
{
	struct weir_book *book = caller->run->book;
	struct weir_bucket *came = weir_book_at(book, caller->came_ms);

	if (caller->asking)
		caller->run->driver->hangup(caller);
	book->left++;
	if (came)
		came->left++;
	go(caller);
}

static void arm(struct weir_caller *caller)
{
	uint64_t timeout_ms = caller->run->traffic->callers.timeout_ms, at_ms = caller->leaves_ms;

	if (timeout_ms && !(caller->stream && caller->shown))
		at_ms = least(at_ms, caller->try_ms + timeout_ms);
	weir_agenda_set(&caller->run->agenda, &caller->tick, at_ms);
}

static void ask(struct weir_caller *caller)
{
	caller->tries++;
	caller->asking = true;
	caller->try_ms = now(caller);
	caller->run->book->tries++;
	arm(caller);
	caller->run->driver->begin(caller);
}

static void retry_or_fail(struct weir_caller *caller, const struct weir_reply *reply)
{
	struct weir_run *run = caller->run;
	uint64_t delay_ms = least((uint64_t)BACKOFF_MS << least(caller->tries - 1, 10),
				  BACKOFF_MOST_MS);

	caller->asking = false;
	if (!reply->may_retry || caller->tries > run->traffic->callers.sdk_retries) {
		fail(caller);
		return;
	}
	delay_ms -= weir_rng_upto(&run->calling, delay_ms * BACKOFF_JITTER_PERCENT / 100);
	if (reply->after_stated && reply->after_ms)
		delay_ms = reply->after_ms;
	weir_agenda_set(&run->agenda, &caller->tick,
			least(now(caller) + delay_ms, caller->leaves_ms));
}

static void lose_patience(struct weir_caller *caller)
{
	const struct weir_reply timeout = { .may_retry = true };

	caller->run->driver->hangup(caller);
	caller->run->book->timeouts++;
	retry_or_fail(caller, &timeout);
}

static void on_tick(struct weir_tick *tick)
{
	struct weir_caller *caller = WEIR_CONTAINER_OF(tick, struct weir_caller, tick);

	if (now(caller) >= caller->leaves_ms)
		leave(caller);
	else if (caller->asking)
		lose_patience(caller);
	else
		ask(caller);
}

static void on_timer(struct weir_tick *tick)
{
	struct weir_caller *caller = WEIR_CONTAINER_OF(tick, struct weir_caller, timer);

	caller->run->driver->timer(caller);
}

void weir_caller_shown(struct weir_caller *caller)
{
	if (caller->shown)
		return;
	caller->shown = true;
	weir_tally_add(&caller->run->book->first_ms, now(caller) - caller->came_ms);
	arm(caller);
}

void weir_caller_reply(struct weir_caller *caller, const struct weir_reply *reply)
{
	struct weir_book *book = caller->run->book;
	struct weir_bucket *bucket = weir_book_at(book, now(caller));

	weir_agenda_clear(&caller->run->agenda, &caller->timer);
	caller->asking = false;
	book->finals[reply->final]++;
	if (reply->good) {
		succeed(caller);
		return;
	}
	if (reply->final == WEIR_FINAL_CUT) {
		book->cut++;
	} else {
		book->errors++;
		weir_tally_add(&book->error_ms, now(caller) - caller->try_ms);
		if (bucket)
			bucket->errors++;
	}
	retry_or_fail(caller, reply);
}

static void on_news(struct weir_call *call, struct weir_event *news)
{
	struct weir_caller *caller = call->owner;

	news->now_ms = now(caller);
	news->attempt = call->attempt;
	caller->run->driver->news(caller, call, news);
}

static void book_call(struct weir_run *run, const struct weir_call *call)
{
	struct weir_bucket *bucket = weir_book_at(run->book, run->agenda.now_ms);

	run->book->calls++;
	run->book->calls_of[call->target]++;
	if (bucket)
		bucket->calls[call->target]++;
	for (unsigned i = 0; i < run->traffic->faults_n; i++) {
		const struct weir_fault *fault = &run->traffic->faults[i];

		if (run->agenda.now_ms >= fault->from_ms + WEIR_BOOK_SETTLING_MS &&
		    weir_fault_meets(fault, call->site, call->target, call->key,
				     run->agenda.now_ms))
			run->book->faults[i].calls++;
	}
}

struct weir_call *weir_caller_call(struct weir_caller *caller, const struct weir_member *member,
				   unsigned attempt)
{
	struct weir_call *call = caller->calls;

	while (call->phase != WEIR_CALL_IDLE)
		WEIR_ASSERT(++call < caller->calls + WEIR_CALLS_AT_ONCE);
	WEIR_ASSERT(member->target < caller->run->traffic->targets_n);
	call->on_news = on_news;
	call->owner = caller;
	call->site = caller->run->traffic->targets[member->target].site;
	call->target = member->target;
	call->key = member->key;
	call->attempt = attempt;
	call->stream = caller->stream;
	call->tokens_in = caller->tokens_in;
	call->tokens_out = caller->tokens_out - caller->tokens_shown;
	book_call(caller->run, call);
	weir_call_begin(&caller->run->sites, call);
	return call;
}

void weir_caller_settle(struct weir_caller *caller, const struct weir_call *call, bool good)
{
	const struct weir_traffic_target *target = &caller->run->traffic->targets[call->target];
	uint64_t made = weir_call_tokens(call, now(caller));
	struct weir_book *book = caller->run->book;

	if (!made)
		return;
	if (good)
		book->tokens_good += made;
	else
		book->tokens_wasted += made;
	book->cost_nano += call->tokens_in * target->nano_in + made * target->nano_out;
}

static void tell_room(struct weir_run *run, uint32_t workers)
{
	WEIR_LIST_FOR(node, &run->queued)
	{
		struct weir_caller *caller = WEIR_CONTAINER_OF(node, struct weir_caller, queued);

		if (workers >> caller->worker & 1)
			run->driver->room(caller);
	}
}

static void on_room(struct weir_tick *tick)
{
	struct weir_run *run = WEIR_CONTAINER_OF(tick, struct weir_run, room);
	uint32_t roomy = run->roomy;

	run->roomy = 0;
	if (run->traffic->workers > 1)
		weir_agenda_set(&run->agenda, &run->others,
				run->agenda.now_ms + WEIR_TRAFFIC_ROOM_MS);
	tell_room(run, roomy);
}

static void on_others(struct weir_tick *tick)
{
	tell_room(WEIR_CONTAINER_OF(tick, struct weir_run, others), UINT32_MAX);
}

static void book_arrival(struct weir_run *run)
{
	struct weir_bucket *bucket = weir_book_at(run->book, run->agenda.now_ms);

	run->book->offered++;
	if (bucket)
		bucket->offered++;
	for (unsigned i = 0; i < run->traffic->faults_n; i++) {
		const struct weir_fault *fault = &run->traffic->faults[i];

		if (run->agenda.now_ms >= fault->from_ms + WEIR_BOOK_SETTLING_MS &&
		    run->agenda.now_ms < fault->to_ms)
			run->book->faults[i].offered++;
	}
}

/* All that is drawn of a caller is drawn here, so that every policy meets the same ones. */
static void describe(struct weir_caller *caller)
{
	const struct weir_callers *callers = &caller->run->traffic->callers;
	struct weir_rng *rng = &caller->run->arriving;

	caller->leaves_ms = WEIR_NEVER;
	if (weir_chance(rng, callers->leaves_ppm))
		caller->leaves_ms = now(caller) + weir_rng_upto(rng, callers->leaves_ms);
	caller->stream = weir_chance(rng, callers->stream_ppm);
	caller->tokens_in = weir_spread_draw(&callers->tokens_in, rng);
	caller->tokens_out = weir_spread_draw(&callers->tokens_out, rng);
	if (callers->users)
		caller->user = 1 + weir_rng_upto(rng, callers->users - 1);
	if (callers->arrivals == WEIR_ARRIVE_LISTED) {
		const struct weir_arrival *given = &callers->list[caller->number];

		caller->stream = given->stream;
		caller->tokens_in = given->tokens_in;
		caller->tokens_out = given->tokens_out;
	}
	if (!caller->tokens_out)
		caller->tokens_out = 1;
}

static void arrive(struct weir_run *run)
{
	struct weir_caller *caller;

	if (run->callers_n == WEIR_TRAFFIC_CALLERS_MAX) {
		run->failure = WEIR_ELIMIT;
		return;
	}
	caller = weir_calloc(1, sizeof *caller);
	if (!caller || weir_agenda_reserve(&run->agenda, (run->callers_n + 1) * TICKS_PER_CALLER +
								 TICKS_OF_RUN)) {
		weir_free(caller);
		run->failure = WEIR_ENOMEM;
		return;
	}
	caller->run = run;
	caller->number = run->arrived;
	caller->tick.fire = on_tick;
	caller->timer.fire = on_timer;
	caller->came_ms = run->agenda.now_ms;
	weir_list_init(&caller->queued);
	weir_list_push(&run->callers, &caller->node);
	run->callers_n++;
	describe(caller);
	book_arrival(run);
	ask(caller);
}

/* When the rate changes, what it made is forgotten: it has no memory anyway. */
static uint64_t next_us(struct weir_run *run)
{
	const struct weir_callers *callers = &run->traffic->callers;
	unsigned burst = callers->burst ? callers->burst : 1;

	while (run->phase < callers->phases_n) {
		double per_s = callers->phases[run->phase].per_s;
		bool last = run->phase + 1 == callers->phases_n;
		uint64_t end_us = last ? UINT64_MAX
				       : callers->phases[run->phase + 1].from_ms * 1000;
		uint64_t gap_us = 0;

		if (per_s > 0 && callers->arrivals == WEIR_ARRIVE_POISSON)
			gap_us = weir_chance_gap_us(per_s, &run->arriving);
		else if (per_s > 0 && run->arrived && run->arrived % burst == 0)
			gap_us = (uint64_t)(burst * 1e6 / per_s);
		if (per_s > 0 && run->arrival_us + gap_us < end_us)
			return run->arrival_us + gap_us;
		run->arrival_us = end_us;
		run->phase++;
	}
	return UINT64_MAX;
}

static void expect(struct weir_run *run)
{
	const struct weir_callers *callers = &run->traffic->callers;
	uint64_t at_ms = WEIR_NEVER;

	if (callers->arrivals != WEIR_ARRIVE_LISTED) {
		run->arrival_us = next_us(run);
		at_ms = run->arrival_us / 1000;
	} else if (run->arrived < callers->list_n) {
		at_ms = callers->list[run->arrived].at_ms;
	}
	weir_agenda_set(&run->agenda, &run->arrival, at_ms < run->traffic->ms ? at_ms : WEIR_NEVER);
}

static void on_arrival(struct weir_tick *tick)
{
	struct weir_run *run = WEIR_CONTAINER_OF(tick, struct weir_run, arrival);

	arrive(run);
	run->arrived++;
	expect(run);
}

static void free_all(struct weir_list *callers)
{
	WEIR_LIST_FOR(node, callers)
	{
		struct weir_caller *caller = WEIR_CONTAINER_OF(node, struct weir_caller, node);

		weir_list_remove(node);
		weir_free(caller);
	}
}

static int prepare(struct weir_run *run, const struct weir_traffic *traffic, struct weir_book *book)
{
	/* Apart, so that what one of them draws does not move the others. */
	weir_rng_init(&run->arriving, traffic->seed);
	weir_rng_init(&run->calling, weir_rng_next(&run->arriving));
	weir_rng_init(&run->deciding, weir_rng_next(&run->arriving));
	weir_rng_init(&run->spreading, ~traffic->seed);
	weir_agenda_init(&run->agenda);
	weir_list_init(&run->callers);
	weir_list_init(&run->gone);
	weir_list_init(&run->queued);
	run->arrival.fire = on_arrival;
	run->room.fire = on_room;
	run->others.fire = on_others;
	run->sites.sites = traffic->sites;
	run->sites.sites_n = traffic->sites_n;
	run->sites.faults = traffic->faults;
	run->sites.faults_n = traffic->faults_n;
	run->probing = weir_calloc((size_t)traffic->targets_n * WEIR_SITE_KEYS_MAX,
				   sizeof *run->probing);
	if (!run->probing || weir_book_init(book, traffic->ms, traffic->targets_n) ||
	    weir_agenda_reserve(&run->agenda, TICKS_PER_CALLER + TICKS_OF_RUN))
		return WEIR_ENOMEM;
	return weir_sites_init(&run->sites, &run->agenda, weir_rng_next(&run->arriving));
}

int weir_traffic_run(const struct weir_traffic *traffic, struct weir_book *book)
{
	struct weir_run run = {
		.traffic = traffic,
		.driver = traffic->policy == WEIR_POLICY_NAIVE ? &weir_driver_naive
							       : &weir_driver_weir,
		.book = book,
	};
	struct weir_tick *tick;

	WEIR_ASSERT(traffic->targets_n <= WEIR_BOOK_TARGETS_MAX &&
		    traffic->faults_n <= WEIR_BOOK_FAULTS_MAX &&
		    traffic->workers <= WEIR_TRAFFIC_WORKERS_MAX);
	*book = (struct weir_book){ .buckets = NULL };
	run.failure = prepare(&run, traffic, book);
	if (run.failure == 0)
		expect(&run);
	while (run.failure == 0 && (tick = weir_agenda_next(&run.agenda))) {
		tick->fire(tick);
		free_all(&run.gone);
	}
	WEIR_ASSERT(run.failure || run.callers_n == 0);
	free_all(&run.callers);
	weir_sites_fini(&run.sites);
	weir_agenda_fini(&run.agenda);
	weir_free(run.probing);
	return run.failure;
}

const char *weir_traffic_policy_name(enum weir_traffic_policy policy)
{
	return policy == WEIR_POLICY_NAIVE ? "naive" : "weir";
}

#include "sim/traffic_site.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"
#include "policy/classify.h"

enum { REFUSED_MS = 1, SIGN_OF_LIFE_MS = 1000, NEAR = 5 };

static void on_tick(struct weir_tick *tick);

int weir_sites_init(struct weir_sites *at, struct weir_agenda *agenda, uint64_t seed)
{
	at->agenda = agenda;
	weir_rng_init(&at->rng, seed);
	at->states = weir_calloc(at->sites_n + 1, sizeof *at->states);
	at->fault_states = weir_calloc(at->faults_n + 1, sizeof *at->fault_states);
	if (!at->states || !at->fault_states) {
		weir_sites_fini(at);
		return WEIR_ENOMEM;
	}
	for (unsigned i = 0; i < at->sites_n; i++)
		weir_list_init(&at->states[i].line);
	return 0;
}

void weir_sites_fini(struct weir_sites *at)
{
	weir_free(at->states);
	weir_free(at->fault_states);
	at->states = NULL;
	at->fault_states = NULL;
}

static const struct weir_site *site_of(const struct weir_call *call)
{
	return &call->at->sites[call->site];
}

static uint64_t now(const struct weir_call *call)
{
	return call->at->agenda->now_ms;
}

static void later(struct weir_call *call, enum weir_call_phase phase, uint64_t after_ms)
{
	call->phase = phase;
	weir_agenda_set(call->at->agenda, &call->tick, now(call) + after_ms);
}

static void say(struct weir_call *call, enum weir_event_type type)
{
	struct weir_event news = { .type = type };

	if (type == WEIR_EV_COMMIT)
		news.limits = call->end.limits;
	call->on_news(call, &news);
}

static const struct weir_fault *fault_at(const struct weir_call *call, enum weir_fault_kind kind)
{
	for (unsigned i = 0; i < call->at->faults_n; i++) {
		const struct weir_fault *fault = &call->at->faults[i];

		if (fault->kind == kind &&
		    weir_fault_meets(fault, call->site, call->target, call->key, now(call)))
			return fault;
	}
	return NULL;
}

static unsigned capacity_at(const struct weir_sites *at, uint32_t site)
{
	for (unsigned i = 0; i < at->faults_n; i++)
		if (at->faults[i].kind == WEIR_FAULT_CAPACITY &&
		    weir_fault_meets(&at->faults[i], site, WEIR_ANY, WEIR_ANY, at->agenda->now_ms))
			return at->faults[i].capacity;
	return at->sites[site].capacity ? at->sites[site].capacity : UINT32_MAX;
}

static void refuse(struct weir_call *call, unsigned status, uint64_t after_ms)
{
	struct weir_failure failure = { .status = status };

	call->end.outcome = weir_classify(&failure).outcome;
	later(call, WEIR_CALL_FAILING, after_ms);
}

/* The nearest in time, one of a handful: what failed together then fails together now. */
static const struct weir_recorded *recall(struct weir_call *call)
{
	const struct weir_site *site = site_of(call);
	const struct weir_series *past = site->past[call->stream].n ? &site->past[call->stream]
								    : &site->past[!call->stream];
	size_t low = 0, high = past->n, from, to;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (past->list[middle].at_ms < now(call))
			low = middle + 1;
		else
			high = middle;
	}
	for (from = to = low; to - from < NEAR && (from > 0 || to < past->n);) {
		if (to == past->n || (from > 0 && now(call) - past->list[from - 1].at_ms <=
							  past->list[to].at_ms - now(call)))
			from--;
		else
			to++;
	}
	return &past->list[from + (size_t)weir_rng_upto(&call->at->rng, to - from - 1)];
}

/* How long it took to run into a timer says only that it took longer. */
static void repeat_past(struct weir_call *call)
{
	const struct weir_recorded *past = recall(call);

	if (past->outcome == WEIR_OUT_SLOW) {
		call->phase = WEIR_CALL_SILENT;
		return;
	}
	call->end.outcome = past->outcome;
	if (past->outcome != WEIR_OUT_OK) {
		later(call, WEIR_CALL_FAILING, past->ms);
		return;
	}
	call->first_ms = now(call) + past->ms;
	call->end_ms = call->first_ms + past->rest_ms;
	later(call, WEIR_CALL_SERVED, past->ms);
}

static void serve(struct weir_call *call)
{
	const struct weir_fault *slow = fault_at(call, WEIR_FAULT_SLOW);
	const struct weir_fault *cut = fault_at(call, WEIR_FAULT_CUT);
	const struct weir_site *site = site_of(call);
	uint64_t first_ms, rest_ms = 0;

	call->at->states[call->site].inflight++;
	call->has_room = true;
	if (site->past[0].n || site->past[1].n) {
		repeat_past(call);
		return;
	}
	first_ms = weir_spread_draw(&site->first, &call->at->rng);
	if (site->tokens_per_s)
		rest_ms = call->tokens_out * 1000 / site->tokens_per_s;
	if (slow) {
		first_ms = first_ms * slow->percent / 100;
		rest_ms = rest_ms * slow->percent / 100;
	}
	call->cut = cut && weir_chance(&call->at->rng, cut->share_ppm);
	call->first_ms = now(call) + first_ms;
	call->end_ms = call->first_ms + rest_ms;
	call->end.outcome = WEIR_OUT_OK;
	if (call->cut) {
		call->end_ms = call->first_ms + weir_rng_upto(&call->at->rng, rest_ms);
		call->end.outcome = WEIR_OUT_CUT;
	}
	later(call, WEIR_CALL_SERVED, call->stream ? first_ms : call->end_ms - now(call));
}

/* True: it may pass. */
static bool pass_rate_limit(struct weir_call *call, const struct weir_fault *fault)
{
	struct weir_fault_state *state = &call->at->fault_states[fault - call->at->faults];
	uint64_t window = (now(call) - fault->from_ms) / fault->window_ms;
	uint64_t reset_at_ms = fault->from_ms + (window + 1) * fault->window_ms;
	uint64_t *used = &state->used[call->key % WEIR_SITE_KEYS_MAX];
	bool passes;

	if (window != state->window)
		*state = (struct weir_fault_state){ .window = window };
	if (reset_at_ms > fault->to_ms || fault->most == 0)
		reset_at_ms = fault->to_ms;
	passes = *used < fault->most;
	*used += passes;
	call->end.retry_after_stated = !passes && fault->says_when;
	call->end.retry_after_ms = reset_at_ms - now(call);
	if (fault->says_left)
		call->end.limits = (struct weir_limits_news){
			.requests_known = true,
			.requests_left = fault->most - *used,
			.requests_reset_ms = reset_at_ms - now(call),
		};
	return passes;
}

static void arrive(struct weir_call *call)
{
	struct weir_site_state *state = &call->at->states[call->site];
	const struct weir_site *site = site_of(call);
	const struct weir_fault *fault;

	if (fault_at(call, WEIR_FAULT_HANG)) {
		call->phase = WEIR_CALL_SILENT;
		return;
	}
	if ((fault = fault_at(call, WEIR_FAULT_STATUS)) && fault->answer) {
		call->end = *fault->answer;
		later(call, WEIR_CALL_FAILING, site->error_ms);
	} else if (fault) {
		call->end.retry_after_stated = fault->says_when;
		call->end.retry_after_ms = fault->to_ms - now(call);
		refuse(call, fault->status, site->error_ms);
	} else if ((fault = fault_at(call, WEIR_FAULT_RATE_LIMITED)) &&
		   !pass_rate_limit(call, fault)) {
		refuse(call, 429, site->error_ms);
	} else if ((fault = fault_at(call, WEIR_FAULT_BROWNOUT)) &&
		   !weir_chance(&call->at->rng, fault->share_ppm)) {
		refuse(call, fault->status, site->error_ms);
	} else if (state->inflight < capacity_at(call->at, call->site)) {
		serve(call);
	} else if (state->waiting < site->queue) {
		call->phase = WEIR_CALL_IN_LINE;
		weir_list_push(&state->line, &call->node);
		state->waiting++;
	} else {
		refuse(call, 503, site->error_ms);
	}
}

static void admit_waiting(struct weir_sites *at, uint32_t site)
{
	struct weir_site_state *state = &at->states[site];

	while (state->waiting && state->inflight < capacity_at(at, site)) {
		struct weir_call *call = WEIR_CONTAINER_OF(state->line.next, struct weir_call,
							   node);

		weir_list_remove(&call->node);
		state->waiting--;
		serve(call);
	}
}

void weir_call_cancel(struct weir_call *call)
{
	struct weir_site_state *state;

	if (call->phase == WEIR_CALL_IDLE)
		return;
	state = &call->at->states[call->site];
	if (call->phase == WEIR_CALL_IN_LINE) {
		weir_list_remove(&call->node);
		state->waiting--;
	}
	weir_agenda_clear(call->at->agenda, &call->tick);
	call->phase = WEIR_CALL_IDLE;
	if (!call->has_room)
		return;
	call->has_room = false;
	state->inflight--;
	admit_waiting(call->at, call->site);
}

/* Idle before it is told: who hears it may begin the next one in its place. */
static void end(struct weir_call *call)
{
	struct weir_event news = call->end;

	news.type = WEIR_EV_RESULT;
	weir_call_cancel(call);
	call->on_news(call, &news);
}

static void flow(struct weir_call *call)
{
	uint64_t left_ms = call->end_ms - now(call);

	later(call, WEIR_CALL_FLOWING, left_ms < SIGN_OF_LIFE_MS ? left_ms : SIGN_OF_LIFE_MS);
}

static void on_tick(struct weir_tick *tick)
{
	struct weir_call *call = WEIR_CONTAINER_OF(tick, struct weir_call, tick);

	switch (call->phase) {
	case WEIR_CALL_CONNECTING:
		say(call, WEIR_EV_CONNECTED);
		if (call->phase == WEIR_CALL_CONNECTING)
			arrive(call);
		return;
	case WEIR_CALL_FAILING:
		end(call);
		return;
	case WEIR_CALL_SERVED:
		if (!call->stream && call->cut) {
			end(call);
			return;
		}
		say(call, WEIR_EV_COMMIT);
		if (call->phase == WEIR_CALL_SERVED)
			flow(call);
		return;
	case WEIR_CALL_FLOWING:
		if (now(call) >= call->end_ms) {
			end(call);
			return;
		}
		say(call, WEIR_EV_PROGRESS);
		if (call->phase == WEIR_CALL_FLOWING)
			flow(call);
		return;
	case WEIR_CALL_IDLE:
	case WEIR_CALL_SILENT:
	case WEIR_CALL_IN_LINE:
		break;
	}
	WEIR_ASSERT(!"nothing is due");
}

static bool is_down(const struct weir_call *call)
{
	const struct weir_fault *flaps = fault_at(call, WEIR_FAULT_FLAPPING);

	return fault_at(call, WEIR_FAULT_DEAD) ||
	       (flaps &&
		(now(call) - flaps->from_ms) % (flaps->up_ms + flaps->down_ms) >= flaps->up_ms);
}

void weir_call_begin(struct weir_sites *at, struct weir_call *call)
{
	WEIR_ASSERT(call->phase == WEIR_CALL_IDLE);
	call->at = at;
	call->tick.fire = on_tick;
	weir_list_init(&call->node);
	call->has_room = call->cut = false;
	call->began_ms = now(call);
	call->first_ms = call->end_ms = UINT64_MAX;
	call->end = (struct weir_event){ .type = WEIR_EV_RESULT };
	if (is_down(call)) {
		call->end.outcome = WEIR_OUT_UNREACHABLE;
		call->end.unsent = true;
		later(call, WEIR_CALL_FAILING, REFUSED_MS);
	} else if (fault_at(call, WEIR_FAULT_BLACKHOLE)) {
		call->phase = WEIR_CALL_SILENT;
	} else {
		later(call, WEIR_CALL_CONNECTING, site_of(call)->connect_ms);
	}
}

/* All that is billed for: what was made by then, not what was seen. */
uint64_t weir_call_tokens(const struct weir_call *call, uint64_t now_ms)
{
	uint64_t per_s = call->at->sites[call->site].tokens_per_s, made;

	if (now_ms < call->first_ms)
		return 0;
	if (now_ms >= call->end_ms && !call->cut)
		return call->tokens_out;
	made = 1 + (now_ms - call->first_ms) * per_s / 1000;
	return made < call->tokens_out ? made : call->tokens_out;
}

#include "base/alloc.h"
#include "base/error.h"
#include "core/input.h"
#include "core/request_private.h"
#include "weir.h"

enum { OWN_MAX = WEIR_EXCHANGE_HOLD_MAX + 4096 }; /* a whole held answer */
enum { NS_PER_MS = 1000000 };

/* Of OpenAI's routes of old, LiteLLM has taken the field `metadata` for itself. */
static unsigned how_to_read(const struct weir_request *r, const struct weir_request_input *input)
{
	bool taken = r->route == WEIR_ROUTE_CHAT || r->route == WEIR_ROUTE_COMPLETIONS ||
		     r->route == WEIR_ROUTE_EMBEDDINGS;

	return (input->own_fallbacks ? WEIR_BODY_OWN_FALLBACKS : 0u) |
	       (r->config->compat_litellm ? WEIR_BODY_LITELLM : 0u) |
	       (taken ? 0u : WEIR_BODY_METADATA);
}

/* Where it goes on from what an account keeps, it must not leave that one. */
static void keep_to_account(struct weir_request *r)
{
	struct weir_body_state state;
	uint64_t account;

	weir_body_read_state(&r->body, &state);
	r->route_plan.plan.stateful = state.acts;
	if (!state.bound)
		return;
	weir_shm_enter(r->gateway->shm);
	account = weir_bonds_find(r->gateway->bonds, state.previous);
	weir_shm_leave(r->gateway->shm);
	weir_plan_bind(&r->route_plan, r->config, account);
}

static int make_room(struct weir_request *r)
{
	unsigned most = r->route_plan.plan.max_attempts + 1;

	if (most <= r->records_cap)
		return 0;
	r->records = weir_calloc(most, sizeof *r->records);
	if (!r->records) {
		r->records = r->few;
		return WEIR_ENOMEM;
	}
	r->records_cap = most;
	return 0;
}

static int read_input(struct weir_request *r, struct weir_request_input *input,
		      struct weir_complaint *complaint)
{
	int rc = weir_body_read_as(&r->body, &input->body, how_to_read(r, input), complaint);

	if (rc == 0 && r->config->compat_portkey)
		rc = weir_portkey_read(&r->body, &input->portkey, r->config, &r->gateway->rng,
				       complaint);
	weir_portkey_fini(&input->portkey);
	if (rc)
		return rc;
	if (r->route == WEIR_ROUTE_EMBEDDINGS || r->route == WEIR_ROUTE_COUNT)
		r->body.stream = false;
	rc = weir_plan_make(&r->route_plan, r->snapshot->board, r->config, &r->body, input,
			    complaint);
	if (rc)
		return rc;
	if (r->route == WEIR_ROUTE_RESPONSES)
		keep_to_account(r);
	return make_room(r);
}

static struct weir_request *create(struct weir_gateway *gateway, struct weir_snapshot *snapshot)
{
	struct weir_request *r = weir_spares_take(&gateway->spare_requests, sizeof *r);

	if (!r)
		return NULL;
	memset(r, 0, offsetof(struct weir_request, few));
	r->records = r->few;
	r->records_cap = WEIR_RECORDS_FEW;
	r->gateway = gateway;
	r->snapshot = snapshot;
	r->config = snapshot->config;
	r->armed_ms = r->early_due_ms = WEIR_NEVER;
	r->cost_nano = WEIR_PRICE_UNKNOWN;
	weir_seam_init(&r->seam);
	weir_buf_init(&r->own, OWN_MAX);
	uv_timer_init(gateway->loop, &r->timer);
	r->timer.data = r;
	weir_list_push(&gateway->requests, &r->node);
	weir_list_init(&r->waiting);
	gateway->requests_n++;
	return r;
}

/* A stream's caller may want to hear something while it waits: opted in. */
static void arm_keepalive(struct weir_request *r)
{
	const struct weir_chain *chain = weir_plan_settings(&r->route_plan, r->config);

	if (chain->early_keepalive_ms && r->route_plan.plan.stream)
		r->early_due_ms = r->began_ms + chain->early_keepalive_ms;
}

/* Nobody who could count tokens stands in the chain: weir has a guess. */
static int answer_refused(struct weir_request *r, int rc, const struct weir_complaint *complaint)
{
	bool uncounted = r->route == WEIR_ROUTE_COUNT && rc == WEIR_ECONFIG && complaint->code &&
			 strcmp(complaint->code, "cannot_carry_route") == 0;

	return uncounted ? weir_answer_estimate(r) : weir_answer_complain(r, complaint);
}

int weir_request_open(struct weir_request **request, struct weir_gateway *gateway,
		      struct weir_request_input *input, const struct weir_request_events *events,
		      void *user)
{
	struct weir_action refuse = { .type = WEIR_DO_FINISH, .final = WEIR_FINAL_OWN };
	struct weir_request *r = create(gateway, input->snapshot);
	struct weir_complaint complaint = {
		.status = 503,
		.type = "server_error",
		.code = "out_of_memory",
		.message = "weir is out of memory",
	};
	struct weir_quota_time now;
	int rc;

	if (!r) {
		weir_input_fini(input);
		return WEIR_ENOMEM;
	}
	input->snapshot = NULL;
	*request = r;
	r->began_ns = uv_hrtime();
	if (r->began_ns / NS_PER_MS != uv_now(gateway->loop))
		uv_update_time(gateway->loop); /* it has stood still: clocks begin here */
	now = weir_gateway_time(gateway);
	r->events = events;
	r->user = user;
	r->route = input->route;
	r->caller = input->caller;
	memcpy(r->peer, input->peer, sizeof r->peer);
	r->claim = input->claim;
	weir_claim_grow(&r->claim, input->body.len, &now);
	input->claim.books = NULL;
	r->body_held = input->held;
	input->held = 0;
	r->fields = input->fields;
	r->common_len = input->common_len;
	weir_buf_init(&input->fields, input->fields.max);
	r->began_ms = weir_request_now_ms(r);
	weir_gateway_make_id(gateway, r->id);
	weir_metrics_request_begin(gateway->metrics);
	weir_request_trace_begin(r, &input->parent);

	r->opening = true;
	rc = read_input(r, input, &complaint);
	if (rc) {
		r->refused = true;
		r->route_plan.chain = NULL;
		if (answer_refused(r, rc, &complaint))
			weir_buf_clear(&r->own);
		weir_request_finish(r, &refuse);
	} else {
		r->route_plan.plan.holder = weir_shm_holder(gateway->shm);
		weir_failover_init(&r->failover, &r->route_plan.plan, &gateway->rng);
		arm_keepalive(r);
		weir_request_report(r, WEIR_EV_START);
	}
	r->opening = false;
	input->caller = NULL;
	return 0;
}

void weir_request_hangup(struct weir_request *r)
{
	if (r->over)
		return;
	if (r->gateway->telling) {
		r->hangup_due = true;
		weir_request_soon(r);
		return;
	}
	r->hung_up = true;
	r->whole = false;
	if (r->refused || r->deferred || r->failover.state == WEIR_ST_OVER)
		weir_request_end(r, WEIR_REQUEST_HANGUP);
	else
		weir_request_report(r, WEIR_EV_HANGUP);
}

static const struct {
	const char *path;
	enum weir_route route;
} routes[] = {
	{ "/v1/chat/completions", WEIR_ROUTE_CHAT },
	{ "/v1/completions", WEIR_ROUTE_COMPLETIONS },
	{ "/v1/embeddings", WEIR_ROUTE_EMBEDDINGS },
	{ "/v1/responses", WEIR_ROUTE_RESPONSES },
	{ "/v1/messages", WEIR_ROUTE_MESSAGES },
	{ "/v1/messages/count_tokens", WEIR_ROUTE_COUNT },
};

bool weir_request_route(struct weir_slice path, enum weir_route *route)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(routes); i++) {
		if (!weir_slice_is(path, routes[i].path))
			continue;
		*route = routes[i].route;
		return true;
	}
	return false;
}

const char *weir_request_path(enum weir_route route)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(routes); i++)
		if (routes[i].route == route)
			return routes[i].path;
	return "";
}

static bool hear_answer(struct weir_request *r, const struct weir_answer *answer,
			struct weir_slice first, bool ended)
{
	(void)r, (void)answer, (void)first, (void)ended;
	return true;
}

static void hear_bytes(struct weir_request *r, struct weir_slice bytes, bool ended)
{
	(void)r, (void)bytes, (void)ended;
}

static void hear_done(struct weir_request *r, bool whole)
{
	(void)r, (void)whole;
}

static const struct weir_request_events nobody = { hear_answer, hear_bytes, hear_done };

void weir_request_disown(struct weir_request *r)
{
	r->events = &nobody;
	r->user = NULL;
}

/* Before commit all is bounded and the clocks run: the provider is read on. */
void weir_request_hold(struct weir_request *r, bool mute)
{
	r->held = true;
	r->muted |= mute;
	if (r->attempt && r->failover.state == WEIR_ST_RELAYING)
		weir_attempt_hold(r->attempt);
}

void weir_request_release(struct weir_request *r)
{
	r->held = r->muted = false;
	if (r->over)
		return;
	if (r->attempt && !r->deferred)
		weir_attempt_resume(r->attempt);
	if (r->failover.state == WEIR_ST_RELAYING)
		weir_request_report(r, WEIR_EV_PROGRESS);
	if (r->deferred || weir_answer_pending(r))
		weir_request_soon(r);
}

bool weir_request_listens(const struct weir_request *r)
{
	return !r->muted && !r->over;
}

void weir_request_report_room(struct weir_list *waiting)
{
	weir_request_report(WEIR_CONTAINER_OF(waiting, struct weir_request, waiting), WEIR_EV_ROOM);
}

struct weir_request *weir_request_of(struct weir_list *node)
{
	return WEIR_CONTAINER_OF(node, struct weir_request, node);
}

void *weir_request_owner(const struct weir_request *r)
{
	return r->user;
}

const char *weir_request_id(const struct weir_request *r)
{
	return r->id;
}

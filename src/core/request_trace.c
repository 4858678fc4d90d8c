/* A request as a span, its attempts as children of it, its moves as events. Noted as they come,
 * written at the end. */
#include <time.h>

#include "base/alloc.h"
#include "config/value.h"
#include "core/exporter.h"
#include "core/request_private.h"

enum { MOVES_MAX = 32, NAME_MAX_BYTES = 2 * WEIR_NAME_MAX + 32, NS_PER_S = 1000000000 };

struct traced_attempt {
	uint64_t span, began_ns, first_ns, ended_ns; /* uv_hrtime; 0: not yet */
	struct weir_usage usage;
	bool counted;
	char model[WEIR_EXCHANGE_MODEL_MAX]; /* as the provider says it */
};

struct traced_move {
	uint64_t at_ns;
	struct weir_move move; /* but for what lives less long than the request */
	struct weir_record from;
};

struct weir_trace {
	struct weir_trace_context self;
	uint64_t parent;    /* 0: none */
	uint64_t offset_ns; /* from uv_hrtime to the time since 1970 */
	unsigned moves_n, moves_lost;
	struct traced_move moves[MOVES_MAX];
	struct traced_attempt attempts[WEIR_ATTEMPTS_MAX];
};

static uint64_t new_id(struct weir_gateway *g)
{
	uint64_t id;

	do
		id = weir_rng_next(&g->rng);
	while (!id);
	return id;
}

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void weir_request_trace_begin(struct weir_request *r, const struct weir_trace_context *parent)
{
	struct weir_gateway *g = r->gateway;
	struct weir_trace_context self = { 0 };
	bool known = parent->span != 0;

	if (!g->exporter)
		return;
	self.high = known ? parent->high : new_id(g);
	self.low = known ? parent->low : new_id(g);
	self.span = new_id(g);
	self.sampled = weir_sampler_keeps(&weir_exporter_otel(g->exporter)->sampler,
					  known ? parent : NULL, self.low);
	/* One that is not kept may have to be passed on as such. */
	if (!self.sampled && !r->config->any_traceparent)
		return;
	r->trace = weir_calloc(1, sizeof *r->trace);
	if (!r->trace)
		return;
	r->trace->self = self;
	r->trace->parent = parent->span;
	r->trace->offset_ns = wall_ns() - r->began_ns;
}

void weir_request_trace_free(struct weir_request *r)
{
	weir_free(r->trace);
	r->trace = NULL;
}

bool weir_request_trace_id(const struct weir_request *r, char out[WEIR_TRACE_ID_DIGITS + 1])
{
	if (!r->trace || !r->trace->self.sampled)
		return false;
	weir_trace_id_print(&r->trace->self, out);
	return true;
}

void weir_request_trace_attempt(struct weir_request *r, unsigned attempt)
{
	if (!r->trace)
		return;
	r->trace->attempts[attempt].span = new_id(r->gateway);
	r->trace->attempts[attempt].began_ns = uv_hrtime();
}

const char *weir_request_traceparent(const struct weir_request *r, unsigned attempt,
				     char out[WEIR_TRACEPARENT_LEN + 1])
{
	struct weir_trace_context context;

	if (!r->trace || !r->records[attempt].target->provider->traceparent)
		return NULL;
	context = r->trace->self;
	context.span = r->trace->attempts[attempt].span;
	weir_traceparent_print(&context, out);
	return out;
}

void weir_request_trace_listen(struct weir_request *r, struct weir_attempt *attempt)
{
	if (r->trace)
		attempt->exchange.model = r->trace->attempts[attempt->number].model;
}

void weir_request_trace_first(struct weir_request *r, unsigned attempt)
{
	if (r->trace)
		r->trace->attempts[attempt].first_ns = uv_hrtime();
}

void weir_request_trace_attempt_end(struct weir_request *r, unsigned attempt,
				    const struct weir_exchange *x)
{
	struct traced_attempt *traced;

	if (!r->trace)
		return;
	traced = &r->trace->attempts[attempt];
	traced->ended_ns = uv_hrtime();
	if (!x)
		return;
	traced->counted = x->usage;
	traced->usage = x->tokens;
}

void weir_request_trace_move(struct weir_request *r, const struct weir_move *move)
{
	struct traced_move *traced;

	if (!r->trace)
		return;
	if (r->trace->moves_n == MOVES_MAX) {
		r->trace->moves_lost++;
		return;
	}
	traced = &r->trace->moves[r->trace->moves_n++];
	traced->at_ns = uv_hrtime();
	traced->move = *move;
	traced->from = *move->from;
}

/* ---- telling ---- */

static uint64_t unix_ns(const struct weir_trace *t, uint64_t hr_ns)
{
	return t->offset_ns + hr_ns;
}

/* As the conventions have them; of others the provider's own name. */
static const char *provider_name(const struct weir_provider *provider)
{
	static const char *const words[][2] = {
		{ "azure", "azure.ai.openai" },
		{ "bedrock", "aws.bedrock" },
		{ "gemini", "gcp.gemini" },
		{ "gemini-openai", "gcp.gemini" },
		{ "mistral", "mistral_ai" },
		{ "vertex", "gcp.vertex_ai" },
		{ "xai", "x_ai" },
	};
	const char *name = provider->vendor ? provider->vendor->name : provider->name;

	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++)
		if (strcmp(name, words[i][0]) == 0)
			return words[i][1];
	return name;
}

static const char *operation(enum weir_route route)
{
	switch (route) {
	case WEIR_ROUTE_COMPLETIONS:
		return "text_completion";
	case WEIR_ROUTE_EMBEDDINGS:
		return "embeddings";
	case WEIR_ROUTE_COUNT:
		return "count_tokens";
	case WEIR_ROUTE_CHAT:
	case WEIR_ROUTE_RESPONSES:
	case WEIR_ROUTE_MESSAGES:
	case WEIR_ROUTE_NATIVE:
	case WEIR_ROUTE_N:
		break;
	}
	return "chat";
}

static void put_name(struct weir_span_pen *pen, const char *key, const struct weir_target *target,
		     unsigned of_keys)
{
	char name[NAME_MAX_BYTES];

	weir_target_name(target, of_keys, name, sizeof name);
	weir_span_str(pen, key, name);
}

static void put_usage(struct weir_span_pen *pen, const struct weir_usage *usage)
{
	weir_span_u64(pen, "gen_ai.usage.input_tokens", usage->in);
	weir_span_u64(pen, "gen_ai.usage.output_tokens", usage->out);
	if (usage->cached)
		weir_span_u64(pen, "gen_ai.usage.cache_read.input_tokens", usage->cached);
	if (usage->written)
		weir_span_u64(pen, "gen_ai.usage.cache_creation.input_tokens", usage->written);
	if (usage->reasoning)
		weir_span_u64(pen, "gen_ai.usage.reasoning.output_tokens", usage->reasoning);
}

static void put_attempt(struct weir_span_pen *pen, const struct weir_request *r, unsigned n)
{
	const struct weir_record *record = &r->records[n];
	const struct traced_attempt *traced = &r->trace->attempts[n];
	const struct weir_target *target = record->target;

	weir_span_str(pen, "gen_ai.operation.name", operation(r->route));
	weir_span_str(pen, "gen_ai.provider.name", provider_name(target->provider));
	weir_span_str(pen, "gen_ai.request.model", target->model);
	if (r->body.stream)
		weir_span_bool(pen, "gen_ai.request.stream", true);
	if (r->body.stream && traced->first_ns)
		weir_span_seconds(pen, "gen_ai.response.time_to_first_chunk",
				  traced->first_ns - traced->began_ns);
	if (traced->model[0])
		weir_span_str(pen, "gen_ai.response.model", traced->model);
	if (traced->counted)
		put_usage(pen, &traced->usage);
	weir_span_str(pen, "server.address", target->provider->host);
	weir_span_u64(pen, "server.port", target->provider->port);
	if (record->status)
		weir_span_u64(pen, "http.response.status_code", record->status);
	if (n)
		weir_span_u64(pen, "http.request.resend_count", n);
	if (record->outcome != WEIR_OUT_OK)
		weir_span_str(pen, "error.type", weir_outcome_name(record->outcome));
	put_name(pen, "weir.target", target, record->key);
	weir_span_u64(pen, "weir.attempt", n + 1);
	weir_span_str(pen, "weir.class", weir_outcome_name(record->outcome));
	weir_span_str(pen, "weir.reason", record->reason);
}

static bool has_failed(const struct weir_record *record)
{
	return record->outcome != WEIR_OUT_OK && record->outcome != WEIR_OUT_HANGUP;
}

static void tell_attempt(struct weir_request *r, unsigned n)
{
	const struct weir_record *record = &r->records[n];
	const struct traced_attempt *traced = &r->trace->attempts[n];
	struct weir_span span = {
		.context = r->trace->self,
		.parent = r->trace->self.span,
		.kind = WEIR_SPAN_CLIENT,
		.start_ns = unix_ns(r->trace, traced->began_ns),
		.end_ns = unix_ns(r->trace, traced->ended_ns),
	};
	struct weir_buf *buf = weir_exporter_room(r->gateway->exporter);
	struct weir_span_pen pen;

	if (!buf)
		return;
	span.context.span = traced->span;
	weir_span_begin(&pen, buf, &span, operation(r->route), record->target->model);
	put_attempt(&pen, r, n);
	weir_exporter_took(r->gateway->exporter,
			   weir_span_end(&pen, has_failed(record) ? record->reason : NULL, 0));
}

static void put_moves(struct weir_span_pen *pen, const struct weir_trace *t)
{
	char name[32];

	for (unsigned i = 0; i < t->moves_n; i++) {
		const struct weir_move *move = &t->moves[i].move;
		const struct weir_record *from = &t->moves[i].from;

		snprintf(name, sizeof name, "weir.%s", move->event);
		weir_span_event(pen, name, unix_ns(t, t->moves[i].at_ns));
		put_name(pen, "weir.from", from->target, from->key);
		put_name(pen, "weir.to", move->to, move->to_key);
		weir_span_str(pen, "weir.class", move->move_class);
		if (from->reason)
			weir_span_str(pen, "weir.reason", from->reason);
		weir_span_u64(pen, "weir.attempt", move->attempt);
	}
}

/* Why it came to nothing, in one word; NULL: it did not. */
static const char *error_of(const struct weir_request *r)
{
	if (r->outcome == WEIR_REQUEST_HANGUP)
		return "hangup";
	if (r->outcome != WEIR_REQUEST_EXHAUSTED)
		return NULL;
	return r->records_n ? weir_outcome_name(r->records[r->left].outcome) : "no_usable_target";
}

static void put_request(struct weir_span_pen *pen, const struct weir_request *r)
{
	const struct weir_chain *chain = r->route_plan.chain;
	const char *error = error_of(r);
	char dollars[32];

	weir_span_str(pen, "http.request.method", "POST");
	weir_span_str(pen, "http.route", weir_request_path(r->route));
	weir_span_str(pen, "url.path", weir_request_path(r->route));
	weir_span_str(pen, "url.scheme", "http");
	if (r->answered)
		weir_span_u64(pen, "http.response.status_code", weir_answer_seen(r));
	if (error)
		weir_span_str(pen, "error.type", error);
	weir_span_str(pen, "weir.request_id", r->id);
	weir_span_str(pen, "weir.chain", chain ? chain->name : "other");
	if (r->body.model)
		weir_span_str(pen, "weir.model", r->body.model);
	weir_span_str(pen, "weir.outcome", weir_request_outcome_name(r->outcome));
	weir_span_u64(pen, "weir.attempts", r->records_n);
	weir_span_u64(pen, "weir.fallbacks", r->failover.fallbacks);
	if (r->committed)
		put_name(pen, "weir.target", r->records[r->server].target,
			 r->records[r->server].key);
	if (r->committed && r->cost_nano != WEIR_PRICE_UNKNOWN) {
		weir_value_print_dollars(r->cost_nano, dollars, sizeof dollars);
		weir_span_number(pen, "weir.cost_usd", dollars);
	}
	put_moves(pen, r->trace);
}

void weir_request_trace_end(struct weir_request *r)
{
	struct weir_exporter *e = r->gateway->exporter;
	struct weir_span span = { .parent_remote = true, .kind = WEIR_SPAN_SERVER };
	struct weir_span_pen pen;
	struct weir_buf *buf;

	if (!r->trace || !r->trace->self.sampled || !e)
		return;
	span.context = r->trace->self;
	span.parent = r->trace->parent;
	span.start_ns = unix_ns(r->trace, r->began_ns);
	span.end_ns = unix_ns(r->trace, uv_hrtime());
	buf = weir_exporter_room(e);
	if (buf) {
		weir_span_begin(&pen, buf, &span, "POST", weir_request_path(r->route));
		put_request(&pen, r);
		weir_exporter_took(
			e, weir_span_end(&pen,
					 r->outcome == WEIR_REQUEST_EXHAUSTED ? error_of(r) : NULL,
					 r->trace->moves_lost));
	}
	for (unsigned i = 0; i < r->records_n; i++)
		tell_attempt(r, i);
}

#include "core/metrics_pen.h"
#include "core/metrics_private.h"
#include "net/pool.h"

#define put        weir_metrics_put
#define put_family weir_metrics_put_family

/* One series per target and key. */
typedef void put_health(struct weir_metrics_pen *t, const char *name, const struct weir_health *h,
			uint64_t now_ms);

static void put_each(struct weir_metrics_pen *t, const struct weir_standing *now,
		     put_health *put_one)
{
	for (unsigned i = 0; i < now->config->targets_n; i++) {
		const struct weir_target *target = now->config->targets[i];
		unsigned keys = target->provider->keys_n ? target->provider->keys_n : 1;

		for (unsigned k = 0; k < keys; k++) {
			const struct weir_health *h = weir_board_health(now->board, target, k);
			char name[2 * WEIR_NAME_MAX + 16];

			weir_target_name(target, k, name, sizeof name);
			weir_shm_enter(now->shm);
			if (h)
				put_one(t, weir_metrics_label(name), h, now->now_ms);
			weir_shm_leave(now->shm);
		}
	}
}

static void put_inflight(struct weir_metrics_pen *t, const char *name, const struct weir_health *h,
			 uint64_t now_ms)
{
	(void)now_ms;
	put(t, "weir_inflight_attempts{target=\"%s\"} %u\n", name, h->inflight);
}

static void put_breaker(struct weir_metrics_pen *t, const char *name, const struct weir_health *h,
			uint64_t now_ms)
{
	(void)now_ms;
	for (unsigned s = 0; s < WEIR_BREAKER_N; s++)
		put(t, "weir_breaker_state{target=\"%s\",state=\"%s\"} %d\n", name,
		    weir_breaker_state_name((enum weir_breaker_state)s), h->breaker.state == s);
}

static void put_moves(struct weir_metrics_pen *t, const char *name, const struct weir_health *h,
		      uint64_t now_ms)
{
	(void)now_ms;
	for (unsigned s = 0; s < WEIR_BREAKER_N; s++)
		put(t, "weir_breaker_transitions_total{target=\"%s\",to=\"%s\"} %u\n", name,
		    weir_breaker_state_name((enum weir_breaker_state)s), h->breaker.moves[s]);
}

static struct weir_answer_to ask(const struct weir_health *h, uint64_t now_ms)
{
	struct weir_asking asking = { .now_ms = now_ms, .left_ms = WEIR_NEVER };

	return weir_health_ask(h, &asking);
}

static void put_up(struct weir_metrics_pen *t, const char *name, const struct weir_health *h,
		   uint64_t now_ms)
{
	put(t, "weir_target_up{target=\"%s\"} %d\n", name,
	    ask(h, now_ms).leave > WEIR_LEAVE_BENCHED);
}

static void put_benched(struct weir_metrics_pen *t, const char *name, const struct weir_health *h,
			uint64_t now_ms)
{
	static const enum weir_outcome reasons[] = { WEIR_OUT_CREDENTIALS, WEIR_OUT_QUOTA,
						     WEIR_OUT_RATE_LIMITED, WEIR_OUT_OVERLOADED,
						     WEIR_OUT_NOT_HERE };
	struct weir_answer_to a = ask(h, now_ms);

	for (unsigned i = 0; i < WEIR_COUNT_OF(reasons); i++)
		put(t, "weir_target_benched{target=\"%s\",class=\"%s\"} %d\n", name,
		    weir_outcome_name(reasons[i]),
		    a.leave == WEIR_LEAVE_BENCHED && a.why == reasons[i]);
}

/* Shared by a target's keys. */
static void put_budgets(struct weir_metrics_pen *t, const struct weir_standing *now)
{
	put_family(t, "weir_retry_budget_left", "gauge",
		   "Tries in place that a target may still have: a tenth of its successes.");
	for (unsigned i = 0; i < now->config->targets_n; i++) {
		const struct weir_target *target = now->config->targets[i];
		const struct weir_health *h = weir_board_health(now->board, target, 0);

		if (h)
			put(t, "weir_retry_budget_left{target=\"%s\"} %u\n",
			    weir_metrics_label(target->id),
			    h->model->budget.tokens / WEIR_BUDGET_PER_RETRY);
	}
}

static bool is_first(const struct weir_standing *now, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (now->origins[i] == now->origins[index])
			return false;
	return true;
}

/* Of an address that several providers share, once. */
static void put_connections(struct weir_metrics_pen *t, const struct weir_standing *now)
{
	put_family(t, "weir_upstream_connections", "gauge", "Connections to an address, by state.");
	for (unsigned i = 0; i < now->config->providers_n; i++) {
		const struct weir_provider *p = now->config->providers[i];
		const struct weir_origin *origin = now->origins ? now->origins[i] : NULL;
		const unsigned counts[] = { origin ? weir_origin_idle(origin) : 0,
					    origin ? weir_origin_active(origin) : 0 };
		static const char *const states[] = { "idle", "active" };

		for (size_t s = 0; origin && is_first(now, i) && s < WEIR_COUNT_OF(states); s++)
			put(t,
			    "weir_upstream_connections{provider=\"%s\",address=\"%s:%u\","
			    "state=\"%s\"} %u\n",
			    weir_metrics_label(p->name), weir_metrics_label(p->host), p->port,
			    states[s], counts[s]);
	}
}

static void put_streams(struct weir_metrics_pen *t, const struct weir_standing *now)
{
	put_family(t, "weir_upstream_streams", "gauge",
		   "Attempts that share a connection to an address, by HTTP/2.");
	for (unsigned i = 0; i < now->config->providers_n; i++) {
		const struct weir_provider *p = now->config->providers[i];
		const struct weir_origin *origin = now->origins ? now->origins[i] : NULL;

		if (origin && is_first(now, i))
			put(t, "weir_upstream_streams{provider=\"%s\",address=\"%s:%u\"} %u\n",
			    weir_metrics_label(p->name), weir_metrics_label(p->host), p->port,
			    weir_origin_streams(origin));
	}
}

void weir_metrics_put_targets(struct weir_metrics_pen *t, const struct weir_standing *now)
{
	put_family(t, "weir_inflight_attempts", "gauge", "Upstream calls under way.");
	put_each(t, now, put_inflight);
	put_family(t, "weir_target_up", "gauge",
		   "1 for a target that a request may be sent to: its breaker is not open, and it "
		   "is neither set aside nor disabled.");
	put_each(t, now, put_up);
	put_family(t, "weir_target_benched", "gauge",
		   "1 for what a target is set aside for, until a time that it said or we guess.");
	put_each(t, now, put_benched);
	put_family(t, "weir_breaker_state", "gauge", "1 for the state a target's breaker is in.");
	put_each(t, now, put_breaker);
	put_family(t, "weir_breaker_transitions_total", "counter",
		   "How often a target's breaker came into a state.");
	put_each(t, now, put_moves);
	put_budgets(t, now);
	put_connections(t, now);
	put_streams(t, now);
}

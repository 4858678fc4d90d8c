#include "core/metrics_private.h"
#include "weir.h"

/* How a target stands, in the words of the product. */
struct words {
	const char *state;
	const char *reason; /* NULL: none */
	bool until_known;
	uint64_t until_ms; /* from now */
};

/* As a request of that chain would hear it; a stream's latency is another. */
static struct weir_answer_to ask(const struct weir_health *h, const struct weir_chain *chain,
				 uint64_t now_ms)
{
	struct weir_asking asking = {
		.now_ms = now_ms,
		.left_ms = WEIR_NEVER,
		.drift_percent = chain->drift_percent,
	};
	struct weir_answer_to a = weir_health_ask(h, &asking);

	asking.stream = true;
	return a.leave == WEIR_LEAVE_YES ? weir_health_ask(h, &asking) : a;
}

static struct words words_for(const struct weir_health *h, const struct weir_chain *chain,
			      uint64_t now_ms)
{
	struct weir_answer_to a = ask(h, chain, now_ms);
	struct words s = { .state = "healthy" };

	switch (a.leave) {
	case WEIR_LEAVE_DISABLED:
		return (struct words){ .state = "disabled", .reason = "by an operator" };
	case WEIR_LEAVE_OPEN:
	case WEIR_LEAVE_PROBE:
		s.state = h->breaker.state == WEIR_BREAKER_OPEN ? "open" : "probing";
		s.reason = weir_breaker_state_name(h->breaker.state);
		break;
	case WEIR_LEAVE_BENCHED:
		s.state = "benched";
		s.reason = weir_outcome_name(a.why);
		break;
	case WEIR_LEAVE_AT_CAP:
		s.state = "at_cap";
		break;
	case WEIR_LEAVE_RAMPING:
		s.state = "ramping";
		break;
	case WEIR_LEAVE_GROUP:
	case WEIR_LEAVE_DRIFTING:
	case WEIR_LEAVE_SHORT:
	case WEIR_LEAVE_TOO_SLOW:
		s.reason = weir_leave_reason(a.leave);
		break;
	case WEIR_LEAVE_YES:
	case WEIR_LEAVE_UNFIT: /* of a request, never of a target */
	case WEIR_LEAVE_N:
		if (weir_breaker_ramp_percent(&h->breaker, now_ms) < 100)
			s.state = "ramping";
		break;
	}
	s.until_known = a.leave <= WEIR_LEAVE_BENCHED && a.return_ms > now_ms &&
			a.return_ms != WEIR_NEVER;
	s.until_ms = s.until_known ? a.return_ms - now_ms : 0;
	return s;
}

static int put_target(struct weir_buf *out, const struct weir_standing *now,
		      const struct weir_chain *chain, const struct weir_member *member)
{
	const struct weir_target *target = now->config->targets[member->target];
	const struct weir_health *h = member->health;
	struct words s = words_for(h, chain, now->now_ms);
	char id[2 * WEIR_NAME_MAX + 16];
	int rc = weir_buf_puts(out, "{\"target\":");

	weir_target_name(target, member->key, id, sizeof id);
	if (rc || (rc = weir_buf_json(out, weir_slice_of(id))) ||
	    (rc = weir_buf_printf(out, ",\"state\":\"%s\",\"reason\":", s.state)) ||
	    (rc = s.reason ? weir_buf_json(out, weir_slice_of(s.reason))
			   : weir_buf_puts(out, "null")) ||
	    (rc = s.until_known ? weir_buf_printf(out, ",\"until_ms\":%llu",
						  (unsigned long long)s.until_ms)
				: weir_buf_puts(out, ",\"until_ms\":null")))
		return rc;
	return weir_buf_printf(out, ",\"inflight\":%u,\"attempts\":%llu,\"failures\":%llu}",
			       h->inflight, (unsigned long long)h->attempts,
			       (unsigned long long)h->failures);
}

static int put_step(struct weir_buf *out, const struct weir_standing *now,
		    const struct weir_chain *chain, unsigned step)
{
	const struct weir_balancer *pool = weir_board_step(now->board, chain, step);
	int rc = weir_buf_puts(out, "[");

	for (unsigned i = 0; i < pool->members_n && rc == 0; i++)
		if (i == 0 || (rc = weir_buf_puts(out, ",")) == 0)
			rc = put_target(out, now, chain, &pool->members[i]);
	return rc ? rc : weir_buf_puts(out, "]");
}

static int put_chain(struct weir_buf *out, const struct weir_standing *now,
		     const struct weir_chain *chain)
{
	int rc = weir_buf_puts(out, "{\"name\":");

	if (rc || (rc = weir_buf_json(out, weir_slice_of(chain->name))) ||
	    (rc = weir_buf_puts(out, ",\"steps\":[")))
		return rc;
	for (unsigned i = 0; i < chain->steps_n && rc == 0; i++)
		if (i == 0 || (rc = weir_buf_puts(out, ",")) == 0)
			rc = put_step(out, now, chain, i);
	return rc ? rc : weir_buf_puts(out, "]}");
}

int weir_metrics_status(const struct weir_metrics *m, const struct weir_standing *now,
			struct weir_buf *out)
{
	const struct weir_config *config = now->config;
	int rc = weir_buf_printf(
		out,
		"{\"version\":\"%s\",\"uptime_s\":%llu,\"generation\":%u,\"draining\":%s,"
		"\"inflight\":%u,\"totals\":{\"requests\":%llu,\"fallbacks\":%llu,"
		"\"errors\":%llu},\"chains\":[",
		weir_version(), (unsigned long long)now->uptime_s, now->generation,
		now->draining ? "true" : "false", m->inflight, (unsigned long long)m->requests,
		(unsigned long long)m->fallbacks, (unsigned long long)m->errors);

	for (unsigned i = 0; i < config->chains_n && rc == 0; i++)
		if (i == 0 || (rc = weir_buf_puts(out, ",")) == 0)
			rc = put_chain(out, now, config->chains[i]);
	if (rc || (rc = weir_buf_puts(out, "],\"reload\":")))
		return rc;
	rc = now->reload.len ? weir_buf_append(out, now->reload.base, now->reload.len)
			     : weir_buf_puts(out, "null");
	return rc ? rc : weir_buf_puts(out, "}\n");
}

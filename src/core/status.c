#include "core/metrics_private.h"
#include "weir.h"

static int put_target(struct weir_buf *out, const struct weir_metrics *m,
		      const struct weir_target *target)
{
	struct weir_target_metrics none = { 0 };
	const struct weir_target_metrics *t = target->index < m->targets_n
						      ? &m->targets[target->index]
						      : &none;
	bool capped = target->max_inflight && t->inflight >= target->max_inflight;
	int rc = weir_buf_puts(out, "{\"target\":");

	if (rc == 0)
		rc = weir_buf_json(out, weir_slice_of(target->id));
	if (rc)
		return rc;
	return weir_buf_printf(out,
			       ",\"state\":\"%s\",\"reason\":null,\"until_ms\":null,"
			       "\"inflight\":%u,\"attempts\":%llu,\"failures\":%llu}",
			       capped ? "at_cap" : "healthy", t->inflight,
			       (unsigned long long)t->attempts, (unsigned long long)t->failures);
}

static int put_chain(struct weir_buf *out, const struct weir_metrics *m,
		     const struct weir_chain *chain)
{
	int rc = weir_buf_puts(out, "{\"name\":");

	if (rc || (rc = weir_buf_json(out, weir_slice_of(chain->name))) ||
	    (rc = weir_buf_puts(out, ",\"steps\":[")))
		return rc;
	for (unsigned i = 0; i < chain->steps_n; i++)
		if ((rc = weir_buf_puts(out, i ? ",[" : "[")) ||
		    (rc = put_target(out, m, chain->steps[i].target)) ||
		    (rc = weir_buf_puts(out, "]")))
			return rc;
	return weir_buf_puts(out, "]}");
}

int weir_metrics_status(const struct weir_metrics *m, const struct weir_config *config,
			uint64_t uptime_s, bool draining, struct weir_buf *out)
{
	int rc = weir_buf_printf(out,
				 "{\"version\":\"%s\",\"uptime_s\":%llu,\"generation\":1,"
				 "\"draining\":%s,\"inflight\":%u,\"totals\":{\"requests\":%llu,"
				 "\"fallbacks\":%llu,\"errors\":%llu},\"chains\":[",
				 weir_version(), (unsigned long long)uptime_s,
				 draining ? "true" : "false", m->inflight,
				 (unsigned long long)m->requests, (unsigned long long)m->fallbacks,
				 (unsigned long long)m->errors);

	for (unsigned i = 0; i < config->chains_n && rc == 0; i++)
		if (i == 0 || (rc = weir_buf_puts(out, ",")) == 0)
			rc = put_chain(out, m, config->chains[i]);
	return rc ? rc : weir_buf_puts(out, "]}\n");
}

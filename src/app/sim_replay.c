#include "app/sim_replay.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/app.h"
#include "app/sim_log.h"
#include "base/alloc.h"

enum { OUT_MAX = 4 * 1024 * 1024, NAMES = 26 };

/* One line of the result. */
struct trade {
	const char *chain;
	const char *missing; /* a target that the log does not know; NULL: none */
	bool logged;         /* as it was: of that, less is known */
	bool priced;
	uint64_t offered, good, calls, fallbacks, cost_nano;
	struct weir_tally first_ms;
};

struct replay {
	const struct weir_sim_replay_order *order;
	const struct weir_config *config;
	struct weir_sim_log log;
	struct weir_site sites[WEIR_BOOK_TARGETS_MAX];
	struct weir_traffic_target targets[WEIR_BOOK_TARGETS_MAX];
	struct weir_book book;
	struct trade trade;
	struct weir_buf out;
	unsigned shown, refused;
};

static size_t attempts_at(const struct replay *r, const struct weir_target *target)
{
	const struct weir_sim_past *past = &r->log.pasts[target->index];

	return past->n[0] + past->n[1];
}

static const char *missing_of(const struct replay *r, const struct weir_sim_chain *c)
{
	for (unsigned i = 0; i < c->targets_n; i++)
		if (!attempts_at(r, c->targets[i]))
			return c->targets[i]->id;
	return NULL;
}

static bool is_priced(const struct replay *r, const struct weir_sim_chain *c)
{
	bool priced = r->log.tokens_known > 0;

	for (unsigned i = 0; i < c->targets_n; i++)
		priced &= c->targets[i]->facts.price_in != WEIR_PRICE_UNKNOWN &&
			  c->targets[i]->facts.price_out != WEIR_PRICE_UNKNOWN;
	return priced;
}

static int run(struct replay *r, struct weir_sim_chain *c)
{
	struct weir_traffic traffic = {
		.policy = WEIR_POLICY_WEIR,
		.seed = r->order->seed,
		.ms = r->log.ms,
		.callers = { .arrivals = WEIR_ARRIVE_LISTED,
			     .list = r->log.arrivals,
			     .list_n = r->log.arrivals_n },
		.targets = r->targets,
		.targets_n = c->targets_n,
		.sites = r->sites,
		.sites_n = c->targets_n,
	};
	int rc = weir_sim_chain_begin(c, 1);

	if (rc)
		return rc;
	weir_sim_chain_targets(c, r->targets);
	for (unsigned i = 0; i < c->targets_n; i++) {
		const struct weir_sim_past *past = &r->log.pasts[c->targets[i]->index];

		r->targets[i].site = i;
		r->sites[i] = (struct weir_site){ .name = c->targets[i]->id };
		for (unsigned stream = 0; stream < 2; stream++)
			r->sites[i].past[stream] = (struct weir_series){ past->list[stream],
									 past->n[stream] };
	}
	return weir_sim_chain_run(c, &traffic, &r->book);
}

static void settle(struct replay *r, const struct weir_sim_chain *c)
{
	r->trade.priced = is_priced(r, c);
	r->trade.offered = r->book.offered;
	r->trade.good = r->book.good;
	r->trade.calls = r->book.calls;
	r->trade.fallbacks = r->book.fallbacks;
	r->trade.cost_nano = r->book.cost_nano;
	r->trade.first_ms = r->book.first_ms;
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static int put_line(struct weir_buf *out, const struct trade *t)
{
	char fallbacks[24] = "-", cost[32] = "not known";

	if (t->missing)
		return weir_buf_printf(out, "  %-*.*s  refused: the log has no attempt at %s\n",
				       NAMES, NAMES, t->chain, t->missing);
	if (!t->logged)
		snprintf(fallbacks, sizeof fallbacks, "%" PRIu64, t->fallbacks);
	if (t->priced)
		snprintf(cost, sizeof cost, "$%.4f", (double)t->cost_nano / 1e9);
	return weir_buf_printf(
		out, "  %-*.*s%10.3f %%%9" PRIu64 " ms%9" PRIu64 " ms%10.3f%11s%15s\n", NAMES,
		NAMES, t->chain, 100 * share(t->good, t->offered), weir_tally_at(&t->first_ms, 500),
		weir_tally_at(&t->first_ms, 990), share(t->calls, t->offered), fallbacks, cost);
}

static int put_json(struct weir_buf *out, const struct trade *t)
{
	int rc;

	if ((rc = weir_buf_puts(out, "{\"chain\":")) ||
	    (rc = weir_buf_json(out, weir_slice_of(t->chain))))
		return rc;
	if (t->missing) {
		if ((rc = weir_buf_puts(out, ",\"refused\":")) ||
		    (rc = weir_buf_json(out, weir_slice_of(t->missing))))
			return rc;
		return weir_buf_puts(out, "}");
	}
	rc = weir_buf_printf(out,
			     ",\"requests\":%" PRIu64 ",\"availability\":%.5f,"
			     "\"first_content_ms\":{\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 "},"
			     "\"calls_per_request\":%.4f",
			     t->offered, share(t->good, t->offered),
			     weir_tally_at(&t->first_ms, 500), weir_tally_at(&t->first_ms, 990),
			     share(t->calls, t->offered));
	if (rc || t->logged)
		return rc ? rc : weir_buf_puts(out, "}");
	rc = weir_buf_printf(out, ",\"fallbacks\":%" PRIu64 ",\"cost_usd\":", t->fallbacks);
	if (rc)
		return rc;
	return t->priced ? weir_buf_printf(out, "%.6f}", (double)t->cost_nano / 1e9)
			 : weir_buf_puts(out, "null}");
}

static int put_trade(struct replay *r)
{
	int rc = 0;

	if (r->order->json && r->shown + r->refused)
		rc = weir_buf_puts(&r->out, ",");
	r->shown += !r->trade.missing;
	r->refused += r->trade.missing != NULL;
	if (rc)
		return rc;
	return r->order->json ? put_json(&r->out, &r->trade) : put_line(&r->out, &r->trade);
}

static int put_candidate(struct replay *r, const char *name)
{
	struct weir_sim_chain c;
	int rc = 0;

	if (!weir_sim_chain_find(&c, r->config, name)) {
		weir_sim_chain_fini(&c);
		return WEIR_ENOMEM; /* its name has been looked up before */
	}
	r->trade = (struct trade){ .chain = name, .missing = missing_of(r, &c) };
	r->book = (struct weir_book){ .buckets = NULL };
	if (!r->trade.missing)
		rc = run(r, &c);
	if (rc == 0) {
		settle(r, &c);
		rc = put_trade(r);
	}
	weir_book_fini(&r->book);
	weir_sim_chain_fini(&c);
	return rc;
}

static int put_candidates(struct replay *r)
{
	unsigned n = r->order->chains_n ? r->order->chains_n : r->config->chains_n;
	int rc = 0;

	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = put_candidate(r, r->order->chains_n ? r->order->chains[i]
							 : r->config->chains[i]->name);
	return rc;
}

static int put_basis(const struct replay *r, struct weir_buf *out)
{
	bool json = r->order->json;
	int rc = json ? weir_buf_printf(out,
					"{\"requests\":%zu,\"ms\":%" PRIu64 ",\"left_out\":%" PRIu64
					",\"unread\":%" PRIu64 ",\"seed\":%" PRIu64
					",\"attempts\":{",
					r->log.arrivals_n, r->log.ms, r->log.left_out,
					r->log.unread, r->order->seed)
		      : weir_buf_printf(out,
					"%s: %zu requests in %.0f s, %" PRIu64
					" left out (their caller left, or was wrong)\n"
					"what targets do rests on\n",
					r->order->log, r->log.arrivals_n, (double)r->log.ms / 1000,
					r->log.left_out);
	bool first = true;

	for (unsigned i = 0; i < r->config->targets_n && rc == 0; i++) {
		size_t n = attempts_at(r, r->config->targets[i]);

		if (!json) {
			rc = weir_buf_printf(out, "  %zu attempts at %s\n", n,
					     r->config->targets[i]->id);
			continue;
		}
		if ((!first && (rc = weir_buf_puts(out, ","))) ||
		    (rc = weir_buf_json(out, weir_slice_of(r->config->targets[i]->id))))
			break;
		rc = weir_buf_printf(out, ":%zu", n);
		first = false;
	}
	return rc;
}

static int put_logged(struct replay *r)
{
	r->trade = (struct trade){
		.chain = "(as logged)",
		.logged = true,
		.offered = r->log.arrivals_n,
		.good = r->log.good,
		.calls = r->log.calls,
		.first_ms = r->log.first_ms,
	};
	if (r->order->json)
		return put_json(&r->out, &r->trade);
	return put_line(&r->out, &r->trade);
}

static int put_all(struct replay *r)
{
	bool json = r->order->json;
	int rc = put_basis(r, &r->out);

	if (rc == 0)
		rc = json ? weir_buf_puts(&r->out, "},\"logged\":")
			  : weir_buf_printf(&r->out, "\n  %-*s%12s%12s%12s%10s%11s%15s\n", NAMES,
					    "chain", "answered", "p50", "p99", "calls", "fallbacks",
					    "cost");
	if (rc == 0)
		rc = put_logged(r);
	if (rc == 0 && json)
		rc = weir_buf_puts(&r->out, ",\"chains\":[");
	if (rc == 0)
		rc = put_candidates(r);
	return rc ? rc : json ? weir_buf_puts(&r->out, "]}\n") : 0;
}

static int fail(const struct replay *r, int rc)
{
	if (rc == WEIR_ECONFIG)
		fprintf(stderr, "weir sim: --from %s: cannot be read\n", r->order->log);
	else if (rc == WEIR_ELIMIT)
		fprintf(stderr, "weir sim: --from %s: more than can be replayed\n", r->order->log);
	else
		fprintf(stderr, "weir sim: out of memory\n");
	return rc == WEIR_ECONFIG ? WEIR_EXIT_USAGE : WEIR_EXIT_BAD;
}

static int replay(struct replay *r)
{
	int rc = weir_sim_log_read(&r->log, r->order->log, r->order->of, r->config);

	if (rc)
		return fail(r, rc);
	if (!r->log.arrivals_n) {
		fprintf(stderr,
			"weir sim: --from %s: no request in it that an attempt was made for; it "
			"takes the JSON lines that `weir serve` writes\n",
			r->order->log);
		return WEIR_EXIT_BAD;
	}
	rc = put_all(r);
	if (rc)
		return fail(r, rc);
	fwrite(r->out.base, 1, r->out.len, stdout);
	return r->shown && !(r->order->chains_n && r->refused) ? WEIR_EXIT_DONE : WEIR_EXIT_BAD;
}

int weir_sim_replay(const struct weir_sim_replay_order *order, const struct weir_config *config)
{
	struct replay *r = weir_calloc(1, sizeof *r);
	int code;

	for (unsigned i = 0; i < order->chains_n; i++)
		if (!weir_config_chain(config, weir_slice_of(order->chains[i]))) {
			fprintf(stderr, "weir sim: the configuration has no chain `%s`\n",
				order->chains[i]);
			weir_free(r);
			return WEIR_EXIT_USAGE;
		}
	if (!r) {
		fprintf(stderr, "weir sim: out of memory\n");
		return WEIR_EXIT_BAD;
	}
	r->order = order;
	r->config = config;
	weir_buf_init(&r->out, OUT_MAX);
	code = replay(r);
	weir_sim_log_fini(&r->log);
	weir_buf_fini(&r->out);
	weir_free(r);
	return code;
}

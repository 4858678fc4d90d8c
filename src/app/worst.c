#include "app/worst.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/board.h"
#include "config/report.h"
#include "config/value.h"

/* A chain's two proofs, of whole answers and of streams. */
struct worst {
	struct weir_proof proofs[2];
};

/* Figures with thousands apart: 3,812. */
struct figures {
	char text[32];
};

static struct figures figures_of(uint64_t n)
{
	struct figures f = { "" };
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			f.text[at++] = ',';
		f.text[at++] = digits[i];
	}
	return f;
}

/* In seconds, rounded up to a tenth. */
static struct figures seconds_of(uint64_t ms)
{
	struct figures f;
	uint64_t tenths = ms / 100 + (ms % 100 > 0);

	if (tenths % 10)
		snprintf(f.text, sizeof f.text, "%" PRIu64 ".%" PRIu64 " s", tenths / 10,
			 tenths % 10);
	else
		snprintf(f.text, sizeof f.text, "%" PRIu64 " s", tenths / 10);
	return f;
}

static void find_prices(const struct weir_config *config, const struct weir_plan *plan,
			struct weir_prove_price *prices)
{
	for (unsigned i = 0; i < plan->steps_n; i++) {
		const struct weir_balancer *pool = plan->steps[i].pool;

		for (unsigned k = 0; k < pool->members_n; k++) {
			unsigned target = pool->members[k].target;
			const struct weir_model_facts *facts = &config->targets[target]->facts;

			*prices++ = (struct weir_prove_price){ facts->price_in, facts->price_out };
		}
	}
}

static int prove(struct weir_prover *prover, struct weir_board *board,
		 const struct weir_config *config, const struct weir_chain *chain,
		 struct worst *worst)
{
	struct weir_prove_price prices[WEIR_MEMBERS_MAX];
	struct weir_plan plan;
	int rc = 0;

	for (unsigned stream = 0; stream < 2 && rc == 0; stream++) {
		weir_board_plan(board, chain, stream, &plan);
		find_prices(config, &plan, prices);
		rc = weir_prove(prover, &plan, prices, &worst->proofs[stream]);
	}
	return rc;
}

static const struct weir_proof *broken_one(const struct worst *worst)
{
	for (unsigned i = 0; i < 2; i++)
		if (worst->proofs[i].broken != WEIR_PROMISE_N)
			return &worst->proofs[i];
	return NULL;
}

/* The error that says how it was broken. */
static void report(const struct weir_chain *chain, const struct worst *worst,
		   struct weir_findings *findings)
{
	const struct weir_proof *broken = broken_one(worst);
	char key[WEIR_PATH_MAX];

	if (!broken)
		return;
	snprintf(key, sizeof key, "chains.%s", chain->name);
	weir_findings_add(findings, WEIR_FINDING_ERROR, chain->line, 1, "policy-violation", key,
			  "does not keep what weir promises (%s)%s: %s\nnothing in this file: it "
			  "is a bug of weir's, please report it",
			  weir_promise_text(broken->broken),
			  broken == &worst->proofs[1] ? " for streams" : "", broken->how);
}

static int put_bounds(struct weir_buf *out, const struct worst *worst)
{
	const struct weir_proof *whole = &worst->proofs[0], *stream = &worst->proofs[1];
	unsigned calls = whole->calls > stream->calls ? whole->calls : stream->calls;
	uint64_t cost = whole->cost > stream->cost ? whole->cost : stream->cost;
	char dollars[32];
	int rc;

	rc = weir_buf_printf(out, "at most %u call%s, %s", calls, calls == 1 ? "" : "s",
			     seconds_of(whole->answer_ms).text);
	if (rc == 0 && stream->answer_ms != whole->answer_ms)
		rc = weir_buf_printf(out, " (%s until a stream begins)",
				     seconds_of(stream->answer_ms).text);
	if (rc)
		return rc;
	if (cost == WEIR_COST_UNKNOWN)
		return weir_buf_puts(out, ", cost unknown");
	weir_value_print_dollars(cost / 1000 + (cost % 1000 > 0), dollars, sizeof dollars);
	return weir_buf_printf(out, ", $%s per 1k+1k tokens", dollars);
}

static int put_walk(struct weir_buf *out, const struct worst *worst)
{
	static const char *const remarks[] = {
		[WEIR_WALKED_PART] = " (not all; the figures are upper bounds)",
		[WEIR_WALKED_IN_ORDER] = " (all with healthy targets, not all with others; the "
					 "figures are upper bounds)",
		[WEIR_WALKED_ALL] = "",
	};
	const struct weir_proof *whole = &worst->proofs[0], *stream = &worst->proofs[1];
	enum weir_walked walked = whole->walked < stream->walked ? whole->walked : stream->walked;
	uint64_t paths = whole->paths > UINT64_MAX - stream->paths ? UINT64_MAX
								   : whole->paths + stream->paths;

	if (paths == 0)
		return weir_buf_puts(out, "; walked no paths (the figures are upper bounds)");
	return weir_buf_printf(out, "; walked %s paths%s: %s", figures_of(paths).text,
			       remarks[walked],
			       broken_one(worst) ? "breaks a promise, see policy-violation"
						 : "ends, in time, caller's fault never retried");
}

/* What comes by /v1/responses is not translated: where only some speak it, it has fewer steps. */
static int put_responses(struct weir_buf *out, const struct weir_chain *chain)
{
	unsigned all = 0, speak = 0;

	for (unsigned i = 0; i < chain->steps_n; i++)
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++, all++)
			speak += weir_provider_has_route(
				chain->steps[i].targets[k].target->provider, WEIR_ROUTE_RESPONSES);
	if (speak == 0 || speak == all)
		return weir_buf_puts(out, "\n");
	return weir_buf_printf(out, "; of %u targets only %u for /v1/responses\n", all, speak);
}

static int put_chain(struct weir_buf *out, const struct weir_chain *chain,
		     const struct worst *worst)
{
	int rc = weir_buf_printf(out, "chains.%s: ", chain->name);

	if (rc == 0)
		rc = put_bounds(out, worst);
	if (rc == 0)
		rc = put_walk(out, worst);
	return rc ? rc : put_responses(out, chain);
}

static int prove_all(struct weir_prover *prover, struct weir_board *board,
		     const struct weir_config *config, struct weir_findings *findings,
		     struct weir_buf *lines)
{
	int rc = 0;

	for (unsigned i = 0; i < config->chains_n && rc == 0; i++) {
		const struct weir_chain *chain = config->chains[i];
		struct worst worst;

		rc = prove(prover, board, config, chain, &worst);
		if (rc == 0)
			rc = put_chain(lines, chain, &worst);
		if (rc == 0)
			report(chain, &worst, findings);
	}
	weir_findings_sort(findings);
	return rc;
}

int weir_worst(const struct weir_config *config, weir_prove_step *step,
	       struct weir_findings *findings, struct weir_buf *lines)
{
	const struct weir_prover_options options = { .step = step };
	struct weir_prover *prover = NULL;
	struct weir_board *board;
	int rc = weir_board_create(&board, config);

	if (rc == 0)
		rc = weir_prover_create(&prover, &options);
	if (rc == 0)
		rc = prove_all(prover, board, config, findings, lines);
	weir_prover_destroy(prover);
	weir_board_destroy(board);
	return rc;
}

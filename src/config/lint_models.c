#include <inttypes.h>
#include <stdio.h>

#include "config/lint.h"
#include "config/value.h"

enum { JUMP = 3 }; /* times the price */

/* What the first step has of it: of several targets, what all of them have. */
struct first {
	uint64_t context_tokens; /* 0: not known */
	uint64_t price;          /* the highest; WEIR_PRICE_UNKNOWN */
	unsigned can;
};

static struct first first_of(const struct weir_step *step)
{
	struct first first = { 0, WEIR_PRICE_UNKNOWN, ~0u };

	for (unsigned i = 0; i < step->targets_n; i++) {
		const struct weir_model_facts *facts = &step->targets[i].target->facts;
		uint64_t price = weir_model_price(facts), context = facts->context_tokens;

		if (context && (!first.context_tokens || context < first.context_tokens))
			first.context_tokens = context;
		if (price != WEIR_PRICE_UNKNOWN &&
		    (first.price == WEIR_PRICE_UNKNOWN || price > first.price))
			first.price = price;
		first.can &= facts->can;
	}
	return first;
}

/* Tokenizers differ by more than a tenth. */
static void check_context(struct weir_reader *reader, const struct weir_node *node,
			  const struct weir_model_facts *facts, const struct first *first)
{
	if (facts->context_tokens && facts->context_tokens < first->context_tokens / 10 * 9)
		weir_reader_warn(reader, node, "smaller-context",
				 "takes %" PRIu64 " tokens, and the first step %" PRIu64
				 ": what is too long for it has no fallback here\nuse a model that "
				 "takes as much, or correct `context` under `models`",
				 facts->context_tokens, first->context_tokens);
}

static void check_price(struct weir_reader *reader, const struct weir_node *node,
			const struct weir_model_facts *facts, const struct first *first)
{
	uint64_t price = weir_model_price(facts);
	char here[32], there[32];

	if (price == WEIR_PRICE_UNKNOWN || first->price == WEIR_PRICE_UNKNOWN ||
	    first->price == 0 || price / JUMP <= first->price)
		return;
	weir_value_print_dollars(price, here, sizeof here);
	weir_value_print_dollars(first->price, there, sizeof there);
	weir_reader_warn(reader, node, "price-jump",
			 "a million tokens in and out cost %s dollars, and %s at the first "
			 "step\nuse a cheaper model, or correct the prices under `models`",
			 here, there);
}

static void check_abilities(struct weir_reader *reader, const struct weir_node *node,
			    const struct weir_model_facts *facts, const struct first *first)
{
	static const struct {
		enum weir_ability ability;
		const char *what;
	} rows[] = {
		{ WEIR_ABLE_IMAGES, "images" },       { WEIR_ABLE_TOOLS, "tools" },
		{ WEIR_ABLE_SCHEMA, "JSON schemas" }, { WEIR_ABLE_PDF, "PDF documents" },
		{ WEIR_ABLE_AUDIO, "audio" },
	};
	char missing[64] = "";
	size_t at = 0;

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++)
		if (first->can & facts->cannot & rows[i].ability)
			at += (size_t)snprintf(missing + at, sizeof missing - at, "%s%s",
					       at ? ", " : "", rows[i].what);
	if (at)
		weir_reader_warn(
			reader, node, "missing-capability",
			"cannot take %s, which the first step can: requests with them have "
			"no fallback here\nuse a model that can, or correct it under "
			"`models`",
			missing);
}

static void check_embeddings(struct weir_reader *reader, const struct weir_node *node,
			     const char *model, const char *first)
{
	if (strcmp(first, model) == 0 || (!weir_slice_has_nocase(weir_slice_of(first), "embed") &&
					  !weir_slice_has_nocase(weir_slice_of(model), "embed")))
		return;
	weir_reader_warn(reader, node, "mixed-embeddings",
			 "vectors of different embedding models cannot be compared\nfall back to "
			 "the same model at another provider");
}

static void check_balance(struct weir_reader *reader, const struct weir_node *node,
			  const struct weir_step *step)
{
	if (step->balance != WEIR_BALANCE_COST)
		return;
	for (unsigned i = 0; i < step->targets_n; i++)
		if (weir_model_price(&step->targets[i].target->facts) != WEIR_PRICE_UNKNOWN)
			return;
	weir_reader_warn(reader, node, "balance-cost-without-prices",
			 "is balanced by cost, and no price of its targets is known\nwrite their "
			 "`input_price` and `output_price` under `models`");
}

/* Is there one, beside the only one of the first step, that goes on from a text begun? */
static bool any_goes_on(const struct weir_chain *chain)
{
	for (unsigned i = chain->steps[0].targets_n > 1 ? 0 : 1; i < chain->steps_n; i++)
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++)
			if (chain->steps[i].targets[k].target->facts.prefill == 1)
				return true;
	return false;
}

static void check_midstream(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_node *midstream = weir_linted_own(linted, WEIR_SET_MIDSTREAM);

	if (!midstream || !linted->chain->midstream_continue || linted->targets_n < 2 ||
	    any_goes_on(linted->chain))
		return;
	weir_reader_warn(reader, midstream, "prefill-unknown",
			 "no target after the first is known to go on from a text begun: a stream "
			 "that is cut is gone on with only if the model does so when a turn asks "
			 "it to\nadd one that does, or write `prefill: on` "
			 "for its model under `models`");
}

void weir_lint_models(struct weir_reader *reader, const struct weir_linted *linted)
{
	const struct weir_chain *chain = linted->chain;
	struct first first = first_of(&chain->steps[0]);
	unsigned at = 0;

	for (unsigned i = 0; i < chain->steps_n; i++) {
		const struct weir_step *step = &chain->steps[i];

		check_balance(reader, linted->steps[i], step);
		for (unsigned k = 0; k < step->targets_n; k++, at++) {
			const struct weir_target *target = step->targets[k].target;
			const struct weir_node *node = linted->targets[at].node;

			check_embeddings(reader, node, target->model,
					 chain->steps[0].targets[0].target->model);
			if (i == 0)
				continue;
			check_context(reader, node, &target->facts, &first);
			check_price(reader, node, &target->facts, &first);
			check_abilities(reader, node, &target->facts, &first);
		}
	}
	check_midstream(reader, linted);
}

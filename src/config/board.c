#include "config/board.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "policy/budget.h"

/* One target: made when the board is, or when it is first asked for. */
struct slot {
	struct weir_model_health model;
	struct weir_balancer alone;
	struct weir_member *members; /* of alone */
	struct weir_health keys[];
};

struct weir_board {
	const struct weir_config *config;
	struct weir_provider_health *providers;
	struct weir_key_health *keys; /* of all providers, one after the other */
	unsigned *first_key;          /* of each provider */
	struct weir_group *groups;
	struct slot **slots; /* by the target's index; NULL: not asked for yet */
	unsigned slots_cap;
	struct weir_balancer *pools; /* of all steps of all chains */
	unsigned *first_pool;        /* of each chain */
	struct weir_member *members; /* of all pools */
	struct weir_hedges *hedges;  /* of each chain, and one for the rest */
	struct weir_queue *queues;   /* likewise */
};

/* Without a key it is asked without one. */
static unsigned keys_of(const struct weir_provider *provider)
{
	return provider->keys_n ? provider->keys_n : 1;
}

static unsigned members_of(const struct weir_step *step)
{
	unsigned n = 0;

	for (unsigned i = 0; i < step->targets_n; i++)
		n += keys_of(step->targets[i].target->provider);
	return n;
}

static void init_model(struct weir_board *board, struct weir_model_health *model,
		       const struct weir_target *target)
{
	const struct weir_provider *provider = target->provider;

	*model = (struct weir_model_health){
		.provider = &board->providers[provider->index],
		.groups_n = provider->groups_n,
		.max_inflight = target->max_inflight,
	};
	weir_budget_init(&model->budget);
	for (unsigned i = 0; i < provider->groups_n; i++) {
		model->groups[i] = &board->groups[provider->groups[i]];
		model->groups[i]->models_n++;
	}
}

static void init_member(struct weir_member *member, struct slot *slot,
			const struct weir_target *target, unsigned key, unsigned weight,
			const struct weir_timers *timers)
{
	*member = (struct weir_member){
		.health = &slot->keys[key],
		.weight = (uint32_t)((uint64_t)weight * WEIR_BALANCE_SCALE /
				     keys_of(target->provider)),
		.price = weir_model_price(&target->facts),
		.context_tokens = target->facts.context_tokens,
		.timers = *timers,
		.target = target->index,
		.key = key,
	};
}

static struct slot *make_slot(struct weir_board *board, const struct weir_target *target)
{
	unsigned keys_n = keys_of(target->provider);
	unsigned first_key = board->first_key[target->provider->index];
	struct slot *slot = weir_calloc(1, sizeof *slot + keys_n * sizeof *slot->keys);
	const struct weir_chain *defaults = board->config->defaults;

	if (!slot)
		return NULL;
	slot->members = weir_calloc(keys_n, sizeof *slot->members);
	if (!slot->members) {
		weir_free(slot);
		return NULL;
	}
	init_model(board, &slot->model, target);
	for (unsigned i = 0; i < keys_n; i++) {
		weir_health_init(&slot->keys[i], &slot->model, &board->keys[first_key + i]);
		weir_limits_init(&slot->keys[i].limits, target->rpm, target->tpm);
		init_member(&slot->members[i], slot, target, i, 1,
			    target->facts.thinks_long ? &defaults->long_timers : &defaults->timers);
	}
	slot->alone = (struct weir_balancer){ WEIR_BALANCE_WEIGHTED, keys_n, slot->members };
	return slot;
}

static int make_slots(struct weir_board *board, unsigned n)
{
	unsigned cap = board->slots_cap * 2 > n ? board->slots_cap * 2 : n;
	struct slot **slots;

	if (n <= board->slots_cap)
		return 0;
	slots = weir_realloc(board->slots, cap * sizeof(struct slot *));
	if (!slots)
		return WEIR_ENOMEM;
	for (unsigned i = board->slots_cap; i < cap; i++)
		slots[i] = NULL;
	board->slots = slots;
	board->slots_cap = cap;
	return 0;
}

/* NULL: out of memory. */
static struct slot *slot_of(struct weir_board *board, const struct weir_target *target)
{
	if (make_slots(board, target->index + 1))
		return NULL;
	if (!board->slots[target->index])
		board->slots[target->index] = make_slot(board, target);
	return board->slots[target->index];
}

static int make_providers(struct weir_board *board, const struct weir_config *config)
{
	unsigned keys_n = 0;

	board->providers = weir_calloc(config->providers_n, sizeof *board->providers);
	board->first_key = weir_calloc(config->providers_n, sizeof *board->first_key);
	board->groups = weir_calloc(config->groups_n, sizeof *board->groups);
	for (unsigned i = 0; i < config->providers_n; i++)
		keys_n += keys_of(config->providers[i]);
	board->keys = weir_calloc(keys_n, sizeof *board->keys);
	if (!board->providers || !board->first_key || !board->groups || !board->keys)
		return WEIR_ENOMEM;
	keys_n = 0;
	for (unsigned i = 0; i < config->providers_n; i++) {
		const struct weir_provider *provider = config->providers[i];

		board->providers[i].max_inflight = provider->max_inflight;
		board->first_key[i] = keys_n;
		for (unsigned k = 0; k < keys_of(provider); k++)
			weir_limits_init(&board->keys[keys_n++].limits, provider->rpm,
					 provider->tpm);
	}
	return 0;
}

static int make_targets(struct weir_board *board, const struct weir_config *config)
{
	for (unsigned i = 0; i < config->targets_n; i++)
		if (!slot_of(board, config->targets[i]))
			return WEIR_ENOMEM;
	return 0;
}

/* The members follow each other; returns the one after the last. */
static struct weir_member *fill_pool(struct weir_board *board, struct weir_balancer *pool,
				     const struct weir_step *step, struct weir_member *member)
{
	*pool = (struct weir_balancer){ step->balance, members_of(step), member };
	WEIR_ASSERT(pool->members_n <= WEIR_BALANCE_MEMBERS_MAX);
	for (unsigned i = 0; i < step->targets_n; i++) {
		const struct weir_step_target *t = &step->targets[i];

		for (unsigned k = 0; k < keys_of(t->target->provider); k++)
			init_member(member++, board->slots[t->target->index], t->target, k,
				    t->weight, &t->timers);
	}
	return member;
}

static int make_pools(struct weir_board *board, const struct weir_config *config)
{
	unsigned pools_n = 0, members_n = 0;
	struct weir_member *member;

	for (unsigned i = 0; i < config->chains_n; i++) {
		pools_n += config->chains[i]->steps_n;
		for (unsigned k = 0; k < config->chains[i]->steps_n; k++)
			members_n += members_of(&config->chains[i]->steps[k]);
	}
	board->first_pool = weir_calloc(config->chains_n, sizeof *board->first_pool);
	board->pools = weir_calloc(pools_n, sizeof *board->pools);
	board->members = weir_calloc(members_n, sizeof *board->members);
	board->hedges = weir_calloc(config->chains_n + 1, sizeof *board->hedges);
	board->queues = weir_calloc(config->chains_n + 1, sizeof *board->queues);
	if (!board->first_pool || !board->pools || !board->members || !board->hedges ||
	    !board->queues)
		return WEIR_ENOMEM;
	member = board->members;
	pools_n = 0;
	for (unsigned i = 0; i < config->chains_n; i++) {
		const struct weir_chain *chain = config->chains[i];

		board->first_pool[i] = pools_n;
		for (unsigned k = 0; k < chain->steps_n; k++)
			member = fill_pool(board, &board->pools[pools_n++], &chain->steps[k],
					   member);
	}
	return 0;
}

int weir_board_create(struct weir_board **board, const struct weir_config *config)
{
	struct weir_board *made = weir_calloc(1, sizeof *made);
	int rc;

	*board = NULL;
	if (!made)
		return WEIR_ENOMEM;
	made->config = config;
	rc = make_providers(made, config);
	if (rc == 0)
		rc = make_targets(made, config);
	if (rc == 0)
		rc = make_pools(made, config);
	if (rc)
		weir_board_destroy(made);
	else
		*board = made;
	return rc;
}

void weir_board_destroy(struct weir_board *board)
{
	if (!board)
		return;
	for (unsigned i = 0; i < board->slots_cap; i++) {
		if (board->slots[i])
			weir_free(board->slots[i]->members);
		weir_free(board->slots[i]);
	}
	weir_free(board->slots);
	weir_free(board->providers);
	weir_free(board->keys);
	weir_free(board->first_key);
	weir_free(board->groups);
	weir_free(board->pools);
	weir_free(board->first_pool);
	weir_free(board->members);
	weir_free(board->hedges);
	weir_free(board->queues);
	weir_free(board);
}

struct weir_balancer *weir_board_step(struct weir_board *board, const struct weir_chain *chain,
				      unsigned step)
{
	WEIR_ASSERT(chain != board->config->defaults && step < chain->steps_n);
	return &board->pools[board->first_pool[chain->index] + step];
}

struct weir_balancer *weir_board_target(struct weir_board *board, const struct weir_target *target)
{
	struct slot *slot = slot_of(board, target);

	return slot ? &slot->alone : NULL;
}

struct weir_health *weir_board_health(struct weir_board *board, const struct weir_target *target,
				      unsigned key)
{
	struct slot *slot = slot_of(board, target);

	WEIR_ASSERT(key < keys_of(target->provider));
	return slot ? &slot->keys[key] : NULL;
}

int weir_board_disable(struct weir_board *board, const struct weir_target *target, unsigned key,
		       bool disabled)
{
	struct slot *slot = slot_of(board, target);

	if (!slot)
		return WEIR_ENOMEM;
	if (key < keys_of(target->provider)) {
		slot->keys[key].disabled = disabled;
		return 0;
	}
	slot->model.disabled = disabled;
	for (unsigned i = 0; i < keys_of(target->provider); i++)
		slot->keys[i].disabled = false;
	return 0;
}

static unsigned place_of(const struct weir_board *board, const struct weir_chain *chain)
{
	const struct weir_config *config = board->config;

	return chain && chain != config->defaults ? chain->index : config->chains_n;
}

struct weir_hedges *weir_board_hedges(struct weir_board *board, const struct weir_chain *chain)
{
	return &board->hedges[place_of(board, chain)];
}

struct weir_queue *weir_board_queue(struct weir_board *board, const struct weir_chain *chain)
{
	return &board->queues[place_of(board, chain)];
}

unsigned weir_board_queued(const struct weir_board *board)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= board->config->chains_n; i++)
		n += board->queues[i].n;
	return n;
}

static enum weir_overflow overflow_of(enum weir_choice choice)
{
	switch (choice) {
	case WEIR_CHOICE_AUTO:
		return WEIR_OVERFLOW_AUTO;
	case WEIR_CHOICE_NEXT:
		return WEIR_OVERFLOW_NEXT;
	case WEIR_CHOICE_RETURN:
		break;
	}
	return WEIR_OVERFLOW_RETURN;
}

void weir_board_policy(struct weir_board *board, const struct weir_chain *chain, bool stream,
		       struct weir_plan *plan)
{
	unsigned retries = 0;

	for (unsigned i = 0; i < plan->steps_n; i++)
		if (plan->steps[i].retries > retries)
			retries = plan->steps[i].retries;
	plan->max_attempts = chain->max_attempts_set ? chain->max_attempts
						     : weir_plan_attempts(retries, plan->steps_n);
	plan->stream = stream;
	plan->policy_next = chain->content_policy == WEIR_CHOICE_NEXT;
	plan->repair_first = chain->repair == WEIR_REPAIR_ON;
	plan->repair_later = chain->repair != WEIR_REPAIR_OFF;
	plan->resume = stream && chain->midstream_continue;
	plan->hedge = chain->hedge;
	plan->overflow = overflow_of(chain->context_overflow);
	plan->deadline_ms = chain->deadline_ms;
	plan->stream_ms = chain->stream_timeout_ms;
	plan->drift_percent = chain->drift_percent;
	plan->hedges = weir_board_hedges(board, chain);
	plan->queue = weir_board_queue(board, chain);
}

void weir_board_plan(struct weir_board *board, const struct weir_chain *chain, bool stream,
		     struct weir_plan *plan)
{
	*plan = (struct weir_plan){ .steps_n = chain->steps_n };
	for (unsigned i = 0; i < chain->steps_n; i++)
		plan->steps[i] = (struct weir_plan_step){
			.pool = weir_board_step(board, chain, i),
			.retries = chain->steps[i].retries,
		};
	weir_board_policy(board, chain, stream, plan);
}

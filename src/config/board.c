#include "config/board.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "config/known.h"
#include "config/loaded.h"
#include "config/secret.h"
#include "policy/budget.h"

/* One target: made when the board is, or when it is first asked for. */
struct slot {
	struct weir_known_model *model;
	struct weir_balancer alone;
	struct weir_member *members;      /* of alone */
	struct weir_lessons *lessons;     /* NULL: none yet */
	struct weir_known_target *keys[]; /* one for each */
};

struct weir_board {
	const struct weir_config *config;
	struct weir_shm *shm; /* NULL: no other process has a part in it */
	struct weir_known_provider **providers;
	struct weir_known_key **keys; /* of all providers, one after the other */
	unsigned keys_n;
	unsigned *first_key;                     /* of each provider */
	struct weir_group **groups, *own_groups; /* own: what they point to without shm */
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

/* ---- what the board before knows ---- */

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Whatever else was said of it: is it the same server, asked in the same way? */
static bool is_same(const struct weir_provider *a, const struct weir_provider *b)
{
	return same_text(a->name, b->name) && a->dialect == b->dialect && a->tls == b->tls &&
	       a->port == b->port && same_text(a->host, b->host) &&
	       same_text(a->base_path, b->base_path);
}

static const struct weir_provider *same_provider(const struct weir_board *before,
						 const struct weir_provider *provider)
{
	const struct weir_provider *other =
		before ? weir_config_provider(before->config, weir_slice_of(provider->name)) : NULL;

	return other && is_same(other, provider) ? other : NULL;
}

/* Which key of other that is; WEIR_KEYS_MAX: none. The keys of a provider are distinct. */
static unsigned same_key(const struct weir_provider *other, const struct weir_provider *provider,
			 unsigned key)
{
	if (!other->keys_n && !provider->keys_n)
		return 0;
	for (unsigned i = 0; i < other->keys_n && key < provider->keys_n; i++)
		if (weir_secret_eq(&other->keys[i], &provider->keys[key]))
			return i;
	return WEIR_KEYS_MAX;
}

static struct slot *slot_before(const struct weir_board *before, const struct weir_target *target)
{
	const struct weir_target *other = before ? weir_config_target(before->config,
								      weir_slice_of(target->id))
						 : NULL;

	return other && other->index < before->slots_cap ? before->slots[other->index] : NULL;
}

/* ---- one target ---- */

static void init_member(struct weir_member *member, struct slot *slot,
			const struct weir_target *target, unsigned key, unsigned weight,
			const struct weir_timers *timers)
{
	*member = (struct weir_member){
		.health = slot->keys[key]->health,
		.weight = (uint32_t)((uint64_t)weight * WEIR_BALANCE_SCALE /
				     keys_of(target->provider)),
		.price = weir_model_price(&target->facts),
		.context_tokens = target->facts.context_tokens,
		.timers = *timers,
		.target = target->index,
		.key = key,
	};
}

static void free_slot(struct slot *slot, const struct weir_target *target)
{
	if (!slot)
		return;
	for (unsigned i = 0; i < keys_of(target->provider); i++)
		weir_known_target_unref(slot->keys[i]);
	weir_known_model_unref(slot->model);
	weir_free(slot->members);
	weir_free(slot->lessons);
	weir_free(slot);
}

static bool fill_slot(struct weir_board *board, struct slot *slot, const struct weir_target *target,
		      const struct weir_board *before)
{
	const struct weir_provider *provider = target->provider;
	const struct weir_provider *other = same_provider(before, provider);
	struct slot *old = slot_before(before, target);
	unsigned first_key = board->first_key[provider->index];
	bool fresh = false;

	if (old && other) {
		slot->model = old->model;
		slot->model->references++;
	} else {
		slot->model = weir_known_model_create(board->shm, board->providers[provider->index],
						      target, &fresh);
		if (!slot->model)
			return false;
		/* An operator means the name, wherever it leads. */
		if (fresh)
			slot->model->health->disabled = old && old->model->health->disabled;
	}
	for (unsigned i = 0; i < keys_of(provider); i++) {
		unsigned k = old && other ? same_key(other, provider, i) : WEIR_KEYS_MAX;

		if (k < WEIR_KEYS_MAX) {
			slot->keys[i] = old->keys[k];
			slot->keys[i]->references++;
		} else {
			slot->keys[i] = weir_known_target_create(board->shm, slot->model,
								 board->keys[first_key + i]);
		}
		if (!slot->keys[i])
			return false;
	}
	return true;
}

static struct slot *make_slot(struct weir_board *board, const struct weir_target *target,
			      const struct weir_board *before)
{
	unsigned keys_n = keys_of(target->provider);
	struct slot *slot = weir_calloc(1, sizeof *slot + keys_n * sizeof *slot->keys);
	const struct weir_chain *defaults = board->config->defaults;

	if (!slot)
		return NULL;
	slot->members = weir_calloc(keys_n, sizeof *slot->members);
	if (!slot->members || !fill_slot(board, slot, target, before)) {
		free_slot(slot, target);
		return NULL;
	}
	for (unsigned i = 0; i < keys_n; i++)
		init_member(&slot->members[i], slot, target, i, 1,
			    target->facts.thinks_long ? &defaults->long_timers : &defaults->timers);
	slot->alone = (struct weir_balancer){ WEIR_BALANCE_WEIGHTED, keys_n, slot->members };
	return slot;
}

/* What this configuration says of it holds from now on, and it counts for this board. */
static void settle_slot(struct weir_board *board, struct slot *slot,
			const struct weir_target *target)
{
	const struct weir_provider *provider = target->provider;
	struct weir_model_health *model = slot->model->health;

	weir_model_part(model);
	model->max_inflight = target->max_inflight;
	slot->model->board = board;
	for (unsigned i = 0; i < keys_of(provider); i++) {
		slot->keys[i]->board = board;
		weir_limits_set(&slot->keys[i]->health->limits, target->rpm, target->tpm);
		weir_health_join(slot->keys[i]->health);
	}
	for (unsigned i = 0; i < provider->groups_n; i++)
		weir_model_join(model, board->groups[provider->groups[i]]);
}

/* ---- all of them ---- */

static int make_room(struct weir_board *board, unsigned n)
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
	struct slot *slot;

	if (make_room(board, target->index + 1))
		return NULL;
	slot = board->slots[target->index];
	if (slot)
		return slot;
	weir_shm_enter(board->shm);
	slot = make_slot(board, target, NULL);
	if (slot)
		settle_slot(board, slot, target);
	weir_shm_leave(board->shm);
	board->slots[target->index] = slot;
	return slot;
}

static int make_keys(struct weir_board *board, const struct weir_provider *provider,
		     const struct weir_board *before)
{
	const struct weir_provider *other = same_provider(before, provider);

	board->first_key[provider->index] = board->keys_n;
	for (unsigned i = 0; i < keys_of(provider); i++) {
		unsigned k = other ? same_key(other, provider, i) : WEIR_KEYS_MAX;
		struct weir_known_key *key;

		if (k < WEIR_KEYS_MAX) {
			key = before->keys[before->first_key[other->index] + k];
			key->references++;
		} else {
			key = weir_known_key_create(board->shm, provider, i);
		}
		if (!key)
			return WEIR_ENOMEM;
		board->keys[board->keys_n++] = key;
	}
	return 0;
}

static int make_provider(struct weir_board *board, const struct weir_provider *provider,
			 const struct weir_board *before)
{
	const struct weir_provider *other = same_provider(before, provider);
	struct weir_known_provider *known;

	if (other) {
		known = before->providers[other->index];
		known->references++;
	} else {
		known = weir_known_provider_create(board->shm, provider);
	}
	board->providers[provider->index] = known;
	return known ? make_keys(board, provider, before) : WEIR_ENOMEM;
}

static int make_groups(struct weir_board *board, const struct weir_config *config)
{
	board->groups = weir_calloc(config->groups_n, sizeof(struct weir_group *));
	board->own_groups = weir_calloc(config->groups_n, sizeof *board->own_groups);
	if (!board->groups || !board->own_groups)
		return WEIR_ENOMEM;
	for (unsigned i = 0; i < config->groups_n; i++) {
		board->groups[i] = weir_known_group(board->shm, config->groups[i],
						    &board->own_groups[i]);
		if (!board->groups[i])
			return WEIR_ENOMEM;
	}
	return 0;
}

static int make_providers(struct weir_board *board, const struct weir_config *config,
			  const struct weir_board *before)
{
	unsigned keys_n = 0;
	int rc = 0;

	for (unsigned i = 0; i < config->providers_n; i++)
		keys_n += keys_of(config->providers[i]);
	board->providers = weir_calloc(config->providers_n, sizeof(struct weir_known_provider *));
	board->first_key = weir_calloc(config->providers_n, sizeof *board->first_key);
	board->keys = weir_calloc(keys_n, sizeof(struct weir_known_key *));
	if (!board->providers || !board->first_key || !board->keys)
		return WEIR_ENOMEM;
	for (unsigned i = 0; i < config->providers_n && rc == 0; i++)
		rc = make_provider(board, config->providers[i], before);
	return rc;
}

static int make_targets(struct weir_board *board, const struct weir_config *config,
			const struct weir_board *before)
{
	int rc = make_room(board, config->targets_n);

	for (unsigned i = 0; i < config->targets_n && rc == 0; i++) {
		board->slots[i] = make_slot(board, config->targets[i], before);
		rc = board->slots[i] ? 0 : WEIR_ENOMEM;
	}
	return rc;
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

static void inherit_hedges(struct weir_board *board, const struct weir_board *before)
{
	const struct weir_config *config = board->config;

	for (unsigned i = 0; i < config->chains_n; i++) {
		const struct weir_chain *chain = weir_config_chain(
			before->config, weir_slice_of(config->chains[i]->name));

		if (chain)
			board->hedges[i] = before->hedges[chain->index];
	}
	board->hedges[config->chains_n] = before->hedges[before->config->chains_n];
}

int weir_board_create_after(struct weir_board **board, const struct weir_config *config,
			    const struct weir_board *before, struct weir_shm *shm)
{
	struct weir_board *made = weir_calloc(1, sizeof *made);
	int rc;

	*board = NULL;
	if (!made)
		return WEIR_ENOMEM;
	made->config = config;
	made->shm = shm;
	weir_shm_enter(shm);
	rc = make_groups(made, config);
	if (rc == 0)
		rc = make_providers(made, config, before);
	if (rc == 0)
		rc = make_targets(made, config, before);
	if (rc == 0)
		rc = make_pools(made, config);
	weir_shm_leave(shm);
	if (rc) {
		weir_board_destroy(made);
		return rc;
	}
	if (before)
		inherit_hedges(made, before);
	*board = made;
	return 0;
}

/* What the new board shares with it, but for these keys, counts for the new one. */
static void retire(const struct weir_board *board, const struct weir_board *before)
{
	for (unsigned i = 0; i < before->slots_cap; i++) {
		const struct slot *slot = before->slots[i];

		if (!slot || slot->model->board != board)
			continue;
		for (unsigned k = 0; k < slot->alone.members_n; k++)
			if (slot->keys[k]->board != board)
				weir_health_retire(slot->keys[k]->health);
	}
}

/* No later board has it: who still asks it through an earlier one counts for nobody, and must
 * not come upon the groups and keys of this one. */
static void part(const struct weir_board *board, struct slot *slot)
{
	if (slot->model->board != board)
		return;
	weir_model_part(slot->model->health);
	for (unsigned k = 0; k < slot->alone.members_n; k++)
		weir_health_retire(slot->keys[k]->health);
	slot->model->board = NULL;
}

void weir_board_settle(struct weir_board *board, const struct weir_board *before)
{
	const struct weir_config *config = board->config;

	weir_shm_enter(board->shm);
	for (unsigned i = 0; i < config->providers_n; i++) {
		const struct weir_provider *provider = config->providers[i];

		board->providers[i]->health->max_inflight = provider->max_inflight;
		for (unsigned k = 0; k < keys_of(provider); k++)
			weir_limits_set(&board->keys[board->first_key[i] + k]->health->limits,
					provider->rpm, provider->tpm);
	}
	for (unsigned i = 0; i < config->targets_n; i++)
		settle_slot(board, board->slots[i], config->targets[i]);
	if (before)
		retire(board, before);
	for (unsigned i = 0; before && board->shm && i < before->slots_cap; i++)
		if (before->slots[i])
			part(before, before->slots[i]);
	weir_shm_leave(board->shm);
}

int weir_board_create(struct weir_board **board, const struct weir_config *config)
{
	int rc = weir_board_create_after(board, config, NULL, NULL);

	if (rc == 0)
		weir_board_settle(*board, NULL);
	return rc;
}

void weir_board_destroy(struct weir_board *board)
{
	if (!board)
		return;
	for (unsigned i = 0; i < board->slots_cap; i++) {
		if (!board->slots[i])
			continue;
		if (!board->shm)
			part(board, board->slots[i]); /* else others may have it yet */
		free_slot(board->slots[i], board->config->targets[i]);
	}
	for (unsigned i = 0; board->providers && i < board->config->providers_n; i++)
		weir_known_provider_unref(board->providers[i]);
	for (unsigned i = 0; i < board->keys_n; i++)
		weir_known_key_unref(board->keys[i]);
	weir_free(board->slots);
	weir_free(board->providers);
	weir_free(board->keys);
	weir_free(board->first_key);
	weir_free(board->groups);
	weir_free(board->own_groups);
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
	return slot ? slot->keys[key]->health : NULL;
}

int weir_board_disable(struct weir_board *board, const struct weir_target *target, unsigned key,
		       bool disabled)
{
	struct slot *slot = slot_of(board, target);

	if (!slot)
		return WEIR_ENOMEM;
	if (key < keys_of(target->provider)) {
		slot->keys[key]->health->disabled = disabled;
		return 0;
	}
	slot->model->health->disabled = disabled;
	for (unsigned i = 0; i < keys_of(target->provider); i++)
		slot->keys[i]->health->disabled = false;
	return 0;
}

const struct weir_lessons *weir_board_lessons(const struct weir_board *board,
					      const struct weir_target *target)
{
	return target->index < board->slots_cap && board->slots[target->index]
		       ? board->slots[target->index]->lessons
		       : NULL;
}

struct weir_lessons *weir_board_lessons_of(struct weir_board *board,
					   const struct weir_target *target)
{
	struct slot *slot = slot_of(board, target);

	if (slot && !slot->lessons)
		slot->lessons = weir_calloc(1, sizeof *slot->lessons);
	return slot ? slot->lessons : NULL;
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

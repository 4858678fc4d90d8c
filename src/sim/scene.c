#include "sim/scene.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"

#define FAVOUR (INT64_MAX / 4)

/* What the plan's members point to, each once, in the order it is found. */
struct found {
	const struct weir_health *healths[WEIR_SCENE_MEMBERS_MAX];
	const struct weir_key_health *keys[WEIR_SCENE_MEMBERS_MAX];
	const struct weir_model_health *models[WEIR_SCENE_MEMBERS_MAX];
	const struct weir_provider_health *providers[WEIR_SCENE_MEMBERS_MAX];
	const struct weir_group *groups[WEIR_SCENE_GROUPS_MAX];
};

/* Where it is in a list of n, to which it is added if it is not there. list: of pointers. */
#define PLACE(list, n, what)                                \
	do {                                                \
		unsigned at_ = 0;                           \
		while (at_ < *(n) && (list)[at_] != (what)) \
			at_++;                              \
		if (at_ == *(n))                            \
			(list)[(*(n))++] = (what);          \
	} while (0)

/* What is pointed to becomes what stands at the same place of the copies. */
#define MOVE(pointer, list, copies)              \
	do {                                     \
		unsigned at_ = 0;                \
		while ((list)[at_] != (pointer)) \
			at_++;                   \
		(pointer) = &(copies)[at_];      \
	} while (0)

static void find(struct weir_scene *s, struct found *found, const struct weir_health *health)
{
	const struct weir_model_health *model = health->model;

	PLACE(found->healths, &s->healths_n, health);
	PLACE(found->keys, &s->keys_n, health->key);
	PLACE(found->models, &s->models_n, model);
	PLACE(found->providers, &s->providers_n, model->provider);
	for (unsigned i = 0; i < model->groups_n; i++)
		PLACE(found->groups, &s->groups_n, model->groups[i]);
}

/* False: too many of them. */
static bool find_all(struct weir_scene *s, struct found *found, const struct weir_plan *plan)
{
	for (unsigned i = 0; i < plan->steps_n; i++) {
		const struct weir_balancer *pool = plan->steps[i].pool;

		if (pool->members_n > WEIR_SCENE_MEMBERS_MAX - s->members_n)
			return false;
		s->pools[i] = *pool;
		s->pools[i].members = &s->members[s->members_n];
		if (pool->balance != WEIR_BALANCE_COST)
			s->pools[i].balance = WEIR_BALANCE_WEIGHTED;
		for (unsigned k = 0; k < pool->members_n; k++) {
			s->members[s->members_n++] = pool->members[k];
			find(s, found, pool->members[k].health);
		}
	}
	return true;
}

static void *carve(unsigned char **at, unsigned n, size_t size)
{
	void *block = *at;

	*at += n * size;
	return block;
}

static int make_block(struct weir_scene *s)
{
	unsigned char *block;

	s->size = sizeof *s->now + s->healths_n * sizeof *s->healths + s->keys_n * sizeof *s->keys +
		  s->models_n * sizeof *s->models + s->providers_n * sizeof *s->providers +
		  s->groups_n * sizeof *s->groups;
	block = weir_calloc(1, s->size);
	if (!block)
		return WEIR_ENOMEM;
	/* The least aligned last. */
	s->now = carve(&block, 1, sizeof *s->now);
	s->healths = carve(&block, s->healths_n, sizeof *s->healths);
	s->keys = carve(&block, s->keys_n, sizeof *s->keys);
	s->models = carve(&block, s->models_n, sizeof *s->models);
	s->providers = carve(&block, s->providers_n, sizeof *s->providers);
	s->groups = carve(&block, s->groups_n, sizeof *s->groups);
	return 0;
}

static void fill(struct weir_scene *s, const struct found *found)
{
	for (unsigned i = 0; i < s->keys_n; i++)
		s->keys[i] = *found->keys[i];
	for (unsigned i = 0; i < s->providers_n; i++)
		s->providers[i] = *found->providers[i];
	for (unsigned i = 0; i < s->groups_n; i++)
		s->groups[i] = *found->groups[i];
	for (unsigned i = 0; i < s->models_n; i++) {
		struct weir_model_health *model = &s->models[i];

		*model = *found->models[i];
		model->targets = NULL;
		if (model->row_of)
			MOVE(model->row_of, found->healths, s->healths);
		MOVE(model->provider, found->providers, s->providers);
		for (unsigned k = 0; k < model->groups_n; k++)
			MOVE(model->groups[k], found->groups, s->groups);
	}
	for (unsigned i = 0; i < s->healths_n; i++) {
		s->healths[i] = *found->healths[i];
		MOVE(s->healths[i].model, found->models, s->models);
		MOVE(s->healths[i].key, found->keys, s->keys);
		s->healths[i].next = s->healths[i].model->targets;
		s->healths[i].model->targets = &s->healths[i];
	}
	for (unsigned i = 0; i < s->members_n; i++)
		MOVE(s->members[i].health, found->healths, s->healths);
}

int weir_scene_init(struct weir_scene *s, const struct weir_plan *plan)
{
	struct found found;

	*s = (struct weir_scene){ .plan = *plan };
	if (!find_all(s, &found, plan))
		return WEIR_ELIMIT;
	if (make_block(s))
		return WEIR_ENOMEM;
	fill(s, &found);
	for (unsigned i = 0; i < plan->steps_n; i++)
		s->plan.steps[i].pool = &s->pools[i];
	if (plan->queue)
		s->plan.queue = &s->now->queue;
	if (plan->hedges)
		s->plan.hedges = &s->now->hedges;
	weir_scene_favour(s, NULL);
	return 0;
}

void weir_scene_fini(struct weir_scene *s)
{
	weir_free(s->now);
	s->now = NULL;
}

void weir_scene_save(const struct weir_scene *s, void *block)
{
	memcpy(block, s->now, s->size);
}

void weir_scene_restore(struct weir_scene *s, const void *block)
{
	memcpy(s->now, block, s->size);
}

void weir_scene_favour(struct weir_scene *s, const struct weir_spot *spot)
{
	for (unsigned i = 0; i < s->members_n; i++)
		s->members[i].credit = 0;
	if (spot)
		weir_scene_member(s, *spot)->credit = FAVOUR;
}

struct weir_member *weir_scene_member(struct weir_scene *s, struct weir_spot spot)
{
	WEIR_ASSERT(spot.step < s->plan.steps_n && spot.member < s->pools[spot.step].members_n);
	return &s->pools[spot.step].members[spot.member];
}

unsigned weir_scene_health(const struct weir_scene *s, const struct weir_member *member)
{
	return (unsigned)(member->health - s->healths);
}

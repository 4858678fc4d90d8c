/* All that one plan walks, copied out of wherever it stands: it may be tried, saved and gone
 * back to, and nobody outside notices. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "policy/failover.h"

enum {
	WEIR_SCENE_MEMBERS_MAX = WEIR_BALANCE_MEMBERS_MAX, /* of all steps together */
	WEIR_SCENE_GROUPS_MAX = WEIR_SCENE_MEMBERS_MAX * WEIR_GROUPS_MAX
};

/* What changes, but for what is known of the targets. */
struct weir_scene_now {
	struct weir_failover failover;
	struct weir_rng rng;
	struct weir_queue queue;
	struct weir_hedges hedges;
	uint64_t now_ms;
	uint64_t shown_ms; /* when the caller first saw something of an answer; 0: not yet */
	unsigned calls;    /* upstream calls, as whoever obeys the machine counts them */
};

struct weir_scene {
	struct weir_plan plan;
	struct weir_balancer pools[WEIR_PLAN_STEPS_MAX];
	struct weir_member members[WEIR_SCENE_MEMBERS_MAX]; /* step by step */
	unsigned members_n, healths_n, keys_n, models_n, providers_n, groups_n;
	/* In one block of `size` bytes, that begins with now. */
	size_t size;
	struct weir_scene_now *now;
	struct weir_health *healths;
	struct weir_key_health *keys;
	struct weir_model_health *models;
	struct weir_provider_health *providers;
	struct weir_group *groups;
};

/* As the plan's targets are at this moment. Where chance decides between the members of a
 * step, weir_scene_favour() does here. scene must not be moved afterwards; the plan's timers
 * must outlive it. 0, WEIR_ENOMEM, or WEIR_ELIMIT: more members than a scene has room for. */
WEIR_MUST_CHECK int weir_scene_init(struct weir_scene *scene, const struct weir_plan *plan);
void weir_scene_fini(struct weir_scene *scene);

/* To and from a block of scene->size bytes. */
void weir_scene_save(const struct weir_scene *scene, void *block);
void weir_scene_restore(struct weir_scene *scene, const void *block);

/* This member is the next one picked of its step, if it is in order. NULL: the first of
 * those with the highest weight. */
void weir_scene_favour(struct weir_scene *scene, const struct weir_spot *spot);

struct weir_member *weir_scene_member(struct weir_scene *scene, struct weir_spot spot);
/* Its place in scene->healths. */
unsigned weir_scene_health(const struct weir_scene *scene, const struct weir_member *member);

/* Of some facts: two that are equal are told from others by this, but for one chance in
 * 2^100 or so. */
struct weir_scene_key {
	uint64_t a, b;
};

void weir_scene_key_init(struct weir_scene_key *key);
void weir_scene_key_add(struct weir_scene_key *key, uint64_t fact);

/* Of what has not changed and never will: plans that differ in nothing else are walked in the
 * same way. */
void weir_scene_shape(const struct weir_scene *scene, struct weir_scene_key *key);
/* Of where it stands: of two moments of one scene with the same key, the same may become,
 * except for what the caller is told in the end. */
void weir_scene_moment(const struct weir_scene *scene, struct weir_scene_key *key);

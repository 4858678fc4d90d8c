#include "config/known.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"

enum { IDENTITY_MAX = 64 * 1024 };

/* In common memory. */
struct shared_target {
	struct weir_health health;
	uint32_t shares[WEIR_HOLDERS_MAX];
};

_Static_assert((int)WEIR_HOLDERS_MAX == (int)WEIR_SHM_HOLDERS_MAX, "a share for each process");

static bool drops_last(unsigned *references)
{
	WEIR_ASSERT(*references > 0);
	return --*references == 0;
}

/* ---- in common memory ---- */

void *weir_known_record(struct weir_shm *shm, enum weir_known_kind kind, struct weir_slice name,
			size_t size)
{
	struct weir_digest identity = weir_sha256(name);

	return weir_shm_record(shm, kind, &identity, size);
}

/* Whatever else is said of it: the same server, asked in the same way, and with what. own: where
 * there is no common memory. */
static void *record_of(struct weir_shm *shm, enum weir_known_kind kind,
		       const struct weir_provider *provider, struct weir_slice what, void *own,
		       size_t size)
{
	struct weir_buf name;
	void *record = NULL;

	if (!shm)
		return own;
	weir_buf_init(&name, IDENTITY_MAX);
	if (weir_buf_printf(&name, "%s\n%s\n%d\n%u\n%s\n%s\n", provider->name,
			    provider->dialect->name, provider->tls, provider->port, provider->host,
			    provider->base_path) == 0 &&
	    weir_buf_append(&name, what.base, what.len) == 0)
		record = weir_known_record(shm, kind, weir_buf_slice(&name), size);
	weir_buf_fini(&name);
	return record;
}

/* One reference to it, where there was memory for its health. */
static void *begun(void *known, unsigned *references, const void *health)
{
	*references = 1;
	if (health)
		return known;
	weir_free(known);
	return NULL;
}

struct weir_known_provider *weir_known_provider_create(struct weir_shm *shm,
						       const struct weir_provider *provider)
{
	struct weir_known_provider *known = weir_calloc(1, sizeof *known);

	if (!known)
		return NULL;
	known->health = record_of(shm, WEIR_KNOWN_PROVIDER, provider, weir_slice("", 0),
				  &known->own, sizeof known->own);
	return begun(known, &known->references, known->health);
}

void weir_known_provider_unref(struct weir_known_provider *provider)
{
	if (provider && drops_last(&provider->references))
		weir_free(provider);
}

/* One without a key is asked with none. */
struct weir_known_key *weir_known_key_create(struct weir_shm *shm,
					     const struct weir_provider *provider, unsigned key)
{
	struct weir_known_key *known = weir_calloc(1, sizeof *known);
	struct weir_digest hash = { 0 };

	if (!known)
		return NULL;
	if (key < provider->keys_n)
		hash = weir_sha256(weir_slice(provider->keys[key].text, provider->keys[key].len));
	known->health = record_of(shm, WEIR_KNOWN_KEY, provider,
				  weir_slice((const char *)&hash, sizeof hash), &known->own,
				  sizeof known->own);
	return begun(known, &known->references, known->health);
}

void weir_known_key_unref(struct weir_known_key *key)
{
	if (key && drops_last(&key->references))
		weir_free(key);
}

struct weir_known_model *weir_known_model_create(struct weir_shm *shm,
						 struct weir_known_provider *provider,
						 const struct weir_target *target, bool *fresh)
{
	struct weir_known_model *known = weir_calloc(1, sizeof *known);

	if (!known)
		return NULL;
	known->health = record_of(shm, WEIR_KNOWN_MODEL, target->provider,
				  weir_slice_of(target->id), &known->own, sizeof known->own);
	if (!begun(known, &known->references, known->health))
		return NULL;
	known->provider = provider;
	provider->references++;
	*fresh = !known->health->provider;
	if (*fresh)
		weir_budget_init(&known->health->budget);
	known->health->provider = provider->health;
	return known;
}

void weir_known_model_unref(struct weir_known_model *model)
{
	if (!model || !drops_last(&model->references))
		return;
	weir_known_provider_unref(model->provider);
	weir_free(model);
}

static struct weir_health *shared_target(struct weir_shm *shm, const struct weir_known_model *model,
					 const struct weir_known_key *key)
{
	struct shared_target *shared;
	char name[64];

	snprintf(name, sizeof name, "%p %p", (void *)model->health, (void *)key->health);
	shared = weir_known_record(shm, WEIR_KNOWN_TARGET, weir_slice_of(name), sizeof *shared);
	if (!shared)
		return NULL;
	if (!shared->health.model) {
		weir_health_reset(&shared->health, NULL, key->health);
		shared->health.shares = shared->shares;
		shared->health.retired = true; /* until it joins */
		shared->health.model = model->health;
	}
	return &shared->health;
}

struct weir_known_target *weir_known_target_create(struct weir_shm *shm,
						   struct weir_known_model *model,
						   struct weir_known_key *key)
{
	struct weir_known_target *known = weir_calloc(1, sizeof *known);

	if (!known)
		return NULL;
	known->health = shm ? shared_target(shm, model, key) : &known->own;
	if (!begun(known, &known->references, known->health))
		return NULL;
	known->model = model;
	known->key = key;
	model->references++;
	key->references++;
	if (!shm)
		weir_health_reset(known->health, model->health, key->health);
	return known;
}

void weir_known_target_unref(struct weir_known_target *target)
{
	if (!target || !drops_last(&target->references))
		return;
	weir_known_model_unref(target->model);
	weir_known_key_unref(target->key);
	weir_free(target);
}

struct weir_group *weir_known_group(struct weir_shm *shm, const char *name, struct weir_group *own)
{
	return shm ? weir_known_record(shm, WEIR_KNOWN_GROUP, weir_slice_of(name), sizeof *own)
		   : own;
}

/* ---- a process is gone ---- */

/* Those that their maker had the time to make something of. */
static struct weir_health *next_target(const struct weir_shm *shm, struct weir_health *before)
{
	struct weir_health *h = before;

	do
		h = weir_shm_next(shm, WEIR_KNOWN_TARGET, h);
	while (h && !h->model);
	return h;
}

static struct weir_model_health *next_model(const struct weir_shm *shm,
					    struct weir_model_health *before)
{
	struct weir_model_health *model = before;

	do
		model = weir_shm_next(shm, WEIR_KNOWN_MODEL, model);
	while (model && !model->provider);
	return model;
}

void weir_known_forfeit(struct weir_shm *shm, unsigned holder)
{
	for (struct weir_health *h = next_target(shm, NULL); h; h = next_target(shm, h))
		weir_health_forfeit(h, holder);
}

void weir_known_mend(struct weir_shm *shm)
{
	struct weir_model_health *model;
	struct weir_group *group = NULL;
	struct weir_health *h;

	while ((group = weir_shm_next(shm, WEIR_KNOWN_GROUP, group)))
		*group = (struct weir_group){ 0 };
	for (model = next_model(shm, NULL); model; model = next_model(shm, model))
		weir_model_mend(model);
	for (h = next_target(shm, NULL); h; h = next_target(shm, h)) {
		weir_health_mend(h);
		if (!h->retired)
			weir_health_join(h);
	}
	for (model = next_model(shm, NULL); model; model = next_model(shm, model)) {
		unsigned n = model->groups_n;

		model->groups_n = 0;
		for (unsigned i = 0; i < n; i++)
			weir_model_join(model, model->groups[i]);
	}
}

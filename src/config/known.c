#include "config/known.h"

#include "base/alloc.h"
#include "base/assert.h"

static bool drops_last(unsigned *references)
{
	WEIR_ASSERT(*references > 0);
	return --*references == 0;
}

struct weir_known_provider *weir_known_provider_create(void)
{
	struct weir_known_provider *provider = weir_calloc(1, sizeof *provider);

	if (provider)
		provider->references = 1;
	return provider;
}

void weir_known_provider_unref(struct weir_known_provider *provider)
{
	if (provider && drops_last(&provider->references))
		weir_free(provider);
}

struct weir_known_key *weir_known_key_create(void)
{
	struct weir_known_key *key = weir_calloc(1, sizeof *key);

	if (!key)
		return NULL;
	key->references = 1;
	weir_limits_init(&key->health.limits, 0, 0);
	return key;
}

void weir_known_key_unref(struct weir_known_key *key)
{
	if (key && drops_last(&key->references))
		weir_free(key);
}

struct weir_known_model *weir_known_model_create(struct weir_known_provider *provider)
{
	struct weir_known_model *model = weir_calloc(1, sizeof *model);

	if (!model)
		return NULL;
	model->references = 1;
	model->provider = provider;
	provider->references++;
	model->health.provider = &provider->health;
	weir_budget_init(&model->health.budget);
	return model;
}

void weir_known_model_unref(struct weir_known_model *model)
{
	if (!model || !drops_last(&model->references))
		return;
	weir_known_provider_unref(model->provider);
	weir_free(model);
}

struct weir_known_target *weir_known_target_create(struct weir_known_model *model,
						   struct weir_known_key *key)
{
	struct weir_known_target *target = weir_calloc(1, sizeof *target);

	if (!target)
		return NULL;
	target->references = 1;
	target->model = model;
	target->key = key;
	model->references++;
	key->references++;
	weir_health_reset(&target->health, &model->health, &key->health);
	return target;
}

void weir_known_target_unref(struct weir_known_target *target)
{
	if (!target || !drops_last(&target->references))
		return;
	weir_known_model_unref(target->model);
	weir_known_key_unref(target->key);
	weir_free(target);
}

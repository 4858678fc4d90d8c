#include "config/loaded.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/attr.h"
#include "config/proxy.h"

static struct weir_loaded *loaded_of(const struct weir_config *config)
{
	return WEIR_CONTAINER_OF(config, struct weir_loaded, config);
}

struct weir_config *weir_config_create(void)
{
	struct weir_loaded *loaded = weir_calloc(1, sizeof *loaded);

	if (!loaded)
		return NULL;
	loaded->config.references = 1;
	loaded->config.workers = 1;
	loaded->config.body_max = 32 * 1024 * 1024;
	loaded->config.bodies_max = 512 * 1024 * 1024;
	loaded->config.drain_timeout_ms = 600000;
	loaded->config.log.least = WEIR_LOG_INFO;
	loaded->config.defaults = weir_calloc(1, sizeof *loaded->config.defaults);
	if (loaded->config.defaults)
		loaded->config.defaults->name = weir_strndup("", 0);
	if (!loaded->config.defaults || !loaded->config.defaults->name) {
		weir_config_unref(&loaded->config);
		return NULL;
	}
	return &loaded->config;
}

void weir_config_ref(struct weir_config *config)
{
	WEIR_ASSERT(config->references > 0);
	config->references++;
}

void weir_secret_fini(struct weir_secret *secret)
{
	weir_free_secret(secret->text, secret->len + 1);
	*secret = (struct weir_secret){ 0 };
}

void weir_provider_destroy(struct weir_provider *provider)
{
	if (!provider)
		return;
	for (unsigned i = 0; i < provider->keys_n; i++)
		weir_secret_fini(&provider->keys[i]);
	for (unsigned i = 0; i < provider->headers_n; i++) {
		weir_free(provider->headers[i].name);
		if (provider->headers[i].value)
			weir_free_secret(provider->headers[i].value,
					 strlen(provider->headers[i].value));
	}
	weir_free(provider->headers);
	weir_free(provider->name);
	weir_free(provider->host);
	weir_free(provider->host_field);
	weir_free(provider->base_path);
	weir_free(provider->query);
	weir_free(provider->ca_file);
	weir_proxy_fini(&provider->proxy);
	weir_free(provider);
}

static void target_destroy(struct weir_target *target)
{
	weir_free(target->model);
	weir_free(target->id);
	weir_free(target->trail_id);
	weir_free(target);
}

void weir_chain_destroy(struct weir_chain *chain)
{
	if (!chain)
		return;
	for (unsigned i = 0; i < chain->steps_n; i++)
		weir_free(chain->steps[i].targets);
	weir_free(chain->name);
	weir_free(chain);
}

void weir_caller_fini(struct weir_caller *caller)
{
	weir_free(caller->name);
	weir_free(caller->chains);
}

static void destroy(struct weir_config *config)
{
	struct weir_loaded *loaded = loaded_of(config);

	weir_config_unseal(config);
	for (unsigned i = 0; i < config->chains_n; i++)
		weir_chain_destroy(config->chains[i]);
	for (unsigned i = 0; i < config->targets_n; i++)
		target_destroy(config->targets[i]);
	for (unsigned i = 0; i < config->providers_n; i++)
		weir_provider_destroy(config->providers[i]);
	for (unsigned i = 0; i < config->callers_n; i++)
		weir_caller_fini(&config->callers[i]);
	for (unsigned i = 0; i < config->listen_n; i++)
		weir_free(config->listen[i]);
	for (unsigned i = 0; i < config->identities_n; i++) {
		weir_free(config->identities[i].cert);
		weir_free(config->identities[i].key);
	}
	weir_free(config->client_ca);
	for (unsigned i = 0; i < config->groups_n; i++)
		weir_free(config->groups[i]);
	for (unsigned i = 0; i < config->affinity_headers_n; i++)
		weir_free(config->affinity_headers[i]);
	for (unsigned i = 0; i < loaded->texts_n; i++)
		weir_free(loaded->texts[i]);
	weir_free(loaded->texts);
	weir_free(config->admin);
	weir_free(config->log.file);
	weir_free(config->log.attempts);
	weir_secret_fini(&config->admin_key);
	weir_free(config->state.host);
	weir_free(config->state.user);
	weir_secret_fini(&config->state.password);
	weir_free(config->state.shown);
	weir_free(config->groups);
	weir_free(config->chains);
	weir_free(config->targets);
	weir_free(config->providers);
	weir_free(config->callers);
	weir_free(config->access_keys);
	weir_chain_destroy(config->defaults);
	weir_index_fini(&loaded->chains);
	weir_index_fini(&loaded->targets);
	weir_free(loaded);
}

void weir_config_unref(struct weir_config *config)
{
	if (!config)
		return;
	WEIR_ASSERT(config->references > 0);
	if (--config->references == 0)
		destroy(config);
}

/* Room for one more pointer in list. */
static int make_room(void *list, unsigned n, unsigned *cap, unsigned max)
{
	unsigned more = *cap ? *cap * 2 : 8;
	void **old, **grown;

	if (n >= max)
		return WEIR_ELIMIT;
	if (n < *cap)
		return 0;
	memcpy(&old, list, sizeof old);
	grown = weir_realloc(old, more * sizeof *grown);
	if (!grown)
		return WEIR_ENOMEM;
	memcpy(list, &grown, sizeof grown);
	*cap = more;
	return 0;
}

int weir_config_add_provider(struct weir_config *config, struct weir_provider *provider)
{
	int rc = make_room(&config->providers, config->providers_n,
			   &loaded_of(config)->providers_cap, WEIR_PROVIDERS_MAX);

	if (rc)
		return rc;
	provider->index = config->providers_n;
	config->providers[config->providers_n++] = provider;
	return 0;
}

int weir_config_add_chain(struct weir_config *config, struct weir_chain *chain)
{
	struct weir_loaded *loaded = loaded_of(config);
	int rc = make_room(&config->chains, config->chains_n, &loaded->chains_cap, WEIR_CHAINS_MAX);

	if (rc == 0)
		rc = weir_index_put(&loaded->chains, weir_slice_of(chain->name), chain);
	if (rc)
		return rc;
	chain->index = config->chains_n;
	config->chains[config->chains_n++] = chain;
	return 0;
}

/* Beyond , ; % and space also what cannot stand in a header field. */
static bool is_encoded_in_trail(unsigned char c)
{
	return c <= 0x20 || c >= 0x7f || c == ',' || c == ';' || c == '%';
}

static char *trail_id(const char *id)
{
	static const char digits[] = "0123456789ABCDEF";
	char *text = weir_alloc(strlen(id) * 3 + 1), *at = text;

	if (!text)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)id; *c; c++) {
		bool encoded = is_encoded_in_trail(*c);

		*at++ = encoded ? '%' : (char)*c;
		if (encoded) {
			*at++ = digits[*c >> 4];
			*at++ = digits[*c & 15];
		}
	}
	*at = '\0';
	return text;
}

static struct weir_target *target_create(struct weir_provider *provider, struct weir_slice model)
{
	size_t provider_len = strlen(provider->name);
	struct weir_target *target = weir_calloc(1, sizeof *target);

	if (!target)
		return NULL;
	target->provider = provider;
	target->facts = weir_model_facts(model, provider->vendor, provider->base_path);
	target->model = weir_strndup(model.base, model.len);
	target->id = weir_alloc(provider_len + 1 + model.len + 1);
	if (target->id) {
		memcpy(target->id, provider->name, provider_len);
		target->id[provider_len] = '/';
		memcpy(target->id + provider_len + 1, model.base, model.len);
		target->id[provider_len + 1 + model.len] = '\0';
		target->trail_id = trail_id(target->id);
	}
	if (!target->model || !target->trail_id) {
		target_destroy(target);
		return NULL;
	}
	return target;
}

int weir_config_add_target(struct weir_config *config, struct weir_provider *provider,
			   struct weir_slice model, unsigned max, struct weir_target **target)
{
	struct weir_loaded *loaded = loaded_of(config);
	struct weir_target *made = target_create(provider, model);
	int rc;

	if (!made)
		return WEIR_ENOMEM;
	*target = weir_config_target(config, weir_slice_of(made->id));
	if (*target) {
		target_destroy(made);
		return 0;
	}
	rc = make_room(&config->targets, config->targets_n, &loaded->targets_cap, max);
	if (rc == 0)
		rc = weir_index_put(&loaded->targets, weir_slice_of(made->id), made);
	if (rc) {
		target_destroy(made);
		return rc;
	}
	made->index = config->targets_n;
	config->targets[config->targets_n++] = made;
	*target = made;
	return 0;
}

int weir_config_add_group(struct weir_config *config, struct weir_slice name, unsigned *index)
{
	int rc;

	for (*index = 0; *index < config->groups_n; ++*index)
		if (weir_slice_is(name, config->groups[*index]))
			return 0;
	rc = make_room(&config->groups, config->groups_n, &loaded_of(config)->groups_cap,
		       WEIR_GROUP_NAMES_MAX);
	if (rc)
		return rc;
	config->groups[*index] = weir_strndup(name.base, name.len);
	if (!config->groups[*index])
		return WEIR_ENOMEM;
	config->groups_n++;
	return 0;
}

int weir_config_add_affinity(struct weir_config *config, struct weir_slice name, unsigned *index)
{
	char *copy;

	for (*index = 0; *index < config->affinity_headers_n; ++*index)
		if (weir_slice_is_nocase(name, config->affinity_headers[*index]))
			return 0;
	if (*index == WEIR_AFFINITY_HEADERS_MAX)
		return WEIR_ELIMIT;
	copy = weir_strndup(name.base, name.len);
	if (!copy)
		return WEIR_ENOMEM;
	for (char *c = copy; *c; c++)
		*c = weir_lower(*c);
	config->affinity_headers[config->affinity_headers_n++] = copy;
	return 0;
}

int weir_config_keep(struct weir_config *config, struct weir_slice text, const char **kept)
{
	struct weir_loaded *loaded = loaded_of(config);
	int rc = make_room(&loaded->texts, loaded->texts_n, &loaded->texts_cap, UINT32_MAX);
	char *copy = rc ? NULL : weir_strndup(text.base, text.len);

	if (!copy)
		return WEIR_ENOMEM;
	loaded->texts[loaded->texts_n++] = copy;
	*kept = copy;
	return 0;
}

struct weir_chain *weir_config_chain(const struct weir_config *config, struct weir_slice name)
{
	return weir_index_get(&loaded_of(config)->chains, name);
}

struct weir_target *weir_config_target(const struct weir_config *config, struct weir_slice id)
{
	return weir_index_get(&loaded_of(config)->targets, id);
}

struct weir_provider *weir_config_provider(const struct weir_config *config, struct weir_slice name)
{
	for (unsigned i = 0; i < config->providers_n; i++)
		if (weir_slice_is(name, config->providers[i]->name))
			return config->providers[i];
	return NULL;
}

void weir_target_name(const struct weir_target *target, unsigned key, char *text, size_t size)
{
	if (target->provider->keys_n > 1)
		snprintf(text, size, "%s#%u", target->id, key + 1);
	else
		weir_slice_print(weir_slice_of(target->id), text, size);
}

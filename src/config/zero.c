#include <stdio.h>

#include "config/chain.h"
#include "config/loaded.h"
#include "config/provider.h"
#include "config/section.h"
#include "dialect/path.h"

/* A vendor that speaks two dialects is asked in the first. */
static bool is_first_of_key(const struct weir_vendor *vendor)
{
	const struct weir_vendor *v = weir_vendors();

	while (v != vendor && (!v->key_var || strcmp(v->key_var, vendor->key_var) != 0))
		v++;
	return v == vendor;
}

/* Names such as GITHUB_TOKEN say more than "this is for a model": who has set them did not
 * mean us, unless a file says so. */
static bool is_for_models(const struct weir_reader *reader, const struct weir_vendor *vendor)
{
	size_t n = vendor->key_var ? strlen(vendor->key_var) : 0;

	return n > 8 && strcmp(vendor->key_var + n - 8, "_API_KEY") == 0 && !vendor->local &&
	       is_first_of_key(vendor) &&
	       (vendor->base_url || weir_reader_vendor_base(reader, vendor));
}

static void add_vendor(struct weir_reader *reader, const struct weir_vendor *vendor)
{
	struct weir_node root = { .type = WEIR_NODE_MAP };
	struct weir_node key = { .raw = weir_slice_of(vendor->key_var) };
	struct weir_node node = { .parent = &root, .key = &key };
	struct weir_draft *draft;

	if (!weir_reader_vendor_key(reader, vendor))
		return;
	draft = weir_provider_implicit(reader, &node, vendor);
	if (draft)
		draft->node = NULL; /* which ends with this function */
}

static void list_variables(const struct weir_reader *reader, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (const struct weir_vendor *v = weir_vendors(); v->name; v++)
		if (is_for_models(reader, v) && v->base_url && at < size)
			at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ", " : "",
					       v->key_var);
}

static void set_addresses(struct weir_reader *reader)
{
	struct weir_node *nothing[WEIR_SECTIONS_N] = { NULL };
	struct weir_settings settings;

	weir_sections_read(reader, nothing);
	weir_settings_init(&settings);
	weir_chain_fill(reader->config->defaults, &settings);
}

int weir_config_zero(struct weir_config **config, weir_env *env, void *arg,
		     struct weir_findings *findings)
{
	struct weir_reader reader = {
		.findings = findings, .env = env, .env_arg = arg, .file = ""
	};
	char variables[768];
	unsigned errors = findings->errors;
	int rc = 0;

	*config = NULL;
	reader.config = weir_config_create();
	if (!reader.config)
		return WEIR_ENOMEM;
	reader.config->zero = true;
	set_addresses(&reader);
	for (const struct weir_vendor *v = weir_vendors(); v->name; v++)
		if (is_for_models(&reader, v))
			add_vendor(&reader, v);
	weir_drafts_fini(&reader);
	if (reader.config->providers_n == 0 && findings->errors == errors) {
		list_variables(&reader, variables, sizeof variables);
		weir_findings_add(findings, WEIR_FINDING_ERROR, 0, 0, "no-provider", "environment",
				  "no configuration file, and no API key in the environment\n"
				  "write a weir.yaml, set one of %s, or run `weir demo`, which "
				  "needs no key",
				  variables);
	}
	if (reader.out_of_memory || findings->out_of_memory)
		rc = WEIR_ENOMEM;
	else if (findings->errors > errors)
		rc = WEIR_ECONFIG;
	else
		rc = weir_config_seal(reader.config);
	if (rc)
		weir_config_unref(reader.config);
	else
		*config = reader.config;
	return rc;
}

struct weir_target *weir_config_zero_target(struct weir_config *config, struct weir_slice model)
{
	struct weir_provider *provider = NULL;
	struct weir_slice rest = model;
	struct weir_target *target = NULL;
	const char *slash = model.len ? memchr(model.base, '/', model.len) : NULL;
	const struct weir_vendor *vendor;

	if (!config->zero || !weir_is_printable(model) || weir_path_strays(model))
		return NULL;
	if (slash) {
		provider = weir_config_provider(
			config, weir_slice(model.base, (size_t)(slash - model.base)));
		if (provider)
			rest = weir_slice(slash + 1, model.len - (size_t)(slash - model.base) - 1);
	}
	vendor = provider ? NULL : weir_vendor_of_model(model);
	if (vendor)
		provider = weir_config_provider(config, weir_slice_of(vendor->name));
	if (!provider || rest.len == 0 || rest.len > WEIR_NAME_MAX ||
	    weir_config_add_target(config, provider, rest, WEIR_CHAINS_MAX, &target))
		return NULL;
	return target;
}

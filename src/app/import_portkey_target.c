/* One target of a Portkey config: who answers, and which model. */
#include <stdio.h>

#include "app/import_portkey_private.h"
#include "app/import_vendors.h"

static const char model_variable[] = "WEIR_MODEL";

/* One target, while it is read. */
struct leaf {
	struct weir_portkey *p;
	struct weir_import *im;
	struct weir_node *node;
	struct weir_node *const *k;
	const struct weir_node *model_node; /* NULL: the request's */
	struct weir_slice model, slug;      /* slug: of "@slug", at Portkey; "" none */
	const struct weir_node *slug_node;
	const struct weir_import_vendor *vendor;
	struct weir_import_vendor unknown;
	struct weir_import_provider wish;
};

/* "@slug/model" names both. */
static bool read_model(struct leaf *x, const struct weir_portkey_above *above)
{
	struct weir_node *own = weir_import_get(x->im, x->k[WEIR_PK_PARAMS], "model");
	const char *slash;

	x->model_node = own && !weir_node_is_null(own) ? own : above->model;
	if (x->model_node && !weir_import_string(x->im, x->model_node, &x->model))
		return false;
	if (!x->model_node && x->k[WEIR_PK_DEPLOYMENT]) {
		x->model_node = x->k[WEIR_PK_DEPLOYMENT];
		if (!weir_import_string(x->im, x->model_node, &x->model))
			return false;
	}
	if (!x->model_node || x->model.base[0] != '@')
		return true;
	slash = memchr(x->model.base, '/', x->model.len);
	if (!slash)
		return true;
	x->slug = weir_slice(x->model.base + 1, (size_t)(slash - x->model.base) - 1);
	x->slug_node = x->model_node;
	x->model = weir_slice(slash + 1, x->model.len - x->slug.len - 2);
	return true;
}

static bool read_vendor(struct leaf *x)
{
	const struct weir_node *said = x->k[WEIR_PK_PROVIDER];
	const struct weir_node *key = x->k[WEIR_PK_VIRTUAL_KEY];
	struct weir_slice name;

	if (said && !weir_import_string(x->im, said, &name))
		return false;
	if (said && name.base[0] == '@') {
		x->slug = weir_slice(name.base + 1, name.len - 1);
		x->slug_node = said;
	} else if (said) {
		x->slug = (struct weir_slice){ NULL, 0 };
		x->vendor = weir_import_portkey_vendor(name);
		x->unknown = (struct weir_import_vendor){
			.name = "unknown", .why = "no provider of that name is known here"
		};
	}
	if (!said && !x->slug.len && key && !weir_import_string(x->im, key, &name))
		return false;
	if (!said && !x->slug.len && key)
		x->vendor = weir_import_portkey_guess(name);
	if (x->slug.len)
		x->vendor = weir_import_portkey_guess(x->slug);
	if (!x->unknown.name)
		x->unknown = (struct weir_import_vendor){ .name = "provider" };
	if (!x->vendor)
		x->vendor = &x->unknown;
	return said || x->slug.len || key;
}

/* https://RESOURCE.openai.azure.com */
static struct weir_import_value resource_address(struct leaf *x)
{
	struct weir_import_value value = { .from = WEIR_IMPORT_NOTHING };
	const struct weir_node *node = x->k[WEIR_PK_RESOURCE];
	struct weir_slice name;

	if (!node || !weir_import_string(x->im, node, &name))
		return value;
	for (size_t i = 0; i < name.len; i++) {
		char c = weir_lower(name.base[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') {
			weir_import_warn(x->im, node, "bad-value",
					 "is not the name of a resource: it is left out\ncorrect "
					 "it, and import again");
			return value;
		}
	}
	value.from = WEIR_IMPORT_TEXT;
	value.text = weir_slice_of(
		weir_import_text(x->im, "https://%.*s.openai.azure.com", (int)name.len, name.base));
	value.node = node;
	return value;
}

/* Portkey keeps the keys of its own providers, and of virtual keys. */
static void kept_key(struct leaf *x)
{
	const struct weir_node *key = x->k[WEIR_PK_VIRTUAL_KEY];

	if (!x->slug.len && !key)
		return;
	x->wish.key = (struct weir_import_value){
		.from = WEIR_IMPORT_ABSENT,
		.text = x->slug.len ? x->slug : key->raw, /* tells them apart */
		.node = x->slug.len ? x->slug_node : key,
		.rule = "virtual-key",
		.what = "the provider's key is kept by Portkey and not in the file",
	};
}

static void read_key(struct leaf *x)
{
	const struct weir_node *node = x->k[WEIR_PK_API_KEY];
	const struct weir_vendor *known = weir_import_in_catalogue(x->vendor);

	x->wish.key = weir_import_secret(x->im, node);
	if (x->wish.key.from == WEIR_IMPORT_SECRET && !x->wish.vendor &&
	    weir_import_is_placeholder(x->wish.key.text)) {
		x->wish.key = (struct weir_import_value){ .from = WEIR_IMPORT_NOTHING };
		weir_import_warn(x->im, node, "placeholder",
				 "is a word that stands for no key: weir sends none\nwrite `keys` "
				 "if that server wants one");
		return;
	}
	if (x->wish.key.from == WEIR_IMPORT_NOTHING)
		kept_key(x);
	/* a config without keys goes with requests that bring theirs */
	if (x->wish.key.from == WEIR_IMPORT_NOTHING && x->wish.vendor && known && known->key_var)
		x->wish.key = (struct weir_import_value){ .from = WEIR_IMPORT_VARIABLE,
							  .text = weir_slice_of(known->key_var) };
}

static void read_headers(struct leaf *x)
{
	if (x->k[WEIR_PK_ORGANIZATION])
		weir_import_header(x->im, &x->wish, WEIR_SLICE("OpenAI-Organization"),
				   x->k[WEIR_PK_ORGANIZATION], x->k[WEIR_PK_ORGANIZATION]);
	if (x->k[WEIR_PK_PROJECT])
		weir_import_header(x->im, &x->wish, WEIR_SLICE("OpenAI-Project"),
				   x->k[WEIR_PK_PROJECT], x->k[WEIR_PK_PROJECT]);
	weir_import_version(x->im, &x->wish, x->k[WEIR_PK_API_VERSION]);
}

static void read_provider(struct leaf *x, const struct weir_portkey_above *above)
{
	const struct weir_node *host = x->k[WEIR_PK_HOST] ? x->k[WEIR_PK_HOST] : above->host;
	const struct weir_node *at = x->slug.len                 ? x->slug_node
				     : x->k[WEIR_PK_PROVIDER]    ? x->k[WEIR_PK_PROVIDER]
				     : x->k[WEIR_PK_VIRTUAL_KEY] ? x->k[WEIR_PK_VIRTUAL_KEY]
								 : x->node;
	struct weir_import_value address = host ? weir_import_address(x->im, host)
						: resource_address(x);

	weir_import_place(x->im, &x->wish, x->vendor, &address, at);
	if (x->slug.len && !host)
		x->wish.hint = weir_import_name(x->im, x->slug, x->wish.hint);
	weir_import_judge(x->im, &x->wish, x->vendor, at);
	read_key(x);
	if (x->vendor->why)
		x->wish.key.rule = NULL; /* of no use */
	read_headers(x);
}

/* A target has one model; a Portkey config may leave it to each request. */
static struct weir_import_target *make_target(struct leaf *x)
{
	struct weir_import_provider *provider;
	struct weir_import_target *target;
	bool variable = !x->model_node && !x->p->model.len;

	if (!x->model_node)
		x->model = variable ? weir_slice_of(model_variable) : x->p->model;
	if (variable)
		weir_import_warn(x->im, x->node, "missing-model",
				 "takes the model of each request, and a target has one here: the "
				 "configuration reads it from the variable %s\nname it with "
				 "`--model NAME`, once for each model",
				 model_variable);
	if (x->model.len == 0 || x->model.len > WEIR_NAME_MAX || !weir_is_printable(x->model)) {
		weir_import_warn(
			x->im, x->model_node ? x->model_node : x->node, "bad-value",
			"cannot be a model's name here: it is left out\nuse printable text "
			"of at most %d bytes",
			WEIR_NAME_MAX);
		return NULL;
	}
	if (x->im->out_of_memory)
		return NULL;
	provider = weir_import_provider(x->im, &x->wish, x->node);
	target = provider ? weir_import_target(x->im, provider, x->model, x->node) : NULL;
	if (target)
		target->model_is_variable = variable;
	return target;
}

static void read_params(struct leaf *x)
{
	const struct weir_node *params = x->k[WEIR_PK_PARAMS];

	for (unsigned i = 0; params && params->type == WEIR_NODE_MAP && i < params->pairs_n; i++)
		if (!weir_slice_is(params->pairs[i].key->raw, "model"))
			weir_import_warn(x->im, params->pairs[i].key, "no-counterpart",
					 "weir sends what callers ask for, and changes none of it "
					 "but the model\nlet callers send it");
}

struct weir_import_target *weir_portkey_target(struct weir_portkey *p, struct weir_node *node,
					       struct weir_node *const *k,
					       const struct weir_portkey_above *above)
{
	struct leaf x = { .p = p, .im = p->im, .node = node, .k = k };

	read_params(&x);
	if (!read_model(&x, above))
		return NULL;
	if (!read_vendor(&x)) {
		weir_import_warn(p->im, node, "bad-value",
				 "names no provider: it is left out\nadd the step by hand");
		return NULL;
	}
	read_provider(&x, above);
	return make_target(&x);
}

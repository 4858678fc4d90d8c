/* One target of a Portkey config: who answers in this configuration, and what is asked of it. */
#include "base/alloc.h"
#include "base/error.h"
#include "core/portkey_private.h"

/* Providers whose names there do not begin with the one in the catalogue. */
static const char *const other_names[][2] = {
	{ "google", "gemini" },
	{ "open-ai", "openai" },
	{ "x-ai", "xai" },
	{ "z-ai", "zai" },
};

/* Is text the name, or does it begin with it, as "openai-prod" with "openai"? */
static bool begins_with(struct weir_slice text, const char *name)
{
	size_t n = strlen(name);

	return weir_slice_starts_nocase(text, name) &&
	       (text.len == n || text.base[n] == '-' || text.base[n] == '_');
}

/* The provider of that name, or whose name it begins with: the longest. NULL: none. */
static const char *find_provider(const struct weir_config *config, struct weir_slice text)
{
	const char *found = NULL;

	for (unsigned i = 0; i < config->providers_n; i++) {
		const char *name = config->providers[i]->name;

		if (weir_slice_is(text, name))
			return name;
		if (begins_with(text, name) && (!found || strlen(name) > strlen(found)))
			found = name;
	}
	for (size_t i = 0; i < WEIR_COUNT_OF(other_names) && !found; i++)
		if (begins_with(text, other_names[i][0]))
			found = find_provider(config, weir_slice_of(other_names[i][1]));
	return found;
}

/* "@slug/model" names both; the slash of "@slug/a/b" is the first. */
static void split_model(struct weir_slice *provider, struct weir_slice *model)
{
	const char *slash = model->len && model->base[0] == '@'
				    ? memchr(model->base, '/', model->len)
				    : NULL;

	if (!slash)
		return;
	*provider = weir_slice(model->base + 1, (size_t)(slash - model->base) - 1);
	*model = weir_slice(slash + 1, model->len - provider->len - 2);
}

/* PROVIDER/MODEL as the configuration says it; without a provider the model alone. */
static int make_name(struct weir_portkey_walk *w, const struct weir_portkey_above *here,
		     const char *where, struct weir_buf *name)
{
	struct weir_slice provider = here->provider;
	struct weir_slice model = here->model.len
					  ? weir_slice(here->model.base + 1, here->model.len - 2)
					  : weir_slice_of(w->body->model);
	const char *found;

	split_model(&provider, &model);
	if (provider.len && provider.base[0] == '@')
		provider = weir_slice(provider.base + 1, provider.len - 1);
	if (provider.len) {
		found = find_provider(w->config, provider);
		if (!found)
			return weir_complain(w->c, where, "model_not_found",
					     "`%.*s` is no provider of this configuration",
					     (int)(provider.len < 100 ? provider.len : 100),
					     provider.base);
		if (weir_buf_puts(name, found) || weir_buf_puts(name, "/"))
			return WEIR_ENOMEM;
	}
	/* the body's model has been decoded already */
	return here->model.len ? weir_json_unescape(name, model)
			       : weir_buf_append(name, model.base, model.len);
}

/* What was put already, by a level nearer to the target. */
struct put {
	struct weir_slice keys[(WEIR_PORTKEY_DEPTH_MAX + 1) * WEIR_PORTKEY_PARAMS_MAX];
	unsigned n;
};

static bool is_put(const struct put *put, struct weir_slice key)
{
	for (unsigned i = 0; i < put->n; i++)
		if (weir_slice_eq(put->keys[i], key))
			return true;
	return false;
}

static int put_param(struct put *put, const struct weir_json_member *m, struct weir_buf *out)
{
	int rc;

	if (is_put(put, m->key))
		return 0;
	if ((rc = weir_buf_puts(out, put->n ? ",\"" : "\"")) ||
	    (rc = weir_buf_append(out, m->key.base, m->key.len)) ||
	    (rc = weir_buf_puts(out, "\":")) ||
	    (rc = weir_buf_append(out, m->value.base, m->value.len)))
		return rc;
	put->keys[put->n++] = m->key;
	return 0;
}

/* All levels as one object, the nearest first. */
static int put_params(const struct weir_portkey_above *here, struct weir_buf *out)
{
	struct put put = { .n = 0 };
	int rc = weir_buf_puts(out, "{");

	for (unsigned i = here->params_n; i-- > 0;) {
		struct weir_json_cursor cursor;
		struct weir_json_member m;

		weir_json_open(&cursor, here->params[i]);
		while (rc == 0 && weir_json_next(&cursor, &m) == 1)
			rc = put_param(&put, &m, out);
	}
	return rc ? rc : weir_buf_puts(out, "}");
}

/* The targets of a head take the place of the chain, and of what stands behind it. */
int weir_portkey_lead(struct weir_portkey_walk *w, struct weir_slice name, const char *where)
{
	struct weir_body *body = w->body;
	char *copy;

	if (!body->led && (body->fallbacks_set || body->fallbacks_n))
		return weir_complain(w->c, "fallbacks", "conflicting_fields",
				     "the request's head names targets, and its body fallbacks: "
				     "use one of them");
	if (!name.len || name.len > WEIR_NAME_MAX || memchr(name.base, '\0', name.len))
		return weir_complain(w->c, where, "model_not_found", "`%s` is no known model",
				     where);
	copy = weir_strndup(name.base, name.len);
	if (!copy)
		return WEIR_ENOMEM;
	body->led = true;
	return weir_body_add_fallback(body, copy, where, w->c);
}

void weir_portkey_keep_chain(struct weir_body *body, const struct weir_portkey_above *above)
{
	if (above->timeout_ms && !body->timeout_set) {
		body->timeout_set = true;
		body->timeout_ms = above->timeout_ms;
	}
	if (above->retries >= 0 && !body->retries_set) {
		body->retries_set = true;
		body->retries = (unsigned)above->retries;
	}
}

int weir_portkey_add(struct weir_portkey_walk *w, const struct weir_portkey_above *here,
		     const char *where)
{
	struct weir_body *body = w->body;
	struct weir_fallback *f;
	struct weir_buf name;
	int rc;

	weir_buf_init(&name, WEIR_MODEL_NAME_MAX + WEIR_NAME_MAX + 1);
	rc = make_name(w, here, where, &name);
	if (rc == 0 || rc == WEIR_ELIMIT)
		rc = weir_portkey_lead(w, rc ? WEIR_SLICE("") : weir_buf_slice(&name),
				       here->provider.len || here->model.len ? where : "model");
	weir_buf_fini(&name);
	if (rc)
		return rc;
	f = &body->fallbacks[body->fallbacks_n - 1];
	f->timeout_ms = here->timeout_ms;
	f->retries = here->retries;
	w->overrides[body->fallbacks_n - 1][0] = body->extra.len;
	rc = here->params_n ? put_params(here, &body->extra) : 0;
	w->overrides[body->fallbacks_n - 1][1] = body->extra.len;
	return rc;
}

bool weir_portkey_names_target(const struct weir_portkey_walk *w,
			       const struct weir_portkey_above *here)
{
	return here->provider.len || here->params_n || w->body->model[0] == '@';
}

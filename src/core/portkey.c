#include "core/portkey_private.h"

#include <stdio.h>

#include "base/error.h"

enum {
	TEXT_MAX = 64 * 1024,    /* more than a head may have */
	EXTRA_MAX = 1024 * 1024, /* what each of 16 targets may have of it */
	WEIGHT_SCALE = 1000,
	WEIGHT_MAX = 1000 * 1000,
	WHERE_MAX = sizeof((struct weir_fallback){ 0 }.where),
	TIMEOUT_MAX_MS = 24 * 3600 * 1000
};

static const char *const header_names[WEIR_PORTKEY_FIELDS_N] = {
	[WEIR_PORTKEY_CONFIG] = "x-portkey-config",
	[WEIR_PORTKEY_PROVIDER] = "x-portkey-provider",
	[WEIR_PORTKEY_VIRTUAL_KEY] = "x-portkey-virtual-key",
	[WEIR_PORTKEY_HOST] = "x-portkey-custom-host",
	[WEIR_PORTKEY_TIMEOUT] = "x-portkey-request-timeout",
	[WEIR_PORTKEY_RETRIES] = "x-portkey-retry-count",
};

struct target {
	struct weir_slice text;
	unsigned index;
	uint64_t weight;
};

static int walk(struct weir_portkey_walk *w, struct weir_slice node,
		const struct weir_portkey_above *above, const char *where, unsigned depth);

int weir_portkey_take(struct weir_portkey *p, const struct weir_http_head *head)
{
	int rc = 0;

	weir_buf_init(&p->text, TEXT_MAX);
	for (unsigned i = 0; i < WEIR_PORTKEY_FIELDS_N && rc == 0; i++) {
		struct weir_slice value = weir_http_field(head, header_names[i]);

		if (value.len)
			rc = weir_buf_append(&p->text, value.base, value.len);
		p->ends[i] = p->text.len;
	}
	return rc;
}

void weir_portkey_fini(struct weir_portkey *p)
{
	weir_buf_fini(&p->text);
}

static struct weir_slice field(const struct weir_portkey *p, enum weir_portkey_field i)
{
	size_t begin = i ? p->ends[i - 1] : 0;

	return p->text.len ? weir_slice(p->text.base + begin, p->ends[i] - begin) : WEIR_SLICE("");
}

/* Its words are written in both ways: override_params, overrideParams. */
static bool is(struct weir_slice key, const char *name)
{
	char bytes[4];
	size_t n;

	while ((n = weir_json_text_step(&key, bytes)))
		for (size_t i = 0; i < n; i++) {
			if (bytes[i] == '_')
				continue;
			name += strspn(name, "_");
			if (!*name || weir_lower(bytes[i]) != *name++)
				return false;
		}
	return name[strspn(name, "_")] == '\0';
}

static bool get(struct weir_slice object, const char *name, struct weir_json_member *member)
{
	struct weir_json_cursor cursor;

	if (weir_json_open(&cursor, object) || cursor.is_array)
		return false;
	while (weir_json_next(&cursor, member) == 1)
		if (is(member->key, name) && member->type != WEIR_JSON_NULL)
			return true;
	return false;
}

static int refuse_host(struct weir_complaint *c, const char *where)
{
	return weir_complain(c, where, "not_supported",
			     "`%s` would choose where the request goes, and only the configuration "
			     "does: name a provider that stands in it",
			     where);
}

static int bad_type(struct weir_portkey_walk *w, const char *where, const char *name,
		    const char *what)
{
	char param[WHERE_MAX + 24];

	snprintf(param, sizeof param, "%s.%s", where, name);
	return weir_complain(w->c, param, "invalid_type", "`%s` must be %s", param, what);
}

/* ---- what is said of a target, or of all below it ---- */

static int read_timeout(struct weir_portkey_walk *w, const struct weir_json_member *m,
			struct weir_portkey_above *here, const char *where)
{
	double ms;

	if (m->type != WEIR_JSON_NUMBER || !weir_slice_to_double(m->value, &ms) || ms <= 0)
		return bad_type(w, where, "request_timeout", "a number of milliseconds above 0");
	if (ms > TIMEOUT_MAX_MS)
		ms = TIMEOUT_MAX_MS;
	here->timeout_ms = ms < 1 ? 1 : (uint64_t)ms;
	return 0;
}

static int read_retries(struct weir_portkey_walk *w, struct weir_slice text,
			struct weir_portkey_above *here, const char *where)
{
	uint64_t n;

	if (!weir_slice_to_u64(text, &n))
		return bad_type(w, where, "retry.attempts", "a whole number, 0 or more");
	here->retries = n < WEIR_RETRIES_WISH_MAX ? (int)n : WEIR_RETRIES_WISH_MAX;
	return 0;
}

static int read_retry(struct weir_portkey_walk *w, const struct weir_json_member *retry,
		      struct weir_portkey_above *here, const char *where)
{
	struct weir_json_member m;

	if (retry->type != WEIR_JSON_OBJECT)
		return bad_type(w, where, "retry", "an object");
	if (get(retry->value, "on_status_codes", &m) && !weir_body_ignore(w->body, m.key))
		return WEIR_ENOMEM;
	if (!get(retry->value, "attempts", &m))
		return 0;
	return read_retries(w, m.value, here, where);
}

static int read_params(struct weir_portkey_walk *w, const struct weir_json_member *params,
		       struct weir_portkey_above *here, const char *where)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned n = 0;

	if (params->type != WEIR_JSON_OBJECT)
		return bad_type(w, where, "override_params", "an object");
	if (here->params_n == WEIR_COUNT_OF(here->params))
		return weir_complain(w->c, where, "invalid_value",
				     "`%s` has `override_params` more than once", where);
	weir_json_open(&cursor, params->value);
	while (weir_json_next(&cursor, &m) == 1) {
		if (++n > WEIR_PORTKEY_PARAMS_MAX)
			return weir_complain(w->c, where, "invalid_value",
					     "`%s.override_params` has more than %d members", where,
					     WEIR_PORTKEY_PARAMS_MAX);
		if (weir_json_text_is(m.key, "model") && m.type == WEIR_JSON_STRING)
			here->model = m.value;
	}
	here->params[here->params_n++] = params->value;
	return 0;
}

static int read_provider(struct weir_portkey_walk *w, const struct weir_json_member *m,
			 struct weir_portkey_above *here, const char *where)
{
	if (m->type != WEIR_JSON_STRING)
		return bad_type(w, where, is(m->key, "provider") ? "provider" : "virtual_key",
				"a string");
	here->provider = weir_slice(m->value.base + 1, m->value.len - 2);
	return 0;
}

/* Of what weir does not do the caller hears, unless it says nothing. */
static int read_member(struct weir_portkey_walk *w, const struct weir_json_member *m,
		       struct weir_portkey_above *here, const char *where)
{
	static const char *const elsewhere[] = { "strategy", "targets", "weight",
						 "name",     "id",      "index" };
	char param[WHERE_MAX + 24];

	if (is(m->key, "provider") || is(m->key, "virtual_key"))
		return read_provider(w, m, here, where);
	if (is(m->key, "override_params"))
		return read_params(w, m, here, where);
	if (is(m->key, "request_timeout"))
		return read_timeout(w, m, here, where);
	if (is(m->key, "retry"))
		return read_retry(w, m, here, where);
	for (size_t i = 0; i < WEIR_COUNT_OF(elsewhere); i++)
		if (is(m->key, elsewhere[i]))
			return 0;
	if (weir_chat_is_empty(m))
		return 0;
	if (is(m->key, "custom_host")) {
		snprintf(param, sizeof param, "%s.custom_host", where);
		return refuse_host(w->c, param);
	}
	return weir_body_ignore(w->body, m->key) ? 0 : WEIR_ENOMEM;
}

static int read_node(struct weir_portkey_walk *w, struct weir_slice node,
		     struct weir_portkey_above *here, const char *where)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	int rc = 0;

	if (weir_json_open(&cursor, node) || cursor.is_array)
		return weir_complain(w->c, where, "invalid_type", "`%s` must be an object", where);
	while (rc == 0 && weir_json_next(&cursor, &m) == 1)
		if (m.type != WEIR_JSON_NULL)
			rc = read_member(w, &m, here, where);
	return rc;
}

/* ---- targets ---- */

static int read_weight(struct weir_portkey_walk *w, struct target *t, const char *where)
{
	struct weir_json_member m;
	double weight = 1;

	if (get(t->text, "weight", &m) &&
	    (m.type != WEIR_JSON_NUMBER || !weir_slice_to_double(m.value, &weight)))
		return bad_type(w, where, "weight", "a number, 0 or more");
	t->weight = (uint64_t)((weight < WEIGHT_MAX ? weight : WEIGHT_MAX) * WEIGHT_SCALE);
	return 0;
}

/* The first by lot, by weight; so the second of the rest; those of weight 0 are the last. */
static void draw(struct weir_rng *rng, struct target *targets, unsigned n)
{
	for (; n > 1; targets++, n--) {
		struct target first;
		uint64_t total = 0, lot;
		unsigned i = 0;

		for (unsigned k = 0; k < n; k++)
			total += targets[k].weight;
		if (total == 0)
			return;
		lot = weir_rng_upto(rng, total - 1);
		while (lot >= targets[i].weight)
			lot -= targets[i++].weight;
		first = targets[i];
		memmove(targets + 1, targets, i * sizeof *targets);
		targets[0] = first;
	}
}

enum mode { SINGLE, FALLBACK, LOADBALANCE, CONDITIONAL, MODES_N };

static int read_mode(struct weir_portkey_walk *w, struct weir_slice node, const char *where,
		     enum mode *mode)
{
	static const char *const words[MODES_N] = { "single", "fallback", "loadbalance",
						    "conditional" };
	struct weir_json_member strategy, m;

	*mode = FALLBACK;
	if (!get(node, "strategy", &strategy))
		return 0;
	if (get(strategy.value, "on_status_codes", &m) && !weir_body_ignore(w->body, m.key))
		return WEIR_ENOMEM;
	if (!get(strategy.value, "mode", &m))
		return 0;
	for (*mode = 0; *mode < MODES_N; ++*mode)
		if (weir_json_text_is(weir_chat_inside(m.value), words[*mode]))
			break;
	if (*mode < CONDITIONAL)
		return 0;
	return weir_complain(
		w->c, where, "not_supported",
		*mode == CONDITIONAL
			? "`%s`: weir looks at no conditions, and whatever it took "
			  "instead might be the wrong target; ask for a chain by its name"
			: "`%s`: the strategy's mode must be single, fallback or "
			  "loadbalance",
		where);
}

static int read_targets(struct weir_portkey_walk *w, struct weir_slice list, const char *where,
			struct target *targets, unsigned *n)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	int rc = 0;

	*n = 0;
	weir_json_open(&cursor, list);
	while (rc == 0 && weir_json_next(&cursor, &m) == 1) {
		if (*n > WEIR_FALLBACKS_MAX)
			return weir_complain(w->c, where, "invalid_value",
					     "`%s` has more than %d targets", where,
					     WEIR_FALLBACKS_MAX + 1);
		targets[*n] = (struct target){ .text = m.value, .index = *n };
		rc = read_weight(w, &targets[*n], where);
		++*n;
	}
	return rc;
}

static int walk_targets(struct weir_portkey_walk *w, struct weir_slice node, struct weir_slice list,
			const struct weir_portkey_above *here, const char *where, unsigned depth)
{
	struct target targets[WEIR_FALLBACKS_MAX + 1];
	char below[WHERE_MAX];
	enum mode mode;
	unsigned n;
	int rc;

	if (depth == WEIR_PORTKEY_DEPTH_MAX)
		return weir_complain(w->c, where, "invalid_value",
				     "`%s`: targets of targets go %d deep at most", where,
				     WEIR_PORTKEY_DEPTH_MAX);
	if ((rc = read_mode(w, node, where, &mode)) ||
	    (rc = read_targets(w, list, where, targets, &n)))
		return rc;
	if (mode == LOADBALANCE)
		draw(w->rng, targets, n);
	else if (mode == SINGLE && n > 1)
		n = 1;
	for (unsigned i = 0; i < n && rc == 0; i++) {
		snprintf(below, sizeof below, "%s.targets[%u]", where, targets[i].index);
		rc = walk(w, targets[i].text, here, below, depth + 1);
	}
	return rc;
}

static int walk(struct weir_portkey_walk *w, struct weir_slice node,
		const struct weir_portkey_above *above, const char *where, unsigned depth)
{
	struct weir_portkey_above here = *above;
	struct weir_json_member targets;
	int rc = read_node(w, node, &here, where);

	if (rc)
		return rc;
	if (get(node, "targets", &targets) && !weir_chat_is_empty(&targets))
		return targets.type == WEIR_JSON_ARRAY
			       ? walk_targets(w, node, targets.value, &here, where, depth)
			       : bad_type(w, where, "targets", "a list");
	if (depth || weir_portkey_names_target(w, &here))
		return weir_portkey_add(w, &here, where);
	weir_portkey_keep_chain(w->body, &here);
	return 0;
}

/* ---- the head ---- */

static int read_config(struct weir_portkey_walk *w, struct weir_slice config,
		       const struct weir_portkey_above *above)
{
	const char *where = header_names[WEIR_PORTKEY_CONFIG];
	size_t offset;

	if (config.base[0] != '{') {
		if (!weir_config_chain(w->config, config))
			return weir_complain(w->c, where, "config_not_found",
					     "the saved config `%.*s` is not here; give a chain "
					     "that name, or send the config itself",
					     (int)(config.len < 100 ? config.len : 100),
					     config.base);
		return weir_portkey_lead(w, config, where);
	}
	if (weir_json_check(config, &offset))
		return weir_complain(w->c, where, "invalid_json",
				     "`%s` is not valid JSON, at byte %zu", where, offset);
	return walk(w, config, above, where, 0);
}

static int read_head(struct weir_portkey_walk *w, const struct weir_portkey *p,
		     struct weir_portkey_above *above)
{
	struct weir_slice provider = field(p, WEIR_PORTKEY_PROVIDER);
	struct weir_slice timeout = field(p, WEIR_PORTKEY_TIMEOUT);
	struct weir_slice retries = field(p, WEIR_PORTKEY_RETRIES);
	struct weir_json_member m = { .type = WEIR_JSON_NUMBER, .value = timeout };
	int rc = 0;

	if (field(p, WEIR_PORTKEY_HOST).len)
		return refuse_host(w->c, header_names[WEIR_PORTKEY_HOST]);
	above->provider = provider.len ? provider : field(p, WEIR_PORTKEY_VIRTUAL_KEY);
	if (timeout.len)
		rc = read_timeout(w, &m, above, "x-portkey");
	if (rc == 0 && retries.len)
		rc = read_retries(w, retries, above, "x-portkey");
	return rc;
}

int weir_portkey_read(struct weir_body *body, const struct weir_portkey *p,
		      const struct weir_config *config, struct weir_rng *rng,
		      struct weir_complaint *c)
{
	struct weir_portkey_walk w = { .body = body, .config = config, .rng = rng, .c = c };
	struct weir_portkey_above above = { .retries = -1 };
	struct weir_slice given = field(p, WEIR_PORTKEY_CONFIG);
	int rc = read_head(&w, p, &above);

	if (rc)
		return rc;
	weir_buf_init(&body->extra, EXTRA_MAX);
	if (given.len)
		rc = read_config(&w, given, &above);
	else if (weir_portkey_names_target(&w, &above))
		rc = weir_portkey_add(&w, &above, header_names[WEIR_PORTKEY_PROVIDER]);
	else
		weir_portkey_keep_chain(body, &above);
	for (unsigned i = 0; body->led && i < body->fallbacks_n && rc == 0; i++)
		if (w.overrides[i][1] > w.overrides[i][0])
			body->fallbacks[i].overrides = weir_slice(
				body->extra.base + w.overrides[i][0],
				w.overrides[i][1] - w.overrides[i][0]);
	return rc;
}

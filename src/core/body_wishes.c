/* What the caller wishes of weir, and says in the body. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "core/body.h"
#include "core/litellm.h"

enum { TIMEOUT_MAX_S = 24 * 3600 };

static const struct weir_json_member *at(const struct weir_body *body, enum weir_body_field field)
{
	return body->places[field] ? &body->members[body->places[field] - 1] : NULL;
}

/* The first member of that name; NULL when absent. */
static const struct weir_json_member *find(const struct weir_body *body, const char *name)
{
	for (unsigned i = 0; i < body->members_n; i++)
		if (weir_json_text_is(body->members[i].key, name))
			return &body->members[i];
	return NULL;
}

/* The same, unless it is null. */
static const struct weir_json_member *given(const struct weir_body *body, const char *name)
{
	const struct weir_json_member *m = find(body, name);

	return m && m->type != WEIR_JSON_NULL ? m : NULL;
}

static bool is_litellm(const struct weir_body *body)
{
	return body->how & WEIR_BODY_LITELLM;
}

/* A decoded string with a NUL after it. 1: longer than a name may be, or holds a NUL. */
static int decode_name(struct weir_slice raw, char **name)
{
	struct weir_buf buf;
	char room[WEIR_MODEL_NAME_MAX] WEIR_UNINITIALIZED;
	int rc;

	weir_buf_init_lent(&buf, WEIR_MODEL_NAME_MAX, room, sizeof room);
	rc = weir_json_unescape(&buf, raw);
	if (rc == 0 && buf.len && memchr(buf.base, '\0', buf.len))
		rc = WEIR_ELIMIT;
	if (rc == 0) {
		*name = weir_strndup(buf.len ? buf.base : "", buf.len);
		rc = *name ? 0 : WEIR_ENOMEM;
	}
	weir_buf_fini(&buf);
	return rc;
}

static int read_model(struct weir_body *body, struct weir_complaint *c)
{
	const struct weir_json_member *m = at(body, WEIR_BODY_MODEL);
	int rc;

	if (!m)
		return weir_complain(c, "model", "missing_required_parameter",
				     "the body has no `model`; GET /v1/models lists them");
	if (m->type != WEIR_JSON_STRING)
		return weir_complain(c, "model", "invalid_type", "`model` must be a string");
	rc = decode_name(m->value, &body->model);
	if (rc == WEIR_ELIMIT)
		return weir_complain(c, "model", "invalid_value",
				     "`model` is longer than %d bytes or holds a NUL",
				     WEIR_MODEL_NAME_MAX);
	if (rc == 0 && body->model[0] == '\0')
		return weir_complain(c, "model", "invalid_value", "`model` is empty");
	return rc;
}

static int read_stream(struct weir_body *body, struct weir_complaint *c)
{
	const struct weir_json_member *m = at(body, WEIR_BODY_STREAM);

	if (!m || m->type == WEIR_JSON_NULL)
		return 0;
	if (m->type != WEIR_JSON_BOOL)
		return weir_complain(c, "stream", "invalid_type", "`stream` must be true or false");
	body->stream = weir_slice_is(m->value, "true");
	return 0;
}

static int read_timeout(struct weir_body *body, const char *name, const struct weir_json_member *m,
			struct weir_complaint *c)
{
	double seconds;

	if (!m || m->type == WEIR_JSON_NULL)
		return 0;
	if (m->type != WEIR_JSON_NUMBER || !weir_slice_to_double(m->value, &seconds) ||
	    seconds <= 0)
		return weir_complain(c, name, "invalid_type",
				     "`%s` must be a number of seconds greater than 0", name);
	if (seconds > TIMEOUT_MAX_S)
		seconds = TIMEOUT_MAX_S;
	body->timeout_set = true;
	body->timeout_ms = (uint64_t)(seconds * 1000);
	if (body->timeout_ms == 0)
		body->timeout_ms = 1;
	return 0;
}

static int read_retries(struct weir_body *body, const char *name, const struct weir_json_member *m,
			struct weir_complaint *c)
{
	uint64_t retries;

	if (!m || m->type == WEIR_JSON_NULL || body->retries_set)
		return 0;
	if (m->type != WEIR_JSON_NUMBER || !weir_slice_to_u64(m->value, &retries))
		return weir_complain(c, name, "invalid_type",
				     "`%s` must be a whole number, 0 or more", name);
	body->retries_set = true;
	body->retries = retries < WEIR_RETRIES_WISH_MAX ? (unsigned)retries : WEIR_RETRIES_WISH_MAX;
	return 0;
}

int weir_body_add_fallback(struct weir_body *body, char *name, const char *where,
			   struct weir_complaint *c)
{
	unsigned most = WEIR_FALLBACKS_MAX + (body->led ? 1u : 0u);
	struct weir_fallback *f;

	if (body->fallbacks_n == most) {
		weir_free(name);
		return weir_complain(c, body->led ? where : "fallbacks", "invalid_value",
				     "there are more than %u %s", most,
				     body->led ? "targets" : "entries in `fallbacks`");
	}
	f = weir_realloc(body->fallbacks, (body->fallbacks_n + 1) * sizeof *f);
	if (!f) {
		weir_free(name);
		return WEIR_ENOMEM;
	}
	body->fallbacks = f;
	f += body->fallbacks_n++;
	*f = (struct weir_fallback){ .name = name, .retries = -1 };
	snprintf(f->where, sizeof f->where, "%s", where);
	return 0;
}

static int read_fallback(struct weir_body *body, const struct weir_json_member *element,
			 const char *where, struct weir_complaint *c)
{
	struct weir_slice name = element->value;
	bool object = element->type == WEIR_JSON_OBJECT;
	struct weir_json_member model;
	char *copy = NULL;
	int rc;

	if (object) {
		if (!weir_json_get(element->value, "model", &model) ||
		    model.type != WEIR_JSON_STRING)
			return weir_complain(c, where, "invalid_type",
					     "`%s` needs a string `model`", where);
		name = model.value;
	} else if (element->type != WEIR_JSON_STRING) {
		return weir_complain(c, where, "invalid_type",
				     "`%s` must be a model name or an object with `model`", where);
	}
	rc = decode_name(name, &copy);
	if (rc == WEIR_ELIMIT)
		return weir_complain(c, where, "model_not_found", "`%s` is no known model", where);
	if (rc == 0)
		rc = weir_body_add_fallback(body, copy, where, c);
	if (rc == 0 && object)
		body->fallbacks[body->fallbacks_n - 1].overrides = element->value;
	return rc;
}

/* Models of one, or a list of them, all told of as the same place. */
static int read_models(struct weir_body *body, const struct weir_json_member *m, const char *where,
		       struct weir_complaint *c)
{
	struct weir_json_cursor cursor;
	struct weir_json_member element;
	int rc;

	if (m->type != WEIR_JSON_ARRAY)
		return read_fallback(body, m, where, c);
	rc = weir_json_open(&cursor, m->value);
	while (rc >= 0 && (rc = weir_json_next(&cursor, &element)) > 0)
		if ((rc = read_fallback(body, &element, where, c)))
			return rc;
	return 0;
}

/* {"gpt-4o": ["claude"]}: what is said of the model that is asked for, or of all. */
static int read_map(struct weir_body *body, struct weir_slice object, const char *where,
		    struct weir_complaint *c)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	int rc = weir_json_open(&cursor, object);

	while (rc >= 0 && (rc = weir_json_next(&cursor, &m)) > 0) {
		if (!weir_json_text_is(m.key, body->model) && !weir_json_text_is(m.key, "*"))
			continue;
		if ((rc = read_models(body, &m, where, c)))
			return rc;
	}
	return 0;
}

/* As LiteLLM's proxy has them, too: one list for each model. */
static bool is_map(const struct weir_body *body, const struct weir_json_member *m)
{
	struct weir_json_member model;

	return is_litellm(body) && m->type == WEIR_JSON_OBJECT &&
	       !weir_json_get(m->value, "model", &model);
}

static int read_list(struct weir_body *body, const struct weir_json_member *m, const char *name,
		     struct weir_complaint *c)
{
	struct weir_json_cursor cursor;
	struct weir_json_member element;
	char where[64];
	int rc;

	if (m->type != WEIR_JSON_ARRAY)
		return weir_complain(c, name, "invalid_type", "`%s` must be a list of model names",
				     name);
	rc = weir_json_open(&cursor, m->value);
	for (unsigned i = 0; rc >= 0 && (rc = weir_json_next(&cursor, &element)) > 0; i++) {
		snprintf(where, sizeof where, "%s[%u]", name, i);
		rc = is_map(body, &element) ? read_map(body, element.value, where, c)
					    : read_fallback(body, &element, where, c);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_fallbacks(struct weir_body *body, struct weir_complaint *c)
{
	const struct weir_json_member *m = at(body, WEIR_BODY_FALLBACKS);

	if (!m || m->type == WEIR_JSON_NULL || body->how & WEIR_BODY_OWN_FALLBACKS)
		return 0;
	body->fallbacks_set = true;
	return read_list(body, m, "fallbacks", c);
}

/* After all others: what has outgrown them goes to a step with a larger window. */
static int read_larger(struct weir_body *body, struct weir_complaint *c)
{
	static const char dict[] = "context_window_fallback_dict";
	const struct weir_json_member *m = given(body, "context_window_fallbacks");
	int rc = m ? read_list(body, m, "context_window_fallbacks", c) : 0;

	m = given(body, dict);
	if (rc || !m)
		return rc;
	if (m->type != WEIR_JSON_OBJECT)
		return weir_complain(c, dict, "invalid_type", "`%s` must be an object", dict);
	return read_map(body, m->value, dict, c);
}

bool weir_body_ignore(struct weir_body *body, struct weir_slice name)
{
	if (!body->ignored)
		body->ignored = weir_calloc(1, sizeof *body->ignored);
	if (!body->ignored)
		return false;
	weir_chat_drop(body->ignored, name);
	return true;
}

static int read_litellm_word(struct weir_body *body, const struct weir_json_member *m,
			     struct weir_complaint *c)
{
	if (weir_chat_is_empty(m))
		return 0;
	switch (weir_litellm_word(m->key)) {
	case WEIR_LITELLM_TOLD:
		return weir_body_ignore(body, m->key) ? 0 : WEIR_ENOMEM;
	case WEIR_LITELLM_REFUSED: {
		struct weir_slice key = m->key;
		char name[64];

		snprintf(name, sizeof name, "%.*s", (int)key.len, key.base);
		return weir_complain(c, name, "not_supported",
				     "`%s` asks for an answer that is made up, and weir makes up "
				     "none; `weir mock` is a provider that does",
				     name);
	}
	case WEIR_LITELLM_NONE:
	case WEIR_LITELLM_QUIET:
	case WEIR_LITELLM_METADATA:
		break;
	}
	return 0;
}

static bool is_true(const struct weir_body *body, const char *name)
{
	const struct weir_json_member *m = find(body, name);

	return m && weir_slice_is(m->value, "true");
}

static int read_litellm(struct weir_body *body, struct weir_complaint *c)
{
	static const char *const whole[] = { "timeout", "request_timeout", NULL };
	static const char *const streamed[] = { "stream_timeout", "timeout", "request_timeout",
						NULL };
	const char *const *name = body->stream ? streamed : whole;
	int rc;

	while (name[1] && !given(body, *name))
		name++;
	rc = read_timeout(body, *name, given(body, *name), c);
	for (unsigned i = 0; i < body->members_n && rc == 0; i++)
		rc = read_litellm_word(body, &body->members[i], c);
	if (rc || (rc = read_retries(body, "max_retries", given(body, "max_retries"), c)) ||
	    (rc = read_larger(body, c)))
		return rc;
	body->no_fallback = is_true(body, "disable_fallbacks");
	body->skip_first = is_true(body, "mock_testing_fallbacks");
	return 0;
}

int weir_body_read_wishes(struct weir_body *body, struct weir_complaint *c)
{
	int rc;

	if ((rc = read_model(body, c)) || (rc = read_stream(body, c)) ||
	    (rc = read_retries(body, "num_retries", at(body, WEIR_BODY_RETRIES), c)) ||
	    (rc = read_fallbacks(body, c)))
		return rc;
	return is_litellm(body) ? read_litellm(body, c)
				: read_timeout(body, "timeout", at(body, WEIR_BODY_TIMEOUT), c);
}

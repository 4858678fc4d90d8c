#include <string.h>

#include "base/alloc.h"
#include "mock/server.h"

enum { PPM = 1000 * 1000 };

static bool fits(const char *wanted, struct weir_slice given)
{
	return !wanted || weir_slice_is(given, wanted);
}

static bool same(const char *a, struct weir_slice b)
{
	return a ? weir_slice_is(b, a) : b.len == 0;
}

struct weir_mock_rule *weir_mock_rules_find(struct weir_mock_vendor *v, struct weir_slice model,
					    struct weir_slice key)
{
	struct weir_mock_rule *best = &v->rule;
	int best_rank = 0;

	WEIR_LIST_FOR(node, &v->rules)
	{
		struct weir_mock_rule *r = WEIR_CONTAINER_OF(node, struct weir_mock_rule, node);
		int rank = (r->model ? 1 : 0) + (r->key ? 2 : 0);

		if (rank > best_rank && fits(r->model, model) && fits(r->key, key)) {
			best = r;
			best_rank = rank;
		}
	}
	return best;
}

static struct weir_mock_rule *find_exactly(struct weir_mock_vendor *v, struct weir_slice model,
					   struct weir_slice key)
{
	if (model.len == 0 && key.len == 0)
		return &v->rule;
	WEIR_LIST_FOR(node, &v->rules)
	{
		struct weir_mock_rule *r = WEIR_CONTAINER_OF(node, struct weir_mock_rule, node);

		if (same(r->model, model) && same(r->key, key))
			return r;
	}
	return NULL;
}

static void destroy(struct weir_mock_vendor *v, struct weir_mock_rule *r)
{
	weir_list_remove(&r->node);
	v->rules_n--;
	v->keys_n -= r->key != NULL;
	weir_mock_script_unref(r->script);
	weir_free(r->model);
	weir_free(r->key);
	weir_free(r);
}

static struct weir_mock_rule *create(struct weir_mock_vendor *v, struct weir_slice model,
				     struct weir_slice key)
{
	struct weir_mock_rule *r = weir_calloc(1, sizeof *r);

	if (!r)
		return NULL;
	if (model.len)
		r->model = weir_strndup(model.base, model.len);
	if (key.len)
		r->key = weir_strndup(key.base, key.len);
	weir_list_push(&v->rules, &r->node);
	v->rules_n++;
	v->keys_n += r->key != NULL;
	if ((r->model != NULL) == (model.len != 0) && (r->key != NULL) == (key.len != 0))
		return r;
	destroy(v, r);
	return NULL;
}

/* Only a vendor as a whole can do what happens before the model is known. */
static int check_early(const struct weir_mock_script *script, struct weir_error *err)
{
	for (unsigned i = 0; i < script->steps_n; i++)
		if (weir_mock_step_is_early(&script->steps[i]))
			return weir_fail(
				err, WEIR_ECONFIG,
				"step %u, \"%s\", happens before the model is known: write "
				"it in the vendor's own script",
				i + 1, script->steps[i].word);
	return 0;
}

int weir_mock_rules_set(struct weir_mock_vendor *v, struct weir_slice model, struct weir_slice key,
			struct weir_slice text, struct weir_error *err)
{
	struct weir_mock_rule *rule = find_exactly(v, model, key);
	struct weir_mock_script *script;

	if (text.len == 0 && rule != &v->rule) {
		if (rule)
			destroy(v, rule);
		return 0;
	}
	script = weir_mock_script_parse(text, err);
	if (!script)
		return err && err->code ? err->code : WEIR_ECONFIG;
	if (rule != &v->rule && check_early(script, err)) {
		weir_mock_script_unref(script);
		return WEIR_ECONFIG;
	}
	if (!rule && v->rules_n == WEIR_MOCK_RULES_MAX) {
		weir_mock_script_unref(script);
		return weir_fail(err, WEIR_ECONFIG, "a vendor has at most %d rules",
				 WEIR_MOCK_RULES_MAX);
	}
	if (!rule)
		rule = create(v, model, key);
	if (!rule) {
		weir_mock_script_unref(script);
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	}
	weir_mock_script_unref(rule->script);
	rule->script = script;
	rule->at = 0;
	rule->played = 0;
	return 0;
}

static void rewind_rule(struct weir_mock_rule *rule)
{
	rule->at = 0;
	rule->played = 0;
	rule->hits = 0;
}

void weir_mock_rules_rewind(struct weir_mock_vendor *v)
{
	rewind_rule(&v->rule);
	WEIR_LIST_FOR(node, &v->rules)
	rewind_rule(WEIR_CONTAINER_OF(node, struct weir_mock_rule, node));
}

void weir_mock_rules_fini(struct weir_mock_vendor *v)
{
	WEIR_LIST_FOR(node, &v->rules)
	destroy(v, WEIR_CONTAINER_OF(node, struct weir_mock_rule, node));
	weir_mock_script_unref(v->rule.script);
	v->rule.script = NULL;
}

const struct weir_mock_step *weir_mock_rule_peek(const struct weir_mock_rule *rule)
{
	return &rule->script->steps[rule->at];
}

const struct weir_mock_step *weir_mock_rule_take(struct weir_mock_rule *rule, struct weir_rng *rng,
						 struct weir_mock_script **script)
{
	const struct weir_mock_step *step = weir_mock_rule_peek(rule);
	unsigned at = rule->at;
	uint64_t turn = ++rule->played;

	rule->hits++;
	if (turn >= step->times && at + 1 < rule->script->steps_n) {
		rule->at++;
		rule->played = 0;
	}
	*script = weir_mock_script_ref(rule->script);
	if (step->every > 1 && turn % step->every != 0)
		return &rule->script->plain[at];
	if (step->chance_ppm < PPM && weir_rng_upto(rng, PPM - 1) >= step->chance_ppm)
		return &rule->script->plain[at];
	return step;
}

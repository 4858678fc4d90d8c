#include "app/try_prompts.h"

#include <stdio.h>
#include <yyjson.h>

#include "base/alloc.h"
#include "base/error.h"

/* Takes the body over, also on failure. */
static int add(struct weir_try_prompts *p, char *body, bool wants_json, unsigned line)
{
	unsigned wanted = p->cap ? p->cap * 2 : 16;
	void *grown;

	if (body && p->n == p->cap) {
		grown = weir_realloc(p->list, wanted * sizeof *p->list);
		if (!grown) {
			weir_free(body);
			return WEIR_ENOMEM;
		}
		p->list = grown;
		p->cap = wanted;
	}
	if (!body)
		return WEIR_ENOMEM;
	p->list[p->n++] = (struct weir_try_prompt){ body, strlen(body), wants_json, line };
	return 0;
}

static int add_prompt(struct weir_try_prompts *p, struct weir_slice text, unsigned line)
{
	struct weir_buf body;
	int rc;

	weir_buf_init(&body, WEIR_TRY_FILE_MAX);
	if ((rc = weir_buf_puts(&body, "{\"messages\":[{\"role\":\"user\",\"content\":")) ||
	    (rc = weir_buf_json(&body, text)) || (rc = weir_buf_puts(&body, "}]}")))
		rc = WEIR_ENOMEM;
	else
		rc = add(p, weir_strndup(body.base, body.len), false, line);
	weir_buf_fini(&body);
	return rc;
}

int weir_try_add_text(struct weir_try_prompts *p, struct weir_slice text)
{
	return add_prompt(p, text, 0);
}

static bool wants_json(yyjson_val *root)
{
	yyjson_val *type = yyjson_obj_get(yyjson_obj_get(root, "response_format"), "type");

	return yyjson_equals_str(type, "json_object") || yyjson_equals_str(type, "json_schema");
}

/* NULL, or what is wrong. */
static const char *add_line(struct weir_try_prompts *p, struct weir_slice text, unsigned line,
			    int *rc)
{
	yyjson_doc *doc = yyjson_read(text.base, text.len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *prompt = yyjson_obj_get(root, "prompt");
	const char *why = NULL;

	if (!yyjson_is_obj(root))
		why = "is no JSON object";
	else if (p->n == WEIR_TRY_PROMPTS_MAX)
		why = "is one prompt too many";
	else if (yyjson_is_str(prompt))
		*rc = add_prompt(p, weir_slice(yyjson_get_str(prompt), yyjson_get_len(prompt)),
				 line);
	else if (yyjson_arr_size(yyjson_obj_get(root, "messages")) > 0)
		*rc = add(p, weir_strndup(text.base, text.len), wants_json(root), line);
	else
		why = "has neither a string `prompt` nor a list of `messages`";
	yyjson_doc_free(doc);
	return why;
}

int weir_try_add_lines(struct weir_try_prompts *p, struct weir_slice text, char *why,
		       size_t why_size)
{
	const char *wrong = NULL;
	unsigned line = 0;
	int rc = 0;

	while (text.len && rc == 0 && !wrong) {
		const char *end = memchr(text.base, '\n', text.len);
		size_t n = end ? (size_t)(end - text.base) : text.len;
		struct weir_slice one = weir_slice_trim(weir_slice(text.base, n));

		line++;
		if (one.len)
			wrong = add_line(p, one, line, &rc);
		n += end != NULL;
		text = weir_slice(text.base + n, text.len - n);
	}
	if (rc)
		return rc;
	if (!wrong && p->n == 0)
		wrong = "is the last, and there was no prompt";
	if (!wrong)
		return 0;
	snprintf(why, why_size,
		 "line %u %s; write {\"prompt\": \"...\"} or a body with `messages` on each line",
		 line, wrong);
	return WEIR_ECONFIG;
}

void weir_try_prompts_fini(struct weir_try_prompts *p)
{
	for (unsigned i = 0; i < p->n; i++)
		weir_free(p->list[i].body);
	weir_free(p->list);
	*p = (struct weir_try_prompts){ 0 };
}

/* These are weir's to say here: who is tried, how, and how often. */
static void set_wishes(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *chain,
		       const struct weir_try_wishes *wishes)
{
	static const char *const ours[] = { "model",     "stream",  "stream_options",
					    "fallbacks", "timeout", "num_retries" };

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		yyjson_mut_obj_remove_key(root, ours[i]);
	yyjson_mut_obj_add_str(doc, root, "model", chain);
	yyjson_mut_obj_add_uint(doc, root, "num_retries", 0);
	if (wishes->stream) {
		yyjson_mut_val *options = yyjson_mut_obj(doc);

		yyjson_mut_obj_add_bool(doc, root, "stream", true);
		yyjson_mut_obj_add_bool(doc, options, "include_usage", true);
		yyjson_mut_obj_add_val(doc, root, "stream_options", options);
	}
	if (wishes->timeout_ms)
		yyjson_mut_obj_add_real(doc, root, "timeout", (double)wishes->timeout_ms / 1000);
	if (wishes->max_tokens) {
		yyjson_mut_obj_remove_key(root, "max_completion_tokens");
		yyjson_mut_obj_remove_key(root, "max_tokens");
		yyjson_mut_obj_add_uint(doc, root, "max_tokens", wishes->max_tokens);
	}
}

static void *allocate(void *arg, size_t size)
{
	(void)arg;
	return weir_alloc(size);
}

static void *reallocate(void *arg, void *old, size_t old_size, size_t size)
{
	(void)arg, (void)old_size;
	return weir_realloc(old, size);
}

static void release(void *arg, void *memory)
{
	(void)arg;
	weir_free(memory);
}

int weir_try_put_body(struct weir_buf *out, const struct weir_try_prompt *prompt, const char *chain,
		      const struct weir_try_wishes *wishes)
{
	yyjson_alc ours = { allocate, reallocate, release, NULL };
	yyjson_doc *read = yyjson_read(prompt->body, prompt->body_len, 0);
	yyjson_mut_doc *doc = read ? yyjson_doc_mut_copy(read, NULL) : NULL;
	yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
	size_t len = 0;
	char *text = NULL;
	int rc = WEIR_ENOMEM;

	if (root) {
		set_wishes(doc, root, chain, wishes);
		text = yyjson_mut_write_opts(doc, 0, &ours, &len, NULL);
	}
	if (text)
		rc = weir_buf_append(out, text, len);
	weir_free(text);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(read);
	return rc;
}

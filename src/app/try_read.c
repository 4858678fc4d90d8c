/* Answers as weir tells them to callers of OpenAI's API. */
#include <stdio.h>
#include <yyjson.h>

#include "app/try.h"
#include "base/alloc.h"
#include "base/error.h"

void weir_try_result_init(struct weir_try_result *r)
{
	*r = (struct weir_try_result){ .status = "-" };
	weir_buf_init(&r->text, WEIR_TRY_ANSWER_MAX);
	weir_buf_init(&r->calls, WEIR_TRY_ANSWER_MAX);
	weir_buf_init(&r->tools, WEIR_TRY_ANSWER_MAX);
}

void weir_try_result_fini(struct weir_try_result *r)
{
	weir_buf_fini(&r->text);
	weir_buf_fini(&r->calls);
	weir_buf_fini(&r->tools);
}

static struct weir_slice text_of(yyjson_val *value)
{
	const char *text = yyjson_get_str(value);

	return text ? weir_slice(text, yyjson_get_len(value)) : weir_slice("", 0);
}

static int add_text(struct weir_buf *out, yyjson_val *value)
{
	struct weir_slice text = text_of(value);

	return weir_buf_append(out, text.base, text.len);
}

static void keep_word(char word[WEIR_TRY_WORD_MAX], yyjson_val *value)
{
	struct weir_slice text = text_of(value);

	if (text.len)
		snprintf(word, WEIR_TRY_WORD_MAX, "%.*s", (int)text.len, text.base);
}

/* Arguments come in pieces; a call begins with its name. */
static int read_call(struct weir_try_result *r, yyjson_val *call)
{
	yyjson_val *function = yyjson_obj_get(call, "function");
	struct weir_slice name = text_of(yyjson_obj_get(function, "name"));
	struct weir_slice arguments = text_of(yyjson_obj_get(function, "arguments"));
	int rc = 0;

	if (name.len) {
		if ((r->calls_n && (rc = weir_buf_puts(&r->calls, "\"},"))) ||
		    (rc = weir_buf_puts(&r->calls, "{\"name\":")) ||
		    (rc = weir_buf_json(&r->calls, name)) ||
		    (rc = weir_buf_puts(&r->calls, ",\"arguments\":\"")) ||
		    (rc = weir_buf_append(&r->tools, name.base, name.len)) ||
		    (rc = weir_buf_puts(&r->tools, "\n")))
			return rc;
		r->calls_n++;
	}
	if (r->calls_n && arguments.len) { /* the inside of a string goes on */
		struct weir_buf quoted;

		weir_buf_init(&quoted, WEIR_TRY_ANSWER_MAX);
		rc = weir_buf_json(&quoted, arguments);
		if (rc == 0)
			rc = weir_buf_append(&r->calls, quoted.base + 1, quoted.len - 2);
		weir_buf_fini(&quoted);
	}
	return rc;
}

static int read_message(struct weir_try_result *r, yyjson_val *message)
{
	yyjson_val *refusal = yyjson_obj_get(message, "refusal");
	yyjson_arr_iter calls = yyjson_arr_iter_with(yyjson_obj_get(message, "tool_calls"));
	yyjson_val *call;
	int rc = add_text(&r->text, yyjson_obj_get(message, "content"));

	r->refused |= yyjson_get_len(refusal) > 0;
	if (rc == 0)
		rc = add_text(&r->text, refusal);
	while (rc == 0 && (call = yyjson_arr_iter_next(&calls)))
		rc = read_call(r, call);
	return rc;
}

static int read_error(struct weir_try_result *r, yyjson_val *error)
{
	r->answered = false;
	weir_buf_clear(&r->text);
	if (!r->reason[0] || strcmp(r->reason, "ok") == 0) /* the log knows better why */
		keep_word(r->reason, yyjson_obj_get(error, "code"));
	return add_text(&r->text, yyjson_obj_get(error, "message"));
}

/* A whole answer, or one chunk of it. */
static int read_object(struct weir_try_result *r, struct weir_slice text)
{
	yyjson_doc *doc = yyjson_read(text.base, text.len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(root, "choices"));
	yyjson_val *error = yyjson_obj_get(root, "error");
	yyjson_val *delta = yyjson_obj_get(choice, "delta");
	int rc;

	if (error)
		rc = read_error(r, error);
	else
		rc = read_message(r, delta ? delta : yyjson_obj_get(choice, "message"));
	keep_word(r->finish, yyjson_obj_get(choice, "finish_reason"));
	yyjson_doc_free(doc);
	return rc;
}

static int read_stream(struct weir_try_result *r, struct weir_slice stream)
{
	int rc = 0;

	while (stream.len && rc == 0) {
		const char *end = memchr(stream.base, '\n', stream.len);
		size_t n = end ? (size_t)(end - stream.base) : stream.len;
		struct weir_slice line = weir_slice_trim(weir_slice(stream.base, n));

		if (weir_slice_starts(line, "data:") && !weir_slice_is(line, "data: [DONE]"))
			rc = read_object(r, weir_slice(line.base + 5, line.len - 5));
		n += end != NULL;
		stream = weir_slice(stream.base + n, stream.len - n);
	}
	return rc;
}

/* As models begin when they will not. */
static bool begins_as_refusal(struct weir_slice text)
{
	static const char *const openings[] = {
		"i'm sorry, but i can",
		"i\xe2\x80\x99m sorry, but i can",
		"i cannot assist",
		"i can't assist",
		"i can\xe2\x80\x99t assist",
		"i can't help with",
		"i can\xe2\x80\x99t help with",
		"i cannot help with",
		"i'm unable to",
		"i\xe2\x80\x99m unable to",
		"i am unable to",
		"i won't ",
		"sorry, but i can",
	};

	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++)
		if (weir_slice_starts_nocase(text, openings[i]))
			return true;
	return false;
}

static bool is_json(struct weir_slice text)
{
	yyjson_doc *doc = text.len ? yyjson_read(text.base, text.len, 0) : NULL;
	bool valid = yyjson_is_ctn(yyjson_doc_get_root(doc));

	yyjson_doc_free(doc);
	return valid;
}

int weir_try_read(struct weir_try_result *r, int status, struct weir_slice answer)
{
	struct weir_slice start = weir_slice_trim(answer);
	int rc;

	r->answered &= status == 200;
	rc = weir_slice_starts(start, "{") ? read_object(r, answer) : read_stream(r, answer);
	if (rc == 0 && r->calls_n)
		rc = weir_buf_puts(&r->calls, "\"}");
	r->refused |= strcmp(r->finish, "content_filter") == 0 ||
		      begins_as_refusal(weir_slice_trim(weir_buf_slice(&r->text)));
	r->json = is_json(weir_slice_trim(weir_buf_slice(&r->text)));
	return rc == WEIR_ENOMEM ? rc : 0;
}

/* What stands before the next semicolon; *rest: what stands behind it. */
static struct weir_slice take_part(struct weir_slice *rest)
{
	const char *end = memchr(rest->base, ';', rest->len);
	struct weir_slice part = *rest;

	if (end)
		part.len = (size_t)(end - part.base);
	*rest = weir_slice(rest->base + part.len + (end != NULL),
			   rest->len - part.len - (end != NULL));
	return part;
}

/* TARGET;STATUS;CLASS;Nms of the last attempt; a target's own commas are escaped. */
static void read_trail(struct weir_try_result *r, struct weir_slice trail)
{
	const char *comma = trail.len ? memrchr(trail.base, ',', trail.len) : NULL;
	size_t before = comma ? (size_t)(comma - trail.base) + 1 : 0;
	struct weir_slice rest = weir_slice(trail.base + before, trail.len - before);
	struct weir_slice status, class_name;

	take_part(&rest);
	status = take_part(&rest);
	class_name = take_part(&rest);
	if (class_name.len == 0)
		return;
	snprintf(r->status, sizeof r->status, "%.*s", (int)status.len, status.base);
	snprintf(r->class_name, sizeof r->class_name, "%.*s", (int)class_name.len, class_name.base);
}

void weir_try_read_log(struct weir_try_result *r, struct weir_slice line)
{
	yyjson_doc *doc = yyjson_read(line.base, line.len, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *first = yyjson_obj_get(root, "first_token_ms");
	yyjson_val *in = yyjson_obj_get(root, "tokens_in"),
		   *cost = yyjson_obj_get(root, "cost_usd");
	yyjson_val *trail = yyjson_obj_get(root, "trail");

	r->ms = yyjson_get_uint(yyjson_obj_get(root, "ms"));
	r->timed = yyjson_is_uint(first);
	r->first_token_ms = yyjson_get_uint(first);
	r->counted = yyjson_is_uint(in);
	r->tokens_in = yyjson_get_uint(in);
	r->tokens_out = yyjson_get_uint(yyjson_obj_get(root, "tokens_out"));
	if (yyjson_is_num(cost))
		snprintf(r->cost, sizeof r->cost, "%.9f", yyjson_get_num(cost));
	for (size_t n = strlen(r->cost); n > 1 && r->cost[n - 1] == '0' && r->cost[n - 2] != '.';)
		r->cost[--n] = '\0';
	if (yyjson_is_str(trail))
		read_trail(r, text_of(trail));
	if (!r->class_name[0])
		keep_word(r->class_name, yyjson_obj_get(root, "outcome"));
	snprintf(r->reason, sizeof r->reason, "%s", "ok");
	keep_word(r->reason, yyjson_obj_get(root, "reason"));
	yyjson_doc_free(doc);
}

#include "mock/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "mock/generate.h"
#include "wire/json.h"

enum { BYTES_PER_TOKEN = 4, DIMENSIONS = 8 };

static bool ends_with(struct weir_slice s, const char *tail)
{
	size_t n = strlen(tail);

	return s.len >= n && memcmp(s.base + s.len - n, tail, n) == 0;
}

static struct weir_slice find(struct weir_slice s, const char *text)
{
	const char *at = s.len ? memmem(s.base, s.len, text, strlen(text)) : NULL;

	return at ? weir_slice(at, (size_t)(s.base + s.len - at)) : weir_slice(NULL, 0);
}

static const char generate[] = ":generateContent", stream[] = ":streamGenerateContent";

static enum weir_mock_route find_route(struct weir_slice path, bool get)
{
	if (get && ends_with(path, "/models"))
		return WEIR_MOCK_MODELS;
	if (get && find(path, "/models/").base)
		return WEIR_MOCK_MODEL;
	if (ends_with(path, "/chat/completions"))
		return WEIR_MOCK_CHAT;
	if (ends_with(path, "/completions"))
		return WEIR_MOCK_COMPLETIONS;
	if (ends_with(path, "/messages"))
		return WEIR_MOCK_MESSAGES;
	if (ends_with(path, "/messages/count_tokens"))
		return WEIR_MOCK_COUNT;
	if (ends_with(path, "/responses"))
		return WEIR_MOCK_RESPONSES;
	if (ends_with(path, "/embeddings"))
		return WEIR_MOCK_EMBEDDINGS;
	if (find(path, "/models/").base && (ends_with(path, generate) || ends_with(path, stream)))
		return WEIR_MOCK_GENERATE;
	return WEIR_MOCK_NOWHERE;
}

static bool set_model(struct weir_mock_ask *ask, struct weir_slice model)
{
	if (model.len == 0 || model.len > WEIR_MOCK_MODEL_MAX)
		return false;
	memcpy(ask->model, model.base, model.len);
	ask->model_len = (unsigned)model.len;
	return true;
}

/* Of a path, where nothing is escaped as JSON wants it. */
static bool set_path_model(struct weir_mock_ask *ask, struct weir_slice model)
{
	return !memchr(model.base, '"', model.len) && !memchr(model.base, '\\', model.len) &&
	       set_model(ask, model);
}

/* Azure's form: …/deployments/NAME/chat/completions; Gemini's: …/models/NAME:generateContent. */
static bool model_of_path(struct weir_mock_ask *ask, struct weir_slice path, const char *before,
			  char behind)
{
	struct weir_slice at = find(path, before);
	const char *end;

	if (!at.base)
		return false;
	at = weir_slice(at.base + strlen(before), at.len - strlen(before));
	end = at.len ? memchr(at.base, behind, at.len) : NULL;
	return end && set_path_model(ask, weir_slice(at.base, (size_t)(end - at.base)));
}

static bool nonce_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '_' || c == '-';
}

static const char nonce_sign[] = "nonce";

/* The last one counts: it stands in the last message. */
void weir_mock_ask_nonce(struct weir_mock_ask *ask, struct weir_slice prompt)
{
	const size_t sign_len = sizeof nonce_sign - 1;
	struct weir_slice rest = prompt;
	const char *at;
	size_t n = 0;

	while (rest.len && (at = memrchr(rest.base, '=', rest.len))) {
		rest.len = (size_t)(at - rest.base);
		if (rest.len < sign_len || memcmp(at - sign_len, nonce_sign, sign_len) != 0)
			continue;
		for (at++; n < WEIR_MOCK_NONCE_MAX && nonce_byte(at[n]);)
			n++; /* a quote ends it, at the latest */
		memcpy(ask->nonce, at, n);
		break;
	}
	ask->nonce[n] = '\0';
}

/* As in answer.c. */
static const char *const stems[] = { "tok", "t\xc3\xb8k\xf0\x9f\x90\x8b" };

/* How far a text has come that ends in "… tok41": 42. */
static uint64_t tokens_in(struct weir_slice text)
{
	struct weir_slice before;
	size_t end = text.len, begin;
	uint64_t n;

	while (end && (text.base[end - 1] < '0' || text.base[end - 1] > '9'))
		end--;
	begin = end;
	while (begin && text.base[begin - 1] >= '0' && text.base[begin - 1] <= '9')
		begin--;
	before = weir_slice(text.base, begin);
	if ((!ends_with(before, stems[0]) && !ends_with(before, stems[1])) ||
	    !weir_slice_to_u64(weir_slice(text.base + begin, end - begin), &n))
		return 0;
	return n < UINT32_MAX ? n + 1 : 0;
}

/* What stands before " tok0". */
static void keep_lead(struct weir_mock_ask *ask, struct weir_slice text)
{
	const char *at = NULL;

	for (size_t i = 0; i < WEIR_COUNT_OF(stems) && !at; i++) {
		char first[16];
		int n = snprintf(first, sizeof first, " %s0", stems[i]);

		at = memmem(text.base, text.len, first, (size_t)n);
	}
	if (!at || at - text.base > WEIR_MOCK_LEAD_MAX)
		return;
	ask->lead_len = (unsigned)(at - text.base);
	memcpy(ask->lead, text.base, ask->lead_len);
}

static bool is_by(const struct weir_json_member *message, const char *who)
{
	struct weir_json_member role;

	return message->type == WEIR_JSON_OBJECT && weir_json_get(message->value, "role", &role) &&
	       weir_slice_is(role.value, who);
}

static void read_said(struct weir_mock_ask *ask, const struct weir_json_member *message)
{
	struct weir_json_member content;

	if (!weir_json_get(message->value, "content", &content) || content.type != WEIR_JSON_STRING)
		return;
	ask->tokens_said = tokens_in(content.value);
	if (ask->tokens_said)
		keep_lead(ask, weir_slice(content.value.base + 1, content.value.len - 2));
}

static void read_messages(struct weir_mock_ask *ask, struct weir_slice messages)
{
	static const char assistant[] = "\"assistant\"";
	struct weir_json_member message = { 0 }, before = { 0 }, next;
	struct weir_json_cursor cursor;

	weir_mock_ask_nonce(ask, messages);
	if (!find(messages, assistant).base || weir_json_open(&cursor, messages))
		return;
	while (weir_json_next(&cursor, &next) == 1) {
		before = message;
		message = next;
	}
	ask->prefill = is_by(&message, assistant);
	if (ask->prefill)
		read_said(ask, &message);
	else if (is_by(&message, "\"user\"") && is_by(&before, assistant) &&
		 !find(message.value, "nonce=").base)
		read_said(ask, &before);
}

static unsigned count_elements(struct weir_slice array)
{
	struct weir_json_member element;
	struct weir_json_cursor cursor;
	unsigned n = 0;
	bool numbers = false;

	if (weir_json_open(&cursor, array))
		return 1;
	while (n < WEIR_MOCK_INPUTS_MAX && weir_json_next(&cursor, &element) == 1) {
		numbers = element.type == WEIR_JSON_NUMBER; /* one text's tokens */
		n++;
	}
	return numbers ? 1 : n;
}

static uint64_t number_of(const struct weir_json_member *m, uint64_t max)
{
	uint64_t n;

	if (m->type != WEIR_JSON_NUMBER || !weir_slice_to_u64(m->value, &n))
		return 0;
	return n < max ? n : max;
}

static bool is_true(const struct weir_json_member *m)
{
	return m->type == WEIR_JSON_BOOL && m->value.base[0] == 't';
}

static void read_options(struct weir_mock_ask *ask, const struct weir_json_member *m)
{
	struct weir_json_member usage;

	if (m->type == WEIR_JSON_OBJECT && weir_json_get(m->value, "include_usage", &usage))
		ask->include_usage = is_true(&usage);
}

static bool read_member(struct weir_mock_ask *ask, const struct weir_json_member *m)
{
	struct weir_slice key = m->key;

	if (weir_slice_is(key, "model"))
		return ask->deployment ||
		       (m->type == WEIR_JSON_STRING &&
			set_model(ask, weir_slice(m->value.base + 1, m->value.len - 2)));
	if (weir_slice_is(key, "messages") || weir_slice_is(key, "prompt") ||
	    weir_slice_is(key, "input")) {
		ask->prompt_tokens = m->value.len / BYTES_PER_TOKEN + 1;
		ask->inputs_n = 1;
		if (m->type == WEIR_JSON_ARRAY && ask->route == WEIR_MOCK_EMBEDDINGS)
			ask->inputs_n = count_elements(m->value);
		if (m->type == WEIR_JSON_ARRAY)
			read_messages(ask, m->value);
		else
			weir_mock_ask_nonce(ask, m->value);
	} else if (weir_slice_is(key, "stream")) {
		ask->stream = is_true(m);
	} else if (weir_slice_is(key, "stream_options")) {
		read_options(ask, m);
	} else if (weir_slice_is(key, "max_tokens") ||
		   weir_slice_is(key, "max_completion_tokens") ||
		   weir_slice_is(key, "max_output_tokens")) {
		ask->tokens_max = number_of(m, UINT32_MAX);
	} else if (weir_slice_is(key, "encoding_format")) {
		ask->base64 = weir_slice_is(m->value, "\"base64\"");
	} else if (weir_slice_is(key, "dimensions")) {
		ask->dimensions = (unsigned)number_of(m, WEIR_MOCK_DIMENSIONS_MAX);
	}
	return true;
}

static const char *read_body(struct weir_mock_ask *ask, struct weir_slice body)
{
	struct weir_json_member member;
	struct weir_json_cursor cursor;
	bool model_ok = true;
	int rc;

	if (weir_json_open(&cursor, body))
		return "We could not parse the JSON body of your request.";
	while ((rc = weir_json_next(&cursor, &member)) == 1)
		if (member.key.base)
			model_ok &= read_member(ask, &member);
	if (rc)
		return "We could not parse the JSON body of your request.";
	if (!model_ok || ask->model_len == 0)
		return "you must provide a model parameter";
	if (ask->route == WEIR_MOCK_MESSAGES && !ask->tokens_max)
		return "max_tokens: Field required";
	return NULL;
}

/* It can also stream one long array, which is nothing for anybody. */
static const char *read_generate(struct weir_mock_ask *ask, struct weir_slice path,
				 struct weir_slice target, struct weir_slice body)
{
	(void)model_of_path(ask, path, "/models/", ':');
	ask->stream = ends_with(path, stream);
	if (ask->stream && !find(target, "?alt=sse").base)
		return "the mock streams with alt=sse only";
	return ask->model_len ? weir_mock_generate_read(ask, body) : "* model is not specified";
}

const char *weir_mock_ask_read(struct weir_mock_ask *ask, struct weir_slice method,
			       struct weir_slice target, struct weir_slice body, unsigned *status)
{
	const char *query = target.len ? memchr(target.base, '?', target.len) : NULL;
	struct weir_slice path = query ? weir_slice(target.base, (size_t)(query - target.base))
				       : target;
	bool get = weir_slice_is(method, "GET");

	memset(ask, 0, offsetof(struct weir_mock_ask, model));
	ask->nonce[0] = '\0';
	ask->dimensions = DIMENSIONS;
	ask->route = find_route(path, get);
	*status = 404;
	if (ask->route == WEIR_MOCK_NOWHERE)
		return "Invalid URL";
	if (ask->route == WEIR_MOCK_MODELS)
		return NULL;
	if (ask->route == WEIR_MOCK_MODEL) {
		path = find(path, "/models/");
		path = weir_slice(path.base + 8, path.len - 8);
		return set_path_model(ask, path) ? NULL : "Invalid URL";
	}
	*status = 405;
	if (!weir_slice_is(method, "POST"))
		return "Method not allowed";
	*status = 400;
	if (ask->route == WEIR_MOCK_GENERATE)
		return read_generate(ask, path, target, body);
	ask->deployment = model_of_path(ask, path, "/deployments/", '/');
	if (ask->deployment && !find(target, "?api-version=").base) {
		*status = 404;
		return "Resource not found";
	}
	return read_body(ask, body);
}

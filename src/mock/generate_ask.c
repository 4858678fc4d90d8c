/* A generateContent request, looked at as closely as the real one does. */
#include <string.h>

#include "base/attr.h"
#include "mock/generate.h"
#include "wire/json.h"

enum { BYTES_PER_TOKEN = 4 };

struct reader {
	struct weir_mock_ask *ask;
	const char *wrong;
	unsigned turns_n;
	unsigned calls_n; /* of the model's turn before */
	bool signs;       /* wants its signatures back */
};

static void refuse(struct reader *r, const char *sentence)
{
	if (!r->wrong)
		r->wrong = sentence;
}

static bool is_known(struct weir_slice key, const char *const *names)
{
	for (; *names; names++)
		if (weir_slice_is(key, *names))
			return true;
	return false;
}

static void check_call(struct reader *r, struct weir_slice part, struct weir_slice call)
{
	if (weir_json_pick(call, "name", WEIR_JSON_STRING).len <= 2)
		refuse(r,
		       "GenerateContentRequest.contents.parts.function_call.name: Name cannot be "
		       "empty.");
	if (!weir_json_pick(call, "args", WEIR_JSON_OBJECT).len)
		refuse(r, "Invalid value at 'contents.parts.function_call.args'");
	if (r->calls_n++ == 0 && r->signs &&
	    weir_json_pick(part, "thoughtSignature", WEIR_JSON_STRING).len <= 2)
		refuse(r,
		       "Function call is missing a thought_signature in functionCall parts. This "
		       "is required for tools to work correctly.");
}

static void check_result(struct reader *r, struct weir_slice result)
{
	if (weir_json_pick(result, "name", WEIR_JSON_STRING).len <= 2)
		refuse(r,
		       "GenerateContentRequest.contents.parts.function_response.name: Name cannot "
		       "be empty.");
	if (!weir_json_pick(result, "response", WEIR_JSON_OBJECT).len)
		refuse(r, "Invalid value at 'contents.parts.function_response.response'");
}

/* Returns how many results are among them. */
static unsigned read_parts(struct reader *r, struct weir_slice parts, bool model)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned results = 0, n = 0;

	if (parts.len == 0 || weir_json_open(&cursor, parts))
		return 0;
	while (weir_json_next(&cursor, &m) == 1) {
		struct weir_slice call = weir_json_pick(m.value, "functionCall", WEIR_JSON_OBJECT);
		struct weir_slice result = weir_json_pick(m.value, "functionResponse",
							  WEIR_JSON_OBJECT);

		n++;
		if (call.len && model)
			check_call(r, m.value, call);
		if (result.len)
			check_result(r, result);
		results += result.len > 0;
	}
	if (n == 0)
		refuse(r, "GenerateContentRequest.contents.parts must not be empty.");
	return results;
}

static void read_turn(struct reader *r, const struct weir_json_member *turn)
{
	struct weir_slice role = weir_json_pick(turn->value, "role", WEIR_JSON_STRING);
	struct weir_slice parts = weir_json_pick(turn->value, "parts", WEIR_JSON_ARRAY);
	bool model = weir_slice_is(role, "\"model\"");
	unsigned calls = r->calls_n, results;

	if (!model && role.len && !weir_slice_is(role, "\"user\""))
		refuse(r, "Please use a valid role: user, model.");
	if (r->turns_n++ == 0 && model)
		refuse(r, "Please ensure that the first turn is a user turn.");
	r->calls_n = 0;
	results = read_parts(r, parts, model);
	if (results != calls)
		refuse(r,
		       "Please ensure that the number of function response parts is equal to the "
		       "number of function call parts of the function call turn.");
}

static void read_contents(struct reader *r, const struct weir_json_member *contents)
{
	struct weir_json_cursor cursor;
	struct weir_json_member turn;

	r->ask->prompt_tokens = contents->value.len / BYTES_PER_TOKEN + 1;
	weir_mock_ask_nonce(r->ask, contents->value);
	if (contents->type != WEIR_JSON_ARRAY || weir_json_open(&cursor, contents->value))
		return;
	while (weir_json_next(&cursor, &turn) == 1)
		if (turn.type == WEIR_JSON_OBJECT)
			read_turn(r, &turn);
	if (r->calls_n)
		refuse(r,
		       "Please ensure that function call turn is followed by a function response "
		       "turn.");
}

static void read_setting(struct reader *r, const struct weir_json_member *m)
{
	static const char *const names[] = { "temperature",
					     "topP",
					     "topK",
					     "candidateCount",
					     "maxOutputTokens",
					     "stopSequences",
					     "seed",
					     "responseMimeType",
					     "responseSchema",
					     "responseJsonSchema",
					     "thinkingConfig",
					     "responseModalities",
					     "presencePenalty",
					     "frequencyPenalty",
					     NULL };

	if (weir_slice_is(m->key, "maxOutputTokens"))
		(void)weir_slice_to_u64(m->value, &r->ask->tokens_max);
	else if (!is_known(m->key, names))
		refuse(r, "Invalid JSON payload received. Unknown name at 'generation_config': "
			  "Cannot find field.");
}

static void read_member(struct reader *r, const struct weir_json_member *m)
{
	static const char *const names[] = { "systemInstruction", "tools",         "toolConfig",
					     "safetySettings",    "cachedContent", NULL };
	struct weir_json_cursor cursor;
	struct weir_json_member setting;

	if (weir_slice_is(m->key, "contents"))
		read_contents(r, m);
	else if (weir_slice_is(m->key, "generationConfig") &&
		 weir_json_open(&cursor, m->value) == 0)
		while (weir_json_next(&cursor, &setting) == 1)
			read_setting(r, &setting);
	else if (!is_known(m->key, names))
		refuse(r, "Invalid JSON payload received. Unknown name: Cannot find field.");
}

const char *weir_mock_generate_read(struct weir_mock_ask *ask, struct weir_slice body)
{
	static const char signing[] = "gemini-3";
	struct reader r = {
		.ask = ask,
		.signs = ask->model_len >= sizeof signing - 1 &&
			 memcmp(ask->model, signing, sizeof signing - 1) == 0,
	};
	struct weir_json_cursor cursor;
	struct weir_json_member member;
	int rc = -1;

	if (weir_json_open(&cursor, body) == 0 && !cursor.is_array)
		while ((rc = weir_json_next(&cursor, &member)) == 1)
			read_member(&r, &member);
	if (rc)
		return "Invalid JSON payload received.";
	if (r.turns_n == 0)
		refuse(&r, "* GenerateContentRequest.contents: contents is not specified");
	return r.wrong;
}

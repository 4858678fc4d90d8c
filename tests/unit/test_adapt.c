/* A request for a target of the caller's own dialect: what is changed of its bytes, and that
 * nothing else is. */
#include "core/body.h"

#include "base/alloc.h"
#include "base/error.h"
#include "test.h"

enum { OUT_MAX = 8192, TOLD_MAX = 1024, SENT = 99999 };

struct adapt_case {
	const char *vendor, *model, *in, *out, *told;
};

static const struct weir_dialect *dialect_named(const char *name)
{
	return weir_dialect_find(weir_slice_of(name));
}

/* out becomes the body as the target gets it, told the names of what it does not get. */
static void adapt(const char *dialect, const struct adapt_case *row,
		  const struct weir_lesson *lesson, char *out, char *told)
{
	const struct weir_vendor *vendor = row->vendor
						   ? weir_vendor_find(weir_slice_of(row->vendor))
						   : NULL;
	struct weir_lessons lessons = { .n = 0 };
	struct weir_model_facts facts = weir_model_facts(weir_slice_of(row->model), vendor, "/v1");
	struct weir_adapt_to to = { &facts, &lessons, vendor ? vendor->strip : NULL,
				    vendor ? vendor->rename : NULL, vendor && vendor->developer };
	struct weir_body_edit edit = { .model = "m" };
	struct weir_complaint complaint;
	struct weir_adapted adapted;
	struct weir_buf bytes, scratch;
	struct weir_slice *pieces;
	struct weir_body body;
	size_t n, length, at = 0;

	if (lesson) {
		lessons = (struct weir_lessons){ .list = { *lesson }, .n = 1 };
		weir_lessons_lay(&lessons, &facts);
	}
	weir_buf_init(&bytes, 1 << 20);
	weir_buf_init(&scratch, 4096);
	REQUIRE(weir_buf_puts(&bytes, row->in) == 0);
	REQUIRE(weir_body_read(&body, &bytes, &complaint) == 0);
	weir_body_adapt(&body, (struct weir_slice){ NULL, 0 }, &to,
			dialect_named(dialect)->chat->adapt, &adapted);
	CHECK_INT(adapted.rc, 0);
	edit.adapted = &adapted;
	REQUIRE(weir_body_pieces(&body, &edit, &scratch, &pieces, &n, &length) == 0);
	for (size_t i = 1; i < n; at += pieces[i++].len)
		memcpy(out + at, pieces[i].base, pieces[i].len);
	out[at] = '\0';
	CHECK_INT(at, length);
	told[0] = '\0';
	for (unsigned i = 0, k = 0; i < adapted.told.n; i++)
		k += (unsigned)snprintf(told + k, TOLD_MAX - k, "%s%s", i ? "," : "",
					adapted.told.names[i]);
	weir_free(pieces);
	weir_adapted_fini(&adapted);
	weir_buf_fini(&scratch);
	weir_body_fini(&body);
}

static void check_all(const char *dialect, const struct adapt_case *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char out[OUT_MAX], told[TOLD_MAX];
		size_t offset;

		adapt(dialect, &rows[i], NULL, out, told);
		NOTE("%s: %.40s", rows[i].model, rows[i].in);
		CHECK_STR(out, rows[i].out ? rows[i].out : rows[i].in);
		CHECK_STR(told, rows[i].told ? rows[i].told : "");
		CHECK_INT(weir_json_check(weir_slice_of(out), &offset), 0);
	}
	CHECK_INT(weir_alloc_live(), 0);
}

#define CHECK_ALL(dialect, rows) check_all(dialect, rows, sizeof rows / sizeof *rows)
#define BEGIN                    "{\"model\":\"m\",\"messages\":[]"

TEST(an_unknown_model_gets_the_body_as_it_came)
{
	static const struct adapt_case rows[] = {
		{ NULL, "llama3",
		  "{ \"model\" : \"m\", \"temperature\":0.70, \"top_p\" "
		  ":1e-7,\"seed\":9223372036854775807,\n"
		  "\"reasoning_effort\":\"xhigh\",\"max_tokens\":99999999,\"stop\":[ "
		  "],\"x\":{\"a\":1,\"a\":2}}",
		  NULL, NULL },
	};

	CHECK_ALL("openai", rows);
}

/* max_tokens missing, too big, by another name. */
TEST(the_limit_of_tokens_goes_by_the_models_name_and_is_no_more_than_it_answers)
{
	static const struct adapt_case rows[] = {
		{ "openai", "gpt-5", BEGIN ",\"max_tokens\":5}",
		  BEGIN ",\"max_completion_tokens\":5}", NULL },
		{ "openai", "gpt-4o", BEGIN ",\"max_tokens\":99999}",
		  BEGIN ",\"max_tokens\":16384}", NULL },
		{ "openai", "gpt-4o", BEGIN ",\"max_completion_tokens\":5}", NULL, NULL },
		{ "openai", "o3", BEGIN ",\"max_tokens\":999999,\"n\":1}",
		  BEGIN ",\"max_completion_tokens\":100000,\"n\":1}", NULL },
		{ "openai", "o3", BEGIN ",\"max_tokens\":7,\"max_completion_tokens\":8}",
		  BEGIN ",\"max_completion_tokens\":8}", "max_tokens" },
		{ "mistral", "x", BEGIN ",\"max_completion_tokens\":5,\"seed\":1}",
		  BEGIN ",\"max_tokens\":5,\"random_seed\":1}", NULL },
		{ "openai", "gpt-5", BEGIN "}", NULL, NULL },
	};

	CHECK_ALL("openai", rows);
}

/* temperature to models that think. */
TEST(sampling_is_left_out_where_it_is_refused)
{
	static const struct adapt_case rows[] = {
		{ "openai", "gpt-5",
		  "{\"temperature\":0.7,\"model\":\"m\",\"top_p\":1,\"messages\":[]}",
		  "{\"model\":\"m\",\"messages\":[]}", "temperature" },
		{ "openai", "o4-mini",
		  BEGIN ",\"stop\":\"x\",\"logprobs\":false,\"presence_penalty\":0.1}", BEGIN "}",
		  "stop,presence_penalty" },
		{ "openai", "gpt-5.2", BEGIN ",\"temperature\":0.7}", NULL, NULL },
		{ "openai", "gpt-5.2", BEGIN ",\"temperature\":0.7,\"reasoning_effort\":\"low\"}",
		  BEGIN ",\"reasoning_effort\":\"low\"}", "temperature" },
		{ "openai", "gpt-5.2", BEGIN ",\"reasoning_effort\":\"none\",\"temperature\":0.7}",
		  NULL, NULL },
		{ "openai", "gpt-5-chat-latest", BEGIN ",\"temperature\":0.7}", NULL, NULL },
		{ "groq", "llama-3.1-8b-instant",
		  BEGIN ",\"logit_bias\":{\"50256\":-100},\"temperature\":0.7}",
		  BEGIN ",\"temperature\":0.7}", "logit_bias" },
	};

	CHECK_ALL("openai", rows);
}

TEST(effort_is_the_nearest_or_none)
{
	static const struct adapt_case rows[] = {
		{ "openai", "gpt-4o", BEGIN ",\"reasoning_effort\":\"low\",\"verbosity\":\"low\"}",
		  BEGIN "}", "reasoning_effort,verbosity" },
		{ "openai", "o3", BEGIN ",\"reasoning_effort\":\"minimal\"}",
		  BEGIN ",\"reasoning_effort\":\"low\"}", NULL },
		{ "openai", "gpt-5", BEGIN ",\"reasoning_effort\":\"xhigh\"}",
		  BEGIN ",\"reasoning_effort\":\"high\"}", NULL },
		{ "mistral", "mistral-small-latest", BEGIN ",\"reasoning_effort\":\"low\"}",
		  BEGIN "}", "reasoning_effort" },
	};

	CHECK_ALL("openai", rows);
}

#define TOOLS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}]"

/* Function tools beside reasoning effort. */
TEST(tools_and_thinking_exclude_each_other_where_they_do)
{
	static const struct adapt_case rows[] = {
		{ "openai", "gpt-5.6", BEGIN TOOLS "}",
		  BEGIN TOOLS ",\"reasoning_effort\":\"none\"}", NULL },
		{ "openai", "gpt-5.4", BEGIN TOOLS ",\"reasoning_effort\":\"high\"}",
		  BEGIN TOOLS ",\"reasoning_effort\":\"none\"}", NULL },
		{ "openai", "gpt-5", BEGIN TOOLS ",\"reasoning_effort\":\"high\"}", NULL, NULL },
		{ "openai", "gpt-4o", BEGIN ",\"parallel_tool_calls\":true,\"tools\":[]}",
		  BEGIN ",\"tools\":[]}", "parallel_tool_calls" },
		{ "openai", "gpt-4o", BEGIN TOOLS ",\"parallel_tool_calls\":true}", NULL, NULL },
	};

	CHECK_ALL("openai", rows);
}

/* developer to those who do not know it, and what stands inside of messages and tools. */
TEST(roles_and_what_is_inside_of_messages)
{
	static const struct adapt_case rows[] = {
		{ "openai", "gpt-4o",
		  "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"x\"}]}",
		  NULL, NULL },
		{ "deepseek", "deepseek-chat",
		  "{\"model\":\"m\",\"messages\":[ {\"role\": "
		  "\"developer\",\"content\":\"developer\"},{\"content\":\"\\ud800\",\"role\":"
		  "\"user\"}]}",
		  "{\"model\":\"m\",\"messages\":[ {\"role\": "
		  "\"system\",\"content\":\"developer\"},{\"content\":\"\\ud800\",\"role\":"
		  "\"user\"}]}",
		  NULL },
		{ NULL, "llama3", "{\"messages\":[{\"role\":\"developer\"}],\"model\":\"m\"}",
		  "{\"messages\":[{\"role\":\"system\"}],\"model\":\"m\"}", NULL },
		{ "groq", "x",
		  "{\"model\":\"m\",\"messages\":[{\"name\":\"a\",\"role\":\"user\"},{\"role\":"
		  "\"user\",\"name\":\"b\"},{\"name\":\"c\"},{}]}",
		  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"},{\"role\":\"user\"},{},{}]}",
		  "messages[].name" },
	};

	CHECK_ALL("openai", rows);
}

#define CLAUDE  "{\"model\":\"m\",\"max_tokens\":5000,\"messages\":[]"
#define ENABLED ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"
#define FORCED  ",\"tool_choice\":{\"type\":\"any\"}"

/* temperature and top_p both set; temperature to newer models and while thinking. */
TEST(claude_takes_one_of_temperature_and_top_p_or_none)
{
	static const struct adapt_case rows[] = {
		{ "anthropic", "claude-sonnet-4-5", CLAUDE ",\"temperature\":0.5,\"top_p\":0.9}",
		  CLAUDE ",\"temperature\":0.5}", "top_p" },
		{ "anthropic", "claude-sonnet-4-5", CLAUDE ",\"top_p\":0.9}", NULL, NULL },
		{ "anthropic", "claude-opus-4-7",
		  CLAUDE ",\"temperature\":0.5,\"top_k\":3,\"top_p\":1}", CLAUDE "}",
		  "temperature,top_k" },
		{ "anthropic", "claude-haiku-4-5", CLAUDE ENABLED ",\"temperature\":0.5}",
		  CLAUDE ENABLED "}", "temperature" },
		{ "anthropic", "claude-3-5-haiku-latest",
		  CLAUDE ",\"temperature\":0.5,\"top_p\":0.9}", NULL, NULL },
		{ "anthropic", "claude-haiku-4-5",
		  "{\"model\":\"m\",\"max_tokens\":999999,\"messages\":[]}",
		  "{\"model\":\"m\",\"max_tokens\":64000,\"messages\":[]}", NULL },
	};

	CHECK_ALL("anthropic", rows);
}

/* Forced tool_choice beside thinking, and thinking as each model is asked for it. */
TEST(claude_thinks_as_the_model_can)
{
	static const struct adapt_case rows[] = {
		{ "anthropic", "claude-sonnet-5", CLAUDE ENABLED "}",
		  CLAUDE ",\"thinking\":{\"type\":\"adaptive\"}}", NULL },
		{ "anthropic", "claude-haiku-4-5", CLAUDE ",\"thinking\":{\"type\":\"adaptive\"}}",
		  CLAUDE ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":4096}}", NULL },
		{ "anthropic", "claude-haiku-4-5",
		  CLAUDE ",\"output_config\":{\"effort\":\"low\"}}",
		  CLAUDE ",\"output_config\":{}}", "output_config.effort" },
		{ "anthropic", "claude-opus-4-6",
		  CLAUDE ",\"output_config\":{\"effort\":\"xhigh\"}}",
		  CLAUDE ",\"output_config\":{\"effort\":\"max\"}}", NULL },
		{ "anthropic", "claude-3-5-haiku-latest", CLAUDE ENABLED "}", CLAUDE "}",
		  "thinking" },
		{ "anthropic", "claude-opus-5-5", CLAUDE ",\"thinking\":{\"type\":\"disabled\"}}",
		  CLAUDE "}", "thinking" },
		{ "anthropic", "claude-sonnet-4-5", CLAUDE ENABLED FORCED "}", CLAUDE FORCED "}",
		  "thinking" },
		{ "anthropic", "claude-sonnet-5", CLAUDE FORCED "}",
		  CLAUDE FORCED ",\"thinking\":{\"type\":\"disabled\"}}", "thinking" },
		{ "anthropic", "claude-opus-5-5", CLAUDE FORCED "}",
		  CLAUDE ",\"tool_choice\":{\"type\":\"auto\"}}", "tool_choice" },
	};

	CHECK_ALL("anthropic", rows);
}

#define LOOP(thought)                                                                              \
	"{\"model\":\"m\",\"max_tokens\":5000,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}" \
	","                                                                                        \
	"{\"role\":\"assistant\",\"content\":[" thought "{\"type\":\"tool_use\",\"id\":\"a\"}]},"  \
	"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\"}]}]"
#define THOUGHT "{\"type\":\"thinking\",\"thinking\":\"\\u00e4\",\"signature\":\"E+/=\"},"

/* A failover in the middle of a tool loop; thinking blocks are kept byte for byte. */
TEST(a_turn_of_calls_without_thoughts_is_gone_on_with_without_thinking)
{
	static const struct adapt_case rows[] = {
		{ "anthropic", "claude-sonnet-4-5", LOOP("") ENABLED "}", LOOP("") "}",
		  "thinking" },
		{ "anthropic", "claude-sonnet-4-5", LOOP(THOUGHT) ENABLED "}", NULL, NULL },
		{ "anthropic", "claude-sonnet-5", LOOP("") "}", NULL, NULL },
	};

	CHECK_ALL("anthropic", rows);
}

#define BEGUN                                                                             \
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":" \
	"\"assistant\",\"content\":\"y\"}"

/* Assistant prefill. */
TEST(an_assistants_last_message_is_followed_by_a_turn_where_it_is_refused)
{
	static const struct adapt_case rows[] = {
		{ "anthropic", "claude-sonnet-4-5", BEGUN "]}", NULL, NULL },
		{ "anthropic", "claude-opus-5", BEGUN "]}",
		  BEGUN ",{\"role\":\"user\",\"content\":\"Continue.\"}]}", NULL },
		{ "anthropic", "claude-opus-5", BEGUN ",{\"role\":\"user\",\"content\":\"z\"}]}",
		  NULL, NULL },
	};

	CHECK_ALL("anthropic", rows);
}

static struct weir_lesson learned(const char *param, const char *message)
{
	struct weir_failure failure = { .status = 400,
					.param = weir_slice_of(param),
					.message = weir_slice_of(message) };

	return weir_lesson_of(&failure, failure.param);
}

TEST(thoughts_that_somebody_else_signed_are_stripped)
{
	static const struct adapt_case row = {
		"anthropic", "claude-sonnet-4-5",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[" THOUGHT
		"{\"type\":\"text\",\"text\":\"a\"}]},"
		"{\"role\":\"assistant\",\"content\":[{\"type\":\"redacted_thinking\",\"data\":"
		"\"x\"}]},{\"role\":\"user\",\"content\":\"b\"}]}",
		NULL, NULL
	};
	struct weir_lesson lesson = learned(
		"", "messages.1.content.0: Invalid `signature` in `thinking` block");
	char out[OUT_MAX], told[TOLD_MAX];

	CHECK_INT(lesson.kind, WEIR_LESSON_THOUGHTS);
	adapt("anthropic", &row, &lesson, out, told);
	CHECK_STR(out, "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{"
		       "\"type\":\"text\",\"text\":\"a\"}]},"
		       "{\"role\":\"user\",\"content\":\"b\"}]}");
	CHECK_STR(told, "thinking");
}

/* 0: there is none. */
static uint64_t limit_below(const struct weir_lesson *lesson, uint64_t sent)
{
	for (unsigned i = 0; i < lesson->limits_n; i++)
		if (lesson->limits[i] < sent)
			return lesson->limits[i];
	return 0;
}

TEST(what_is_learned_from_a_refusal)
{
	static const struct {
		const char *param, *message;
		enum weir_lesson_kind kind;
		const char *path;
		uint64_t value;
	} rows[] = {
		{ "temperature", "Unsupported value", WEIR_LESSON_DROP, "temperature", 0 },
		{ "messages[3].reasoning_content", "", WEIR_LESSON_DROP,
		  "messages[].reasoning_content", 0 },
		{ "tools.12.function.strict", "", WEIR_LESSON_DROP, "tools[].function.strict", 0 },
		{ "messages.0.content", "", WEIR_LESSON_NONE, NULL, 0 },
		{ "tools[0].function.name", "", WEIR_LESSON_NONE, NULL, 0 },
		{ "model", "", WEIR_LESSON_NONE, NULL, 0 },
		{ "", "seed: Extra inputs are not permitted", WEIR_LESSON_DROP, "seed", 0 },
		{ "", "nothing is named", WEIR_LESSON_NONE, NULL, 0 },
		{ "max_tokens",
		  "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead.",
		  WEIR_LESSON_RENAME, "max_tokens", 0 },
		{ "max_completion_tokens",
		  "Unrecognized request argument supplied: max_completion_tokens",
		  WEIR_LESSON_RENAME, "max_completion_tokens", 0 },
		{ "max_tokens",
		  "max_tokens is too large: 99999. This model (gpt-4o-2024-05-13) supports at most "
		  "16384 "
		  "completion tokens, whereas you provided 99999.",
		  WEIR_LESSON_LIMIT, "max_tokens", 16384 },
		{ "max_tokens",
		  "Error code: 400 - max_tokens is too large: 99999. This model supports at most "
		  "8,192 completion tokens.",
		  WEIR_LESSON_LIMIT, "max_tokens", 8192 },
		{ "max_tokens", "HTTP 429: max_tokens or max_completion_tokens is at most 4096",
		  WEIR_LESSON_LIMIT, "max_tokens", 4096 },
		{ "max_tokens", "max_tokens is too large", WEIR_LESSON_NONE, "max_tokens", 0 },
		{ "",
		  "max_tokens: 99999 > 64000, which is the maximum allowed number of output "
		  "tokens for claude-x-20250101",
		  WEIR_LESSON_LIMIT, "max_tokens", 64000 },
		{ "reasoning_effort",
		  "Unsupported value: 'minimal' … Supported values are: 'low', 'medium', and "
		  "'high'.",
		  WEIR_LESSON_EFFORTS, "reasoning_effort",
		  1u << WEIR_EFFORT_LOW | 1u << WEIR_EFFORT_MEDIUM | 1u << WEIR_EFFORT_HIGH },
		{ "reasoning_effort", "unknown", WEIR_LESSON_DROP, "reasoning_effort", 0 },
		{ "", "messages[0].role: unknown variant `developer`, expected one of `system`",
		  WEIR_LESSON_SYSTEM, NULL, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_lesson lesson = learned(rows[i].param, rows[i].message);

		NOTE("%s %s", rows[i].param, rows[i].message);
		CHECK_INT(lesson.kind, rows[i].kind);
		if (rows[i].path)
			CHECK_STR(lesson.path, rows[i].path);
		if (rows[i].kind == WEIR_LESSON_LIMIT)
			CHECK_INT(limit_below(&lesson, SENT), rows[i].value);
		else
			CHECK_INT(lesson.value, rows[i].value);
	}
}

static struct weir_lesson refused(const char *param, const char *code, const char *message)
{
	struct weir_failure failure = { .status = 400,
					.code = weir_slice_of(code),
					.param = weir_slice_of(param),
					.message = weir_slice_of(message) };

	return weir_lesson_of(&failure, failure.param);
}

TEST(a_refused_value_is_no_refused_field)
{
	static const struct {
		const char *param, *code, *message;
		bool passing;
	} rows[] = {
		{ "tool_choice", "unsupported_value",
		  "Unsupported value: 'tool_choice' does not support 'required'", true },
		{ "response_format", "", "'response_format' of type 'json_schema' is not supported",
		  true },
		{ "service_tier", "", "'flex' is not available for this model", true },
		{ "modalities", "unsupported_value", "", true },
		{ "tool_choice", "unsupported_parameter", "", false },
		{ "response_format", "", "response_format: Extra inputs are not permitted", false },
		{ "user", "", "'user' is not supported", false },
		{ "temperature", "unsupported_value",
		  "Unsupported value: 'temperature' does not support 0.2. Only the default (1) is "
		  "supported.",
		  false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_lesson lesson = refused(rows[i].param, rows[i].code, rows[i].message);

		NOTE("%s %s", rows[i].param, rows[i].message);
		CHECK_INT(lesson.kind, WEIR_LESSON_DROP);
		CHECK_INT(lesson.passing, rows[i].passing);
	}
}

/* No list can make a caller's model call tools he has forbidden. */
TEST(no_lesson_takes_the_word_that_forbids_tools)
{
	struct weir_lesson lesson = { .kind = WEIR_LESSON_DROP, .path = "tool_choice" };
	static const struct adapt_case rows[] = {
		{ NULL, "x", BEGIN TOOLS ",\"tool_choice\":\"none\"}", NULL, "" },
		{ NULL, "x", BEGIN TOOLS ",\"tool_choice\":{\"type\":\"none\"}}", NULL, "" },
		{ NULL, "x", BEGIN TOOLS ",\"tool_choice\":\"auto\"}", BEGIN TOOLS "}",
		  "tool_choice" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[OUT_MAX], told[TOLD_MAX];

		adapt("openai", &rows[i], &lesson, out, told);
		CHECK_STR(out, rows[i].out ? rows[i].out : rows[i].in);
		CHECK_STR(told, rows[i].told);
	}
}

TEST(every_dropped_field_is_counted_whatever_its_name)
{
	struct weir_drops drops = { .n = 0 };

	weir_chat_drop(&drops, WEIR_SLICE("reasoning_\\u0065ffort"));
	weir_chat_drop(&drops, WEIR_SLICE("a\\u0000b"));
	weir_chat_drop(&drops, WEIR_SLICE("two words"));
	weir_chat_drop(&drops, WEIR_SLICE("a_name_that_is_longer_than_forty_characters_"));
	weir_chat_drop(&drops, WEIR_SLICE("reasoning_effort"));
	CHECK_INT(drops.n, 2);
	CHECK_STR(drops.names[0], "reasoning_effort");
	CHECK_STR(drops.names[1], "other");
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(lessons_are_bounded_and_expire)
{
	struct weir_lessons lessons = { .n = 0 }, known = { .n = 0 };
	struct weir_lesson lesson = { .kind = WEIR_LESSON_DROP, .until_ms = 10 };

	for (unsigned i = 0; i < WEIR_LESSONS_MAX + 4; i++) {
		lesson.path[0] = (char)('a' + i);
		lesson.until_ms = 10 + i;
		weir_lessons_add(&lessons, &lesson);
	}
	CHECK_INT(lessons.n, WEIR_LESSONS_MAX);
	CHECK_STR(lessons.list[0].path, "e");
	weir_lessons_add(&lessons, &lesson);
	CHECK_INT(lessons.n, WEIR_LESSONS_MAX);
	weir_lessons_recall(&known, &lessons, lesson.until_ms - 2);
	CHECK_INT(known.n, 2);
	weir_lessons_recall(&known, &lessons, lesson.until_ms - 2);
	CHECK_INT(known.n, 2);
}

TEST_MAIN

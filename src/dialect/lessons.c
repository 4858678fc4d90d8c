#include "dialect/lessons.h"

#include <stdio.h>

#include "base/attr.h"
#include "dialect/chat.h"

enum { MESSAGE_MAX = 1024, LEAST_LIMIT = 16, WORD_MAX = 16 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (weir_lower(c) >= 'a' && weir_lower(c) <= 'z') || c == '_';
}

static bool says(struct weir_slice message, const char *text)
{
	return weir_slice_has_nocase(message, text);
}

/* "messages.0.name" and "messages[0].name" are messages[].name. False: too long. */
static bool read_path(struct weir_slice name, char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		bool opens = name.base[i] == '.' || name.base[i] == '[';
		size_t end = i + 1;

		while (opens && end < name.len && is_digit(name.base[end]))
			end++;
		if (n + 3 >= WEIR_LESSON_PATH_MAX)
			return false;
		if (opens && end > i + 1) {
			path[n++] = '[';
			path[n++] = ']';
			i = end < name.len && name.base[end] == ']' ? end : end - 1;
		} else {
			path[n++] = name.base[i];
		}
	}
	path[n] = '\0';
	return n > 0;
}

/* "Error code: 400", "HTTP 429": no limits. */
static bool is_status(struct weir_slice before)
{
	static const char *const words[] = { "code", "http", "status", "error" };

	while (before.len && strchr(" :=/#", before.base[before.len - 1]))
		before.len--;
	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++) {
		size_t n = strlen(words[i]);

		if (before.len >= n && weir_equal_nocase(before.base + before.len - n, words[i], n))
			return true;
	}
	return false;
}

/* Digits, also "16,384". Returns where they end; value 0: too large. */
static size_t read_number(struct weir_slice s, size_t at, uint64_t *value)
{
	char digits[24];
	size_t n = 0;

	for (; at < s.len; at++) {
		bool comma = s.base[at] == ',' && at + 3 < s.len && is_digit(s.base[at + 1]) &&
			     is_digit(s.base[at + 2]) && is_digit(s.base[at + 3]) &&
			     (at + 4 == s.len || !is_digit(s.base[at + 4]));

		if (!is_digit(s.base[at]) && !comma)
			break;
		if (!comma && n < sizeof digits)
			digits[n++] = s.base[at];
	}
	if (!weir_slice_to_u64(weir_slice(digits, n), value))
		*value = 0;
	return at;
}

/* Keeps the largest, the largest first. */
static void note_limit(struct weir_lesson *lesson, uint64_t value)
{
	unsigned at = 0, n = lesson->limits_n;

	while (at < n && lesson->limits[at] > value)
		at++;
	if (at == WEIR_LESSON_LIMITS_MAX || (at < n && lesson->limits[at] == value))
		return;
	n -= n == WEIR_LESSON_LIMITS_MAX;
	memmove(&lesson->limits[at + 1], &lesson->limits[at], (n - at) * sizeof *lesson->limits);
	lesson->limits[at] = value;
	lesson->limits_n = n + 1;
}

/* The numbers that could be a limit; not those inside a name. */
static void find_limits(struct weir_lesson *lesson, struct weir_slice message)
{
	for (size_t i = 0; i < message.len;) {
		char before = i ? message.base[i - 1] : ' ';
		uint64_t value;
		size_t end;

		if (!is_digit(message.base[i])) {
			i++;
			continue;
		}
		end = read_number(message, i, &value);
		if (!is_letter(before) && before != '-' && before != '.' &&
		    (end == message.len || !is_letter(message.base[end])) && value >= LEAST_LIMIT &&
		    !is_status(weir_slice(message.base, i)))
			note_limit(lesson, value);
		i = end;
	}
}

/* "Supported values are: 'low', 'medium', and 'high'." */
static uint64_t efforts_in(struct weir_slice message)
{
	static const char begins[] = "upported values";
	uint64_t efforts = 0;
	size_t at = 0;

	while (at < message.len &&
	       !weir_slice_starts_nocase(weir_slice(message.base + at, message.len - at), begins))
		at++;
	for (; at < message.len; at++) {
		char word[WORD_MAX];
		size_t n = 0;

		if (message.base[at] != '\'' && message.base[at] != '"')
			continue;
		while (at + 1 + n < message.len && is_letter(message.base[at + 1 + n]))
			n++;
		if (n + 3 > sizeof word)
			continue;
		snprintf(word, sizeof word, "\"%.*s\"", (int)n, message.base + at + 1);
		efforts |= 1u << weir_chat_effort(weir_slice_of(word));
	}
	return efforts & ~(UINT64_C(1) << WEIR_EFFORT_NONE_GIVEN);
}

static bool is_limit(const char *path)
{
	return strcmp(path, "max_tokens") == 0 || strcmp(path, "max_completion_tokens") == 0;
}

/* Does it refuse the field, whatever it says? */
static bool refuses_name(const struct weir_failure *failure)
{
	static const char *const words[] = { "unsupported parameter", "unknown",
					     "unrecognized",          "unexpected",
					     "not permitted",         "is unsupported" };

	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++)
		if (says(failure->message, words[i]))
			return true;
	return says(failure->code, "unsupported_parameter") ||
	       says(failure->code, "unknown_parameter");
}

static bool refuses_value(const struct weir_failure *failure)
{
	static const char *const words[] = { "unsupported value", "invalid value",
					     "supported values",  "must be one of",
					     "does not support",  "of type" };

	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++)
		if (says(failure->message, words[i]))
			return true;
	return says(failure->code, "unsupported_value") || says(failure->code, "invalid_value");
}

/* What one caller asks for in vain another may not have asked for. Of a number, a server that
 * refuses one takes none but its own. */
static bool is_passing(const struct weir_failure *failure, const char *path)
{
	static const char numbers[] = "temperature,top_p,top_k,presence_penalty,"
				      "frequency_penalty,logprobs,top_logprobs,seed,logit_bias";
	static const char choices[] = "tool_choice,response_format,service_tier,modalities,stop,"
				      "reasoning_effort,verbosity,thinking";

	if (weir_model_lists(numbers, weir_slice_of(path)))
		return false;
	return refuses_value(failure) ||
	       (weir_model_lists(choices, weir_slice_of(path)) && !refuses_name(failure));
}

static void read_limit(struct weir_lesson *lesson, const struct weir_failure *failure)
{
	struct weir_slice message = failure->message;
	bool other = strcmp(lesson->path, "max_tokens") == 0
			     ? says(message, "max_completion_tokens")
			     : says(message, "'max_tokens'") || says(message, "`max_tokens`");

	lesson->kind = WEIR_LESSON_RENAME;
	if (refuses_name(failure) || (other && says(message, "instead")))
		return;
	find_limits(lesson, message);
	if (lesson->limits_n)
		lesson->kind = WEIR_LESSON_LIMIT;
	else if (!says(message, "not supported"))
		lesson->kind = WEIR_LESSON_NONE;
}

/* Nobody would know what was left of the request without it. */
static bool is_essential(const char *path)
{
	static const char *const words[] = { "role",     "content", "type",        "text",
					     "id",       "url",     "image_url",   "tool_calls",
					     "input",    "data",    "source",      "tool_call_id",
					     "function", "schema",  "parameters",  "arguments",
					     "model",    "prompt",  "messages",    "stream",
					     "tools",    "n",       "input_schema" };
	const char *last = strrchr(path, '.');

	last = last ? last + 1 : path;
	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++)
		if (strcmp(last, words[i]) == 0)
			return true;
	return strcmp(last, "name") == 0 && strcmp(path, "messages[].name") != 0;
}

/* "temperature: Extra inputs are not permitted" */
static struct weir_slice name_before(struct weir_slice message)
{
	size_t n = 0;

	while (n < message.len && (is_letter(message.base[n]) || is_digit(message.base[n]) ||
				   (n && strchr(".[]", message.base[n]))))
		n++;
	return n < message.len && message.base[n] == ':' ? weir_slice(message.base, n)
							 : WEIR_SLICE("");
}

struct weir_lesson weir_lesson_of(const struct weir_failure *failure, struct weir_slice name)
{
	struct weir_slice message = failure->message;
	struct weir_lesson lesson = { .kind = WEIR_LESSON_NONE };

	if (message.len > MESSAGE_MAX)
		message.len = MESSAGE_MAX;
	if (says(message, "thinking") &&
	    (says(message, "signature") || says(message, "cannot be modified"))) {
		lesson.kind = WEIR_LESSON_THOUGHTS;
		lesson.passing = true;
		return lesson;
	}
	if (says(message, "developer") &&
	    (says(message, "role") || says(message, "unknown variant"))) {
		lesson.kind = WEIR_LESSON_SYSTEM;
		return lesson;
	}
	if (name.len == 0)
		name = name_before(message);
	if (!read_path(name, lesson.path) || is_essential(lesson.path))
		return lesson;
	lesson.kind = WEIR_LESSON_DROP;
	if (is_limit(lesson.path))
		read_limit(&lesson, failure);
	else if (strcmp(lesson.path, "reasoning_effort") == 0 &&
		 (lesson.value = efforts_in(message)))
		lesson.kind = WEIR_LESSON_EFFORTS;
	else
		lesson.passing = is_passing(failure, lesson.path);
	return lesson;
}

void weir_lessons_add(struct weir_lessons *lessons, const struct weir_lesson *lesson)
{
	unsigned at = 0;

	while (at < lessons->n && (lessons->list[at].kind != lesson->kind ||
				   strcmp(lessons->list[at].path, lesson->path) != 0))
		at++;
	if (at == WEIR_LESSONS_MAX)
		at = 0;
	if (at < lessons->n) { /* the newest stands last */
		memmove(&lessons->list[at], &lessons->list[at + 1],
			(lessons->n - at - 1) * sizeof *lessons->list);
		lessons->n--;
	}
	lessons->list[lessons->n++] = *lesson;
}

void weir_lessons_recall(struct weir_lessons *lessons, const struct weir_lessons *from,
			 uint64_t now_ms)
{
	for (unsigned i = 0; i < from->n; i++)
		if (from->list[i].until_ms > now_ms)
			weir_lessons_add(lessons, &from->list[i]);
}

bool weir_lessons_have(const struct weir_lessons *lessons, enum weir_lesson_kind kind)
{
	for (unsigned i = 0; i < lessons->n; i++)
		if (lessons->list[i].kind == kind)
			return true;
	return false;
}

void weir_lessons_lay(const struct weir_lessons *lessons, struct weir_model_facts *facts)
{
	for (unsigned i = 0; i < lessons->n; i++) {
		const struct weir_lesson *lesson = &lessons->list[i];

		if (lesson->kind == WEIR_LESSON_RENAME)
			facts->max_tokens = strcmp(lesson->path, "max_tokens") == 0
						    ? "max_completion_tokens"
						    : "max_tokens";
		else if (lesson->kind == WEIR_LESSON_LIMIT &&
			 (!facts->output_tokens || lesson->value < facts->output_tokens))
			facts->output_tokens = lesson->value;
		else if (lesson->kind == WEIR_LESSON_EFFORTS)
			facts->efforts = (unsigned)lesson->value;
	}
}

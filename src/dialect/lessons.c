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

/* The smallest number that could be a limit; not one inside a name. 0: none. */
static uint64_t limit_in(struct weir_slice message)
{
	uint64_t least = 0;

	for (size_t i = 0; i < message.len;) {
		size_t end = i;
		char before = i ? message.base[i - 1] : ' ';
		uint64_t value;

		while (end < message.len && is_digit(message.base[end]))
			end++;
		if (end == i) {
			i++;
			continue;
		}
		if (!is_letter(before) && before != '-' && before != '.' &&
		    (end == message.len || !is_letter(message.base[end])) &&
		    weir_slice_to_u64(weir_slice(message.base + i, end - i), &value) &&
		    value >= LEAST_LIMIT && (!least || value < least))
			least = value;
		i = end;
	}
	return least;
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

static void read_limit(struct weir_lesson *lesson, struct weir_slice message)
{
	bool new_name = strcmp(lesson->path, "max_tokens") == 0;
	bool wants_other = new_name
				   ? says(message, "max_completion_tokens")
				   : says(message, "'max_tokens'") || says(message, "`max_tokens`");
	bool unknown = says(message, "unsupported parameter") || says(message, "unknown") ||
		       says(message, "unrecognized") || says(message, "not permitted");

	lesson->value = wants_other || unknown ? 0 : limit_in(message);
	lesson->kind = lesson->value ? WEIR_LESSON_LIMIT : WEIR_LESSON_RENAME;
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
		read_limit(&lesson, message);
	else if (strcmp(lesson.path, "reasoning_effort") == 0 &&
		 (lesson.value = efforts_in(message)))
		lesson.kind = WEIR_LESSON_EFFORTS;
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

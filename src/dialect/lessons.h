/* What a target has said it refuses: each a lesson, remembered for a while, so that the next
 * request need not be refused first. */
#pragma once

#include "dialect/models.h"
#include "policy/classify.h"

enum {
	WEIR_LESSONS_MAX = 16, /* of one target; beyond, the oldest goes */
	WEIR_LESSON_PATH_MAX = 64,
	WEIR_LESSON_MS = 3600 * 1000,
	WEIR_LESSON_LIMITS_MAX = 4
};

enum weir_lesson_kind {
	WEIR_LESSON_NONE,
	WEIR_LESSON_DROP,    /* path: "user", "messages[].name" */
	WEIR_LESSON_RENAME,  /* path is the limit's name it does not know: it has another */
	WEIR_LESSON_LIMIT,   /* value: the most tokens it answers */
	WEIR_LESSON_EFFORTS, /* value: those it accepts, 1 << enum weir_chat_effort */
	WEIR_LESSON_SYSTEM,  /* it knows no developer */
	WEIR_LESSON_THOUGHTS /* somebody else's, in this request's history */
};

struct weir_lesson {
	enum weir_lesson_kind kind;
	char path[WEIR_LESSON_PATH_MAX];
	uint64_t value;
	uint64_t until_ms;
	/* LIMIT: the numbers that were said, the largest first; value is that of them which is
	 * the largest that is less than what was sent, when that is known. */
	uint64_t limits[WEIR_LESSON_LIMITS_MAX];
	unsigned limits_n;
	bool passing; /* of this request's value alone: not remembered */
};

struct weir_lessons {
	struct weir_lesson list[WEIR_LESSONS_MAX];
	unsigned n;
};

/* From a refusal that names a field; name: that one. Kind NONE: nothing can be learned. */
struct weir_lesson weir_lesson_of(const struct weir_failure *failure, struct weir_slice name);

/* Replaces the same one. */
void weir_lessons_add(struct weir_lessons *lessons, const struct weir_lesson *lesson);
/* Adds those of from that still hold. */
void weir_lessons_recall(struct weir_lessons *lessons, const struct weir_lessons *from,
			 uint64_t now_ms);
bool weir_lessons_have(const struct weir_lessons *lessons, enum weir_lesson_kind kind);
/* What of it is said as facts, too. */
void weir_lessons_lay(const struct weir_lessons *lessons, struct weir_model_facts *facts);

/* A chat request in nobody's dialect: what one dialect reads and another writes.
 *
 * All slices point into the caller's body and stand as they stood there: a string with its
 * quotes and escapes, a number as it was written. So nothing is decoded that need not be, and
 * half an emoji or a number past any double survives. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "dialect/models.h"
#include "wire/json.h"

enum {
	WEIR_CHAT_BODY_MAX = 8 * 1024 * 1024, /* a larger body is not translated */
	WEIR_CHAT_PARTS_MAX = 64 * 1024,
	WEIR_CHAT_TOOLS_MAX = 1024,
	WEIR_CHAT_CALLS_MAX = 128, /* of one turn */
	WEIR_CHAT_DROPS_MAX = 16,
	WEIR_CHAT_NAME_MAX = 40 /* of a field that is dropped; longer ones are "other" */
};

enum weir_chat_role { WEIR_ROLE_SYSTEM, WEIR_ROLE_USER, WEIR_ROLE_ASSISTANT };

enum weir_part_type {
	WEIR_PART_TEXT,
	WEIR_PART_IMAGE,
	WEIR_PART_DOCUMENT,
	WEIR_PART_AUDIO, /* here, never elsewhere */
	WEIR_PART_CALL,
	WEIR_PART_RESULT, /* of a call; the parts behind it that are inside are its content */
	WEIR_PART_THINKING
};

struct weir_part {
	enum weir_part_type type;
	enum weir_chat_role role; /* a result is the user's */
	bool begins;              /* a message */
	bool inside;              /* of the result before it */
	bool is_error;            /* RESULT */
	unsigned number;          /* CALL, RESULT without an id: which, from 1 */
	struct weir_slice text;   /* TEXT: a string. CALL: its arguments, a string that holds
	                             JSON, or an object. THINKING: the block, an object */
	struct weir_slice id;     /* CALL, RESULT: a string */
	struct weir_slice name;   /* CALL: a string. DOCUMENT: its title, or "" */
	struct weir_slice media;  /* IMAGE, DOCUMENT, AUDIO that is here: inside of a string */
	struct weir_slice data;   /* …: base64; inside of a string */
	struct weir_slice url;    /* IMAGE, DOCUMENT that is elsewhere: a string */
	struct weir_slice cache;  /* its cache_control object, or "" */
};

struct weir_chat_tool {
	struct weir_slice name, description, schema, strict, cache; /* "": not given */
	bool hidden;                                                /* by allowed_tools */
};

enum weir_chat_choice {
	WEIR_TOOLS_NONE_GIVEN,
	WEIR_TOOLS_AUTO,
	WEIR_TOOLS_NONE,
	WEIR_TOOLS_ANY,
	WEIR_TOOLS_ONE /* choice_name */
};

enum weir_chat_format { WEIR_FORMAT_TEXT, WEIR_FORMAT_OBJECT, WEIR_FORMAT_SCHEMA };

/* Plain fields, passed on as they are by whoever knows them. */
enum weir_chat_field {
	WEIR_CHAT_MAX_TOKENS,
	WEIR_CHAT_TEMPERATURE,
	WEIR_CHAT_TOP_P,
	WEIR_CHAT_TOP_K,
	WEIR_CHAT_SEED,
	WEIR_CHAT_STOP, /* a string, or an array of strings */
	WEIR_CHAT_USER,
	WEIR_CHAT_TIER,
	WEIR_CHAT_THINKING,
	WEIR_CHAT_CACHE,
	WEIR_CHAT_FIELDS_N
};

/* Names of fields a target does not get, each once. */
struct weir_drops {
	char names[WEIR_CHAT_DROPS_MAX][WEIR_CHAT_NAME_MAX];
	unsigned n;
};

struct weir_chat {
	struct weir_part *parts;
	unsigned parts_n, parts_cap;
	struct weir_chat_tool *tools;
	unsigned tools_n, tools_cap;
	unsigned calls_n;   /* of the assistant's turn that is being read */
	unsigned numbers_n; /* calls without an id so far */
	struct weir_slice fields[WEIR_CHAT_FIELDS_N]; /* "": not given */
	struct weir_drops drops;                      /* what no other dialect has */
	bool stream, include_usage;
	bool serial; /* no parallel tool calls */
	enum weir_chat_choice choice;
	struct weir_slice choice_name; /* a string */
	enum weir_chat_format format;
	struct weir_slice schema, schema_name, schema_strict;
	enum weir_chat_effort effort;
	/* What cannot be said in another dialect: "cannot_carry_n", the field; NULL: nothing. */
	const char *cannot, *cannot_param;
};

/* For whom it is written. */
struct weir_chat_target {
	const char *model;
	const struct weir_model_facts *facts;
	const char *const *without; /* fields of its own dialect that it has refused */
	unsigned without_n;
};

void weir_chat_fini(struct weir_chat *chat);

/* The first reason stays. */
void weir_chat_refuse(struct weir_chat *chat, const char *reason, const char *param);

/* Appends an empty one. NULL: out of memory, or (then chat->cannot is set) too many. */
struct weir_part *weir_chat_add(struct weir_chat *chat, enum weir_chat_role role,
				enum weir_part_type type);
struct weir_chat_tool *weir_chat_add_tool(struct weir_chat *chat);

/* A name that is no plain word, or too long, is told as "other". */
void weir_chat_drop(struct weir_drops *drops, struct weir_slice name);
/* Has it been refused by the target? */
bool weir_chat_without(const struct weir_chat_target *target, const char *name);

enum { WEIR_CHAT_SHORT_LEAST = 32 };

/* A name, the inside of a string, that fits into max bytes (at least WEIR_CHAT_SHORT_LEAST, at
 * most those of text): the same for the same name, and in practice another for another. */
struct weir_slice weir_chat_short(struct weir_slice name, unsigned max, char text[128]);

/* Is nothing but white space in a string? */
bool weir_chat_is_blank(struct weir_slice string);
/* The inside of a string without the white space at its end. */
struct weir_slice weir_chat_trim_end(struct weir_slice string);

static inline struct weir_slice weir_chat_inside(struct weir_slice string)
{
	return string.len >= 2 ? weir_slice(string.base + 1, string.len - 2) : WEIR_SLICE("");
}

/* The inside of a string member of an object; "" when there is none. */
static inline struct weir_slice weir_chat_pick(struct weir_slice object, const char *name)
{
	return weir_chat_inside(weir_json_pick(object, name, WEIR_JSON_STRING));
}

static inline bool weir_chat_means(struct weir_slice string, const char *text)
{
	return weir_json_text_is(weir_chat_inside(string), text);
}

/* Is it a result, and of that call? */
bool weir_chat_answers(const struct weir_part *result, const struct weir_part *call);

/* What may stand behind a call's id, and only its maker understands (gemini.h). */
#define WEIR_CHAT_ID_MARK "__gsig_"
/* The inside of an id without it. */
struct weir_slice weir_chat_plain_id(struct weir_slice inside);

/* Appends the bytes of a part that is here; scratch is overwritten. 0, WEIR_ENOMEM, WEIR_ELIMIT
 * (also: it is not base64). */
WEIR_MUST_CHECK int weir_chat_decode(const struct weir_part *part, struct weir_buf *scratch,
				     struct weir_buf *out);

/* A "data:image/png;base64,…" string taken apart; false: it is none, or not base64. */
bool weir_chat_data_url(struct weir_slice string, struct weir_slice *media,
			struct weir_slice *data);

/* Null, false, 0, "", [] or {}: saying nothing, it may go unsaid. */
bool weir_chat_is_empty(const struct weir_json_member *member);
/* "low"; NULL for what is none. */
const char *weir_chat_effort_name(enum weir_chat_effort effort);
enum weir_chat_effort weir_chat_effort(struct weir_slice string);

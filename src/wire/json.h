/* JSON without a tree: one strict pass over bytes that are all there, giving the
 * members of one object in turn. Strict is RFC 8259: no comments, no trailing comma,
 * no NaN, no BOM, valid UTF-8, depth at most WEIR_JSON_DEPTH_MAX. Iterative: hostile
 * nesting costs no stack. */
#pragma once

#include "base/buf.h"

enum { WEIR_JSON_DEPTH_MAX = 128 };

enum weir_json_type {
	WEIR_JSON_NULL,
	WEIR_JSON_BOOL,
	WEIR_JSON_NUMBER,
	WEIR_JSON_STRING,
	WEIR_JSON_ARRAY,
	WEIR_JSON_OBJECT
};

struct weir_json_member {
	struct weir_slice key;   /* raw, without quotes; objects only */
	struct weir_slice value; /* raw, a string with its quotes */
	enum weir_json_type type;
	size_t begin, end; /* key (or value) to value end, offsets in the text */
};

struct weir_json_cursor {
	struct weir_slice text;
	size_t offset;     /* after an error: where */
	const char *error; /* static sentence; NULL while all is well */
	bool is_array;
	unsigned char state, depth; /* private */
};

/* text is one object or array with nothing but white space around it. 0, or -1 and
 * cursor->error when it does not begin so. */
int weir_json_open(struct weir_json_cursor *cursor, struct weir_slice text);

/* 1 and *member: the next member or element. 0: the end, and the whole text was valid.
 * -1: error and offset say what is wrong and where. */
int weir_json_next(struct weir_json_cursor *cursor, struct weir_json_member *member);

/* The same, but does not look into a container yet: of its value there is the opening bracket. What
 * follows is weir_json_pass(), or weir_json_enter() and weir_json_leave(), or the next step, which
 * passes it unseen. So every byte is read once. */
int weir_json_step(struct weir_json_cursor *cursor, struct weir_json_member *member);
/* 1 and the whole value; or -1. */
int weir_json_pass(struct weir_json_cursor *cursor, struct weir_json_member *member);
/* inner: gives the members of the container that a step has stopped at. */
void weir_json_enter(const struct weir_json_cursor *cursor, struct weir_json_cursor *inner);
/* Behind what inner has left of it. 0, or -1: inner's error is the cursor's. */
int weir_json_leave(struct weir_json_cursor *cursor, struct weir_json_cursor *inner);

/* 0 when the whole text is one valid JSON value; else -1, *offset where. */
int weir_json_check(struct weir_slice text, size_t *offset);

/* Does a raw key or string (without quotes) mean this text? Escapes are decoded. */
bool weir_json_text_equals(struct weir_slice raw, const char *text);

/* The same of a text without a backslash: most are shorter or differ in their first byte, and what
 * is longer than what it means has an escape in it. */
static inline bool weir_json_text_is_slice(struct weir_slice raw, struct weir_slice text)
{
	if (raw.len < text.len)
		return false;
	if (text.len == 0)
		return raw.len == 0;
	if (raw.base[0] != text.base[0] && raw.base[0] != '\\')
		return false;
	if (raw.len == text.len)
		return memcmp(raw.base, text.base, text.len) == 0;
	return memchr(raw.base, '\\', raw.len) && weir_json_text_equals(raw, text.base);
}

static inline bool weir_json_text_is(struct weir_slice raw, const char *text)
{
	return weir_json_text_is_slice(raw, weir_slice_of(text));
}

/* Takes the next byte or escape off a raw key or string (without quotes): how many bytes it
 * means, 1 to 4, into bytes; 0 at the end. */
size_t weir_json_text_step(struct weir_slice *raw, char bytes[4]);

/* Appends what a raw string value (with or without its quotes) means, as UTF-8; a lone
 * surrogate becomes U+FFFD. 0, WEIR_ENOMEM, WEIR_ELIMIT; on failure out is as before. */
WEIR_MUST_CHECK int weir_json_unescape(struct weir_buf *out, struct weir_slice raw);

/* The first member called name of a valid object text; false when it has none. */
bool weir_json_get(struct weir_slice object, const char *name, struct weir_json_member *member);
/* Its value, when it is of that type; "" otherwise, also of no object at all. */
struct weir_slice weir_json_pick(struct weir_slice object, const char *name,
				 enum weir_json_type type);
/* False, and *n stays: there is no such number. */
bool weir_json_pick_u64(struct weir_slice object, const char *name, uint64_t *n);

/* The fields of an HTTP/1.x head, read strictly from its collected bytes (RFC 9112 §5, §6;
 * what is refused and why: the cases of tests/unit/test_http_read.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/http_start.h"

enum {
	WEIR_HTTP_HEAD_MAX = 32 * 1024,
	WEIR_HTTP_FIELDS_MAX = 100,
	WEIR_HTTP_LINE_MAX = 16 * 1024,
};

struct weir_http_field {
	struct weir_slice name;
	struct weir_slice value; /* trimmed */
};

/* Slices point into the reader, valid until weir_http_reader_next() or _fini().
 * Only as many fields are allocated as there are: never copy it by value. */
struct weir_http_head {
	struct weir_slice method; /* request */
	struct weir_slice target; /* request: raw bytes, origin form or absolute form's path */
	unsigned status;          /* response */
	unsigned minor;           /* HTTP/1.minor */
	bool keep_alive;          /* the peer lets the connection live after this message */
	bool has_length;          /* also a response that can have no body: length 0 */
	uint64_t content_length;
	bool chunked;
	bool expect_continue; /* request: wants 100 before it sends the body */
	uint64_t
		names; /* a bit for each name there is, others may share it: weir_http_name_bit() */
	unsigned fields_n;
	struct weir_http_field fields[WEIR_HTTP_FIELDS_MAX];
};

/* Of a name that is not empty: one bit, by its length and its first letter in any case. */
static inline uint64_t weir_http_name_bit(const char *name, size_t len)
{
	return UINT64_C(1) << ((len + 8 * (size_t)(name[0] & 0x1f)) & 63);
}

/* name: not empty; head has room for it. */
static inline void weir_http_add(struct weir_http_head *head, struct weir_slice name,
				 struct weir_slice value)
{
	head->names |= weir_http_name_bit(name.base, name.len);
	head->fields[head->fields_n++] = (struct weir_http_field){ name, value };
}

/* As weir_http_field(), of a name whose bit is set. */
struct weir_slice weir_http_find(const struct weir_http_head *head, const char *name, size_t len);

/* The value of the first field of that name, or base NULL. Any case. Most that are asked for
 * are not there. */
static inline struct weir_slice weir_http_field(const struct weir_http_head *head, const char *name)
{
	size_t len = strlen(name);

	return head->names & weir_http_name_bit(name, len) ? weir_http_find(head, name, len)
							   : (struct weir_slice){ 0 };
}

/* lines: all after the first one, the empty one included. head has room for as many
 * fields as there are lines before that. *coding: the line that says Transfer-Encoding, or
 * nothing. 0 or WEIR_HTTP_REFUSED. */
WEIR_MUST_CHECK int weir_http_read_fields(struct weir_http_head *head,
					  const struct weir_http_start *start,
					  enum weir_http_role role, struct weir_slice lines,
					  struct weir_slice *coding,
					  struct weir_http_refusal *refusal);

/* Lines of YAML with comments beside them. What goes wrong is kept, and nothing more is written. */
#pragma once

#include "app/import_draft.h"

enum { WEIR_IMPORT_LINE_MAX = 64 * 1024 };

struct weir_import_pen {
	const struct weir_import *im;
	struct weir_buf *out;
	struct weir_buf line; /* being made */
	unsigned indent;
	bool off; /* the line stands in a comment */
	int rc;   /* 0, WEIR_ENOMEM, WEIR_ELIMIT */
};

/* A line begins, is added to, and ends with a comment; note NULL: none. */
void weir_import_pen_begin(struct weir_import_pen *pen, unsigned indent, bool off);
WEIR_PRINTF(2, 3) void weir_import_pen_add(struct weir_import_pen *pen, const char *format, ...);
void weir_import_pen_end(struct weir_import_pen *pen, const char *note);
void weir_import_pen_blank(struct weir_import_pen *pen);

/* Text as comments, broken where it is long. */
void weir_import_pen_comment(struct weir_import_pen *pen, const char *first, const char *further,
			     const char *text);

/* A key or a value, in quotes where it must be. */
void weir_import_pen_add_scalar(struct weir_import_pen *pen, struct weir_slice text);
/* A value in which ${ is no variable. */
void weir_import_pen_add_escaped(struct weir_import_pen *pen, struct weir_slice text);
/* "${NAME}" and tail. */
void weir_import_pen_add_variable(struct weir_import_pen *pen,
				  const struct weir_import_value *value, const char *tail);
/* PROVIDER/MODEL; keys have no variables in them, and need no escape. */
void weir_import_pen_add_target(struct weir_import_pen *pen,
				const struct weir_import_target *target, bool key);
void weir_import_pen_add_duration(struct weir_import_pen *pen, const char *key, uint64_t ms);

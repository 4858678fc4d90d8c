/* How findings are made: what the readers in this folder say about a file. */
#pragma once

#include <stdarg.h>

#include "config/config.h"

enum {
	WEIR_FINDINGS_MAX = 500, /* of one file; the rest is only counted */
	WEIR_PATH_MAX = 512      /* bytes of a key path, cut beyond */
};

/* Text of the file, as it may stand in a message: in quotes, control characters and bytes
 * that are not UTF-8 as \xNN, cut after about 80 bytes. */
struct weir_quoted {
	char text[112];
};
struct weir_quoted weir_quote(struct weir_slice text);

/* format: what is wrong, a newline, and how to fix it. A finding that is there already
 * (the same place, rule and text) is not added again. */
WEIR_PRINTF(7, 8)
void weir_findings_add(struct weir_findings *findings, enum weir_finding_level level, unsigned line,
		       unsigned column, const char *rule, const char *key, const char *format, ...);
WEIR_PRINTF(7, 0)
void weir_findings_vadd(struct weir_findings *findings, enum weir_finding_level level,
			unsigned line, unsigned column, const char *rule, const char *key,
			const char *format, va_list ap);

/* By line and column; those of one place stay in order. */
void weir_findings_sort(struct weir_findings *findings);

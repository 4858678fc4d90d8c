/* The vocabulary of scripts as two tables; what they say is also the help text. */
#pragma once

#include "mock/script.h"

struct weir_mock_word {
	const char *word;
	enum weir_mock_kind kind;
	unsigned status;
	enum weir_mock_ending ending;
	enum weir_mock_point point;
	const char *params; /* in the script's own syntax, before the caller's own */
	const char *help;
};

enum weir_mock_param_type {
	WEIR_MOCK_NUMBER,  /* also sizes: 64KiB, 1MiB */
	WEIR_MOCK_MS,      /* 250, 250ms, 2s, 1m */
	WEIR_MOCK_FLAG,    /* 0, 1 or nothing */
	WEIR_MOCK_SOME,    /* a number, or nothing: 1 */
	WEIR_MOCK_PERCENT, /* 2.5% */
	WEIR_MOCK_RATE,    /* a second; kept as microseconds between two */
	WEIR_MOCK_GAP,     /* a duration, kept as microseconds */
	WEIR_MOCK_TEXT,
	WEIR_MOCK_HEADER,
	WEIR_MOCK_FRAMING,
	WEIR_MOCK_FORM,
	WEIR_MOCK_RESUME,
	WEIR_MOCK_SHAPE
};

struct weir_mock_param {
	const char *name;
	enum weir_mock_param_type type;
	size_t offset; /* in struct weir_mock_step */
	uint64_t max;
	const char *help;
};

/* How vendors wrap an error. In the pattern $M is the message, $T the type, $P the param,
 * $C the code, each as a JSON string or null, $S the status, $D Google's details. */
struct weir_mock_shape {
	const char *name;
	const char *content_type; /* NULL: none is sent */
	const char *pattern;
};

/* All end with a row of NULL. */
extern const struct weir_mock_word weir_mock_words[];
extern const struct weir_mock_param weir_mock_params[];
extern const struct weir_mock_shape weir_mock_shapes[];
extern const char *const weir_mock_points[WEIR_MOCK_AT_N];

/* NULL: none of that name. */
const struct weir_mock_shape *weir_mock_shape(struct weir_slice name);

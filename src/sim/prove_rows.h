/* What may happen to a request, row by row: the table the prover walks by. */
#pragma once

#include "policy/failover.h"

enum weir_moment {
	WEIR_AT_ONCE,
	WEIR_QUICKLY,  /* as late as it may be retried in place, if it is */
	WEIR_LATE,     /* when its clock is about to run out */
	WEIR_BY_CLOCK, /* it is the clock that runs out */
	WEIR_MOMENT_N
};

/* What is particular about it. */
enum weir_twist {
	WEIR_TWIST_NONE,
	WEIR_TWIST_PAUSED,     /* the longest pause that a retry in place may wait for */
	WEIR_TWIST_WAITED_OUT, /* the longest return that may be waited out */
	WEIR_TWIST_JITTER,     /* if its pause is too long, also without one */
	WEIR_TWIST_ROOM,       /* those at their caps are not any more */
	WEIR_TWIST_ELSEWHERE,  /* the target waited for has told others to wait longer */
	WEIR_TWIST_STREAMS_ON  /* more came until the very end */
};

/* Which attempts it can happen to. */
enum weir_line { WEIR_LINE_ANY, WEIR_LINE_CONNECTING, WEIR_LINE_CONNECTED };

struct weir_row {
	const char *words;
	unsigned in; /* states of the machine, a bit each */
	unsigned at; /* moments, a bit each */
	enum weir_line line;
	enum weir_twist twist;
	struct weir_event event; /* but for now_ms and attempt */
};

/* How a target may be when the request begins: what it did to earlier ones, so many times. */
struct weir_sickness {
	const char *words;
	unsigned times;
	enum weir_outcome outcome;
	bool stated;
	uint64_t after_ms;
	bool at_cap;
};

const struct weir_row *weir_prove_rows(unsigned *n);
const struct weir_sickness *weir_prove_sicknesses(unsigned *n);

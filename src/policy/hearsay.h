/* What other weirs say of a bench, or of an amount that is used up. It is believed no further than
 * what a provider itself may say: whatever stands there, nobody is set aside for longer. */
#pragma once

#include "policy/health.h"

struct weir_hearsay {
	uint64_t until_ms; /* 0: it is not set aside, or not any more */
	enum weir_outcome why;
	bool stated;
};

/* What there is to say of it. */
struct weir_hearsay weir_bench_tell(const struct weir_bench *bench, uint64_t now_ms);
/* of: where the bench is, so that none is of a kind it never has. False: that cannot be, and
 * nothing was changed. What a provider stated here holds against guesses, and is never lifted. */
bool weir_bench_hear(struct weir_bench *bench, const struct weir_hearsay *said, enum weir_blame of,
		     uint64_t now_ms);

/* Nothing is left of requests, or of tokens, until then. */
struct weir_hearsay weir_limits_tell(const struct weir_limits *limits, bool tokens,
				     uint64_t now_ms);
bool weir_limits_hear(struct weir_limits *limits, bool tokens, const struct weir_hearsay *said,
		      uint64_t now_ms);

/* How a target stands, in the words of /status. */
#pragma once

#include "policy/health.h"

enum weir_stand_state {
	WEIR_STAND_UNKNOWN, /* nobody has looked yet */
	WEIR_STAND_HEALTHY,
	WEIR_STAND_PROBING,
	WEIR_STAND_RAMPING,
	WEIR_STAND_OPEN,
	WEIR_STAND_BENCHED,
	WEIR_STAND_AT_CAP,
	WEIR_STAND_DISABLED,
	WEIR_STAND_N
};

struct weir_stand {
	enum weir_stand_state state;
	const char *reason; /* static; NULL: none */
	bool until_known;
	uint64_t until_ms; /* from now */
};

const char *weir_stand_name(enum weir_stand_state state);

/* As a request of a chain that sets this bound to slowness would hear it; 0: none. A stream's
 * latency is another. */
struct weir_stand weir_stand_of(const struct weir_health *health, unsigned drift_percent,
				uint64_t now_ms);

#include "core/stand.h"

#include "base/assert.h"
#include "base/attr.h"

const char *weir_stand_name(enum weir_stand_state state)
{
	static const char *const names[] = {
		[WEIR_STAND_UNKNOWN] = "unknown", [WEIR_STAND_HEALTHY] = "healthy",
		[WEIR_STAND_PROBING] = "probing", [WEIR_STAND_RAMPING] = "ramping",
		[WEIR_STAND_OPEN] = "open",       [WEIR_STAND_BENCHED] = "benched",
		[WEIR_STAND_AT_CAP] = "at_cap",   [WEIR_STAND_DISABLED] = "disabled",
	};

	_Static_assert(WEIR_COUNT_OF(names) == WEIR_STAND_N, "one name each");
	WEIR_ASSERT(state < WEIR_STAND_N);
	return names[state];
}

static struct weir_answer_to ask(const struct weir_health *h, unsigned drift_percent,
				 uint64_t now_ms)
{
	struct weir_asking asking = {
		.now_ms = now_ms,
		.left_ms = WEIR_NEVER,
		.drift_percent = drift_percent,
	};
	struct weir_answer_to a = weir_health_ask(h, &asking);

	asking.stream = true;
	return a.leave == WEIR_LEAVE_YES ? weir_health_ask(h, &asking) : a;
}

struct weir_stand weir_stand_of(const struct weir_health *h, unsigned drift_percent,
				uint64_t now_ms)
{
	struct weir_answer_to a = ask(h, drift_percent, now_ms);
	struct weir_stand s = { .state = WEIR_STAND_HEALTHY };

	switch (a.leave) {
	case WEIR_LEAVE_DISABLED:
		return (struct weir_stand){ WEIR_STAND_DISABLED, .reason = "by an operator" };
	case WEIR_LEAVE_HEARD:
	case WEIR_LEAVE_OPEN:
	case WEIR_LEAVE_PROBE:
		s.state = h->breaker.state == WEIR_BREAKER_OPEN ? WEIR_STAND_OPEN
								: WEIR_STAND_PROBING;
		s.reason = a.leave == WEIR_LEAVE_HEARD ? weir_leave_reason(a.leave)
						       : weir_breaker_state_name(h->breaker.state);
		break;
	case WEIR_LEAVE_BENCHED:
		s.state = WEIR_STAND_BENCHED;
		s.reason = weir_outcome_name(a.why);
		break;
	case WEIR_LEAVE_AT_CAP:
		s.state = WEIR_STAND_AT_CAP;
		break;
	case WEIR_LEAVE_RAMPING:
		s.state = WEIR_STAND_RAMPING;
		break;
	case WEIR_LEAVE_GROUP:
	case WEIR_LEAVE_DRIFTING:
	case WEIR_LEAVE_SHORT:
	case WEIR_LEAVE_TOO_SLOW:
		s.reason = weir_leave_reason(a.leave);
		break;
	case WEIR_LEAVE_YES:
	case WEIR_LEAVE_UNFIT: /* of a request, never of a target */
	case WEIR_LEAVE_N:
		if (weir_breaker_ramp_percent(&h->breaker, now_ms) < 100)
			s.state = WEIR_STAND_RAMPING;
		break;
	}
	s.until_known = a.leave <= WEIR_LEAVE_BENCHED && a.return_ms > now_ms &&
			a.return_ms != WEIR_NEVER;
	s.until_ms = s.until_known ? a.return_ms - now_ms : 0;
	return s;
}

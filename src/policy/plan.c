#include "policy/plan.h"

unsigned weir_plan_attempts(unsigned retries, unsigned steps_n)
{
	unsigned wanted = retries + steps_n;

	if (wanted < WEIR_ATTEMPTS_DEFAULT)
		return WEIR_ATTEMPTS_DEFAULT;
	return wanted < WEIR_ATTEMPTS_DEFAULT_MAX ? wanted : WEIR_ATTEMPTS_DEFAULT_MAX;
}

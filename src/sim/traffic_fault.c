#include "base/assert.h"
#include "base/attr.h"
#include "sim/traffic_site.h"

static const char *const names[] = {
	[WEIR_FAULT_DEAD] = "dead",         [WEIR_FAULT_BLACKHOLE] = "blackhole",
	[WEIR_FAULT_HANG] = "hang",         [WEIR_FAULT_STATUS] = "status",
	[WEIR_FAULT_BROWNOUT] = "brownout", [WEIR_FAULT_RATE_LIMITED] = "rate_limited",
	[WEIR_FAULT_SLOW] = "slow",         [WEIR_FAULT_CUT] = "cut",
	[WEIR_FAULT_CAPACITY] = "capacity", [WEIR_FAULT_FLAPPING] = "flapping",
};

_Static_assert(WEIR_COUNT_OF(names) == WEIR_FAULT_N, "one name per kind");

const char *weir_fault_name(enum weir_fault_kind kind)
{
	WEIR_ASSERT(kind < WEIR_FAULT_N);
	return names[kind];
}

static bool is(uint32_t wanted, uint32_t got)
{
	return wanted == WEIR_ANY || wanted == got;
}

bool weir_fault_meets(const struct weir_fault *fault, uint32_t site, uint32_t target, uint32_t key,
		      uint64_t at_ms)
{
	return at_ms >= fault->from_ms && at_ms < fault->to_ms && fault->site == site &&
	       is(fault->target, target) && is(fault->key, key);
}

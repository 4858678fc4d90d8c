#include "trace/sampler.h"

#include "base/attr.h"

#define ALL (UINT64_C(1) << 63)

enum root { ON, OFF, RATIO };

bool weir_sampler_named(struct weir_slice name, double ratio, struct weir_sampler *sampler)
{
	static const struct {
		const char *name;
		enum root root;
		bool parent_based;
	} rows[] = {
		{ "always_on", ON, false },
		{ "always_off", OFF, false },
		{ "traceidratio", RATIO, false },
		{ "parentbased_always_on", ON, true },
		{ "parentbased_always_off", OFF, true },
		{ "parentbased_traceidratio", RATIO, true },
	};
	const uint64_t keep[] = {
		[ON] = ALL,
		[OFF] = 0,
		[RATIO] = ratio >= 1 ? ALL : (uint64_t)(ratio * (double)ALL),
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		if (!weir_slice_is(name, rows[i].name))
			continue;
		*sampler = (struct weir_sampler){ rows[i].parent_based, keep[rows[i].root] };
		return true;
	}
	return false;
}

/* As other SDKs have it, so that all of them keep the same traces. */
bool weir_sampler_keeps(const struct weir_sampler *sampler, const struct weir_trace_context *parent,
			uint64_t low)
{
	if (parent && sampler->parent_based)
		return parent->sampled;
	return low >> 1 < sampler->keep_below;
}

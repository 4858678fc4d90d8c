#include "bench/words.h"

#include "base/attr.h"

bool weir_bench_duration(struct weir_slice text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	size_t digits = 0;
	double value;

	while (digits < text.len &&
	       ((text.base[digits] >= '0' && text.base[digits] <= '9') || text.base[digits] == '.'))
		digits++;
	if (!weir_slice_to_double(weir_slice(text.base, digits), &value))
		return false;
	for (size_t i = 0; i < WEIR_COUNT_OF(units); i++) {
		if (!weir_slice_is(weir_slice(text.base + digits, text.len - digits),
				   units[i].unit))
			continue;
		value *= units[i].ns;
		if (value < 1 || value > 24 * 3600e9)
			return false;
		*ns = (uint64_t)value;
		return true;
	}
	return false;
}

bool weir_bench_share(struct weir_slice text, double *share)
{
	bool percent = text.len && text.base[text.len - 1] == '%';

	if (!weir_slice_to_double(weir_slice(text.base, text.len - percent), share))
		return false;
	if (percent)
		*share /= 100;
	return *share <= 1;
}

#include "app/sim_values.h"

#include <stdio.h>

#include "base/assert.h"
#include "config/shape.h"
#include "config/value.h"

enum { THOUSANDTHS = 1000, DAY_MS = 24 * 3600 * 1000, TOKENS_MAX = 10000000, KEYS_MAX = 32 };

bool weir_sim_map(struct weir_reader *reader, struct weir_node *node, const char *what,
		  const char *const *names, unsigned names_n, struct weir_node **values)
{
	struct weir_key keys[KEYS_MAX] = { 0 };
	const struct weir_shape shape = { what, keys, names_n, 0 };

	WEIR_ASSERT(names_n <= KEYS_MAX);
	for (unsigned i = 0; i < names_n; i++)
		keys[i].name = names[i];
	return weir_shape_read(reader, node, &shape, values, NULL);
}

/* Digits, and after a point at most `places` of them; in units of the last place. */
static bool read_decimal(struct weir_slice text, unsigned places, uint64_t *value)
{
	bool point = false;
	size_t i = 0;

	*value = 0;
	for (; i < text.len && *value < UINT64_MAX / 100; i++) {
		if (text.base[i] == '.' && !point && i > 0) {
			point = true;
			continue;
		}
		if (text.base[i] < '0' || text.base[i] > '9' || (point && places == 0))
			return false;
		*value = *value * 10 + (uint64_t)(text.base[i] - '0');
		places -= point;
	}
	if (i < text.len || i == 0 || text.base[i - 1] == '.')
		return false;
	for (; places && *value < UINT64_MAX / 100; places--)
		*value *= 10;
	return places == 0;
}

bool weir_sim_share(struct weir_reader *reader, const struct weir_node *node, uint32_t *ppm)
{
	enum { PLACES = 4 };
	struct weir_slice text;
	uint64_t value;

	if (!weir_reader_text(reader, node, "a share", &text))
		return false;
	if (text.len < 2 || text.base[text.len - 1] != '%' ||
	    !read_decimal(weir_slice(text.base, text.len - 1), PLACES, &value) ||
	    value > WEIR_PPM) {
		weir_reader_error(reader, node, "bad-share",
				  "%s is not a share\nwrite it as 20%%, from 0%% to 100%%",
				  weir_quote(node->raw).text);
		return false;
	}
	*ppm = (uint32_t)value;
	return true;
}

bool weir_sim_decimal(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      uint64_t min, uint64_t max, uint64_t *thousandths)
{
	struct weir_slice text;

	if (!weir_reader_text(reader, node, what, &text))
		return false;
	if (read_decimal(text, 3, thousandths) && *thousandths >= min && *thousandths <= max)
		return true;
	weir_reader_error(reader, node, "bad-number",
			  "%s is not %s\nwrite a number, as 12.5, from %.10g to %.10g",
			  weir_quote(node->raw).text, what, (double)min / THOUSANDTHS,
			  (double)max / THOUSANDTHS);
	return false;
}

bool weir_sim_times(struct weir_reader *reader, const struct weir_node *node, unsigned *percent)
{
	struct weir_slice text;
	uint64_t value;

	if (!weir_reader_text(reader, node, "how many times as slow", &text))
		return false;
	if (text.len < 2 || text.base[0] != 'x' ||
	    !read_decimal(weir_slice(text.base + 1, text.len - 1), 2, &value) || value == 0 ||
	    value > 100000) {
		weir_reader_error(reader, node, "bad-number",
				  "%s does not say how many times as slow\nwrite x10, up to x1000",
				  weir_quote(node->raw).text);
		return false;
	}
	*percent = (unsigned)value;
	return true;
}

bool weir_sim_up_down(struct weir_reader *reader, const struct weir_node *node, uint64_t *up_ms,
		      uint64_t *down_ms)
{
	struct weir_slice text;
	const char *slash;

	if (!weir_reader_text(reader, node, "times", &text))
		return false;
	slash = memchr(text.base, '/', text.len);
	if (slash) {
		size_t n = (size_t)(slash - text.base);

		if (weir_value_duration(weir_slice(text.base, n), up_ms) == WEIR_VALUE_OK &&
		    weir_value_duration(weir_slice(slash + 1, text.len - n - 1), down_ms) ==
			    WEIR_VALUE_OK &&
		    *up_ms && *down_ms && *up_ms < DAY_MS && *down_ms < DAY_MS)
			return true;
	}
	weir_reader_error(reader, node, "bad-duration",
			  "%s does not say how long it is up and how long down\nwrite 2s/3s",
			  weir_quote(node->raw).text);
	return false;
}

static bool read_one(struct weir_reader *reader, const struct weir_node *node, bool durations,
		     uint64_t *value)
{
	return durations ? weir_reader_duration(reader, node, 0, DAY_MS, value)
			 : weir_reader_count(reader, node, 0, TOKENS_MAX, value);
}

bool weir_sim_spread(struct weir_reader *reader, struct weir_node *node, bool durations,
		     struct weir_spread *spread)
{
	static const char *const names[] = { "p50", "p99" };
	struct weir_node *values[2];
	uint64_t p50, p99;

	if (node->type == WEIR_NODE_SCALAR) {
		if (!read_one(reader, node, durations, &p50))
			return false;
		*spread = weir_spread_of(p50, p50);
		return true;
	}
	if (!weir_sim_map(reader, node, "a spread", names, 2, values))
		return false;
	if (!values[0] || !values[1]) {
		weir_reader_error(reader, node, "missing-key",
				  "a spread is told by its median and its 99th percentile\n"
				  "write `{ p50: %s, p99: %s }`, or one value for all",
				  durations ? "300ms" : "100", durations ? "2s" : "800");
		return false;
	}
	if (!read_one(reader, values[0], durations, &p50) ||
	    !read_one(reader, values[1], durations, &p99))
		return false;
	if (p99 < p50) {
		weir_reader_error(reader, values[1], "out-of-range",
				  "the 99th percentile is below the median\nwrite a larger one");
		return false;
	}
	*spread = weir_spread_of(p50, p99);
	return true;
}

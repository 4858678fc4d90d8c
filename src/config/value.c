#include "config/value.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"

const struct weir_unit weir_durations[] = {
	{ "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 }
};
const struct weir_unit weir_sizes[] = {
	{ "GiB", 1u << 30 }, { "MiB", 1u << 20 },  { "KiB", 1u << 10 },
	{ "B", 1 },          { "GB", 1000000000 }, { "MB", 1000000 },
	{ "kB", 1000 },      { "KB", 1000 },       { NULL, 0 },
};
const struct weir_unit weir_percents[] = { { "%", 1 }, { NULL, 0 } };

enum { NANO = 1000000000, NANO_DIGITS = 9 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits with an optional fraction at the front of *rest: value / scale. */
static bool take_number(struct weir_slice *rest, uint64_t *value, uint64_t *scale)
{
	size_t digits = 0, i = 0;
	bool fraction = false;

	*value = 0;
	*scale = 1;
	for (; i < rest->len; i++) {
		char c = rest->base[i];

		if (c == '.' && !fraction && i > 0) {
			fraction = true;
			continue;
		}
		if (!is_digit(c))
			break;
		if (++digits > 18)
			return false;
		*value = *value * 10 + (uint64_t)(c - '0');
		if (fraction)
			*scale *= 10;
	}
	if (digits == 0 || rest->base[i - 1] == '.')
		return false;
	*rest = weir_slice(rest->base + i, rest->len - i);
	return true;
}

static size_t unit_len(struct weir_slice text)
{
	size_t n = 0;

	while (n < text.len && !is_digit(text.base[n]) && text.base[n] != '.')
		n++;
	return n;
}

static const struct weir_unit *find_unit(const struct weir_unit *units, struct weir_slice name)
{
	for (size_t i = 0; units[i].name; i++)
		if (weir_slice_is(name, units[i].name))
			return &units[i];
	return NULL;
}

static enum weir_value add(uint64_t *sum, uint64_t value, uint64_t scale, uint64_t factor)
{
	unsigned __int128 product = (unsigned __int128)value * factor / scale;

	if (product > INT64_MAX || *sum > INT64_MAX - (uint64_t)product)
		return WEIR_VALUE_HUGE;
	*sum += (uint64_t)product;
	return WEIR_VALUE_OK;
}

/* One part or, where several are allowed, parts of ever smaller units. */
static enum weir_value read_parts(struct weir_slice rest, const struct weir_unit *units,
				  bool several, uint64_t *sum)
{
	const struct weir_unit *before = NULL;
	enum weir_value rc = WEIR_VALUE_OK;

	*sum = 0;
	do {
		const struct weir_unit *unit;
		uint64_t value, scale;
		size_t len;

		if (!take_number(&rest, &value, &scale))
			return WEIR_VALUE_BAD;
		if (rest.len == 0)
			return before ? WEIR_VALUE_BAD : WEIR_VALUE_NO_UNIT;
		len = unit_len(rest);
		unit = find_unit(units, weir_slice_trim(weir_slice(rest.base, len)));
		if (!unit || (before && unit <= before))
			return WEIR_VALUE_BAD;
		rc = add(sum, value, scale, unit->factor);
		rest = weir_slice(rest.base + len, rest.len - len);
		before = unit;
	} while (rc == WEIR_VALUE_OK && rest.len && several);
	return rc == WEIR_VALUE_OK && rest.len ? WEIR_VALUE_BAD : rc;
}

enum weir_value weir_value_duration(struct weir_slice text, uint64_t *ms)
{
	return read_parts(weir_slice_trim(text), weir_durations, true, ms);
}

enum weir_value weir_value_size(struct weir_slice text, uint64_t *bytes)
{
	return read_parts(weir_slice_trim(text), weir_sizes, false, bytes);
}

enum weir_value weir_value_count(struct weir_slice text, uint64_t *count)
{
	text = weir_slice_trim(text);
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.base[i]))
			return WEIR_VALUE_BAD;
	if (text.len == 0)
		return WEIR_VALUE_BAD;
	return weir_slice_to_u64(text, count) ? WEIR_VALUE_OK : WEIR_VALUE_HUGE;
}

enum weir_value weir_value_percent(struct weir_slice text, uint64_t *percent)
{
	return read_parts(weir_slice_trim(text), weir_percents, false, percent);
}

enum weir_value weir_value_dollars(struct weir_slice text, uint64_t *nano)
{
	uint64_t value, scale;

	text = weir_slice_trim(text);
	*nano = 0;
	if (!take_number(&text, &value, &scale) || text.len)
		return WEIR_VALUE_BAD;
	return add(nano, value, scale, NANO);
}

static void print(uint64_t value, const struct weir_unit *units, char *text, size_t size)
{
	for (size_t i = 0; units[i].name; i++) {
		if (value % units[i].factor)
			continue;
		snprintf(text, size, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
		return;
	}
}

void weir_value_print_duration(uint64_t ms, char *text, size_t size)
{
	bool minutes = ms >= 600000; /* 120s reads better than 2m; 10m better than 600s */

	print(ms, weir_durations + (minutes ? 0 : 2), text, size);
}

void weir_value_print_size(uint64_t bytes, char *text, size_t size)
{
	print(bytes, weir_sizes, text, size);
}

void weir_value_print_count(uint64_t count, char *text, size_t size)
{
	snprintf(text, size, "%" PRIu64, count);
}

void weir_value_print_percent(uint64_t percent, char *text, size_t size)
{
	print(percent, weir_percents, text, size);
}

void weir_value_print_dollars(uint64_t nano, char *text, size_t size)
{
	char digits[WEIR_DIGITS_MAX], out[WEIR_DIGITS_MAX + 1 + NANO_DIGITS];
	struct weir_slice whole = weir_slice_digits(digits, nano / NANO);
	size_t n = whole.len + 1 + NANO_DIGITS;

	memcpy(out, whole.base, whole.len);
	out[whole.len] = '.';
	for (uint64_t at = n, rest = nano % NANO; at > whole.len + 1; rest /= 10)
		out[--at] = (char)('0' + rest % 10);
	while (out[n - 1] == '0' && n > whole.len)
		n--;
	n -= out[n - 1] == '.';
	n = n < size ? n : size - 1;
	memcpy(text, out, n);
	text[n] = '\0';
}

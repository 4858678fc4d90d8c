#include "config/schema_number.h"

#include "config/value.h"

/* Such as 24[0-9]{3}: what low and high begin with, one digit that differs, and any after it. */
static void put_block(struct weir_pen *pen, uint64_t low, uint64_t high, unsigned zeros,
		      uint64_t size)
{
	if (low / size / 10)
		weir_put_u64(pen, low / size / 10);
	weir_put(pen, low / size == high / size ? "" : "[");
	weir_put_u64(pen, low / size % 10);
	if (low / size != high / size) {
		weir_put_number(pen, "-", high / size % 10);
		weir_put(pen, "]");
	}
	weir_put(pen, zeros ? "[0-9]" : "");
	if (zeros > 1) {
		weir_put_number(pen, "{", zeros);
		weir_put(pen, "}");
	}
}

/* Whole numbers from low to high, split where the digits before the last ones change. */
static void put_whole(struct weir_pen *pen, uint64_t low, uint64_t high)
{
	const char *between = "0*(";

	while (low <= high && pen->rc == 0) {
		uint64_t size = 1, last;
		unsigned zeros = 0;

		for (; low && low % (size * 10) == 0 && low + size * 10 - 1 <= high; zeros++)
			size *= 10;
		last = low;
		while (last / size % 10 < 9 && last + 2 * size - 1 <= high)
			last += size;
		weir_put(pen, between);
		put_block(pen, low, last, zeros, size);
		between = "|";
		low = last + size;
	}
	weir_put(pen, ")");
}

/* "1h30m": smaller units after it, of such digits. */
static void put_rest(struct weir_pen *pen, const struct weir_unit *units, const char *digit)
{
	const char *const parts[] = { "( *", digit, "+([.]", digit, "+)? *(" };

	if (!units->name)
		return;
	for (size_t i = 0; i < WEIR_COUNT_OF(parts); i++)
		weir_put(pen, parts[i]);
	for (const struct weir_unit *u = units; u->name; u++) {
		weir_put(pen, u == units ? "" : "|");
		weir_put(pen, u->name);
	}
	weir_put(pen, "))*");
}

static void put_unit(struct weir_pen *pen, const struct weir_unit *unit, const char *digit,
		     bool several)
{
	weir_put(pen, " *");
	weir_put(pen, unit->name);
	if (several)
		put_rest(pen, unit + 1, digit);
}

/* What follows makes more of a whole number: none of the most, and enough of the one below the
 * least. */
static void put_one(struct weir_pen *pen, const struct weir_unit *unit, bool several,
		    const struct weir_form *form)
{
	uint64_t factor = unit->factor, most = form->max / factor;
	uint64_t least = (form->min + factor - 1) / factor;
	bool exact = form->max % factor == 0;

	if (least < most + !exact) {
		put_whole(pen, least, most - exact);
		weir_put(pen, "([.][0-9]+)?");
		put_unit(pen, unit, "[0-9]", several);
		weir_put(pen, "|");
	}
	if (form->min % factor) {
		weir_put_number(pen, "0*", form->min / factor);
		weir_put(pen, "[.][0-9]+");
		put_unit(pen, unit, "[0-9]", several);
		weir_put(pen, "|");
	}
	weir_put_number(pen, "0*", most);
	weir_put(pen, "([.]0+)?");
	put_unit(pen, unit, "0", several);
}

/* In a unit of which a whole one is too much nobody writes it. */
static void put_units(struct weir_pen *pen, const struct weir_unit *units, bool several,
		      const struct weir_form *form)
{
	const char *between = "^ *(";

	for (const struct weir_unit *u = units; u->name; u++) {
		if (form->max < u->factor)
			continue;
		weir_put(pen, between);
		put_one(pen, u, several, form);
		between = "|";
	}
	weir_put(pen, ") *$");
}

void weir_put_number_pattern(struct weir_pen *pen, const struct weir_form *form)
{
	switch (form->number) {
	case WEIR_NUMBER_DURATION:
		put_units(pen, weir_durations, true, form);
		break;
	case WEIR_NUMBER_SIZE:
		put_units(pen, weir_sizes, false, form);
		break;
	case WEIR_NUMBER_PERCENT:
		put_units(pen, weir_percents, false, form);
		break;
	case WEIR_NUMBER_COUNT:
		weir_put(pen, "^ *");
		put_whole(pen, form->min, form->max);
		weir_put(pen, " *$");
		break;
	case WEIR_NUMBER_DOLLARS:
		weir_put(pen, form->min ? "^ *(?=[0.]*[1-9])" : "^ *");
		weir_put(pen, "[0-9]+([.][0-9]+)? *$");
	}
}

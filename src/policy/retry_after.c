#include "policy/retry_after.h"

#include "base/attr.h"
#include "policy/calendar.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  (1000 * NS_PER_MS)

/* What is longer counts as this long, so that nothing overflows. */
#define LONGEST_NS (UINT64_C(200) * 365 * 86400 * NS_PER_S)
#define WHOLE_MAX  UINT64_C(100000000000000000)

/* A bare number as large as this is a moment, not a wait. */
#define EPOCH_S  UINT64_C(1000000000)
#define EPOCH_MS UINT64_C(1000000000000)

enum { MESSAGE_MAX = 4096 }; /* of a message: the rest is not looked at */

static char first(struct weir_slice s)
{
	return s.len ? s.base[0] : '\0';
}

static struct weir_slice skip(struct weir_slice s, size_t n)
{
	return weir_slice(s.base + n, s.len - n);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of a word, or of the two bytes of a micro sign. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static void skip_spaces(struct weir_slice *s)
{
	while (first(*s) == ' ')
		*s = skip(*s, 1);
}

/* The take_ functions read what s begins with and advance past it. */
static bool take_char(struct weir_slice *s, char c)
{
	if (first(*s) != c || s->len == 0)
		return false;
	*s = skip(*s, 1);
	return true;
}

static struct weir_slice take_word(struct weir_slice *s)
{
	struct weir_slice word = *s;

	for (word.len = 0; is_letter(first(*s)); word.len++)
		*s = skip(*s, 1);
	return word;
}

struct decimal {
	uint64_t whole;
	uint64_t nano; /* the fraction */
};

/* "12" or "12.5"; a point without a digit behind it is not part of it. */
static bool take_decimal(struct weir_slice *s, struct decimal *d)
{
	uint64_t unit = NS_PER_S;

	*d = (struct decimal){ 0 };
	if (!is_digit(first(*s)))
		return false;
	for (; is_digit(first(*s)); *s = skip(*s, 1))
		if (d->whole < WHOLE_MAX)
			d->whole = d->whole * 10 + (uint64_t)(s->base[0] - '0');
	if (first(*s) != '.' || s->len < 2 || !is_digit(s->base[1]))
		return true;
	for (*s = skip(*s, 1); is_digit(first(*s)); *s = skip(*s, 1)) {
		unit /= 10;
		d->nano += unit * (uint64_t)(s->base[0] - '0');
	}
	return true;
}

static uint64_t least(uint64_t a, unsigned __int128 b)
{
	return a < b ? a : (uint64_t)b;
}

static uint64_t in_ns(const struct decimal *d, uint64_t unit_ns)
{
	unsigned __int128 fraction = (unsigned __int128)d->nano * unit_ns;

	return least(LONGEST_NS,
		     (unsigned __int128)d->whole * unit_ns + (fraction + NS_PER_S - 1) / NS_PER_S);
}

static uint64_t to_ms(uint64_t ns)
{
	return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ms", NS_PER_MS },
	{ "s", NS_PER_S },
	{ "m", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
	{ "d", 86400 * NS_PER_S },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* micro sign */
	{ "\xce\xbcs", 1000 }, /* Greek mu */
	{ "ns", 1 },
}, unit_words[] = {
	{ "millisecond", NS_PER_MS },
	{ "sec", NS_PER_S },
	{ "second", NS_PER_S },
	{ "min", 60 * NS_PER_S },
	{ "minute", 60 * NS_PER_S },
	{ "hour", 3600 * NS_PER_S },
	{ "day", 86400 * NS_PER_S },
};

static uint64_t take_unit(struct weir_slice *s, bool words)
{
	struct weir_slice word = take_word(s);

	for (size_t i = 0; i < WEIR_COUNT_OF(units); i++)
		if (weir_slice_is(word, units[i].name))
			return units[i].ns;
	if (word.len > 1 && (word.base[word.len - 1] | 0x20) == 's')
		word.len--;
	for (size_t i = 0; words && i < WEIR_COUNT_OF(unit_words); i++)
		if (weir_slice_is_nocase(word, unit_words[i].name))
			return unit_words[i].ns;
	return 0;
}

/* Numbers with units, as Go writes them, or with words: as people do. */
static bool take_duration(struct weir_slice *s, bool words, uint64_t *ns)
{
	struct weir_slice rest = *s;
	struct decimal d;
	bool any = false;

	for (*ns = 0; take_decimal(&rest, &d); any = true) {
		uint64_t unit_ns;

		if (words)
			skip_spaces(&rest);
		unit_ns = take_unit(&rest, words);
		if (!unit_ns)
			return any;
		*ns = least(LONGEST_NS, (unsigned __int128)*ns + in_ns(&d, unit_ns));
		*s = rest;
		if (words)
			skip_spaces(&rest);
	}
	return any;
}

bool weir_duration_parse(struct weir_slice text, uint64_t *ms)
{
	struct weir_slice s = weir_slice_trim(text), rest = s;
	struct decimal d;
	uint64_t ns;

	if (take_decimal(&rest, &d) && rest.len == 0)
		ns = in_ns(&d, NS_PER_S);
	else if (!take_duration(&s, false, &ns) || s.len)
		return false;
	*ms = to_ms(ns);
	return true;
}

struct date {
	uint64_t year, month, day, hour, minute, second;
};

static bool take_number(struct weir_slice *s, size_t digits_min, size_t digits_max, uint64_t *n)
{
	size_t digits = 0;

	for (*n = 0; digits < digits_max && is_digit(first(*s)); digits++) {
		*n = *n * 10 + (uint64_t)(s->base[0] - '0');
		*s = skip(*s, 1);
	}
	return digits >= digits_min;
}

static bool take_month(struct weir_slice *s, uint64_t *month)
{
	static const char names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct weir_slice word = take_word(s);

	for (*month = 1; *month <= 12; ++*month)
		if (weir_slice_is_nocase(word, names[*month - 1]))
			return true;
	return false;
}

static bool take_clock(struct weir_slice *s, struct date *d)
{
	return take_number(s, 2, 2, &d->hour) && take_char(s, ':') &&
	       take_number(s, 2, 2, &d->minute) && take_char(s, ':') &&
	       take_number(s, 2, 2, &d->second);
}

static bool to_unix_ms(const struct date *d, uint64_t *ms)
{
	uint64_t day;

	if (d->month < 1 || d->month > 12 || d->day < 1 || d->day > 31 || d->hour > 23 ||
	    d->minute > 59 || d->second > 60)
		return false;
	*ms = 0;
	if (d->year < 1970)
		return true;
	day = weir_days_since_epoch(d->year, d->month, d->day);
	if (weir_month_of_day(day) != (d->year - 1970) * 12 + d->month - 1)
		return false; /* 31 February */
	*ms = 1000 * (day * WEIR_DAY_S + d->hour * 3600 + d->minute * 60 + d->second);
	return true;
}

/* RFC 9110 §5.6.7: two digits that would lie more than 50 years ahead mean the past. */
static uint64_t full_year(uint64_t two_digits, uint64_t now_unix_ms)
{
	uint64_t now = 1970 + now_unix_ms / (UINT64_C(31556952) * 1000);
	uint64_t year = now / 100 * 100 + two_digits;

	return year > now + 50 ? year - 100 : year;
}

/* "Nov  6 08:49:37 1994", what follows the name of the day as asctime() writes it. */
static bool take_asctime(struct weir_slice *s, struct date *d)
{
	bool ok = take_month(s, &d->month);

	skip_spaces(s);
	ok = ok && take_number(s, 1, 2, &d->day) && take_char(s, ' ') && take_clock(s, d);
	return ok && take_char(s, ' ') && take_number(s, 4, 4, &d->year);
}

/* " 06 Nov 1994 08:49:37 GMT" or, obsolete, " 06-Nov-94 08:49:37 GMT". */
static bool take_rest_of_date(struct weir_slice *s, uint64_t now_unix_ms, struct date *d)
{
	struct weir_slice zone;
	char between;

	if (!take_char(s, ' ') || !take_number(s, 1, 2, &d->day))
		return false;
	between = first(*s) == '-' ? '-' : ' ';
	if (!take_char(s, between) || !take_month(s, &d->month) || !take_char(s, between) ||
	    !take_number(s, 2, 4, &d->year) || !take_char(s, ' ') || !take_clock(s, d) ||
	    !take_char(s, ' '))
		return false;
	if (between == '-' && d->year < 100)
		d->year = full_year(d->year, now_unix_ms);
	zone = take_word(s);
	return weir_slice_is_nocase(zone, "GMT") || weir_slice_is_nocase(zone, "UTC");
}

/* The three forms of RFC 9110 §5.6.7. */
static bool parse_http_date(struct weir_slice s, uint64_t now_unix_ms, uint64_t *ms)
{
	struct date d = { 0 };
	bool ok = take_word(&s).len >= 3;

	if (ok && take_char(&s, ','))
		ok = take_rest_of_date(&s, now_unix_ms, &d);
	else
		ok = ok && take_char(&s, ' ') && take_asctime(&s, &d);
	return ok && s.len == 0 && to_unix_ms(&d, ms);
}

/* "Z" or "+01:00": how far ahead of UTC. */
static bool take_offset(struct weir_slice *s, int64_t *ms)
{
	uint64_t hours, minutes;
	bool west = first(*s) == '-';

	*ms = 0;
	if (take_char(s, 'Z') || take_char(s, 'z'))
		return true;
	if ((!take_char(s, '+') && !take_char(s, '-')) || !take_number(s, 2, 2, &hours) ||
	    !take_char(s, ':') || !take_number(s, 2, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ms = (int64_t)(hours * 60 + minutes) * 60000 * (west ? -1 : 1);
	return true;
}

bool weir_rfc3339_parse(struct weir_slice s, uint64_t *ms)
{
	struct date d;
	struct decimal fraction = { 0 };
	int64_t offset_ms;

	if (!take_number(&s, 4, 4, &d.year) || !take_char(&s, '-') ||
	    !take_number(&s, 2, 2, &d.month) || !take_char(&s, '-') ||
	    !take_number(&s, 2, 2, &d.day))
		return false;
	if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
		return false;
	/* The seconds are read as a number of their own, for their fraction. */
	if (!take_number(&s, 2, 2, &d.hour) || !take_char(&s, ':') ||
	    !take_number(&s, 2, 2, &d.minute) || !take_char(&s, ':') ||
	    !take_decimal(&s, &fraction))
		return false;
	d.second = fraction.whole;
	if (!take_offset(&s, &offset_ms) || s.len || !to_unix_ms(&d, ms))
		return false;
	*ms += to_ms(fraction.nano);
	*ms = offset_ms > 0 && *ms < (uint64_t)offset_ms ? 0 : *ms - (uint64_t)offset_ms;
	return true;
}

/* A wait in seconds, a moment in seconds or milliseconds: its size tells. */
static bool parse_number(struct weir_slice s, uint64_t now_unix_ms, uint64_t *delay_ms)
{
	struct decimal d;
	uint64_t at_ms;

	if (!take_decimal(&s, &d) || s.len)
		return false;
	if (d.whole < EPOCH_S) {
		*delay_ms = to_ms(in_ns(&d, NS_PER_S));
		return true;
	}
	at_ms = d.whole < EPOCH_MS ? d.whole * 1000 : d.whole;
	*delay_ms = at_ms > now_unix_ms ? least(to_ms(LONGEST_NS), at_ms - now_unix_ms) : 0;
	return true;
}

/* Any form a header has been seen to hold; a negative number is no wait. */
static bool parse_delay(struct weir_slice text, uint64_t now_unix_ms, uint64_t *delay_ms)
{
	struct weir_slice s = weir_slice_trim(text);
	bool negative = take_char(&s, '-');
	uint64_t at_ms;

	if (s.len == 0)
		return false;
	if (parse_number(s, now_unix_ms, delay_ms) || weir_duration_parse(s, delay_ms)) {
		if (negative)
			*delay_ms = 0;
		return true;
	}
	if (negative ||
	    (!weir_rfc3339_parse(s, &at_ms) && !parse_http_date(s, now_unix_ms, &at_ms)))
		return false;
	*delay_ms = at_ms > now_unix_ms ? at_ms - now_unix_ms : 0;
	return true;
}

static bool parse_ms(struct weir_slice text, uint64_t *delay_ms)
{
	struct weir_slice s = weir_slice_trim(text);
	bool negative = take_char(&s, '-');
	struct decimal d;

	if (!take_decimal(&s, &d) || s.len)
		return false;
	*delay_ms = negative ? 0 : to_ms(in_ns(&d, NS_PER_MS));
	return true;
}

/* A bucket: how much is left in it, rounded down, and when it is full again. */
struct level {
	bool known, empty;
	uint64_t left, reset_ms;
};

static struct level read_level(const struct weir_retry_hints *h, unsigned bucket,
			       uint64_t now_unix_ms)
{
	struct weir_slice s = h->buckets[bucket].remaining;
	struct level level = { 0 };
	struct decimal left;

	if (s.len) /* most have none */
		s = weir_slice_trim(s);
	if (s.len == 0)
		return level;
	level.known = take_decimal(&s, &left) && s.len == 0 &&
		      parse_delay(h->buckets[bucket].reset, now_unix_ms, &level.reset_ms);
	level.left = left.whole;
	level.empty = left.whole == 0 && left.nano == 0;
	return level;
}

static bool parse_buckets(const struct weir_retry_hints *h, uint64_t now_unix_ms,
			  uint64_t *delay_ms)
{
	bool any = false;

	*delay_ms = 0;
	for (unsigned i = 0; i < WEIR_RETRY_BUCKETS; i++) {
		struct level level = read_level(h, i, now_unix_ms);

		if (!level.known || !level.empty)
			continue;
		any = true;
		if (*delay_ms < level.reset_ms)
			*delay_ms = level.reset_ms;
	}
	return any;
}

static bool is_tighter(const struct level *a, const struct level *b)
{
	if (!b->known || !b->reset_ms || !a->reset_ms)
		return !b->known || a->reset_ms > 0;
	return a->left < b->left || (a->left == b->left && a->reset_ms > b->reset_ms);
}

static struct level tightest(const struct weir_retry_hints *h, unsigned from, unsigned to,
			     uint64_t now_unix_ms)
{
	struct level best = { 0 };

	for (unsigned i = from; i < to; i++) {
		struct level level = read_level(h, i, now_unix_ms);

		if (level.known && (i != WEIR_RETRY_TOKENS_OUT || level.left == 0) &&
		    is_tighter(&level, &best))
			best = level;
	}
	return best;
}

void weir_limits_read(const struct weir_retry_hints *h, uint64_t now_unix_ms,
		      struct weir_limits_news *news)
{
	struct level requests = tightest(h, 0, WEIR_RETRY_TOKENS, now_unix_ms);
	struct level tokens = tightest(h, WEIR_RETRY_TOKENS, WEIR_RETRY_BUCKETS, now_unix_ms);

	*news = (struct weir_limits_news){
		.requests_known = requests.known,
		.requests_left = requests.left,
		.requests_reset_ms = requests.reset_ms,
		.tokens_known = tokens.known,
		.tokens_left = tokens.left,
		.tokens_reset_ms = tokens.reset_ms,
	};
}

static bool ends_nocase(struct weir_slice s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n && weir_equal_nocase(s.base + s.len - n, end, n);
}

/* "Please try again in 6m0s.", "Please retry after 7 seconds.": what stands before a number says
 * that it is one. */
static bool parse_message(struct weir_slice message, uint64_t *delay_ms)
{
	static const char *const leads[] = { "again in ", "again after ", "retry in ",
					     "retry after " };
	struct weir_slice before = message, rest;
	size_t len = least(MESSAGE_MAX, message.len);
	uint64_t ns;

	for (size_t i = 1; i < len; i++) {
		if (!is_digit(message.base[i]) || message.base[i - 1] != ' ')
			continue;
		before.len = i;
		for (size_t k = 0; k < WEIR_COUNT_OF(leads); k++) {
			rest = weir_slice(message.base + i, len - i);
			if (ends_nocase(before, leads[k]) && take_duration(&rest, true, &ns)) {
				*delay_ms = to_ms(ns);
				return true;
			}
		}
	}
	return false;
}

bool weir_retry_after(const struct weir_retry_hints *h, uint64_t now_unix_ms, uint64_t *delay_ms)
{
	return parse_ms(h->retry_after_ms, delay_ms) ||
	       parse_delay(h->retry_after, now_unix_ms, delay_ms) ||
	       parse_delay(h->retry_info, now_unix_ms, delay_ms) ||
	       parse_buckets(h, now_unix_ms, delay_ms) || parse_message(h->message, delay_ms);
}

#include "mock/script.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "mock/words.h"

enum { MILLION = 1000 * 1000 };

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit ms_units[] = { { "", 1 },      { "ms", 1 },      { "s", 1000 },
					{ "m", 60000 }, { "h", 3600000 }, { NULL, 0 } };
static const struct unit us_units[] = { { "", 1000 },     { "us", 1 },           { "ms", 1000 },
					{ "s", MILLION }, { "m", 60 * MILLION }, { NULL, 0 } };
static const struct unit size_units[] = { { "", 1 },
					  { "KiB", 1024 },
					  { "MiB", 1024 * 1024 },
					  { "GiB", 1024 * 1024 * 1024 },
					  { NULL, 0 } };

/* "1.5s" with one of units, at most max. */
static bool read_quantity(struct weir_slice text, const struct unit *units, uint64_t max,
			  uint64_t *value)
{
	size_t n = 0;
	double number;

	while (n < text.len &&
	       ((text.base[n] >= '0' && text.base[n] <= '9') || text.base[n] == '.'))
		n++;
	if (!weir_slice_to_double(weir_slice(text.base, n), &number))
		return false;
	for (const struct unit *u = units; u->name; u++) {
		if (!weir_slice_is(weir_slice(text.base + n, text.len - n), u->name))
			continue;
		number *= (double)u->factor;
		if (number > (double)max)
			return false;
		*value = (uint64_t)number;
		return true;
	}
	return false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; the script owns the bytes. A stray % stands for itself. A text without any
 * is not written to: it may be a constant of the word table. */
static struct weir_slice decode_percent(char *base, size_t len)
{
	size_t out = 0;

	if (len == 0 || !memchr(base, '%', len))
		return weir_slice(base, len);
	for (size_t i = 0; i < len; i++, out++) {
		base[out] = base[i];
		if (base[i] == '%' && len - i > 2 && hex(base[i + 1]) >= 0 &&
		    hex(base[i + 2]) >= 0) {
			base[out] = (char)(hex(base[i + 1]) * 16 + hex(base[i + 2]));
			i += 2;
		}
	}
	return weir_slice(base, out);
}

static bool read_choice(struct weir_slice text, const char *const *names, unsigned n, void *at)
{
	for (unsigned i = 0; i < n; i++) {
		if (names[i] && weir_slice_is(text, names[i])) {
			memcpy(at, &i, sizeof i);
			return true;
		}
	}
	return false;
}

static bool read_percent(struct weir_slice text, uint64_t *ppm)
{
	double number;

	if (text.len < 2 || text.base[text.len - 1] != '%')
		return false;
	if (!weir_slice_to_double(weir_slice(text.base, text.len - 1), &number) || number > 100)
		return false;
	*ppm = (uint64_t)(number * 1e4 + 0.5);
	return true;
}

static bool read_rate(struct weir_slice text, uint64_t *gap_us)
{
	double number;

	if (!weir_slice_to_double(text, &number) || number < 1e-3 || number > 1e6)
		return false;
	*gap_us = (uint64_t)(1e6 / number);
	return true;
}

static const char *const framings[] = { "usual", "length", "chunked", "close" };
static const char *const forms[] = { "asked", "json", "stream" };
static const char *const resumes[] = {
	"on", "overlap", "restart", "other", "off", "refuse-prefill"
};

static bool read_header(struct weir_mock_step *step, struct weir_slice value)
{
	if (step->headers_n == WEIR_MOCK_HEADERS_MAX || value.len == 0 ||
	    !memchr(value.base, ':', value.len))
		return false;
	step->headers[step->headers_n++] = value;
	return true;
}

static bool read_number(struct weir_mock_step *step, const struct weir_mock_param *p,
			struct weir_slice value)
{
	uint64_t number;

	if (!read_quantity(value, size_units, p->max, &number))
		return false;
	if (p->offset == offsetof(struct weir_mock_step, status))
		step->status = (unsigned)number;
	else
		memcpy((char *)step + p->offset, &number, sizeof number);
	return true;
}

static bool read_flag(struct weir_slice value, uint64_t *flag)
{
	*flag = !weir_slice_is(value, "0");
	return value.len == 0 || weir_slice_is(value, "0") || weir_slice_is(value, "1");
}

static bool read_value(struct weir_mock_step *step, const struct weir_mock_param *p, char *base,
		       size_t len)
{
	struct weir_slice value = decode_percent(base, len);
	void *at = (char *)step + p->offset;

	switch (p->type) {
	case WEIR_MOCK_NUMBER:
		return read_number(step, p, value);
	case WEIR_MOCK_MS:
		return read_quantity(value, ms_units, p->max, at);
	case WEIR_MOCK_GAP:
		return read_quantity(value, us_units, p->max * 1000, at);
	case WEIR_MOCK_SOME:
		return read_number(step, p, value.len ? value : WEIR_SLICE("1"));
	case WEIR_MOCK_FLAG:
		return read_flag(value, at);
	case WEIR_MOCK_PERCENT:
		return read_percent(weir_slice(base, len), at);
	case WEIR_MOCK_RATE:
		return read_rate(value, at);
	case WEIR_MOCK_TEXT:
		memcpy(at, &value, sizeof value);
		return true;
	case WEIR_MOCK_HEADER:
		return read_header(step, value);
	case WEIR_MOCK_FRAMING:
		return read_choice(value, framings, WEIR_COUNT_OF(framings), at);
	case WEIR_MOCK_FORM:
		return read_choice(value, forms, WEIR_COUNT_OF(forms), at);
	case WEIR_MOCK_RESUME:
		return read_choice(value, resumes, WEIR_COUNT_OF(resumes), at);
	case WEIR_MOCK_SHAPE:
		memcpy(at, &value, sizeof value);
		return weir_mock_shape(value) != NULL;
	}
	WEIR_ASSERT(!"a parameter of no type");
}

static const struct weir_mock_param *find_param(struct weir_slice name)
{
	const struct weir_mock_param *p = weir_mock_params;

	while (p->name && !weir_slice_is(name, p->name))
		p++;
	return p->name ? p : NULL;
}

/* "name=value" or "name". */
static int read_param(struct weir_mock_step *step, char *base, size_t len, struct weir_error *err)
{
	char *sign = memchr(base, '=', len);
	size_t name_len = sign ? (size_t)(sign - base) : len;
	const struct weir_mock_param *p = find_param(weir_slice(base, name_len));
	char *value = sign ? sign + 1 : base + len;

	if (!p)
		return weir_fail(err, WEIR_ECONFIG, "unknown parameter \"%.*s\" in a script",
				 (int)name_len, base);
	if (!read_value(step, p, value, (size_t)(base + len - value)))
		return weir_fail(err, WEIR_ECONFIG, "parameter \"%s\" cannot be \"%.*s\": %s",
				 p->name, (int)(base + len - value), value, p->help);
	if (strcmp(p->name, "after") == 0 && step->ending != WEIR_MOCK_WELL &&
	    step->point != WEIR_MOCK_AT_BYTE)
		step->point = WEIR_MOCK_AT_TOKEN;
	return 0;
}

/* All ";"-separated parameters of text. */
static int read_params(struct weir_mock_step *step, char *base, size_t len, struct weir_error *err)
{
	for (size_t i = 0; i < len;) {
		char *sign = memchr(base + i, ';', len - i);
		size_t n = sign ? (size_t)(sign - base) - i : len - i;
		struct weir_slice part = weir_slice_trim(weir_slice(base + i, n));

		if (part.len > 0) {
			int rc = read_param(step, base + (part.base - base), part.len, err);

			if (rc)
				return rc;
		}
		i += n + 1;
	}
	return 0;
}

/* The word as the tables spell it: "Content_Policy" is "content-policy". */
static bool word_is(struct weir_slice text, const char *word)
{
	if (text.len != strlen(word))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.base[i];

		c = c == '_' ? '-' : (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		if (c != word[i])
			return false;
	}
	return true;
}

static int read_point(struct weir_mock_step *step, struct weir_slice text, struct weir_error *err)
{
	unsigned i = 0;

	if (step->ending == WEIR_MOCK_WELL)
		return weir_fail(err, WEIR_ECONFIG, "only hang, close and reset happen @%.*s",
				 (int)text.len, text.base);
	while (i < WEIR_MOCK_AT_N && !weir_slice_is(text, weir_mock_points[i]))
		i++;
	if (i == WEIR_MOCK_AT_N)
		return weir_fail(err, WEIR_ECONFIG, "unknown point @%.*s", (int)text.len,
				 text.base);
	step->point = (enum weir_mock_point)i;
	return 0;
}

/* A word that is a status code: 503. */
static bool read_status(struct weir_mock_step *step, struct weir_slice text)
{
	uint64_t status;

	if (text.len != 3 || !weir_slice_to_u64(text, &status) || status < 200 || status > 599)
		return false;
	step->kind = WEIR_MOCK_STATUS;
	step->status = (unsigned)status;
	step->word = "";
	return true;
}

static int read_word(struct weir_mock_step *step, struct weir_slice text, struct weir_error *err)
{
	const struct weir_mock_word *w = weir_mock_words;
	const char *at = text.len ? memchr(text.base, '@', text.len) : NULL;
	struct weir_slice word = at ? weir_slice(text.base, (size_t)(at - text.base)) : text;
	int rc = 0;

	if (text.len == 0)
		word = WEIR_SLICE("200");
	while (w->word && !word_is(word, w->word))
		w++;
	if (w->word) {
		step->word = w->word;
		step->kind = w->kind;
		step->status = w->status;
		step->ending = w->ending;
		step->point = w->point;
	} else if (!read_status(step, word)) {
		return weir_fail(err, WEIR_ECONFIG, "unknown word \"%.*s\" in a script",
				 (int)word.len, word.base);
	}
	if (w->word && w->params) {
		WEIR_ASSERT(!strchr(w->params, '%'));
		rc = read_params(step, (char *)w->params, strlen(w->params), err);
	}
	if (!rc && at)
		rc = read_point(step, weir_slice(at + 1, (size_t)(text.base + text.len - at - 1)),
				err);
	return rc;
}

/* Takes "*N" off the end of text. */
static void read_times(struct weir_mock_step *step, struct weir_slice *text)
{
	const char *star = text->len ? memrchr(text->base, '*', text->len) : NULL;
	uint64_t times;

	if (!star ||
	    !weir_slice_to_u64(weir_slice(star + 1, (size_t)(text->base + text->len - star - 1)),
			       &times) ||
	    times == 0)
		return;
	step->times = times;
	text->len = (size_t)(star - text->base);
}

static const struct weir_mock_step initial = {
	.word = "200",
	.status = 200,
	.point = WEIR_MOCK_AT_BODY,
	.times = 1,
	.chance_ppm = MILLION,
	.tokens = 16,
	.info_n = 1,
	.keep = 1,
	.done = 1,
	.usage = 1,
	.notify = 1,
	.minor = 1,
};

/* Where the parameters begin: after the word, or at once in "latency=20ms". */
static struct weir_slice take_word(struct weir_mock_step *step, struct weir_slice *text)
{
	const char *sign = text->len ? memchr(text->base, ';', text->len) : NULL;
	size_t len = sign ? (size_t)(sign - text->base) : text->len;
	struct weir_slice word = weir_slice(text->base, len);

	if (len > 0 && memchr(text->base, '=', len))
		return weir_slice(text->base, 0);
	text->base += len;
	text->len -= len;
	read_times(step, &word);
	return weir_slice_trim(word);
}

static int read_step(struct weir_mock_step *step, char *base, size_t len, struct weir_error *err)
{
	struct weir_slice text = weir_slice_trim(weir_slice(base, len));
	struct weir_slice word;
	int rc;

	*step = initial;
	read_times(step, &text);
	word = take_word(step, &text);
	rc = read_word(step, word, err);
	if (!rc)
		rc = read_params(step, base + (text.base - base), text.len, err);
	return rc;
}

static struct weir_mock_step without_trouble(const struct weir_mock_step *step)
{
	struct weir_mock_step plain = initial;

	plain.latency_ms = step->latency_ms;
	plain.jitter_ms = step->jitter_ms;
	plain.ttft_ms = step->ttft_ms;
	plain.gap_us = step->gap_us;
	plain.tokens = step->tokens;
	return plain;
}

static int read_steps(struct weir_mock_script *script, size_t len, struct weir_error *err)
{
	char *base = script->text;

	for (size_t i = 0; i <= len;) {
		char *sign = memchr(base + i, ',', len - i);
		size_t n = sign ? (size_t)(sign - base) - i : len - i;
		unsigned k = script->steps_n++;
		int rc = read_step(&script->steps[k], base + i, n, err);

		if (rc)
			return rc;
		script->plain[k] = without_trouble(&script->steps[k]);
		i += n + 1;
	}
	return 0;
}

static size_t count_steps(struct weir_slice text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.base[i] == ',';
	return n;
}

struct weir_mock_script *weir_mock_script_parse(struct weir_slice text, struct weir_error *err)
{
	size_t steps = count_steps(text);
	struct weir_mock_script *script;

	if (steps > WEIR_MOCK_STEPS_MAX || text.len > WEIR_MOCK_SCRIPT_MAX) {
		weir_fail(err, WEIR_ECONFIG, "a script has at most %d steps and %d bytes",
			  WEIR_MOCK_STEPS_MAX, WEIR_MOCK_SCRIPT_MAX);
		return NULL;
	}
	script = weir_calloc(1, sizeof *script);
	if (!script) {
		weir_fail(err, WEIR_ENOMEM, "out of memory");
		return NULL;
	}
	script->refs = 1;
	script->text = weir_strndup(text.len ? text.base : "", text.len);
	script->source = weir_strndup(text.len ? text.base : "200", text.len ? text.len : 3);
	script->steps = weir_calloc(2 * steps, sizeof *script->steps);
	script->plain = script->steps ? script->steps + steps : NULL;
	if (!script->text || !script->source || !script->steps)
		weir_fail(err, WEIR_ENOMEM, "out of memory");
	else if (read_steps(script, text.len, err) == 0)
		return script;
	weir_mock_script_unref(script);
	return NULL;
}

struct weir_mock_script *weir_mock_script_ref(struct weir_mock_script *script)
{
	script->refs++;
	return script;
}

void weir_mock_script_unref(struct weir_mock_script *script)
{
	if (!script || --script->refs > 0)
		return;
	weir_free(script->text);
	weir_free(script->source);
	weir_free(script->steps);
	weir_free(script);
}

bool weir_mock_step_is_early(const struct weir_mock_step *step)
{
	return step->kind == WEIR_MOCK_REFUSE || step->kind == WEIR_MOCK_BLACKHOLE || step->early ||
	       (step->ending != WEIR_MOCK_WELL && step->point <= WEIR_MOCK_AT_HEAD);
}

#include "config/settings.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/loaded.h"
#include "config/value.h"

/* What may stand there, beside the words. */
enum kind { WORD, DURATION, COUNT, PERCENT, HEADER };

enum { WORDS_MAX = 4 }; /* and a NULL */

struct row {
	const char *name, *says;
	enum kind kind;
	unsigned places;
	uint64_t value; /* when it stands nowhere */
	uint64_t min, max;
	const char *words[WORDS_MAX];
	uint64_t meaning[WORDS_MAX]; /* of the words */
};

enum {
	HOUR = 3600 * 1000,
	LONG_FIRST_TOKEN = 120 * 1000, /* standing nowhere, of models that think long */
	LONG_ATTEMPT = 300 * 1000,
	ANYWHERE = WEIR_IN_DEFAULTS | WEIR_IN_CHAIN | WEIR_IN_STEP | WEIR_IN_TARGET,
	CHAIN = WEIR_IN_DEFAULTS | WEIR_IN_CHAIN,
	EITHER = WEIR_IN_PROVIDER | WEIR_IN_TARGET,
	MOST = 1000000000 /* requests or tokens: a typing error beyond */
};

/* The durations and counts are §7 of the product. */
/* clang-format off */
static const struct row rows[WEIR_SET_N] = {
	[WEIR_SET_CONNECT] = { "connect_timeout",
		"The longest until connected: name, TCP and TLS together.",
		DURATION, ANYWHERE, 3000, 1, 24 * HOUR },
	[WEIR_SET_FIRST_TOKEN] = { "first_token_timeout",
		"The longest until the first token of a stream.",
		DURATION, ANYWHERE, 20000, 1, 24 * HOUR },
	[WEIR_SET_ATTEMPT] = { "attempt_timeout",
		"The longest one attempt may take whose answer is not streamed.",
		DURATION, ANYWHERE, 60000, 1, 24 * HOUR },
	[WEIR_SET_STALL] = { "stall_timeout",
		"The longest silence inside a stream.",
		DURATION, ANYWHERE, 30000, 1, 24 * HOUR },
	[WEIR_SET_DEADLINE] = { "deadline",
		"The longest a request may take until its answer, over all attempts.",
		DURATION, CHAIN, 120000, 1, 24 * HOUR },
	[WEIR_SET_STREAM] = { "stream_timeout",
		"The longest a stream may take.",
		DURATION, CHAIN, 600000, 1, 24 * HOUR },
	[WEIR_SET_MAX_ATTEMPTS] = { "max_attempts",
		"The most upstream calls for one request. Without it: as many as the "
		"steps and retries need, at most 8.",
		COUNT, CHAIN, 0, 1, WEIR_ATTEMPTS_MAX },
	[WEIR_SET_RETRIES] = { "retries",
		"How often a step is tried again in place after a quick failure.",
		COUNT, CHAIN | WEIR_IN_STEP, 1,
		0, WEIR_ATTEMPTS_MAX - 1 },
	[WEIR_SET_CONTENT_POLICY] = { "content_policy",
		"Refused content: returned to the caller, or asked of the next step.",
		WORD, CHAIN, WEIR_CHOICE_RETURN, 0, 0,
		{ "return", "next" },
		{ WEIR_CHOICE_RETURN, WEIR_CHOICE_NEXT } },
	[WEIR_SET_CONTEXT_OVERFLOW] = { "context_overflow",
		"A prompt too long for a target: asked of the next step with a larger "
		"window (auto), of the next one, or returned.",
		WORD, CHAIN, WEIR_CHOICE_AUTO, 0, 0,
		{ "auto", "next", "return" },
		{ WEIR_CHOICE_AUTO, WEIR_CHOICE_NEXT, WEIR_CHOICE_RETURN } },
	[WEIR_SET_REPAIR] = { "repair",
		"Whose requests may be changed to what the target takes: those to "
		"fallbacks, all, or none.",
		WORD, CHAIN, WEIR_REPAIR_FALLBACKS, 0, 0,
		{ "fallbacks", "on", "off" },
		{ WEIR_REPAIR_FALLBACKS, WEIR_REPAIR_ON, WEIR_REPAIR_OFF } },
	[WEIR_SET_TRANSLATE] = { "translate",
		"What a target of another dialect cannot take: left out and named, or "
		"a reason to go past it.",
		WORD, CHAIN, false, 0, 0,
		{ "lossy", "strict" }, { false, true } },
	[WEIR_SET_MIDSTREAM] = { "midstream",
		"A stream that was cut after its beginning: an error, or continued by "
		"another target.",
		WORD, CHAIN, false, 0, 0,
		{ "error", "continue" }, { false, true } },
	[WEIR_SET_HEDGE] = { "hedge",
		"Whether a second target is asked beside a first one that is slow.",
		WORD, CHAIN, false, 0, 0, { "off", "on" }, { false, true } },
	[WEIR_SET_STREAM_USAGE] = { "stream_usage",
		"Whether providers are asked for the usage of streams, which is hidden "
		"from callers who did not ask.",
		WORD, CHAIN, false, 0, 0,
		{ "off", "on" }, { false, true } },
	[WEIR_SET_EARLY_KEEPALIVE] = { "early_keepalive",
		"How often a caller of a stream hears a comment while waiting for its "
		"beginning.",
		DURATION, CHAIN, 0, 100, HOUR,
		{ "off" }, { 0 } },
	[WEIR_SET_LATENCY_EJECTION] = { "latency_ejection",
		"From how many times its own usual time to the first token a target is "
		"slow and gone past.",
		PERCENT, CHAIN, 0, 150, 10000,
		{ "off" }, { 0 } },
	[WEIR_SET_AFFINITY] = { "affinity",
		"By what requests are kept at one target of a pool: the field `user` "
		"of the body, or a header field.",
		HEADER, CHAIN, WEIR_SET_AFFINITY_OFF, 0, 0,
		{ "off", "user" }, { WEIR_SET_AFFINITY_OFF, WEIR_SET_AFFINITY_USER } },
	[WEIR_SET_MAX_INFLIGHT] = { "max_inflight",
		"The most requests at once.",
		COUNT, EITHER, 0, 1, 1000000 },
	[WEIR_SET_RPM] = { "rpm",
		"Requests a minute.",
		COUNT, EITHER, 0, 1, MOST },
	[WEIR_SET_TPM] = { "tpm",
		"Tokens a minute.",
		COUNT, EITHER, 0, 1, MOST },
	[WEIR_SET_WARM] = { "warm_connections",
		"How many connections to it are open even while no request needs them; "
		"auto: one, where it is a fallback and speaks HTTP/2.",
		COUNT, WEIR_IN_PROVIDER, WEIR_WARM_AUTO, 0, WEIR_WARM_MAX,
		{ "auto" }, { WEIR_WARM_AUTO } },
	[WEIR_SET_WEIGHT] = { "weight",
		"Its share among the targets of a step; 0: only when there is no other.",
		COUNT, WEIR_IN_TARGET, 1, 0, 1000 },
};
/* clang-format on */

const char *weir_setting_name(enum weir_setting setting)
{
	return rows[setting].name;
}

const char *weir_setting_says(enum weir_setting setting)
{
	return rows[setting].says;
}

unsigned weir_setting_places(enum weir_setting setting)
{
	return rows[setting].places;
}

static const enum weir_number numbers[] = { [DURATION] = WEIR_NUMBER_DURATION,
					    [COUNT] = WEIR_NUMBER_COUNT,
					    [PERCENT] = WEIR_NUMBER_PERCENT };

struct weir_form weir_setting_form(enum weir_setting setting)
{
	const struct row *row = &rows[setting];
	struct weir_form form = {
		.takes = row->words[0] ? WEIR_TAKES_WORD : 0,
		.words = row->words,
		.min = row->min,
		.max = row->max,
	};

	switch (row->kind) {
	case WORD:
		break;
	case HEADER:
		form.takes |= WEIR_TAKES_TEXT;
		form.pattern = "^header:" WEIR_TOKEN_PATTERN "$";
		break;
	case DURATION:
	case COUNT:
	case PERCENT:
		form.takes |= WEIR_TAKES_NUMBER;
		form.number = numbers[row->kind];
	}
	return form;
}

void weir_setting_otherwise(enum weir_setting setting, char *text, size_t size)
{
	const struct row *row = &rows[setting];

	*text = '\0';
	for (int i = 0; i < WORDS_MAX && row->words[i]; i++)
		if (row->meaning[i] == row->value)
			snprintf(text, size, "%s", row->words[i]);
	if (!*text && row->kind == DURATION)
		weir_value_print_duration(row->value, text, size);
	else if (!*text && row->value >= row->min)
		snprintf(text, size, "%" PRIu64, row->value);
}

void weir_settings_init(struct weir_settings *settings)
{
	*settings = (struct weir_settings){ 0 };
	for (int i = 0; i < WEIR_SET_N; i++)
		settings->value[i] = rows[i].value;
}

void weir_settings_overlay(struct weir_settings *outer, const struct weir_settings *inner)
{
	for (int i = 0; i < WEIR_SET_N; i++) {
		if (!inner->from[i])
			continue;
		outer->from[i] = inner->from[i];
		outer->value[i] = inner->value[i];
	}
}

/* The index of the word that stands there; -1: none of them does. */
static int find_word(const struct row *row, const struct weir_node *node)
{
	for (int i = 0; node->type == WEIR_NODE_SCALAR && i < WORDS_MAX && row->words[i]; i++)
		if (weir_slice_is(node->text, row->words[i]))
			return i;
	return -1;
}

/* These are secrets or hold some. */
static bool is_secret_field(struct weir_slice name)
{
	static const char *const names[] = { "authorization", "proxy-authorization", "x-api-key",
					     "api-key",       "x-goog-api-key",      "cookie" };

	for (size_t i = 0; i < WEIR_COUNT_OF(names); i++)
		if (weir_slice_is_nocase(name, names[i]))
			return true;
	return false;
}

static bool read_header(struct weir_reader *reader, const struct weir_node *node, uint64_t *value)
{
	struct weir_slice text;
	unsigned index;
	int rc;

	if (!weir_reader_text(reader, node, "a word", &text))
		return false;
	if (!weir_slice_starts(text, "header:") ||
	    !weir_is_token(weir_slice(text.base + 7, text.len - 7))) {
		weir_reader_error(reader, node, "bad-value",
				  "%s is not one of the words here\nwrite off | user | "
				  "header:NAME, with the name of a header field",
				  weir_quote(node->raw).text);
		return false;
	}
	text = weir_slice(text.base + 7, text.len - 7);
	if (is_secret_field(text)) {
		weir_reader_error(reader, node, "forbidden-header",
				  "this field holds a secret\nname one that says whose request "
				  "it is, or write user");
		return false;
	}
	rc = weir_config_add_affinity(reader->config, text, &index);
	if (rc == WEIR_ENOMEM)
		reader->out_of_memory = true;
	else if (rc)
		weir_reader_error(reader, node, "too-many",
				  "more than %d header fields for affinity\nuse the same in "
				  "several chains",
				  WEIR_AFFINITY_HEADERS_MAX);
	else
		*value = WEIR_SET_AFFINITY_HEADER + index;
	return rc == 0;
}

static bool read_value(struct weir_reader *reader, const struct row *row,
		       const struct weir_node *node, uint64_t *value)
{
	char or_word[16] = "";
	struct weir_range range = { row->min, row->max, row->words[0] ? or_word : NULL };
	int word = find_word(row, node);

	if (row->words[0])
		snprintf(or_word, sizeof or_word, "%s, or ", row->words[0]);

	if (word >= 0) {
		*value = row->meaning[word];
		return true;
	}
	switch (row->kind) {
	case WORD:
		(void)weir_reader_word(reader, node, row->words);
		return false;
	case HEADER:
		return read_header(reader, node, value);
	case DURATION:
	case COUNT:
	case PERCENT:
		return weir_reader_number(reader, node, numbers[row->kind], &range, value);
	}
	return false;
}

static void misplaced(struct weir_reader *reader, const struct row *row,
		      const struct weir_node *key)
{
	static const char *const names[] = { "`defaults`", "a chain", "a step", "a target",
					     "a provider" };
	char places[96] = "";
	size_t at = 0;

	for (unsigned i = 0; i < WEIR_COUNT_OF(names); i++)
		if (row->places & 1u << i)
			at += (size_t)snprintf(places + at, sizeof places - at, "%s%s",
					       at ? " or " : "", names[i]);
	weir_reader_error(reader, key, "misplaced-key", "%s cannot stand here\nmove it to %s",
			  weir_quote(key->raw).text, places);
}

bool weir_settings_read(struct weir_reader *reader, struct weir_settings *settings, unsigned places,
			const struct weir_node *key, struct weir_node *value)
{
	for (int i = 0; i < WEIR_SET_N; i++) {
		if (!weir_slice_is(key->raw, rows[i].name))
			continue;
		if (!(rows[i].places & places))
			misplaced(reader, &rows[i], key);
		else if (read_value(reader, &rows[i], value, &settings->value[i]))
			settings->from[i] = value;
		return true;
	}
	return false;
}

void weir_settings_suggest(struct weir_suggest *suggest, unsigned places)
{
	for (int i = 0; i < WEIR_SET_N; i++)
		if (rows[i].places & places)
			weir_suggest_offer(suggest, weir_slice_of(rows[i].name));
}

struct weir_timers weir_settings_timers(const struct weir_settings *settings, bool thinks_long)
{
	struct weir_timers timers = {
		.connect_timeout_ms = settings->value[WEIR_SET_CONNECT],
		.first_token_timeout_ms = settings->value[WEIR_SET_FIRST_TOKEN],
		.attempt_timeout_ms = settings->value[WEIR_SET_ATTEMPT],
		.stall_timeout_ms = settings->value[WEIR_SET_STALL],
	};

	if (thinks_long && !settings->from[WEIR_SET_FIRST_TOKEN])
		timers.first_token_timeout_ms = LONG_FIRST_TOKEN;
	if (thinks_long && !settings->from[WEIR_SET_ATTEMPT])
		timers.attempt_timeout_ms = LONG_ATTEMPT;
	return timers;
}

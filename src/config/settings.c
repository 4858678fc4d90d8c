#include "config/settings.h"

#include <stdio.h>

#include "config/value.h"

enum kind { DURATION, COUNT, WORD };

struct row {
	const char *name;
	enum kind kind;
	unsigned places;
	uint64_t value; /* when it stands nowhere; of words, the index */
	uint64_t min, max;
	const char *words[4];
	uint64_t meaning[3]; /* of words */
	const char *built;   /* the only word that is built; NULL: all are */
};

enum {
	HOUR = 3600 * 1000,
	ANYWHERE = WEIR_IN_DEFAULTS | WEIR_IN_CHAIN | WEIR_IN_STEP | WEIR_IN_TARGET,
	CHAIN = WEIR_IN_DEFAULTS | WEIR_IN_CHAIN
};

/* The durations and counts are §7 of the product. */
static const struct row rows[WEIR_SET_N] = {
	[WEIR_SET_CONNECT] = { "connect_timeout", DURATION, ANYWHERE, 3000, 1, 24 * HOUR },
	[WEIR_SET_FIRST_TOKEN] = { "first_token_timeout", DURATION, ANYWHERE, 20000, 1, 24 * HOUR },
	[WEIR_SET_ATTEMPT] = { "attempt_timeout", DURATION, ANYWHERE, 60000, 1, 24 * HOUR },
	[WEIR_SET_STALL] = { "stall_timeout", DURATION, ANYWHERE, 30000, 1, 24 * HOUR },
	[WEIR_SET_DEADLINE] = { "deadline", DURATION, CHAIN, 120000, 1, 24 * HOUR },
	[WEIR_SET_STREAM] = { "stream_timeout", DURATION, CHAIN, 600000, 1, 24 * HOUR },
	[WEIR_SET_MAX_ATTEMPTS] = { "max_attempts", COUNT, CHAIN, 0, 1, WEIR_ATTEMPTS_MAX },
	[WEIR_SET_RETRIES] = { "retries", COUNT, CHAIN | WEIR_IN_STEP, 1, 0,
			       WEIR_ATTEMPTS_MAX - 1 },
	[WEIR_SET_CONTENT_POLICY] = { "content_policy",
				      WORD,
				      CHAIN,
				      WEIR_CHOICE_RETURN,
				      0,
				      0,
				      { "return", "next" },
				      { WEIR_CHOICE_RETURN, WEIR_CHOICE_NEXT } },
	[WEIR_SET_CONTEXT_OVERFLOW] = { "context_overflow",
					WORD,
					CHAIN,
					WEIR_CHOICE_AUTO,
					0,
					0,
					{ "auto", "next", "return" },
					{ WEIR_CHOICE_AUTO, WEIR_CHOICE_NEXT,
					  WEIR_CHOICE_RETURN } },
	[WEIR_SET_REPAIR] = { "repair",
			      WORD,
			      CHAIN,
			      WEIR_REPAIR_FALLBACKS,
			      0,
			      0,
			      { "fallbacks", "on", "off" },
			      { WEIR_REPAIR_FALLBACKS, WEIR_REPAIR_ON, WEIR_REPAIR_OFF } },
	[WEIR_SET_MIDSTREAM] = { "midstream",
				 WORD,
				 CHAIN,
				 0,
				 0,
				 0,
				 { "error", "continue" },
				 { 0 },
				 "error" },
	[WEIR_SET_HEDGE] = { "hedge", WORD, CHAIN, 0, 0, 0, { "off" }, { 0 }, "off" },
	[WEIR_SET_STREAM_USAGE] = { "stream_usage",
				    WORD,
				    CHAIN,
				    0,
				    0,
				    0,
				    { "off", "on" },
				    { 0 },
				    "off" },
	[WEIR_SET_EARLY_KEEPALIVE] = { "early_keepalive",
				       WORD,
				       CHAIN,
				       0,
				       0,
				       0,
				       { "off" },
				       { 0 },
				       "off" },
	[WEIR_SET_MAX_INFLIGHT] = { "max_inflight", COUNT, WEIR_IN_PROVIDER | WEIR_IN_TARGET, 0, 1,
				    1000000 },
	[WEIR_SET_WEIGHT] = { "weight", COUNT, WEIR_IN_TARGET, 1, 0, 1000 },
};

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

static bool read_word(struct weir_reader *reader, const struct row *row,
		      const struct weir_node *node, uint64_t *value)
{
	int word;

	if (row->built && node->type == WEIR_NODE_SCALAR && weir_slice_is(node->text, row->built))
		return true;
	if (row->built &&
	    (!row->words[1] ||
	     (node->type == WEIR_NODE_SCALAR && weir_slice_is(node->text, row->words[1]) &&
	      strcmp(row->words[1], row->built) != 0) ||
	     node->type != WEIR_NODE_SCALAR)) {
		weir_reader_error(reader, node, "not-built",
				  "this version of weir has only `%s: %s`\nremove the key",
				  row->name, row->built);
		return false;
	}
	word = weir_reader_word(reader, node, row->words);
	if (word >= 0)
		*value = row->meaning[word];
	return word >= 0;
}

static bool read_value(struct weir_reader *reader, const struct row *row,
		       const struct weir_node *node, uint64_t *value)
{
	switch (row->kind) {
	case DURATION:
		return weir_reader_duration(reader, node, row->min, row->max, value);
	case COUNT:
		return weir_reader_count(reader, node, row->min, row->max, value);
	case WORD:
		return read_word(reader, row, node, value);
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

struct weir_timers weir_settings_timers(const struct weir_settings *settings)
{
	return (struct weir_timers){
		.connect_timeout_ms = settings->value[WEIR_SET_CONNECT],
		.first_token_timeout_ms = settings->value[WEIR_SET_FIRST_TOKEN],
		.attempt_timeout_ms = settings->value[WEIR_SET_ATTEMPT],
		.stall_timeout_ms = settings->value[WEIR_SET_STALL],
	};
}

/* What may stand in several places, the nearest winning: one table says where, of which
 * kind, within which bounds, and what holds when it stands nowhere. */
#pragma once

#include "config/form.h"

enum weir_setting {
	WEIR_SET_CONNECT,
	WEIR_SET_FIRST_TOKEN,
	WEIR_SET_ATTEMPT,
	WEIR_SET_STALL,
	WEIR_SET_DEADLINE,
	WEIR_SET_STREAM,
	WEIR_SET_MAX_ATTEMPTS,
	WEIR_SET_RETRIES,
	WEIR_SET_CONTENT_POLICY,
	WEIR_SET_CONTEXT_OVERFLOW,
	WEIR_SET_REPAIR,
	WEIR_SET_TRANSLATE,
	WEIR_SET_MIDSTREAM,
	WEIR_SET_HEDGE,
	WEIR_SET_STREAM_USAGE,
	WEIR_SET_EARLY_KEEPALIVE,
	WEIR_SET_LATENCY_EJECTION,
	WEIR_SET_AFFINITY,
	WEIR_SET_MAX_INFLIGHT,
	WEIR_SET_RPM,
	WEIR_SET_TPM,
	WEIR_SET_WARM,
	WEIR_SET_WEIGHT,
	WEIR_SET_N
};

/* Of WEIR_SET_AFFINITY: AFFINITY_HEADER and on are the fields of config->affinity_headers. */
enum { WEIR_SET_AFFINITY_OFF, WEIR_SET_AFFINITY_USER, WEIR_SET_AFFINITY_HEADER };

enum weir_place {
	WEIR_IN_DEFAULTS = 1,
	WEIR_IN_CHAIN = 2,
	WEIR_IN_STEP = 4,
	WEIR_IN_TARGET = 8,
	WEIR_IN_PROVIDER = 16
};

struct weir_settings {
	struct weir_node *from[WEIR_SET_N]; /* where it stands; NULL: nowhere */
	uint64_t value[WEIR_SET_N];
};

const char *weir_setting_name(enum weir_setting setting);
const char *weir_setting_says(enum weir_setting setting);
unsigned weir_setting_places(enum weir_setting setting); /* enum weir_place */
struct weir_form weir_setting_form(enum weir_setting setting);
/* What holds when it stands nowhere, as one would write it; empty: nothing does. */
void weir_setting_otherwise(enum weir_setting setting, char *text, size_t size);

/* The values of the product, standing nowhere. */
void weir_settings_init(struct weir_settings *settings);

/* What inner says replaces what outer says. */
void weir_settings_overlay(struct weir_settings *outer, const struct weir_settings *inner);

/* True when key is a setting at all; then it has been read, or refused with a finding. */
bool weir_settings_read(struct weir_reader *reader, struct weir_settings *settings, unsigned places,
			const struct weir_node *key, struct weir_node *value);

/* Offers the names allowed in places. */
void weir_settings_suggest(struct weir_suggest *suggest, unsigned places);

/* thinks_long: of a model that does, before its first token. */
struct weir_timers weir_settings_timers(const struct weir_settings *settings, bool thinks_long);

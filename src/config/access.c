#include "config/access.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/loaded.h"
#include "config/secret.h"
#include "policy/retry_after.h"

enum { SHORT_KEY = 16, MAX_INFLIGHT = 1000000 };

#define HASH        "sha256:"
#define RATE_MAX    UINT64_C(1000000000000)
#define DOLLARS_MAX UINT64_C(1000000000000000) /* a million */
#define DATE        "[0-9]{4}-[0-9]{2}-[0-9]{2}"
#define DATE_TIME   DATE "[Tt ][0-9]{2}:[0-9]{2}:[0-9.]+([Zz]|[-+][0-9]{2}:[0-9]{2})"

static const char *const open_words[] = { "open", NULL };

static const struct weir_form name_form = { .takes = WEIR_TAKES_TEXT | WEIR_TAKES_BARE,
					    .pattern = WEIR_NAME_PATTERN };
static const struct weir_form rate_form = {
	.takes = WEIR_TAKES_NUMBER, .number = WEIR_NUMBER_COUNT, .min = 1, .max = RATE_MAX
};
static const struct weir_form inflight_form = {
	.takes = WEIR_TAKES_NUMBER, .number = WEIR_NUMBER_COUNT, .min = 1, .max = MAX_INFLIGHT
};
static const struct weir_form dollars_form = {
	.takes = WEIR_TAKES_NUMBER, .number = WEIR_NUMBER_DOLLARS, .min = 1, .max = DOLLARS_MAX
};

enum {
	CALLER_NAME,
	CALLER_KEY,
	CALLER_CHAINS,
	CALLER_TARGETS,
	CALLER_EXPIRES,
	CALLER_RPM,
	CALLER_TPM,
	CALLER_INFLIGHT,
	CALLER_DAY,
	CALLER_MONTH,
	CALLER_FIELDS_N
};

/* clang-format off */
static const struct weir_key caller_keys[CALLER_FIELDS_N] = {
	[CALLER_NAME] = { "name", &name_form, "What logs and limits call this caller.",
		.needed = true },
	[CALLER_KEY] = { "key",
		&(const struct weir_form){ .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE,
			.each = &weir_secret_form, .least = 1, .most = WEIR_CALLER_KEYS_MAX },
		"What the caller sends as Authorization: Bearer or as x-api-key, or sha256: and "
		"its hash in hexadecimal digits; several while it changes from one to another.",
		.needed = true },
	[CALLER_CHAINS] = { "chains",
		&(const struct weir_form){ .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE,
			.each = &weir_form_text, .least = 1, .most = WEIR_CHAINS_MAX },
		"The chains it may ask for. Without it: all of them." },
	[CALLER_TARGETS] = { "targets", &weir_form_bool,
		"May it name targets itself, as fallbacks of a request? Without it: only who may "
		"ask for all chains." },
	[CALLER_EXPIRES] = { "expires",
		&(const struct weir_form){ .takes = WEIR_TAKES_TEXT,
			.pattern = "^" DATE "$|^" DATE_TIME "$" },
		"When it is let in no more: a date, from its first moment in UTC on, or "
		"2027-01-31T18:00:00Z." },
	[CALLER_RPM] = { "rpm", &rate_form, "How many requests a minute." },
	[CALLER_TPM] = { "tpm", &rate_form,
		"How many tokens a minute, of prompts and answers together." },
	[CALLER_INFLIGHT] = { "max_inflight", &inflight_form, "How many requests at once." },
	[CALLER_DAY] = { "daily_budget", &dollars_form, "Dollars for a day, in UTC." },
	[CALLER_MONTH] = { "monthly_budget", &dollars_form, "Dollars for a month, in UTC." },
};
/* clang-format on */
static const struct weir_shape caller_shape = { "an access key", caller_keys, CALLER_FIELDS_N, 0 };
static const struct weir_form caller_form = { .takes = WEIR_TAKES_MAP,
					      .shapes = { &caller_shape } };
static const struct weir_key access_keys[] = {
	{ "keys",
	  &(const struct weir_form){ .takes = WEIR_TAKES_LIST | WEIR_TAKES_NOTHING,
				     .each = &caller_form,
				     .most = WEIR_CALLERS_MAX },
	  "The callers, each with a name and a key." },
};
static const struct weir_shape access_shape = { "access", access_keys, 1, 0 };
const struct weir_form weir_access_form = { .takes = WEIR_TAKES_WORD | WEIR_TAKES_MAP,
					    .words = open_words,
					    .shapes = { &access_shape } };

/* ---- keys ---- */

/* The hash of nothing would let in who sends nothing. */
static bool read_hash(struct weir_reader *reader, const struct weir_node *node,
		      struct weir_slice hex, struct weir_digest *digest)
{
	struct weir_digest nothing = weir_sha256(weir_slice("", 0));

	if (weir_digest_parse(hex, digest) && !weir_digest_eq(digest, &nothing))
		return true;
	weir_reader_error(reader, node, "bad-key",
			  HASH " is not followed by the hash of a key\nwrite the 64 digits of "
			       "`printf %%s \"$KEY\" | sha256sum`");
	return false;
}

static bool read_digest(struct weir_reader *reader, struct weir_node *node,
			struct weir_digest *digest)
{
	struct weir_secret secret = { 0 };
	struct weir_slice text;
	bool ok = weir_secret_read(reader, node, WEIR_SECRET_CALLERS, &secret);

	text = weir_slice(secret.text, secret.len);
	if (ok && weir_slice_starts(text, HASH)) {
		text = weir_slice(text.base + strlen(HASH), text.len - strlen(HASH));
		ok = read_hash(reader, node, text, digest);
	} else if (ok) {
		*digest = weir_sha256(text);
		if (text.len < SHORT_KEY)
			weir_reader_warn(reader, node, "short-key",
					 "the key has fewer than %d characters and could be "
					 "guessed\nmake one with `openssl rand -hex 24`",
					 SHORT_KEY);
	}
	weir_secret_fini(&secret);
	return ok;
}

static void add_key(struct weir_reader *reader, const struct weir_node *node,
		    const struct weir_caller *caller, const struct weir_digest *digest)
{
	struct weir_config *config = reader->config;

	for (unsigned i = 0; caller->name && i < config->access_keys_n; i++) {
		const struct weir_access_key *other = &config->access_keys[i];

		if (!weir_digest_eq(&other->digest, digest))
			continue;
		weir_reader_warn(reader, node, "same-key",
				 "another key is the same\ngive each caller keys of its own");
		break;
	}
	config->access_keys[config->access_keys_n++] = (struct weir_access_key){
		*digest,
		caller->index,
	};
}

static bool read_keys(struct weir_reader *reader, struct weir_node *node,
		      const struct weir_caller *caller)
{
	unsigned n = weir_reader_items(node), before = reader->config->access_keys_n;
	struct weir_digest digest;
	bool ok = true;

	if (n == 0 || n > WEIR_CALLER_KEYS_MAX) {
		weir_reader_error(reader, node, "wrong-type",
				  "a caller has at most %d keys, and at least one\nwrite `key: "
				  "\"${WEIR_APP_KEY}\"`",
				  WEIR_CALLER_KEYS_MAX);
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		struct weir_node *item = weir_reader_item(node, i);

		if (read_digest(reader, item, &digest))
			add_key(reader, item, caller, &digest);
		else
			ok = false;
	}
	if (!ok)
		reader->config->access_keys_n = before;
	return ok;
}

/* ---- what it may ask for ---- */

static void unknown_chain(struct weir_reader *reader, const struct weir_node *node,
			  struct weir_slice name)
{
	const struct weir_config *config = reader->config;
	struct weir_suggest near;

	weir_suggest_init(&near, name);
	for (unsigned i = 0; i < config->chains_n; i++)
		weir_suggest_offer(&near, weir_slice_of(config->chains[i]->name));
	if (near.best.base)
		weir_reader_error(reader, node, "unknown-chain",
				  "there is no chain %s\nwrite `%.*s`", weir_quote(node->raw).text,
				  (int)near.best.len, near.best.base);
	else
		weir_reader_error(reader, node, "unknown-chain",
				  "there is no chain %s\nname one of those below `chains`",
				  weir_quote(node->raw).text);
}

static void read_chains(struct weir_reader *reader, struct weir_node *node,
			struct weir_caller *caller)
{
	unsigned n = weir_reader_items(node);

	if (n == 0 || n > WEIR_CHAINS_MAX) {
		weir_reader_error(reader, node, "empty-value",
				  "names no chain, or too many\nname those it may ask for, or "
				  "remove the key");
		return;
	}
	caller->chains = weir_reader_alloc(reader, n * sizeof(struct weir_chain *));
	for (unsigned i = 0; caller->chains && i < n; i++) {
		struct weir_node *item = weir_reader_item(node, i);
		struct weir_slice name;
		struct weir_chain *chain;

		if (!weir_reader_text(reader, item, "a chain's name", &name))
			continue;
		chain = weir_config_chain(reader->config, name);
		if (chain)
			caller->chains[caller->chains_n++] = chain;
		else
			unknown_chain(reader, item, name);
	}
}

bool weir_caller_may(const struct weir_caller *caller, const struct weir_chain *chain)
{
	if (!caller || !caller->chains)
		return true;
	for (unsigned i = 0; i < caller->chains_n; i++)
		if (caller->chains[i] == chain)
			return true;
	return false;
}

static void read_expiry(struct weir_reader *reader, const struct weir_node *node,
			struct weir_caller *caller)
{
	struct weir_slice text;
	char whole[64];
	uint64_t ms;

	if (!weir_reader_text(reader, node, "a date", &text))
		return;
	snprintf(whole, sizeof whole, "%.*s%s", (int)(text.len < 40 ? text.len : 40), text.base,
		 text.len == strlen("2027-01-31") ? "T00:00:00Z" : "");
	if (weir_rfc3339_parse(weir_slice_of(whole), &ms))
		caller->expires_s = ms / 1000;
	else
		weir_reader_error(reader, node, "bad-date",
				  "%s is not a date\nwrite it as 2027-01-31, or as "
				  "2027-01-31T18:00:00Z",
				  weir_quote(node->raw).text);
}

/* ---- limits ---- */

static void read_number(struct weir_reader *reader, struct weir_node *const *fields, int field,
			uint64_t *value)
{
	if (fields[field])
		(void)weir_form_number(reader, caller_keys[field].form, fields[field], value);
}

static void read_bounds(struct weir_reader *reader, struct weir_node *const *fields,
			struct weir_quota_bounds *bounds)
{
	uint64_t inflight = 0;

	read_number(reader, fields, CALLER_RPM, &bounds->rpm);
	read_number(reader, fields, CALLER_TPM, &bounds->tpm);
	read_number(reader, fields, CALLER_INFLIGHT, &inflight);
	bounds->max_inflight = (unsigned)inflight;
	read_number(reader, fields, CALLER_DAY, &bounds->day_nano);
	read_number(reader, fields, CALLER_MONTH, &bounds->month_nano);
}

static const struct weir_target *unpriced(const struct weir_chain *chain)
{
	for (unsigned i = 0; i < chain->steps_n; i++)
		for (unsigned k = 0; k < chain->steps[i].targets_n; k++) {
			const struct weir_target *target = chain->steps[i].targets[k].target;

			if (weir_model_price(&target->facts) == WEIR_PRICE_UNKNOWN)
				return target;
		}
	return NULL;
}

/* What has no price is free, to a budget. */
static void check_budget(struct weir_reader *reader, const struct weir_node *node,
			 const struct weir_caller *caller)
{
	const struct weir_config *config = reader->config;

	for (unsigned i = 0; i < config->chains_n; i++) {
		const struct weir_target *target = unpriced(config->chains[i]);

		if (!target || !weir_caller_may(caller, config->chains[i]))
			continue;
		weir_reader_warn(reader, node, "budget-without-prices",
				 "chain %s has %s, whose price is not known: it costs this budget "
				 "nothing\nwrite its `input_price` and `output_price` under "
				 "`models`, or leave the chain out of the caller's `chains`",
				 config->chains[i]->name, target->id);
		return;
	}
}

/* ---- all together ---- */

static bool read_name(struct weir_reader *reader, const struct weir_node *at,
		      const struct weir_node *node, struct weir_caller *caller)
{
	const struct weir_config *config = reader->config;
	struct weir_slice name;

	if (!weir_reader_text(reader, node, "a name", &name) ||
	    !weir_reader_name(reader, node, "an access key", name))
		return false;
	for (unsigned i = 0; i < config->callers_n; i++)
		if (weir_slice_is(name, config->callers[i].name))
			weir_reader_error(reader, at, "duplicate-name",
					  "another access key has this name\nwrite another name: "
					  "logs and limits go by it");
	caller->name = weir_reader_copy(reader, name);
	return caller->name != NULL;
}

static void read_caller(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_config *config = reader->config;
	struct weir_caller *caller = &config->callers[config->callers_n];
	struct weir_node *fields[CALLER_FIELDS_N];
	bool ok;

	if (!weir_shape_read(reader, node, &caller_shape, fields, NULL))
		return;
	if (!fields[CALLER_NAME] || !fields[CALLER_KEY]) {
		weir_reader_error(reader, node, "missing-key",
				  "an access key has a name and a key\nwrite `{ name: app, key: "
				  "\"${WEIR_APP_KEY}\" }`");
		return;
	}
	*caller = (struct weir_caller){
		.index = config->callers_n,
		.expires_s = UINT64_MAX,
		.targets = !fields[CALLER_CHAINS],
	};
	ok = read_name(reader, node, fields[CALLER_NAME], caller);
	ok &= read_keys(reader, fields[CALLER_KEY], caller);
	if (fields[CALLER_CHAINS])
		read_chains(reader, fields[CALLER_CHAINS], caller);
	if (fields[CALLER_TARGETS])
		(void)weir_reader_bool(reader, fields[CALLER_TARGETS], &caller->targets);
	if (fields[CALLER_EXPIRES])
		read_expiry(reader, fields[CALLER_EXPIRES], caller);
	read_bounds(reader, fields, &caller->bounds);
	if (fields[CALLER_DAY] || fields[CALLER_MONTH])
		check_budget(reader, fields[fields[CALLER_DAY] ? CALLER_DAY : CALLER_MONTH],
			     caller);
	config->callers_n += ok;
	if (!ok)
		weir_caller_fini(caller);
}

static void read_callers(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_config *config = reader->config;

	if (node->type != WEIR_NODE_LIST || node->pairs_n > WEIR_CALLERS_MAX) {
		weir_reader_error(reader, node, "wrong-type",
				  "keys are a list of at most %d\nwrite each as `- { name: app, "
				  "key: \"${WEIR_APP_KEY}\" }`",
				  WEIR_CALLERS_MAX);
		return;
	}
	config->callers = weir_reader_alloc(reader, node->pairs_n * sizeof *config->callers);
	config->access_keys = weir_reader_alloc(reader, node->pairs_n * WEIR_CALLER_KEYS_MAX *
								sizeof *config->access_keys);
	if (!config->callers || !config->access_keys)
		return;
	for (unsigned i = 0; i < node->pairs_n; i++)
		read_caller(reader, node->pairs[i].value);
}

void weir_access_read(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_node *keys;

	if (node->type == WEIR_NODE_SCALAR && weir_slice_is(node->text, open_words[0])) {
		reader->config->access_open = true;
		return;
	}
	if (node->type == WEIR_NODE_SCALAR && !weir_node_is_null(node)) {
		weir_reader_error(reader, node, "bad-value",
				  "is neither `open` nor a map\nwrite `access: { keys: [ { name: "
				  "app, key: \"${WEIR_APP_KEY}\" } ] }` or `access: open`");
		return;
	}
	if (weir_shape_read(reader, node, &access_shape, &keys, NULL) && keys &&
	    !weir_node_is_null(keys))
		read_callers(reader, keys);
}

/* What is known of targets, each thing a key of its own: "STAMP UNTIL WORD". Of two that say
 * different things the later stamp holds; all times are the server's. */
#include <stdio.h>

#include "base/alloc.h"
#include "core/shared_private.h"

enum kind {
	TARGET,
	KEY,
	MODEL,
	REQUESTS, /* nothing is left of them */
	TOKENS,
	BREAKER,
	KINDS_N
};

enum {
	TELL_MAX = 256,        /* changes told in one round; more wait for the next */
	STAMP_SLACK_MS = 5000, /* of who reckons the server's clock badly */
	SAME_MS = 100,         /* clocks are reckoned no better */
	OPEN_MAX_MS = WEIR_BREAKER_OPEN_MAX_MS * 2,
	VALUE_MAX = 96,
	IDENTITY_MAX = 4096
};

static const char letters[KINDS_N] = { 't', 'k', 'm', 'q', 'u', 'b' };

struct weir_item {
	enum kind kind;
	char key[sizeof WEIR_SHARED_PREFIX + 2 + WEIR_SHARED_ID_DIGITS];
	struct weir_health *health;
	struct weir_hearsay seen; /* as it was when it was looked at; of a breaker: until */
	bool closed;              /* of a breaker: what is to be told */
	unsigned moves[WEIR_BREAKER_N];
	uint64_t stamp; /* when that came about; 0: before we were */
	bool dirty;     /* to be told */
};

/* ---- which there are ---- */

/* Which of a provider's keys, by its number and eight bits of it: so that what was known of a key
 * is not said of the one that takes its place, and no key can be guessed from it. */
static int put_key(struct weir_buf *name, const struct weir_provider *p, unsigned key)
{
	struct weir_digest hash = { 0 };

	if (key < p->keys_n)
		hash = weir_sha256(weir_slice(p->keys[key].text, p->keys[key].len));
	return weir_buf_printf(name, "#%u %u", key, (unsigned)(hash.part[0] & 0xff));
}

static int put_name(struct weir_buf *name, const struct weir_target *target, unsigned key,
		    enum kind kind)
{
	const struct weir_provider *p = target->provider;
	int rc = weir_buf_printf(name, "%s\n%s\n%d\n%u\n%s\n%s\n", p->name, p->dialect->name,
				 p->tls, p->port, p->host, p->base_path);

	if (rc == 0 && kind != KEY)
		rc = weir_buf_puts(name, target->id);
	return rc || kind == MODEL ? rc : put_key(name, p, key);
}

static bool grow(struct weir_shared *s)
{
	unsigned cap = s->items_cap ? s->items_cap * 2 : 64;
	struct weir_item *items;

	if (s->items_n < s->items_cap)
		return true;
	if (s->items_n >= WEIR_SHARED_ITEMS_MAX)
		return false;
	items = weir_realloc(s->items, cap * sizeof *items);
	if (!items)
		return false;
	s->items = items;
	s->items_cap = cap;
	return true;
}

static struct weir_hearsay tell(const struct weir_item *item, uint64_t now_ms)
{
	const struct weir_health *h = item->health;

	switch (item->kind) {
	case TARGET:
		return weir_bench_tell(&h->bench, now_ms);
	case KEY:
		return weir_bench_tell(&h->key->bench, now_ms);
	case MODEL:
		return weir_bench_tell(&h->model->bench, now_ms);
	case REQUESTS:
	case TOKENS:
		return weir_limits_tell(&h->limits, item->kind == TOKENS, now_ms);
	case BREAKER:
	case KINDS_N:
		break;
	}
	return (struct weir_hearsay){ 0 };
}

static void note_moves(struct weir_item *item)
{
	memcpy(item->moves, item->health->breaker.moves, sizeof item->moves);
}

static void add(struct weir_shared *s, const struct weir_target *target, unsigned key,
		enum kind kind, uint64_t now_ms)
{
	struct weir_item item = { .kind = kind };
	char room[1024];
	struct weir_buf name;

	item.health = weir_board_health(s->gateway->now->board, target, key);
	weir_buf_init_lent(&name, IDENTITY_MAX, room, sizeof room);
	if (item.health && put_name(&name, target, key, kind) == 0) {
		snprintf(item.key, sizeof item.key, WEIR_SHARED_PREFIX "%c:%s", letters[kind],
			 weir_shared_id(weir_buf_slice(&name)).text);
		item.seen = tell(&item, now_ms);
		note_moves(&item);
		if (grow(s))
			s->items[s->items_n++] = item;
	}
	weir_buf_fini(&name);
}

void weir_items_make(struct weir_shared *s)
{
	const struct weir_config *config = s->gateway->now->config;
	uint64_t now_ms = weir_gateway_now_ms(s->gateway);
	bool had[WEIR_PROVIDERS_MAX] = { false };

	s->items_n = s->from = 0;
	for (unsigned i = 0; i < config->targets_n; i++) {
		const struct weir_target *target = config->targets[i];
		unsigned keys = target->provider->keys_n ? target->provider->keys_n : 1;
		bool *had_keys = &had[target->provider->index];

		add(s, target, 0, MODEL, now_ms);
		for (unsigned key = 0; key < keys; key++) {
			static const enum kind kinds[] = { TARGET, REQUESTS, TOKENS, BREAKER };

			if (!*had_keys)
				add(s, target, key, KEY, now_ms);
			for (size_t k = 0; k < WEIR_COUNT_OF(kinds); k++)
				add(s, target, key, kinds[k], now_ms);
		}
		*had_keys = true;
	}
	s->unread = s->items_n;
}

void weir_items_free(struct weir_shared *s)
{
	weir_free(s->items);
	s->items = NULL;
	s->items_n = s->items_cap = s->unread = 0;
}

/* ---- what is told ---- */

static void change(struct weir_shared *s, struct weir_item *item, uint64_t now_ms)
{
	uint64_t clock_ms = weir_shared_clock_ms(s, now_ms);

	item->stamp = clock_ms > item->stamp ? clock_ms : item->stamp + 1;
	item->dirty = true;
}

/* The first opening is news: that a probe has failed, too, concerns nobody else, and one that is
 * open by what others said has nothing to say. */
static void look_at_breaker(struct weir_shared *s, struct weir_item *item, uint64_t now_ms)
{
	const struct weir_breaker *b = &item->health->breaker;
	bool opened = item->moves[WEIR_BREAKER_OPEN] != b->moves[WEIR_BREAKER_OPEN] &&
		      b->state == WEIR_BREAKER_OPEN && b->openings == 1 && !b->heard;
	bool closed = item->moves[WEIR_BREAKER_CLOSED] != b->moves[WEIR_BREAKER_CLOSED] &&
		      b->state == WEIR_BREAKER_CLOSED;

	note_moves(item);
	if (!opened && !closed)
		return;
	item->closed = closed;
	item->seen.until_ms = closed ? 0 : b->until_ms;
	change(s, item, now_ms);
}

static bool differs(const struct weir_hearsay *a, const struct weir_hearsay *b)
{
	return a->until_ms != b->until_ms || a->why != b->why || a->stated != b->stated;
}

static void look_at(struct weir_shared *s, struct weir_item *item, uint64_t now_ms)
{
	struct weir_hearsay now = tell(item, now_ms);

	if (item->seen.until_ms <= now_ms)
		item->seen = (struct weir_hearsay){ 0 }; /* it is over everywhere */
	if (!differs(&item->seen, &now))
		return;
	item->seen = now;
	change(s, item, now_ms);
}

void weir_items_look(struct weir_shared *s, uint64_t now_ms)
{
	for (unsigned i = 0; i < s->items_n; i++)
		if (s->items[i].kind == BREAKER)
			look_at_breaker(s, &s->items[i], now_ms);
		else
			look_at(s, &s->items[i], now_ms);
}

static const char *word_of(const struct weir_item *item)
{
	if (item->kind == BREAKER)
		return item->closed ? "closed" : "open";
	return item->seen.until_ms ? weir_outcome_name(item->seen.why) : "none";
}

static int put_item(struct weir_shared *s, struct weir_item *item)
{
	uint64_t until_ms = item->seen.until_ms;
	char value[VALUE_MAX], ttl[16];

	if (until_ms)
		until_ms = weir_shared_clock_ms(s, until_ms);
	snprintf(value, sizeof value, "%llu %llu %s%s", (unsigned long long)item->stamp,
		 (unsigned long long)until_ms, word_of(item),
		 item->kind == BREAKER || item->seen.stated || !item->seen.until_ms ? "" : "?");
	snprintf(ttl, sizeof ttl, "%d", WEIR_SHARED_ITEM_TTL_S);
	item->dirty = false;
	return weir_resp_put(&s->out,
			     (const char *const[]){ "SET", item->key, value, "EX", ttl, NULL });
}

int weir_items_put(struct weir_shared *s, unsigned *told)
{
	static const char *const counter = WEIR_SHARED_PREFIX "changes";
	char ttl[16];
	unsigned n = 0;
	int rc = 0;

	*told = 0;
	if (s->bad_seen) {
		rc = weir_resp_put(&s->out, (const char *const[]){ "MULTI", NULL });
		if (rc == 0)
			rc = weir_resp_put(&s->out, (const char *const[]){ "DEL", counter, NULL });
	}
	for (unsigned i = 0; i < s->items_n && n < TELL_MAX && rc == 0; i++) {
		if (!s->items[i].dirty)
			continue;
		if (n++ == 0 && !s->bad_seen)
			rc = weir_resp_put(&s->out, (const char *const[]){ "MULTI", NULL });
		if (rc == 0)
			rc = put_item(s, &s->items[i]);
	}
	if ((n == 0 && !s->bad_seen) || rc)
		return rc;
	snprintf(ttl, sizeof ttl, "%d", WEIR_SHARED_ITEM_TTL_S);
	*told = n + 4 + s->bad_seen;
	s->changed = true;
	rc = weir_resp_put(&s->out, (const char *const[]){ "INCR", counter, NULL });
	if (rc == 0)
		rc = weir_resp_put(&s->out, (const char *const[]){ "EXPIRE", counter, ttl, NULL });
	return rc ? rc : weir_resp_put(&s->out, (const char *const[]){ "EXEC", NULL });
}

/* ---- what is heard ---- */

int weir_items_ask(struct weir_shared *s)
{
	unsigned n = s->unread < WEIR_SHARED_CHUNK ? s->unread : WEIR_SHARED_CHUNK;
	int rc;

	if (s->from >= s->items_n)
		s->from = 0;
	if (n > s->items_n - s->from)
		n = s->items_n - s->from;
	s->asked = n;
	rc = weir_resp_begin(&s->out, n + 1);
	if (rc == 0)
		rc = weir_resp_word(&s->out, WEIR_SLICE("MGET"));
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = weir_resp_word(&s->out, weir_slice_of(s->items[s->from + i].key));
	return rc;
}

/* The next word of it. */
static struct weir_slice take_word(struct weir_slice *rest)
{
	const char *blank = rest->len ? memchr(rest->base, ' ', rest->len) : NULL;
	struct weir_slice word = *rest;

	if (blank)
		word.len = (size_t)(blank - rest->base);
	*rest = weir_slice(rest->base + word.len + (blank ? 1 : 0),
			   rest->len - word.len - (blank ? 1 : 0));
	return word;
}

struct record {
	uint64_t stamp, until_ms; /* by the server's clock */
	struct weir_slice word;
};

static bool parse(struct weir_slice text, struct record *record)
{
	return text.len < VALUE_MAX && weir_slice_to_u64(take_word(&text), &record->stamp) &&
	       weir_slice_to_u64(take_word(&text), &record->until_ms) &&
	       (record->word = take_word(&text)).len && text.len == 0;
}

static bool find_outcome(struct weir_slice word, struct weir_hearsay *said)
{
	said->stated = word.base[word.len - 1] != '?';
	word.len -= said->stated ? 0 : 1;
	for (unsigned i = 0; i < WEIR_OUT_N; i++)
		if (weir_slice_is(word, weir_outcome_name((enum weir_outcome)i))) {
			said->why = (enum weir_outcome)i;
			return true;
		}
	return false;
}

static bool hear_breaker(struct weir_shared *s, struct weir_item *item, const struct record *record,
			 uint64_t now_ms)
{
	uint64_t clock_ms = weir_shared_clock_ms(s, now_ms);
	bool open = weir_slice_is(record->word, "open");

	if (!open && !weir_slice_is(record->word, "closed"))
		return false;
	if (open && record->until_ms > clock_ms + OPEN_MAX_MS)
		return false;
	if (!open || record->until_ms > clock_ms)
		weir_health_hear(item->health, open, now_ms, &s->gateway->rng);
	note_moves(item);
	return true;
}

static bool hear_bench(struct weir_shared *s, struct weir_item *item, const struct record *record,
		       uint64_t now_ms)
{
	uint64_t clock_ms = weir_shared_clock_ms(s, now_ms);
	struct weir_hearsay said = { 0 };
	struct weir_health *h = item->health;

	if (record->until_ms > clock_ms) {
		if (!find_outcome(record->word, &said))
			return false;
		said.until_ms = record->until_ms - clock_ms > UINT32_MAX
					? UINT64_MAX
					: now_ms + (record->until_ms - clock_ms);
	}
	switch (item->kind) {
	case TARGET:
		return weir_bench_hear(&h->bench, &said, WEIR_BLAME_TARGET, now_ms);
	case KEY:
		return weir_bench_hear(&h->key->bench, &said, WEIR_BLAME_KEY, now_ms);
	case MODEL:
		return weir_bench_hear(&h->model->bench, &said, WEIR_BLAME_MODEL, now_ms);
	case REQUESTS:
	case TOKENS:
		return weir_limits_hear(&h->limits, item->kind == TOKENS, &said, now_ms);
	case BREAKER:
	case KINDS_N:
		break;
	}
	return false;
}

/* True: what stands there is none of our records. */
static bool is_nonsense(struct weir_shared *s, struct weir_item *item,
			const struct weir_resp_value *value, uint64_t now_ms)
{
	struct record record;
	bool ok;

	if (!parse(value->text, &record) ||
	    record.stamp > weir_shared_clock_ms(s, now_ms) + STAMP_SLACK_MS)
		return true;
	if (record.stamp <= item->stamp) {
		/* It has not come to know what we had to tell. */
		item->dirty |= record.stamp < item->stamp && item->kind != BREAKER;
		return false;
	}
	if (item->kind == BREAKER) {
		ok = hear_breaker(s, item, &record, now_ms);
	} else {
		ok = hear_bench(s, item, &record, now_ms);
	}
	if (!ok)
		return true;
	item->stamp = record.stamp;
	if (item->kind == BREAKER)
		return false;
	item->seen = tell(item, now_ms);
	if (item->seen.stated &&
	    weir_shared_clock_ms(s, item->seen.until_ms) > record.until_ms + SAME_MS)
		change(s, item, now_ms); /* we know better */
	return false;
}

void weir_items_hear(struct weir_shared *s, unsigned place, const struct weir_resp_value *value)
{
	uint64_t now_ms = weir_gateway_now_ms(s->gateway);
	struct weir_item *item;
	bool nothing = value->kind != WEIR_RESP_TEXT;

	if (place >= s->asked || s->from + place >= s->items_n)
		return;
	item = &s->items[s->from + place];
	if (!nothing && is_nonsense(s, item, value, now_ms)) {
		weir_shared_ignore(s);
		nothing = true;
	}
	/* Lost there, as when it began anew, or never told. */
	if (nothing && item->kind != BREAKER && item->seen.until_ms > now_ms && !item->dirty)
		change(s, item, now_ms);
}

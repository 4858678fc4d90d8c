#include "config/traits.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "config/index.h"
#include "config/value.h"

enum { VALUE_MAX = 4096, KEY_MAX = 2 * WEIR_NAME_MAX + 64 };

static const char RESTART[] = "needs a restart";
static const char ANEW[] = "its health starts anew";

struct trait {
	char *key, *value;
	uint64_t mark;   /* of a secret, which is in no value */
	unsigned parent; /* which is told for it when it is new or gone; its own place: none */
	const char *consequence;
};

struct traits {
	struct trait *list;
	unsigned n, cap;
	unsigned parent; /* of those that follow */
	bool has_parent, failed;
	struct weir_index index;
};

static void fini(struct traits *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		weir_free(t->list[i].key);
		weir_free(t->list[i].value);
	}
	weir_free(t->list);
	weir_index_fini(&t->index);
}

static struct trait *add(struct traits *t, const char *key, const char *value)
{
	unsigned cap = t->cap ? t->cap * 2 : 64;
	struct trait *grown, *made;

	if (t->failed || t->n < t->cap) {
		grown = t->list;
	} else {
		grown = weir_realloc(t->list, cap * sizeof *grown);
		t->cap = grown ? cap : t->cap;
	}
	if (!grown || t->failed) {
		t->failed = true;
		return NULL;
	}
	t->list = grown;
	made = &t->list[t->n];
	*made = (struct trait){
		.key = weir_strndup(key, strlen(key)),
		.value = weir_strndup(value, strlen(value)),
		.parent = t->has_parent ? t->parent : t->n,
	};
	t->n++;
	t->failed = !made->key || !made->value;
	return t->failed ? NULL : made;
}

WEIR_PRINTF(4, 5)
static struct trait *put(struct traits *t, const char *of, const char *name, const char *format,
			 ...)
{
	char key[KEY_MAX + 64], value[VALUE_MAX];
	va_list ap;

	snprintf(key, sizeof key, "%s%s%s", of, *of && *name ? "." : "", name);
	va_start(ap, format);
	vsnprintf(value, sizeof value, format, ap);
	va_end(ap);
	return add(t, key, value);
}

static void put_secret(struct traits *t, const char *of, const char *name,
		       const struct weir_secret *secret)
{
	struct trait *trait = secret->len ? put(t, of, name, "a key") : NULL;

	if (trait)
		trait->mark = weir_slice_hash(weir_slice(secret->text, secret->len));
}

static void put_ms(struct traits *t, const char *of, const char *name, uint64_t ms)
{
	char text[32];

	weir_value_print_duration(ms, text, sizeof text);
	put(t, of, name, "%s", ms ? text : "off");
}

/* 0 is no limit, and no word. */
static void put_limit(struct traits *t, const char *of, const char *name, uint64_t n)
{
	if (n)
		put(t, of, name, "%llu", (unsigned long long)n);
}

static const char *yes(bool is)
{
	return is ? "yes" : "no";
}

/* What follows is told with it when it is new or gone. */
static void begin(struct traits *t, struct trait *parent)
{
	t->has_parent = parent != NULL;
	t->parent = parent ? (unsigned)(parent - t->list) : 0;
}

static void note(struct trait *trait, const char *consequence)
{
	if (trait)
		trait->consequence = consequence;
}

/* ---- sections ---- */

static void put_log(struct traits *t, const struct weir_logging *log)
{
	static const char *const formats[] = { "auto", "json", "text" };

	put(t, "", "log.level", "%s", weir_log_level_name(log->least));
	put(t, "", "log.format", "%s", formats[log->format]);
	note(put(t, "", "log.file", "%s", log->file ? log->file : "none"), RESTART);
	note(put(t, "", "log.attempts", "%s", log->attempts ? log->attempts : "none"), RESTART);
}

static void put_dollars(struct traits *t, const char *of, const char *name, uint64_t nano)
{
	char text[32];

	weir_value_print_dollars(nano, text, sizeof text);
	if (nano)
		put(t, of, name, "%s", text);
}

/* Several keys are told as one: their order means nothing. */
static struct trait *put_keys(struct traits *t, const char *of, const struct weir_config *c,
			      const struct weir_caller *caller)
{
	struct trait *trait;
	uint64_t mark = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < c->access_keys_n; i++) {
		if (c->access_keys[i].caller != caller->index)
			continue;
		mark += c->access_keys[i].digest.part[0];
		n++;
	}
	trait = n == 1 ? put(t, of, "", "a key") : put(t, of, "", "%u keys", n);
	if (trait)
		trait->mark = mark;
	return trait;
}

static void put_caller(struct traits *t, const struct weir_config *c,
		       const struct weir_caller *caller)
{
	char of[KEY_MAX], chains[VALUE_MAX] = "";
	int n = 0;

	snprintf(of, sizeof of, "access.keys.%s", caller->name);
	begin(t, put_keys(t, of, c, caller));
	for (unsigned i = 0; i < caller->chains_n && n >= 0 && (size_t)n < sizeof chains; i++)
		n += snprintf(chains + n, sizeof chains - (size_t)n, "%s%s", i ? ", " : "",
			      caller->chains[i]->name);
	if (caller->chains)
		put(t, of, "chains", "%s", chains);
	put(t, of, "targets", "%s", yes(caller->targets));
	if (caller->expires_s != UINT64_MAX)
		put(t, of, "expires", "%llu", (unsigned long long)caller->expires_s);
	put_limit(t, of, "rpm", caller->bounds.rpm);
	put_limit(t, of, "tpm", caller->bounds.tpm);
	put_limit(t, of, "max_inflight", caller->bounds.max_inflight);
	put_dollars(t, of, "daily_budget", caller->bounds.day_nano);
	put_dollars(t, of, "monthly_budget", caller->bounds.month_nano);
	begin(t, NULL);
}

static void put_top(struct traits *t, const struct weir_config *c)
{
	char text[32], address[WEIR_PEER_MAX];

	for (unsigned i = 0; i < c->listen_n; i++) {
		snprintf(text, sizeof text, "listen[%u]", i);
		put(t, "", text, "%s", c->listen[i]);
	}
	put(t, "", "admin", "%s", c->admin ? c->admin : "off");
	snprintf(text, sizeof text, "%u", c->workers);
	note(put(t, "", "workers", "%s", c->workers == WEIR_WORKERS_AUTO ? "auto" : text), RESTART);
	if (c->state.host)
		note(put(t, "", "state", "%s", c->state.shown), RESTART);
	put_secret(t, "", "admin_key", &c->admin_key);
	for (unsigned i = 0; i < c->trusted_proxies_n; i++) {
		const struct weir_network *network = &c->trusted_proxies[i];

		snprintf(text, sizeof text, "trusted_proxies[%u]", i);
		inet_ntop(network->size == 4 ? AF_INET : AF_INET6, network->bytes, address,
			  sizeof address);
		put(t, "", text, "%s/%u", address, network->bits);
	}
	for (unsigned i = 0; i < c->identities_n; i++) {
		snprintf(text, sizeof text, "tls[%u]", i);
		put(t, "", text, "%s with %s", c->identities[i].cert, c->identities[i].key);
	}
	if (c->client_ca)
		put(t, "", "tls.client_ca", "%s", c->client_ca);
	put(t, "", "access.open", "%s", yes(c->access_open));
	for (unsigned i = 0; i < c->callers_n; i++)
		put_caller(t, c, &c->callers[i]);
	weir_value_print_size(c->body_max, text, sizeof text);
	put(t, "", "max_body", "%s", text);
	weir_value_print_size(c->bodies_max, text, sizeof text);
	put(t, "", "max_bodies", "%s", text);
	snprintf(text, sizeof text, "%" PRIu64, c->connections_per_address);
	put(t, "", "max_connections_per_address", "%s", c->connections_per_address ? text : "off");
	put(t, "", "half_close", "%s", c->half_close_serve ? "serve" : "hangup");
	put(t, "", "ready_needs_chains", "%s", yes(c->ready_needs_chains));
	put_ms(t, "", "drain_delay", c->drain_delay_ms);
	put_ms(t, "", "drain_timeout", c->drain_timeout_ms);
	put_log(t, &c->log);
}

static void put_headers(struct traits *t, const char *of, const struct weir_provider *p)
{
	for (unsigned i = 0; i < p->headers_n; i++) {
		struct weir_slice value = weir_slice_of(p->headers[i].value);
		char name[WEIR_NAME_MAX];
		struct trait *trait;

		snprintf(name, sizeof name, "headers.%s", p->headers[i].name);
		trait = put(t, of, name, "a value"); /* it may hold a secret */
		if (trait)
			trait->mark = weir_slice_hash(value);
	}
}

static void put_provider(struct traits *t, const struct weir_config *c,
			 const struct weir_provider *p)
{
	char of[KEY_MAX], name[32], groups[VALUE_MAX] = "";
	struct trait *base;
	int n = 0;

	snprintf(of, sizeof of, "providers.%s", p->name);
	base = put(t, of, "", "%s at %s://%s%s", p->dialect->name, p->tls ? "https" : "http",
		   p->host_field, p->base_path);
	note(base, ANEW);
	begin(t, base);
	for (unsigned i = 0; i < p->keys_n; i++) {
		snprintf(name, sizeof name, "keys[%u]", i);
		put_secret(t, of, name, &p->keys[i]);
	}
	put_headers(t, of, p);
	if (p->proxy.host)
		put(t, of, "proxy", "%s:%u", p->proxy.host, p->proxy.port);
	if (p->ca_file)
		put(t, of, "ca_file", "%s", p->ca_file);
	put_limit(t, of, "max_inflight", p->max_inflight);
	if (p->traceparent)
		put(t, of, "traceparent", "on");
	if (!p->http2)
		put(t, of, "http2", "off");
	put_limit(t, of, "rpm", p->rpm);
	put_limit(t, of, "tpm", p->tpm);
	if (p->warm != WEIR_WARM_AUTO)
		put(t, of, "warm_connections", "%u", p->warm);
	for (unsigned i = 1; i < p->groups_n && n >= 0 && (size_t)n < sizeof groups; i++)
		n += snprintf(groups + n, sizeof groups - (size_t)n, "%s%s", i > 1 ? ", " : "",
			      c->groups[p->groups[i]]);
	if (*groups)
		put(t, of, "groups", "%s", groups);
	begin(t, NULL);
}

static void put_timers(struct traits *t, const char *of, const struct weir_timers *timers)
{
	put_ms(t, of, "connect_timeout", timers->connect_timeout_ms);
	put_ms(t, of, "first_token_timeout", timers->first_token_timeout_ms);
	put_ms(t, of, "attempt_timeout", timers->attempt_timeout_ms);
	put_ms(t, of, "stall_timeout", timers->stall_timeout_ms);
}

static void put_settings(struct traits *t, const char *of, const struct weir_config *c,
			 const struct weir_chain *chain)
{
	static const char *const choices[] = { "return", "next", "auto" };
	static const char *const repairs[] = { "fallbacks", "on", "off" };
	static const char *const affinities[] = { "off", "user", "header" };

	put_timers(t, of, &chain->timers);
	put_ms(t, of, "deadline", chain->deadline_ms);
	put_ms(t, of, "stream_timeout", chain->stream_timeout_ms);
	put(t, of, "retries", "%u", chain->retries);
	if (chain->max_attempts_set)
		put(t, of, "max_attempts", "%u", chain->max_attempts);
	put(t, of, "content_policy", "%s", choices[chain->content_policy]);
	put(t, of, "context_overflow", "%s", choices[chain->context_overflow]);
	put(t, of, "repair", "%s", repairs[chain->repair]);
	put(t, of, "midstream", "%s", chain->midstream_continue ? "continue" : "error");
	put(t, of, "stream_usage", "%s", yes(chain->stream_usage));
	put(t, of, "hedge", "%s", yes(chain->hedge));
	put_ms(t, of, "early_keepalive", chain->early_keepalive_ms);
	put(t, of, "latency_ejection", "%u%%", chain->drift_percent);
	put(t, of, "affinity", "%s%s%s", affinities[chain->affinity],
	    chain->affinity == WEIR_AFFINITY_HEADER ? ":" : "",
	    chain->affinity == WEIR_AFFINITY_HEADER ? c->affinity_headers[chain->affinity_header]
						    : "");
}

static void put_step(struct traits *t, const char *of, const struct weir_step *step)
{
	char members[VALUE_MAX] = "";
	int n = 0;

	for (unsigned i = 0; i < step->targets_n && n >= 0 && (size_t)n < sizeof members; i++)
		n += snprintf(members + n, sizeof members - (size_t)n, "%s%s", i ? ", " : "",
			      step->targets[i].target->id);
	begin(t, put(t, of, "", "%s", members));
	if (step->targets_n > 1)
		put(t, of, "balance", "%s", weir_balance_name(step->balance));
	if (step->retries_set)
		put(t, of, "retries", "%u", step->retries);
	for (unsigned i = 0; i < step->targets_n; i++) {
		char key[KEY_MAX * 2];

		snprintf(key, sizeof key, "%s.%s", of, step->targets[i].target->id);
		if (step->targets_n > 1)
			put(t, key, "weight", "%u", step->targets[i].weight);
		put_timers(t, key, &step->targets[i].timers);
	}
}

static void put_chain(struct traits *t, const struct weir_config *c, const struct weir_chain *chain)
{
	char of[KEY_MAX], key[KEY_MAX + 32];

	snprintf(of, sizeof of, "chains.%s", chain->name);
	begin(t, put(t, of, "", "a chain"));
	put_settings(t, of, c, chain);
	for (unsigned i = 0; i < chain->steps_n; i++) {
		begin(t, NULL); /* of a chain that is new they say most */
		snprintf(key, sizeof key, "%s.steps[%u]", of, i);
		put_step(t, key, &chain->steps[i]);
	}
	begin(t, NULL);
}

static void put_target(struct traits *t, const struct weir_target *target)
{
	char of[KEY_MAX];

	snprintf(of, sizeof of, "targets.%s", target->id);
	put_limit(t, of, "max_inflight", target->max_inflight);
	put_limit(t, of, "rpm", target->rpm);
	put_limit(t, of, "tpm", target->tpm);
	put_limit(t, of, "context", target->facts.context_tokens);
	if (target->facts.price_in != WEIR_PRICE_UNKNOWN)
		put_limit(t, of, "price_in_nano_usd", target->facts.price_in);
	if (target->facts.price_out != WEIR_PRICE_UNKNOWN)
		put_limit(t, of, "price_out_nano_usd", target->facts.price_out);
}

static int describe(struct traits *t, const struct weir_config *c)
{
	put_top(t, c);
	for (unsigned i = 0; i < c->providers_n; i++)
		put_provider(t, c, c->providers[i]);
	put_settings(t, "defaults", c, c->defaults);
	for (unsigned i = 0; i < c->chains_n; i++)
		put_chain(t, c, c->chains[i]);
	for (unsigned i = 0; i < c->targets_n; i++)
		put_target(t, c->targets[i]);
	for (unsigned i = 0; i < t->n && !t->failed; i++) {
		struct weir_slice key = weir_slice_of(t->list[i].key);

		if (!weir_index_get(&t->index, key))
			t->failed = weir_index_put(&t->index, key, &t->list[i]) != 0;
	}
	return t->failed ? WEIR_ENOMEM : 0;
}

/* ---- comparing ---- */

static const struct trait *find(const struct traits *t, const struct trait *trait)
{
	return weir_index_get(&t->index, weir_slice_of(trait->key));
}

/* Its parent is told, and it goes with it. */
static bool is_told(const struct traits *own, const struct traits *other, const struct trait *trait)
{
	const struct trait *parent = &own->list[trait->parent];

	return parent != trait && (!find(other, parent) || is_told(own, other, parent));
}

static void compare(const struct traits *was, const struct traits *now,
		    void (*on_change)(void *arg, const struct weir_change *change), void *arg)
{
	for (unsigned i = 0; i < now->n; i++) {
		const struct trait *n = &now->list[i], *w = find(was, n);
		struct weir_change change = { WEIR_CHANGED, n->key, NULL, n->value,
					      n->consequence };

		if (w && strcmp(w->value, n->value) == 0 && w->mark == n->mark)
			continue;
		if (!w && is_told(now, was, n))
			continue;
		if (w) {
			change.was = w->value;
			change.now = w->mark != n->mark ? "another one" : n->value;
		} else {
			change.difference = WEIR_ADDED;
			change.consequence = n->consequence == RESTART ? RESTART : NULL;
		}
		on_change(arg, &change);
	}
	for (unsigned i = 0; i < was->n; i++) {
		const struct trait *w = &was->list[i];
		struct weir_change change = { WEIR_REMOVED, w->key, w->value, NULL,
					      w->consequence == RESTART ? RESTART : NULL };

		if (!find(now, w) && !is_told(was, now, w))
			on_change(arg, &change);
	}
}

int weir_config_compare(const struct weir_config *was, const struct weir_config *now,
			void (*on_change)(void *arg, const struct weir_change *change), void *arg)
{
	struct traits before = { 0 }, after = { 0 };
	int rc = describe(&before, was);

	if (rc == 0)
		rc = describe(&after, now);
	if (rc == 0)
		compare(&before, &after, on_change, arg);
	fini(&before);
	fini(&after);
	return rc;
}

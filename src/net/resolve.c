#include "net/resolve.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/rng.h"
#include "base/slice.h"
#include "net/dns.h"

struct name {
	struct weir_list node; /* least recently used first */
	struct weir_list askers;
	struct weir_list due;            /* askers are to be told in the next turn */
	struct weir_addresses addresses; /* the last that were found */
	uint64_t fresh_until_ms;
	uint64_t failed_until_ms; /* before it nobody is asked again */
	const char *failure;      /* NULL: the last answer was good */
	bool asking;
	char host[];
};

struct weir_resolver {
	uv_loop_t *loop;
	struct weir_dns *dns;
	struct weir_list names;
	struct weir_list due;
	unsigned names_n;
	struct weir_rng rng;
	struct weir_resolver_counts counts;
	uint64_t aged_ms;
	uv_idle_t turn;
	unsigned parts_open; /* the dns, the idle handle */
	bool closing;
	void (*on_closed)(void *arg);
	void *arg;
};

static uint64_t now_ms(const struct weir_resolver *resolver)
{
	return uv_now(resolver->loop) + resolver->aged_ms;
}

static void forget(struct weir_resolver *resolver, struct name *name)
{
	WEIR_ASSERT(weir_list_empty(&name->askers));
	weir_list_remove(&name->node);
	weir_list_remove(&name->due);
	weir_free(name);
	resolver->names_n--;
}

static struct name *find(const struct weir_resolver *resolver, const char *host)
{
	/* Backwards: the busy ones come first. */
	for (struct weir_list *node = resolver->names.prev; node != &resolver->names;
	     node = node->prev) {
		struct name *name = WEIR_CONTAINER_OF(node, struct name, node);

		if (weir_slice_is_nocase(weir_slice_of(name->host), host))
			return name;
	}
	return NULL;
}

static bool make_room(struct weir_resolver *resolver)
{
	WEIR_LIST_FOR(node, &resolver->names)
	{
		struct name *name = WEIR_CONTAINER_OF(node, struct name, node);

		if (resolver->names_n < WEIR_RESOLVE_NAMES_MAX)
			break;
		if (weir_list_empty(&name->askers) && !name->asking)
			forget(resolver, name);
	}
	return resolver->names_n < WEIR_RESOLVE_NAMES_MAX;
}

static int find_or_add(struct weir_resolver *resolver, const char *host, struct name **to)
{
	struct name *name = find(resolver, host);
	size_t size = strlen(host) + 1;

	if (name) {
		weir_list_remove(&name->node);
	} else {
		if (size - 1 > WEIR_RESOLVE_HOST_MAX || !make_room(resolver))
			return WEIR_ELIMIT;
		name = weir_calloc(1, sizeof *name + size);
		if (!name)
			return WEIR_ENOMEM;
		memcpy(name->host, host, size);
		weir_list_init(&name->askers);
		weir_list_init(&name->due);
		resolver->names_n++;
	}
	weir_list_push(&resolver->names, &name->node);
	*to = name;
	return 0;
}

/* Every asker begins with another address, so that the load spreads. */
static void give(struct weir_resolver *resolver, const struct weir_addresses *from,
		 struct weir_addresses *to)
{
	unsigned start = from->n > 1 ? (unsigned)weir_rng_upto(&resolver->rng, from->n - 1) : 0;

	weir_addresses_rotate(to, from, start);
}

static bool usable_though_stale(const struct weir_resolver *resolver, const struct name *name)
{
	return name->addresses.n && now_ms(resolver) < name->fresh_until_ms + WEIR_RESOLVE_STALE_MS;
}

static void move(struct weir_list *from, struct weir_list *to)
{
	*to = *from;
	to->next->prev = to->prev->next = to;
	weir_list_init(from);
}

/* The name may be forgotten by what the askers do: nothing of it is read after the first. */
static void tell(struct weir_resolver *resolver, struct name *name)
{
	struct weir_list told;
	struct weir_addresses addresses, one;
	const char *failure = name->failure;
	bool stale = failure && usable_though_stale(resolver, name);
	bool found = !failure || stale;

	weir_list_remove(&name->due);
	if (weir_list_empty(&name->askers))
		return;
	move(&name->askers, &told);
	addresses = name->addresses;
	while (!weir_list_empty(&told)) {
		struct weir_lookup *lookup = WEIR_CONTAINER_OF(told.next, struct weir_lookup, node);

		weir_list_remove(&lookup->node);
		lookup->pending = false;
		if (found)
			give(resolver, &addresses, &one);
		resolver->counts.stale += stale;
		lookup->on_resolved(lookup, found ? &one : NULL, found ? NULL : failure);
	}
}

static uint64_t clamp_ttl_ms(uint32_t ttl_s)
{
	if (ttl_s < WEIR_RESOLVE_TTL_MIN_S)
		ttl_s = WEIR_RESOLVE_TTL_MIN_S;
	if (ttl_s > WEIR_RESOLVE_TTL_MAX_S)
		ttl_s = WEIR_RESOLVE_TTL_MAX_S;
	return (uint64_t)ttl_s * 1000;
}

static void learn(struct weir_resolver *resolver, struct name *name,
		  const struct weir_addresses *addresses, uint64_t ttl_ms)
{
	name->addresses = *addresses;
	name->fresh_until_ms = now_ms(resolver) + ttl_ms;
	name->failure = NULL;
}

static uint64_t failed_ms(enum weir_dns_result result)
{
	switch (result) {
	case WEIR_DNS_NONE:
		return WEIR_RESOLVE_NEGATIVE_S * UINT64_C(1000);
	case WEIR_DNS_LOCAL:
		return 0;
	case WEIR_DNS_FOUND:
	case WEIR_DNS_FAILED:
	case WEIR_DNS_TIMEOUT:
		return WEIR_RESOLVE_FAILED_MS;
	}
	return 0;
}

static void on_answer(void *arg, const char *host, const struct weir_dns_answer *answer)
{
	struct weir_resolver *resolver = arg;
	struct name *name = find(resolver, host);

	resolver->counts.failures += answer->result != WEIR_DNS_FOUND;
	if (!name)
		return; /* a late answer, and the name was forgotten meanwhile */
	name->asking = false;
	if (answer->result == WEIR_DNS_FOUND) {
		learn(resolver, name, &answer->addresses, clamp_ttl_ms(answer->ttl_s));
	} else {
		name->failure = answer->result == WEIR_DNS_LOCAL ? WEIR_RESOLVE_LOCAL
								 : answer->text;
		name->failed_until_ms = now_ms(resolver) + failed_ms(answer->result);
		if (answer->result == WEIR_DNS_NONE)
			name->addresses.n = 0;
	}
	tell(resolver, name);
}

static void on_turn(uv_idle_t *idle)
{
	struct weir_resolver *resolver = idle->data;
	struct weir_list due;

	uv_idle_stop(idle);
	if (weir_list_empty(&resolver->due))
		return;
	move(&resolver->due, &due); /* who asks again meanwhile waits for the next turn */
	while (!weir_list_empty(&due))
		tell(resolver, WEIR_CONTAINER_OF(due.next, struct name, due));
}

static void tell_later(struct weir_resolver *resolver, struct name *name)
{
	int rc = uv_idle_start(&resolver->turn, on_turn);

	WEIR_ASSERT(rc == 0);
	weir_list_remove(&name->due);
	weir_list_push(&resolver->due, &name->due);
}

static int ask(struct weir_resolver *resolver, struct name *name)
{
	uint64_t wait_ms = usable_though_stale(resolver, name) ? WEIR_RESOLVE_PATIENCE_MS
							       : WEIR_RESOLVE_TIMEOUT_MS;
	int rc;

	if (name->asking)
		return 0;
	rc = weir_dns_ask(resolver->dns, name->host, wait_ms);
	if (rc)
		return rc;
	name->asking = true;
	resolver->counts.questions++;
	return 0;
}

/* 1: filled. 0: an answer, maybe a bad one, has to be waited for. */
static int look(struct weir_resolver *resolver, struct name *name, struct weir_addresses *now)
{
	struct weir_addresses hosts;
	uint64_t at_ms = now_ms(resolver);

	if (name->addresses.n && at_ms < name->fresh_until_ms) {
		give(resolver, &name->addresses, now);
		return 1;
	}
	if (name->failure && usable_though_stale(resolver, name)) {
		/* DNS was out of order a moment ago: nobody has to wait to learn it again. */
		if (at_ms >= name->failed_until_ms)
			(void)ask(resolver, name);
		resolver->counts.stale++;
		give(resolver, &name->addresses, now);
		return 1;
	}
	if (name->failure && at_ms < name->failed_until_ms) {
		tell_later(resolver, name);
		return 0;
	}
	if (!name->asking && weir_dns_hosts(resolver->dns, name->host, &hosts)) {
		learn(resolver, name, &hosts, WEIR_RESOLVE_HOSTS_MS);
		give(resolver, &name->addresses, now);
		return 1;
	}
	return ask(resolver, name);
}

int weir_resolve(struct weir_resolver *resolver, const char *host, struct weir_lookup *lookup,
		 struct weir_addresses *now)
{
	struct name *name = NULL;
	int rc;

	WEIR_ASSERT(!resolver->closing && !lookup->pending);
	if (weir_address_literal(host, now) || weir_address_localhost(host, now))
		return 1;
	rc = find_or_add(resolver, host, &name);
	if (rc)
		return rc;
	rc = look(resolver, name, now);
	if (rc)
		return rc;
	weir_list_push(&name->askers, &lookup->node);
	lookup->pending = true;
	return 0;
}

void weir_resolve_cancel(struct weir_lookup *lookup)
{
	if (!lookup->pending)
		return;
	lookup->pending = false;
	weir_list_remove(&lookup->node);
}

int weir_resolver_create(struct weir_resolver **to, uv_loop_t *loop, struct weir_error *err)
{
	struct weir_resolver *resolver = weir_calloc(1, sizeof *resolver);
	int rc;

	if (!resolver)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	resolver->loop = loop;
	weir_list_init(&resolver->names);
	weir_list_init(&resolver->due);
	weir_rng_init(&resolver->rng, uv_hrtime() ^ (uint64_t)(uintptr_t)resolver);
	rc = weir_dns_create(&resolver->dns, loop, on_answer, resolver, err);
	if (rc) {
		weir_free(resolver);
		return rc;
	}
	rc = uv_idle_init(loop, &resolver->turn);
	WEIR_ASSERT(rc == 0);
	resolver->turn.data = resolver;
	resolver->parts_open = 2;
	*to = resolver;
	return 0;
}

static void part_closed(void *arg)
{
	struct weir_resolver *resolver = arg;
	void (*on_closed)(void *arg) = resolver->on_closed;

	if (--resolver->parts_open)
		return;
	arg = resolver->arg;
	weir_free(resolver);
	if (on_closed)
		on_closed(arg);
}

static void on_turn_closed(uv_handle_t *handle)
{
	part_closed(handle->data);
}

void weir_resolver_close(struct weir_resolver *resolver, void (*on_closed)(void *arg), void *arg)
{
	WEIR_ASSERT(!resolver->closing);
	resolver->closing = true;
	resolver->on_closed = on_closed;
	resolver->arg = arg;
	WEIR_LIST_FOR(node, &resolver->names)
	forget(resolver, WEIR_CONTAINER_OF(node, struct name, node));
	weir_dns_close(resolver->dns, part_closed);
	uv_close((uv_handle_t *)&resolver->turn, on_turn_closed);
}

int weir_resolver_reload(struct weir_resolver *resolver)
{
	return weir_dns_reload(resolver->dns);
}

struct weir_resolver_counts weir_resolver_counts(const struct weir_resolver *resolver)
{
	return resolver->counts;
}

int weir_resolver_set_servers(struct weir_resolver *resolver, const char *servers)
{
	return weir_dns_set_servers(resolver->dns, servers);
}

void weir_resolver_age(struct weir_resolver *resolver, uint64_t ms)
{
	resolver->aged_ms += ms;
}

/* Many who ask one resolver, and the DNS server that it asks. */
#ifndef WEIR_TEST_ASKERS_H
#define WEIR_TEST_ASKERS_H

#include "base/alloc.h"
#include "fake_dns.h"
#include "net/resolve.h"
#include "test.h"

enum { ASKERS_MAX = 1000, WAIT_MS_MAX = 60000 };

struct asker {
	struct weir_lookup lookup;
	struct weir_addresses addresses;
	char text[64];
	unsigned told;
	bool found;
	bool asking; /* inside weir_resolve() */
	void (*then)(struct asker *asker);
};

static struct fake_name names[32];
static struct fake_dns dns;
static uv_loop_t loop;
static uv_timer_t guard;
static struct weir_resolver *resolver;
static struct asker askers[ASKERS_MAX];
static unsigned closed;
static bool too_late;
static size_t live_before;

static void on_resolved(struct weir_lookup *lookup, const struct weir_addresses *addresses,
			const char *text)
{
	struct asker *asker = WEIR_CONTAINER_OF(lookup, struct asker, lookup);

	CHECK(!asker->asking && !lookup->pending);
	asker->told++;
	asker->found = addresses != NULL;
	if (addresses)
		asker->addresses = *addresses;
	else
		snprintf(asker->text, sizeof asker->text, "%s", text);
	if (asker->then)
		asker->then(asker);
}

static inline int ask(struct asker *asker, const char *host)
{
	int rc;

	*asker = (struct asker){ .lookup.on_resolved = on_resolved,
				 .asking = true,
				 .then = asker->then };
	rc = weir_resolve(resolver, host, &asker->lookup, &asker->addresses);
	asker->asking = false;
	if (rc == 1) {
		asker->told = 1;
		asker->found = true;
	}
	return rc;
}

static void on_guard(uv_timer_t *timer)
{
	too_late = true;
	uv_stop(timer->loop);
}

static inline bool open_all(void)
{
	struct weir_error err;

	memset(askers, 0, sizeof askers);
	memset(names, 0, sizeof names);
	closed = 0;
	too_late = false;
	live_before = weir_alloc_live();
	resolver = NULL;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &guard);
	uv_timer_start(&guard, on_guard, WAIT_MS_MAX, 0);
	uv_unref((uv_handle_t *)&guard);
	if (!fake_dns_open(&dns, &loop, names))
		return false;
	if (weir_resolver_create(&resolver, &loop, &err)) {
		NOTE("%s", err.text);
		return false;
	}
	return weir_resolver_set_servers(resolver, dns.address) == 0;
}

static void on_closed(void *arg)
{
	CHECK(arg == &closed);
	CHECK_INT(weir_alloc_live(), live_before);
	closed++;
}

static inline void close_all(void)
{
	if (resolver)
		weir_resolver_close(resolver, on_closed, &closed);
	resolver = NULL;
	fake_dns_close(&dns);
	uv_close((uv_handle_t *)&guard, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(closed, 1);
	CHECK_INT(uv_loop_close(&loop), 0);
	CHECK_INT(weir_alloc_live(), live_before);
}

#define UNTIL(cond)                                 \
	do {                                        \
		while (!(cond) && !too_late)        \
			uv_run(&loop, UV_RUN_ONCE); \
		CHECK(cond);                        \
	} while (0)

static inline void turns(unsigned n)
{
	while (n--)
		uv_run(&loop, UV_RUN_NOWAIT);
}

static inline const char *text_of(const union weir_address *address)
{
	static char text[64];

	if (address->any.sa_family == AF_INET)
		uv_ip4_name(&address->v4, text, sizeof text);
	else
		uv_ip6_name(&address->v6, text, sizeof text);
	return text;
}

static inline bool has(const struct weir_addresses *addresses, const char *text)
{
	for (unsigned i = 0; i < addresses->n; i++)
		if (strcmp(text_of(&addresses->list[i]), text) == 0)
			return true;
	return false;
}

static inline bool found_now(const char *host)
{
	struct asker *asker = &askers[ASKERS_MAX - 1];

	asker->then = NULL;
	return ask(asker, host) == 1 || (weir_resolve_cancel(&asker->lookup), false);
}

#endif

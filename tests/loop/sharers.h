/* Who asks over a connection that others share, and a peer that speaks HTTP/2 by script. */
#pragma once

#include "house.h"
#include "unit/h2_script.h"

#define HEAD   "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"
#define OK(id) "H" #id "{:status=200} D" #id "e{yes}"

static struct house h;
static struct trust trust;

struct asker {
	struct weir_lease lease;
	char heard[64];
	char reason[24];
	unsigned ready, timers;
	bool taking;
	bool again; /* what was refused is asked once more */
};

static struct asker askers[300];
static bool busy; /* from the first response on, the turn has no time left */

static void hear(struct asker *a, const char *text, size_t len)
{
	size_t at = strlen(a->heard);

	if (at + len < sizeof a->heard)
		memcpy(a->heard + at, text, len);
}

static struct asker *of(struct weir_lease *lease)
{
	return WEIR_CONTAINER_OF(lease, struct asker, lease);
}

static void on_bytes(struct weir_lease *lease, const char *bytes, size_t len)
{
	hear(of(lease), bytes, len);
}

static void on_head(struct weir_lease *lease, struct weir_http_head *head)
{
	hear(of(lease), "[", 1);
	weir_free(head);
	if (busy) {
		h.net.bounded = true;
		h.net.busy_until_ns = 1;
	}
}

static void on_body(struct weir_lease *lease, struct weir_slice bytes)
{
	hear(of(lease), bytes.base, bytes.len);
}

static int take(struct asker *a, struct weir_origin *origin, bool fresh);

static void on_end(struct weir_lease *lease, enum weir_end end)
{
	struct asker *a = of(lease);

	hear(a, &"]|!rsm"[end], 1);
	weir_pool_drop(lease);
	if (a->again) {
		a->again = false;
		CHECK(take(a, lease->origin, end == WEIR_END_STALE) >= 0);
	}
}

static void on_drained(struct weir_lease *lease)
{
	(void)lease;
}

static void on_timer(struct weir_lease *lease)
{
	of(lease)->timers++;
}

static const struct weir_lease_events events = { on_bytes, on_head,    on_body,
						 on_end,   on_drained, on_timer };

static void ask(struct asker *a)
{
	const struct weir_slice slices[] = { WEIR_SLICE(HEAD), WEIR_SLICE("hello") };
	int rc = weir_lease_write(&a->lease, slices, 2);

	CHECK(rc == 0 || rc == WEIR_ENOMEM);
	a->ready++;
}

static void on_ready(struct weir_lease *lease)
{
	CHECK(!of(lease)->taking);
	ask(of(lease));
}

static void on_failed(struct weir_lease *lease, const char *reason, const char *text)
{
	(void)text;
	CHECK(!of(lease)->taking);
	snprintf(of(lease)->reason, sizeof of(lease)->reason, "%s", reason);
}

static int take(struct asker *a, struct weir_origin *origin, bool fresh)
{
	int rc;

	a->lease = (struct weir_lease){ .events = &events,
					.on_ready = on_ready,
					.on_failed = on_failed };
	a->ready = a->timers = 0;
	a->reason[0] = '\0';
	memset(a->heard, 0, sizeof a->heard);
	a->taking = true;
	rc = weir_pool_take(origin, &a->lease, fresh);
	a->taking = false;
	if (rc == 1)
		ask(a);
	return rc;
}

static void take_all(struct weir_origin *origin, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		CHECK(take(&askers[i], origin, false) >= 0);
	for (unsigned i = from; i < from + n; i++)
		HOUSE_UNTIL(&h, askers[i].ready == 1);
}

static void drop_all(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		weir_pool_drop(&askers[i].lease);
}

static void say(unsigned visitor, const char *words)
{
	struct h2_bytes bytes = { 0 };
	struct weir_slice slice;

	HOUSE_UNTIL(&h, h.visitors_n > visitor && h.visitors[visitor]->open);
	h2_script(&bytes, words);
	slice = weir_slice(bytes.base, bytes.len);
	CHECK_INT(weir_conn_write(&h.visitors[visitor]->conn, &slice, 1), 0);
	free(bytes.base);
}

static bool open_trust(void)
{
	if (!house_trust(&trust))
		return false;
	weir_tls_config_http2(trust.client);
	weir_tls_config_http2(trust.server);
	return true;
}

static bool open_only_house(struct weir_origin **origin)
{
	struct weir_origin_config config = { .host = "localhost", .http2 = true };

	if (!house_open(&h, trust.server))
		return false;
	config.port = (uint16_t)weir_listener_port(&h.listener);
	config.tls = trust.client;
	*origin = weir_pool_origin(h.pool, &config);
	return *origin != NULL;
}

static bool open_house(struct weir_origin **origin)
{
	return open_trust() && open_only_house(origin);
}

static void close_house(void)
{
	house_close(&h);
	house_distrust(&trust);
}

static struct weir_link *link_of(const struct asker *a)
{
	return a->lease.link;
}

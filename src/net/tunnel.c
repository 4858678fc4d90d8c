#include <stdio.h>

#include "base/slice.h"
#include "net/pool_private.h"

/* A connection through a proxy (RFC 9110 §9.3.6): what is asked of it, and what it says. */

enum { ANSWER_MAX = 16 * 1024, ASK_MAX = 4096 };

static const struct weir_conn_events events;

static struct weir_link *link_of(struct weir_conn *conn)
{
	return WEIR_CONTAINER_OF(conn, struct weir_link, conn);
}

static void refused(struct weir_link *link, const char *reason, const char *text)
{
	link->refusal = text;
	weir_dial_refused(link, reason);
}

static const struct {
	unsigned status;
	const char *reason, *text;
} statuses[] = {
	{ 407, "proxy_auth", "the proxy wants other credentials (407)" },
	{ 403, "proxy", "the proxy does not let anybody there (403)" },
	{ 429, "proxy", "the proxy has had too many requests (429)" },
	{ 502, "proxy", "the proxy cannot reach it (502)" },
	{ 503, "proxy", "the proxy cannot serve now (503)" },
	{ 504, "proxy", "the proxy had no answer from there (504)" },
};

static void judge(struct weir_link *link, unsigned status)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(statuses); i++)
		if (statuses[i].status == status) {
			refused(link, statuses[i].reason, statuses[i].text);
			return;
		}
	refused(link, "proxy", "the proxy refuses the connection");
}

/* 0: no status line. */
static unsigned status_of(const struct weir_buf *head)
{
	const char *at = head->base;

	if (head->len < sizeof "HTTP/1.1 200" - 1 || memcmp(at, "HTTP/1.", 7) != 0 || at[8] != ' ')
		return 0;
	for (unsigned i = 9; i < 12; i++)
		if (at[i] < '0' || at[i] > '9')
			return 0;
	return (unsigned)(100 * (at[9] - '0') + 10 * (at[10] - '0') + at[11] - '0');
}

/* Whoever is at the other end waits for our hello: more bytes are not from there. */
static void through(struct weir_link *link, bool more)
{
	if (more || weir_conn_queued(&link->conn))
		refused(link, "proxy", "the proxy said more than it was asked");
	else
		weir_dial_through(link);
}

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct weir_link *link = link_of(conn);
	struct weir_buf *head = &link->answer;
	const char *end;
	unsigned status;

	if (weir_buf_append(head, bytes, len)) {
		refused(link, "proxy", "the proxy's answer has no end");
		return;
	}
	end = memmem(head->base, head->len, "\r\n\r\n", 4);
	status = status_of(head);
	if (!end && (status || head->len < sizeof "HTTP/1.1 200" - 1))
		return;
	if (status / 100 == 2)
		through(link, end + 4 != head->base + head->len);
	else if (status)
		judge(link, status);
	else
		refused(link, "proxy", "the proxy does not speak HTTP");
}

static void on_end(struct weir_conn *conn, int err)
{
	(void)err;
	refused(link_of(conn), "proxy", "the proxy closed the connection");
}

static void on_timer(struct weir_conn *conn)
{
	weir_dial_slow(link_of(conn));
}

static const struct weir_conn_events events = { .on_bytes = on_bytes,
						.on_end = on_end,
						.on_timer = on_timer };

void weir_tunnel_begin(struct weir_link *link)
{
	const struct weir_origin *origin = link->origin;
	const char *authorization = origin->proxy.authorization;
	bool v6 = strchr(origin->host, ':') != NULL;
	struct weir_slice slice;
	char ask[ASK_MAX], at[WEIR_RESOLVE_HOST_MAX + 16];
	int n;

	snprintf(at, sizeof at, "%s%s%s:%u", v6 ? "[" : "", origin->host, v6 ? "]" : "",
		 origin->port);
	n = snprintf(ask, sizeof ask, "CONNECT %s HTTP/1.1\r\nhost: %s\r\n%s%s%s\r\n", at, at,
		     authorization ? "proxy-authorization: " : "",
		     authorization ? authorization : "", authorization ? "\r\n" : "");
	weir_buf_init(&link->answer, ANSWER_MAX);
	link->conn.events = &events;
	slice = weir_slice(ask, (size_t)n);
	if (n >= (int)sizeof ask || weir_conn_write(&link->conn, &slice, 1))
		refused(link, "proxy", "the proxy closed the connection");
	explicit_bzero(ask, sizeof ask);
}

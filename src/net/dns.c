#include "net/dns.h"

#include <ares.h>
#include <netdb.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/dns_private.h"
#include "net/lock.h"

enum { DEAF_MS = 20 };

struct dns_socket {
	struct weir_list node;
	struct weir_dns *dns;
	ares_socket_t fd;
	uv_poll_t poll;
};

static void on_timer(uv_timer_t *timer);

static void handle_closed(struct weir_dns *dns)
{
	void (*on_closed)(void *arg) = dns->on_closed;
	void *arg = dns->arg;

	if (--dns->handles_open)
		return;
	weir_free(dns->servers);
	weir_free(dns);
	weir_process_lock();
	ares_library_cleanup();
	weir_process_unlock();
	on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
	handle_closed(handle->data);
}

static void on_socket_closed(uv_handle_t *handle)
{
	struct dns_socket *s = handle->data;
	struct weir_dns *dns = s->dns;

	weir_free(s);
	handle_closed(dns);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* One timer for c-ares and for us: the nearest of all deadlines. */
void weir_dns_rearm(struct weir_dns *dns)
{
	uint64_t now_ms = uv_now(dns->loop), next_ms = UINT64_MAX;
	struct timeval tv;
	int rc;

	if (dns->closing)
		return;
	if (ares_timeout(dns->channel, NULL, &tv))
		next_ms = now_ms + (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1;
	WEIR_LIST_FOR(node, &dns->asked)
	next_ms = min_u64(next_ms,
			  WEIR_CONTAINER_OF(node, struct weir_dns_question, node)->deadline_ms);
	if (dns->deaf)
		next_ms = min_u64(next_ms, now_ms + DEAF_MS);
	if (next_ms == UINT64_MAX) {
		uv_timer_stop(&dns->timer);
		return;
	}
	rc = uv_timer_start(&dns->timer, on_timer, next_ms > now_ms ? next_ms - now_ms : 0, 0);
	WEIR_ASSERT(rc == 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct dns_socket *s = poll->data;
	struct weir_dns *dns = s->dns;
	ares_socket_t fd = s->fd;
	bool in = status < 0 || (events & UV_READABLE), out = status < 0 || (events & UV_WRITABLE);

	if (dns->closing)
		return;
	ares_process_fd(dns->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
	weir_dns_rearm(dns); /* s may be gone */
}

static struct dns_socket *find_socket(struct weir_dns *dns, ares_socket_t fd)
{
	WEIR_LIST_FOR(node, &dns->sockets)
	{
		struct dns_socket *s = WEIR_CONTAINER_OF(node, struct dns_socket, node);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static void forget_socket(struct dns_socket *s)
{
	weir_list_remove(&s->node);
	uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

static struct dns_socket *watch_socket(struct weir_dns *dns, ares_socket_t fd)
{
	struct dns_socket *s = weir_calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->dns = dns;
	s->fd = fd;
	if (uv_poll_init(dns->loop, &s->poll, fd)) {
		weir_free(s);
		return NULL;
	}
	s->poll.data = s;
	weir_list_push(&dns->sockets, &s->node);
	dns->handles_open++;
	return s;
}

/* Called by c-ares whenever it opens, closes or wants something else of a socket, and
 * before the descriptor is closed: so the handle never polls somebody else's. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct weir_dns *dns = data;
	struct dns_socket *s = find_socket(dns, fd);
	int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

	if (events == 0) {
		if (s)
			forget_socket(s);
		return;
	}
	if (!s)
		s = watch_socket(dns, fd);
	if (s && uv_poll_start(&s->poll, events, on_ready) == 0)
		return;
	dns->deaf = true;
	if (s)
		forget_socket(s);
}

static int open_channel(struct weir_dns *dns, ares_channel *channel)
{
	char lookups[] = "b"; /* DNS only: weir_dns_hosts() reads the file */
	struct ares_options options = { .timeout = WEIR_DNS_TRY_MS,
					.tries = WEIR_DNS_TRIES,
					.lookups = lookups,
					.sock_state_cb = on_socket_state,
					.sock_state_cb_data = dns };
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;

#if ARES_VERSION >= 0x011f00 /* 1.31: has a cache of its own, on by default */
	options.qcache_max_ttl = 0;
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	return ares_init_options(channel, &options, mask);
}

static int init_handles(struct weir_dns *dns)
{
	int rc = uv_timer_init(dns->loop, &dns->timer);

	WEIR_ASSERT(rc == 0);
	rc = uv_idle_init(dns->loop, &dns->turn);
	WEIR_ASSERT(rc == 0);
	dns->timer.data = dns;
	dns->turn.data = dns;
	return 2;
}

int weir_dns_create(struct weir_dns **to, uv_loop_t *loop, weir_dns_on_answer *on_answer, void *arg,
		    struct weir_error *err)
{
	struct weir_dns *dns = weir_calloc(1, sizeof *dns);
	int status;

	if (!dns)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	dns->loop = loop;
	dns->on_answer = on_answer;
	dns->arg = arg;
	weir_list_init(&dns->asked);
	weir_list_init(&dns->done);
	weir_list_init(&dns->late);
	weir_list_init(&dns->sockets);
	weir_rng_init(&dns->rng, uv_hrtime() ^ (uint64_t)(uintptr_t)dns);
	weir_process_lock();
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS) {
		status = open_channel(dns, &dns->channel);
		if (status != ARES_SUCCESS)
			ares_library_cleanup();
	}
	weir_process_unlock();
	if (status != ARES_SUCCESS) {
		weir_free(dns);
		return weir_fail(err, status == ARES_ENOMEM ? WEIR_ENOMEM : WEIR_ECONFIG,
				 "cannot set up DNS: %s (is /etc/resolv.conf readable?)",
				 ares_strerror(status));
	}
	dns->handles_open = (unsigned)init_handles(dns);
	*to = dns;
	return 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_dns *dns = timer->data;
	uint64_t now_ms = uv_now(dns->loop);

	if (dns->deaf)
		dns->deaf = weir_dns_reload(dns) != 0;
	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	WEIR_LIST_FOR(node, &dns->asked)
	{
		struct weir_dns_question *q = WEIR_CONTAINER_OF(node, struct weir_dns_question,
								node);

		if (now_ms < q->deadline_ms)
			continue;
		if (now_ms - q->deadline_ms > WEIR_DNS_STALL_MS)
			q->deadline_ms = now_ms + WEIR_DNS_SECOND_MS; /* the answer may be there */
		else
			weir_dns_tell_later(q);
	}
	weir_dns_rearm(dns);
}

static void add_hosts(struct weir_dns *dns, const char *host, int family,
		      struct weir_addresses *addresses)
{
	struct hostent *entry = NULL;
	union weir_address address;

	if (ares_gethostbyname_file(dns->channel, host, family, &entry) != ARES_SUCCESS)
		return;
	for (char **p = entry->h_addr_list; *p; p++) {
		memset(&address, 0, sizeof address);
		address.any.sa_family = (sa_family_t)family;
		if (family == AF_INET)
			memcpy(&address.v4.sin_addr, *p, sizeof address.v4.sin_addr);
		else
			memcpy(&address.v6.sin6_addr, *p, sizeof address.v6.sin6_addr);
		weir_addresses_add(addresses, &address.any);
	}
	ares_free_hostent(entry);
}

bool weir_dns_hosts(struct weir_dns *dns, const char *host, struct weir_addresses *addresses)
{
	addresses->n = 0;
	add_hosts(dns, host, AF_INET, addresses);
	add_hosts(dns, host, AF_INET6, addresses);
	return addresses->n > 0;
}

static struct weir_dns_part *find_again(struct weir_dns *dns)
{
	WEIR_LIST_FOR(node, &dns->asked)
	{
		struct weir_dns_question *q = WEIR_CONTAINER_OF(node, struct weir_dns_question,
								node);

		for (unsigned p = 0; p < WEIR_COUNT_OF(q->parts); p++)
			if (q->parts[p].again)
				return &q->parts[p];
	}
	return NULL;
}

/* Not ares_reinit(): it starts a thread where it exists, and 1.18 lacks it. */
int weir_dns_reload(struct weir_dns *dns)
{
	ares_channel old = dns->channel, fresh;
	int status = open_channel(dns, &fresh);

	if (status == ARES_SUCCESS && dns->servers) {
		status = ares_set_servers_ports_csv(fresh, dns->servers);
		if (status != ARES_SUCCESS)
			ares_destroy(fresh);
	}
	if (status != ARES_SUCCESS)
		return status == ARES_ENOMEM ? WEIR_ENOMEM : WEIR_ECONFIG;
	dns->reloading = true;
	ares_destroy(old);
	dns->reloading = false;
	dns->channel = fresh;
	for (struct weir_dns_part *part = find_again(dns); part; part = find_again(dns))
		weir_dns_send(part);
	weir_dns_rearm(dns);
	return 0;
}

int weir_dns_set_servers(struct weir_dns *dns, const char *servers)
{
	char *copy = weir_strndup(servers, strlen(servers));

	if (!copy)
		return WEIR_ENOMEM;
	if (ares_set_servers_ports_csv(dns->channel, servers) != ARES_SUCCESS) {
		weir_free(copy);
		return WEIR_ECONFIG;
	}
	weir_free(dns->servers);
	dns->servers = copy;
	return 0;
}

void weir_dns_close(struct weir_dns *dns, void (*on_closed)(void *arg))
{
	WEIR_ASSERT(!dns->closing);
	dns->closing = true;
	dns->on_closed = on_closed;
	ares_destroy(dns->channel); /* calls on_part for all it knows */
	weir_dns_forget_all(&dns->done);
	WEIR_ASSERT(weir_list_empty(&dns->asked) && weir_list_empty(&dns->late));
	WEIR_ASSERT(weir_list_empty(&dns->sockets));
	uv_close((uv_handle_t *)&dns->timer, on_handle_closed);
	uv_close((uv_handle_t *)&dns->turn, on_handle_closed);
}

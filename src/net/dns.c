#include "net/dns.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "base/rng.h"

enum { DEAF_MS = 20 };

struct weir_dns {
	uv_loop_t *loop;
	ares_channel channel;
	weir_dns_on_answer *on_answer;
	void (*on_closed)(void *arg);
	void *arg;
	struct weir_list asked; /* questions whose asker waits */
	struct weir_list done;  /* to be told in the next turn */
	struct weir_list late;  /* told that it timed out; c-ares still tries */
	struct weir_list sockets;
	unsigned questions_n;
	struct weir_rng rng;
	uv_timer_t timer;
	uv_idle_t turn;
	unsigned handles_open;
	char *servers; /* NULL: resolv.conf's */
	bool closing;
	bool reloading;
	bool deaf; /* no memory to watch a socket: the channel has to be replaced */
};

/* c-ares answers A and AAAA apart: a server that drops one must not cost us the other. */
struct part {
	struct question *question;
	int family;
	bool pending;
	bool again; /* its channel was replaced */
	int status;
	struct weir_addresses addresses;
};

struct question {
	struct weir_list node;
	struct weir_dns *dns;
	uint64_t deadline_ms;
	uint32_t ttl_s;
	bool settled; /* to be told, or was */
	bool told;
	struct part parts[2];
	char host[];
};

struct dns_socket {
	struct weir_list node;
	struct weir_dns *dns;
	ares_socket_t fd;
	uv_poll_t poll;
};

static void on_timer(uv_timer_t *timer);
static void on_turn(uv_idle_t *idle);

static void handle_closed(struct weir_dns *dns)
{
	void (*on_closed)(void *arg) = dns->on_closed;
	void *arg = dns->arg;

	if (--dns->handles_open)
		return;
	weir_free(dns->servers);
	weir_free(dns);
	ares_library_cleanup();
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
static void rearm(struct weir_dns *dns)
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
				  WEIR_CONTAINER_OF(node, struct question, node)->deadline_ms);
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
	rearm(dns); /* s may be gone */
}

static struct dns_socket *find_socket(struct weir_dns *dns, ares_socket_t fd)
{
	WEIR_LIST_FOR(node, &dns->sockets) {
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
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS) {
		status = open_channel(dns, &dns->channel);
		if (status != ARES_SUCCESS)
			ares_library_cleanup();
	}
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

static const char *status_text(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return "NXDOMAIN";
	case ARES_ENODATA:
		return "no address";
	case ARES_ESERVFAIL:
		return "SERVFAIL";
	case ARES_EREFUSED:
		return "REFUSED";
	case ARES_ETIMEOUT:
		return "timeout";
	case ARES_ECONNREFUSED:
		return "no DNS server could tell";
	default:
		return ares_strerror(status);
	}
}

static enum weir_dns_result status_result(int status)
{
	if (status == ARES_ENOTFOUND || status == ARES_ENODATA)
		return WEIR_DNS_NONE;
	if (status == ARES_ENOMEM)
		return WEIR_DNS_LOCAL;
	return status == ARES_ETIMEOUT ? WEIR_DNS_TIMEOUT : WEIR_DNS_FAILED;
}

/* c-ares does not say why it could not open a socket: could we? */
static bool sockets_are_out(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
	close(fd);
	return false;
}

/* Families in turn, so that a second try is one with the other (RFC 8305 §4). */
static void merge(struct weir_addresses *to, const struct question *q)
{
	for (unsigned i = 0; i < WEIR_RESOLVE_ADDRESSES_MAX; i++)
		for (unsigned p = 0; p < WEIR_COUNT_OF(q->parts); p++)
			if (i < q->parts[p].addresses.n)
				weir_addresses_add(to, &q->parts[p].addresses.list[i].any);
}

static void judge(const struct question *q, struct weir_dns_answer *answer)
{
	int status = ARES_ENODATA;

	*answer = (struct weir_dns_answer){ .ttl_s = q->ttl_s };
	merge(&answer->addresses, q);
	if (answer->addresses.n)
		return;
	for (unsigned p = 0; p < WEIR_COUNT_OF(q->parts); p++) {
		int one = q->parts[p].pending ? ARES_ETIMEOUT : q->parts[p].status;

		/* What nobody could tell outweighs what is known not to be. */
		if (status == ARES_ENODATA || status_result(status) == WEIR_DNS_NONE)
			status = one == ARES_SUCCESS ? status : one;
	}
	answer->result = status_result(status);
	answer->text = status_text(status);
	if (answer->result == WEIR_DNS_FAILED && sockets_are_out()) {
		answer->result = WEIR_DNS_LOCAL;
		answer->text = "no sockets left";
	}
}

static bool pending(const struct question *q)
{
	return q->parts[0].pending || q->parts[1].pending || q->parts[0].again || q->parts[1].again;
}

static void forget(struct question *q)
{
	weir_list_remove(&q->node);
	q->dns->questions_n--;
	weir_free(q);
}

/* Leaves the list it is in; freed unless c-ares still knows it. */
static void tell(struct question *q)
{
	struct weir_dns *dns = q->dns;
	struct weir_dns_answer answer;

	judge(q, &answer);
	weir_list_remove(&q->node);
	if (q->told && answer.result != WEIR_DNS_FOUND) {
		forget(q);
		return;
	}
	if (pending(q)) {
		q->told = true;
		weir_list_push(&dns->late, &q->node);
		dns->on_answer(dns->arg, q->host, &answer);
		return;
	}
	dns->on_answer(dns->arg, q->host, &answer);
	forget(q);
}

static void tell_later(struct question *q)
{
	int rc;

	q->settled = true;
	weir_list_remove(&q->node);
	weir_list_push(&q->dns->done, &q->node);
	rc = uv_idle_start(&q->dns->turn, on_turn);
	WEIR_ASSERT(rc == 0);
}

static void on_turn(uv_idle_t *idle)
{
	struct weir_dns *dns = idle->data;
	unsigned n = 0;

	WEIR_LIST_FOR(node, &dns->done)
		n++;
	while (n-- && !dns->closing)
		tell(WEIR_CONTAINER_OF(dns->done.next, struct question, node));
	if (dns->closing)
		return;
	if (weir_list_empty(&dns->done))
		uv_idle_stop(idle);
	rearm(dns);
}

/* RFC 2181 §8: the top bit set is to be read as 0. */
static uint32_t min_ttl(uint32_t ttl_s, int one)
{
	uint32_t one_s = one > 0 ? (uint32_t)one : 0;

	return one_s < ttl_s ? one_s : ttl_s;
}

/* At most WEIR_RESOLVE_ADDRESSES_MAX of them, beginning anywhere. */
static void take_addresses(struct question *q, struct part *part, const struct ares_addrinfo *info)
{
	uint64_t n = 0, i = 0, start;

	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
		n++;
	if (n == 0)
		return;
	start = n > WEIR_RESOLVE_ADDRESSES_MAX ? weir_rng_upto(&q->dns->rng, n - 1) : 0;
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next, i++) {
		if ((i + n - start) % n >= WEIR_RESOLVE_ADDRESSES_MAX)
			continue;
		weir_addresses_add(&part->addresses, node->ai_addr);
		q->ttl_s = min_ttl(q->ttl_s, node->ai_ttl);
	}
	for (const struct ares_addrinfo_cname *cname = info->cnames; cname; cname = cname->next)
		q->ttl_s = min_ttl(q->ttl_s, cname->ttl);
}

static void part_over(struct question *q)
{
	struct weir_dns *dns = q->dns;
	bool found = q->parts[0].addresses.n || q->parts[1].addresses.n;

	if (pending(q)) {
		if (found && !q->settled)
			q->deadline_ms = min_u64(q->deadline_ms,
						 uv_now(dns->loop) + WEIR_DNS_SECOND_MS);
		return;
	}
	if (dns->closing || (q->told && !found))
		forget(q);
	else
		tell_later(q);
}

static void on_part(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct part *part = arg;
	struct question *q = part->question;

	(void)timeouts;
	if (status == ARES_SUCCESS && info)
		take_addresses(q, part, info);
	if (info)
		ares_freeaddrinfo(info);
	part->pending = false;
	part->status = status;
	part->again = q->dns->reloading && status == ARES_EDESTRUCTION && !q->settled;
	if (!part->again)
		part_over(q);
}

static void on_timer(uv_timer_t *timer)
{
	struct weir_dns *dns = timer->data;
	uint64_t now_ms = uv_now(dns->loop);

	if (dns->deaf)
		dns->deaf = weir_dns_reload(dns) != 0;
	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	WEIR_LIST_FOR(node, &dns->asked) {
		struct question *q = WEIR_CONTAINER_OF(node, struct question, node);

		if (now_ms < q->deadline_ms)
			continue;
		if (now_ms - q->deadline_ms > WEIR_DNS_STALL_MS)
			q->deadline_ms = now_ms + WEIR_DNS_SECOND_MS; /* the answer may be there */
		else
			tell_later(q);
	}
	rearm(dns);
}

static void send_part(struct part *part)
{
	struct question *q = part->question;
	const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
						   .ai_family = part->family };

	part->again = false;
	part->pending = true;
	ares_getaddrinfo(q->dns->channel, q->host, NULL, &hints, on_part, part);
}

int weir_dns_ask(struct weir_dns *dns, const char *host, uint64_t timeout_ms)
{
	size_t size = strlen(host) + 1;
	struct question *q;

	if (dns->questions_n >= WEIR_DNS_QUESTIONS_MAX)
		return WEIR_ELIMIT;
	q = weir_calloc(1, sizeof *q + size);
	if (!q)
		return WEIR_ENOMEM;
	memcpy(q->host, host, size);
	q->dns = dns;
	q->ttl_s = UINT32_MAX;
	q->deadline_ms = uv_now(dns->loop) + timeout_ms;
	q->parts[0] = (struct part){ .question = q, .family = AF_INET, .pending = true };
	q->parts[1] = (struct part){ .question = q, .family = AF_INET6, .pending = true };
	weir_list_push(&dns->asked, &q->node);
	dns->questions_n++;
	send_part(&q->parts[0]); /* may come back at once; q stays for the second */
	send_part(&q->parts[1]);
	rearm(dns);
	return 0;
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

static struct part *find_again(struct weir_dns *dns)
{
	WEIR_LIST_FOR(node, &dns->asked) {
		struct question *q = WEIR_CONTAINER_OF(node, struct question, node);

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
	for (struct part *part = find_again(dns); part; part = find_again(dns))
		send_part(part);
	rearm(dns);
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

static void forget_all(struct weir_list *list)
{
	while (!weir_list_empty(list))
		forget(WEIR_CONTAINER_OF(list->next, struct question, node));
}

void weir_dns_close(struct weir_dns *dns, void (*on_closed)(void *arg))
{
	WEIR_ASSERT(!dns->closing);
	dns->closing = true;
	dns->on_closed = on_closed;
	ares_destroy(dns->channel); /* calls on_part for all it knows */
	forget_all(&dns->done);
	WEIR_ASSERT(weir_list_empty(&dns->asked) && weir_list_empty(&dns->late));
	WEIR_ASSERT(weir_list_empty(&dns->sockets));
	uv_close((uv_handle_t *)&dns->timer, on_handle_closed);
	uv_close((uv_handle_t *)&dns->turn, on_handle_closed);
}

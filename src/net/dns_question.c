#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/dns_private.h"

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
static void merge(struct weir_addresses *to, const struct weir_dns_question *q)
{
	for (unsigned i = 0; i < WEIR_RESOLVE_ADDRESSES_MAX; i++)
		for (unsigned p = 0; p < WEIR_COUNT_OF(q->parts); p++)
			if (i < q->parts[p].addresses.n)
				weir_addresses_add(to, &q->parts[p].addresses.list[i].any);
}

static void judge(const struct weir_dns_question *q, struct weir_dns_answer *answer)
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

static bool pending(const struct weir_dns_question *q)
{
	return q->parts[0].pending || q->parts[1].pending || q->parts[0].again || q->parts[1].again;
}

static void forget(struct weir_dns_question *q)
{
	weir_list_remove(&q->node);
	q->dns->questions_n--;
	weir_free(q);
}

/* Leaves the list it is in; freed unless c-ares still knows it. */
static void tell(struct weir_dns_question *q)
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

static void on_turn(uv_idle_t *idle);

void weir_dns_tell_later(struct weir_dns_question *q)
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
		tell(WEIR_CONTAINER_OF(dns->done.next, struct weir_dns_question, node));
	if (dns->closing)
		return;
	if (weir_list_empty(&dns->done))
		uv_idle_stop(idle);
	weir_dns_rearm(dns);
}

/* RFC 2181 §8: the top bit set is to be read as 0. */
static uint32_t min_ttl(uint32_t ttl_s, int one)
{
	uint32_t one_s = one > 0 ? (uint32_t)one : 0;

	return one_s < ttl_s ? one_s : ttl_s;
}

/* At most WEIR_RESOLVE_ADDRESSES_MAX of them, beginning anywhere. */
static void take_addresses(struct weir_dns_question *q, struct weir_dns_part *part,
			   const struct ares_addrinfo *info)
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

static void part_over(struct weir_dns_question *q)
{
	struct weir_dns *dns = q->dns;
	bool found = q->parts[0].addresses.n || q->parts[1].addresses.n;

	if (pending(q)) {
		uint64_t soon_ms = uv_now(dns->loop) + WEIR_DNS_SECOND_MS;

		if (found && !q->settled && soon_ms < q->deadline_ms)
			q->deadline_ms = soon_ms;
		return;
	}
	if (dns->closing || (q->told && !found))
		forget(q);
	else
		weir_dns_tell_later(q);
}

static void on_part(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct weir_dns_part *part = arg;
	struct weir_dns_question *q = part->question;

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

void weir_dns_send(struct weir_dns_part *part)
{
	struct weir_dns_question *q = part->question;
	const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
						   .ai_family = part->family };

	part->again = false;
	part->pending = true;
	ares_getaddrinfo(q->dns->channel, q->host, NULL, &hints, on_part, part);
}

int weir_dns_ask(struct weir_dns *dns, const char *host, uint64_t timeout_ms)
{
	size_t size = strlen(host) + 1;
	struct weir_dns_question *q;

	if (dns->questions_n >= WEIR_DNS_QUESTIONS_MAX)
		return WEIR_ELIMIT;
	q = weir_calloc(1, sizeof *q + size);
	if (!q)
		return WEIR_ENOMEM;
	memcpy(q->host, host, size);
	q->dns = dns;
	q->ttl_s = UINT32_MAX;
	q->deadline_ms = uv_now(dns->loop) + timeout_ms;
	q->parts[0] = (struct weir_dns_part){ .question = q, .family = AF_INET, .pending = true };
	q->parts[1] = (struct weir_dns_part){ .question = q, .family = AF_INET6, .pending = true };
	weir_list_push(&dns->asked, &q->node);
	dns->questions_n++;
	weir_dns_send(&q->parts[0]); /* may come back at once; q stays for the second */
	weir_dns_send(&q->parts[1]);
	weir_dns_rearm(dns);
	return 0;
}

void weir_dns_forget_all(struct weir_list *list)
{
	while (!weir_list_empty(list))
		forget(WEIR_CONTAINER_OF(list->next, struct weir_dns_question, node));
}

/* A DNS server on loopback, UDP and TCP, that answers from a table. */
#ifndef WEIR_TEST_FAKE_DNS_H
#define WEIR_TEST_FAKE_DNS_H

#include <arpa/inet.h>
#include <signal.h>
#include <uv.h>

#include "base/slice.h"
#include "test.h"

struct fake_name {
	const char *name;
	int rcode; /* 3: NXDOMAIN */
	uint32_t ttl;
	const char *a[4];
	const char *aaaa[4];
	unsigned a_many; /* 10.0.0.1 and on */
	bool silent, silent_aaaa;
	bool servfail_aaaa;
	bool truncated; /* over UDP */
	bool garbage;
	unsigned cnames; /* so many, each of them the name itself */
	unsigned asked_a, asked_aaaa, asked_tcp;
};

struct fake_dns_conn;

struct fake_dns {
	uv_loop_t *loop;
	struct fake_dns_conn *conns;
	uv_udp_t udp;
	uv_tcp_t tcp;
	char address[32];        /* "127.0.0.1:5353" */
	struct fake_name *names; /* ended by one without a name */
	unsigned asked;
	unsigned char in[2048];
};

struct fake_dns_conn {
	uv_tcp_t tcp;
	struct fake_dns *dns;
	struct fake_dns_conn *next;
	unsigned char in[2048];
	size_t len;
};

static inline void fake_dns_u16(unsigned char **p, unsigned value)
{
	*(*p)++ = (unsigned char)(value >> 8);
	*(*p)++ = (unsigned char)value;
}

static inline void fake_dns_record(unsigned char **p, int family, const void *address, uint32_t ttl)
{
	size_t len = family == AF_INET ? 4 : 16;

	fake_dns_u16(p, 0xc00c);
	fake_dns_u16(p, family == AF_INET ? 1 : 28);
	fake_dns_u16(p, 1);
	fake_dns_u16(p, ttl >> 16);
	fake_dns_u16(p, ttl & 0xffff);
	fake_dns_u16(p, (unsigned)len);
	memcpy(*p, address, len);
	*p += len;
}

/* The name's own alias is the name. */
static inline void fake_dns_alias(unsigned char **p, uint32_t ttl)
{
	fake_dns_u16(p, 0xc00c);
	fake_dns_u16(p, 5);
	fake_dns_u16(p, 1);
	fake_dns_u16(p, ttl >> 16);
	fake_dns_u16(p, ttl & 0xffff);
	fake_dns_u16(p, 2);
	fake_dns_u16(p, 0xc00c);
}

static inline unsigned fake_dns_records(unsigned char **p, const struct fake_name *name, int family)
{
	const char *const *list = family == AF_INET ? name->a : name->aaaa;
	unsigned char address[16];
	unsigned n = 0;

	for (; n < 4 && list[n]; n++) {
		CHECK_INT(inet_pton(family, list[n], address), 1);
		fake_dns_record(p, family, address, name->ttl);
	}
	for (unsigned i = 0; family == AF_INET && i < name->a_many; i++, n++) {
		uint32_t one = htonl(0x0a000001u + i);

		fake_dns_record(p, AF_INET, &one, name->ttl);
	}
	for (unsigned i = 0; i < name->cnames; i++, n++)
		fake_dns_alias(p, name->ttl);
	return n;
}

static inline struct fake_name *fake_dns_find(struct fake_dns *dns, const char *text)
{
	for (struct fake_name *name = dns->names; name->name; name++)
		if (weir_slice_is_nocase(weir_slice_of(name->name), text))
			return name;
	return NULL;
}

/* The name of the question as text; returns what follows it. */
static inline const unsigned char *fake_dns_question(const unsigned char *p, char *text)
{
	for (*text = '\0'; *p;) {
		memcpy(text, p + 1, *p);
		text += *p;
		p += *p + 1;
		*text = '\0';
		if (*p)
			*text++ = '.';
	}
	return p + 1;
}

/* Length of the answer, 0: none. */
static inline size_t fake_dns_answer(struct fake_dns *dns, const unsigned char *in, size_t len,
				     unsigned char *out, bool tcp)
{
	char text[256] = { 0 };
	const unsigned char *end = fake_dns_question(in + 12, text);
	int family = end[1] == 28 ? AF_INET6 : AF_INET;
	struct fake_name *name = fake_dns_find(dns, text), none = { .rcode = 3 };
	size_t head = (size_t)(end + 4 - in);
	unsigned char *p = out + head, *counts = out + 4;
	unsigned n = 0, flags;

	CHECK(head <= len);
	dns->asked++;
	name = name ? name : &none;
	*(family == AF_INET ? &name->asked_a : &name->asked_aaaa) += 1;
	name->asked_tcp += tcp;
	if (name->silent || (name->silent_aaaa && family == AF_INET6))
		return 0;
	memcpy(out, in, head);
	if (name->garbage) {
		memset(out + 2, 0xff, 60);
		return 62;
	}
	flags = 0x8180u | (unsigned)(name->servfail_aaaa && family == AF_INET6 ? 2 : name->rcode);
	if (name->truncated && !tcp)
		flags |= 0x0200;
	else
		n = fake_dns_records(&p, name, family);
	out[2] = (unsigned char)(flags >> 8);
	out[3] = (unsigned char)flags;
	fake_dns_u16(&counts, 1);
	fake_dns_u16(&counts, n);
	fake_dns_u16(&counts, 0);
	fake_dns_u16(&counts, 0);
	return (size_t)(p - out);
}

static inline void fake_dns_on_udp(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
				   const struct sockaddr *from, unsigned flags)
{
	unsigned char out[2048];
	uv_buf_t answer = uv_buf_init((char *)out, 0);

	(void)flags;
	if (n <= 12 || !from)
		return;
	answer.len = fake_dns_answer(udp->data, (unsigned char *)buf->base, (size_t)n, out, false);
	if (answer.len)
		CHECK(uv_udp_try_send(udp, &answer, 1, from) > 0);
}

static inline void fake_dns_udp_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct fake_dns *dns = handle->data;

	(void)suggested;
	*buf = uv_buf_init((char *)dns->in, sizeof dns->in);
}

static inline void fake_dns_tcp_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct fake_dns_conn *c = handle->data;

	(void)suggested;
	*buf = uv_buf_init((char *)c->in + c->len, (unsigned)(sizeof c->in - c->len));
}

static inline void fake_dns_conn_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static inline void fake_dns_on_tcp(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct fake_dns_conn *c = stream->data;
	unsigned char out[2048], *p = out;
	uv_buf_t answer;
	size_t want, len;

	(void)buf;
	if (n < 0)
		return;
	c->len += (size_t)n;
	while (c->len > 2 && c->len >= (want = 2u + (unsigned)(c->in[0] << 8 | c->in[1]))) {
		len = fake_dns_answer(c->dns, c->in + 2, want - 2, out + 2, true);
		p = out;
		fake_dns_u16(&p, (unsigned)len);
		answer = uv_buf_init((char *)out, (unsigned)len + 2);
		if (len)
			(void)uv_try_write(stream, &answer, 1); /* who asked may have left */
		c->len -= want;
		memmove(c->in, c->in + want, c->len);
	}
}

static inline void fake_dns_on_connection(uv_stream_t *listener, int status)
{
	struct fake_dns_conn *c = calloc(1, sizeof *c);

	CHECK_INT(status, 0);
	c->dns = listener->data;
	c->next = c->dns->conns;
	c->dns->conns = c;
	uv_tcp_init(c->dns->loop, &c->tcp);
	c->tcp.data = c;
	CHECK_INT(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
	uv_unref((uv_handle_t *)&c->tcp);
	uv_read_start((uv_stream_t *)&c->tcp, fake_dns_tcp_alloc, fake_dns_on_tcp);
}

/* Both protocols on one port; 0: a free one. */
static inline bool fake_dns_open_at(struct fake_dns *dns, uv_loop_t *loop, struct fake_name *names,
				    unsigned port)
{
	struct sockaddr_in addr;
	int len, rc = -1;

	signal(SIGPIPE, SIG_IGN);
	*dns = (struct fake_dns){ .loop = loop, .names = names };
	uv_udp_init(loop, &dns->udp);
	uv_tcp_init(loop, &dns->tcp);
	dns->udp.data = dns->tcp.data = dns;
	uv_ip4_addr("127.0.0.1", (int)port, &addr);
	/* TCP chooses the port: connections that are long closed may still block it there. */
	rc = uv_tcp_bind(&dns->tcp, (const struct sockaddr *)&addr, 0);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&dns->tcp, 16, fake_dns_on_connection);
	len = sizeof addr;
	uv_tcp_getsockname(&dns->tcp, (struct sockaddr *)&addr, &len);
	snprintf(dns->address, sizeof dns->address, "127.0.0.1:%u", ntohs(addr.sin_port));
	if (rc == 0)
		rc = uv_udp_bind(&dns->udp, (const struct sockaddr *)&addr, 0);
	uv_udp_recv_start(&dns->udp, fake_dns_udp_alloc, fake_dns_on_udp);
	uv_unref((uv_handle_t *)&dns->udp);
	uv_unref((uv_handle_t *)&dns->tcp);
	CHECK_INT(rc, 0);
	return rc == 0;
}

static inline bool fake_dns_open(struct fake_dns *dns, uv_loop_t *loop, struct fake_name *names)
{
	return fake_dns_open_at(dns, loop, names, 0);
}

/* The rest may be closed already. */
static inline void fake_dns_close(struct fake_dns *dns)
{
	for (struct fake_dns_conn *c = dns->conns; c; c = c->next)
		uv_close((uv_handle_t *)&c->tcp, fake_dns_conn_closed);
	if (!uv_is_closing((uv_handle_t *)&dns->udp))
		uv_close((uv_handle_t *)&dns->udp, NULL);
	if (!uv_is_closing((uv_handle_t *)&dns->tcp))
		uv_close((uv_handle_t *)&dns->tcp, NULL);
}

#endif

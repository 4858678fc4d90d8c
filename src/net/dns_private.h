/* Between the files of the DNS: dns.c (c-ares on the loop), dns_question.c (what was asked
 * and what came back). */
#pragma once

#include <ares.h>

#include "base/list.h"
#include "base/rng.h"
#include "net/dns.h"

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
struct weir_dns_part {
	struct weir_dns_question *question;
	int family;
	bool pending;
	bool again; /* its channel was replaced */
	int status;
	struct weir_addresses addresses;
};

struct weir_dns_question {
	struct weir_list node;
	struct weir_dns *dns;
	uint64_t deadline_ms;
	uint32_t ttl_s;
	bool settled; /* to be told, or was */
	bool told;
	struct weir_dns_part parts[2];
	char host[];
};

/* dns.c */
void weir_dns_rearm(struct weir_dns *dns); /* after anything that moves a deadline */

/* dns_question.c */
void weir_dns_send(struct weir_dns_part *part);
void weir_dns_tell_later(struct weir_dns_question *question);
void weir_dns_forget_all(struct weir_list *list);

/* c-ares on a libuv loop: questions in, answers later. Keeps no cache; resolve.h does.
 *
 * c-ares must not be called from its own callbacks, so these only note what came, and
 * everything else happens in a later turn of the loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "net/address.h"

enum {
	WEIR_DNS_TRY_MS = 1000, /* for the first try of a server; c-ares doubles it */
	WEIR_DNS_TRIES = 3,
	WEIR_DNS_SECOND_MS = 50,  /* for AAAA once A is there, or back (RFC 8305 §3) */
	WEIR_DNS_STALL_MS = 1000, /* a timer this late means that the loop stood still */
	WEIR_DNS_QUESTIONS_MAX = 4096
};

enum weir_dns_result {
	WEIR_DNS_FOUND,
	WEIR_DNS_NONE,   /* the name or the address does not exist: somebody knows that */
	WEIR_DNS_FAILED, /* nobody could tell */
	WEIR_DNS_TIMEOUT,
	WEIR_DNS_LOCAL /* no descriptors or memory here */
};

struct weir_dns_answer {
	enum weir_dns_result result;
	const char *text; /* static: "NXDOMAIN" */
	uint32_t ttl_s;   /* as the servers said, 0 if it makes no sense */
	struct weir_addresses addresses;
};

/* Once per question, and a second time (found only) when it comes after the time-out. Never
 * inside weir_dns_ask(). */
typedef void weir_dns_on_answer(void *arg, const char *host, const struct weir_dns_answer *answer);

struct weir_dns;

WEIR_MUST_CHECK int weir_dns_create(struct weir_dns **dns, uv_loop_t *loop,
				    weir_dns_on_answer *on_answer, void *arg,
				    struct weir_error *err);
/* Questions are forgotten. on_closed comes once the handles are closed, and is the last. */
void weir_dns_close(struct weir_dns *dns, void (*on_closed)(void *arg));

/* Asks for A and AAAA. 0, WEIR_ENOMEM or WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_dns_ask(struct weir_dns *dns, const char *host, uint64_t timeout_ms);

/* What /etc/hosts says about the name, without waiting. */
bool weir_dns_hosts(struct weir_dns *dns, const char *host, struct weir_addresses *addresses);

/* Reads resolv.conf again; open questions are asked anew. 0 or negative: all as before. */
WEIR_MUST_CHECK int weir_dns_reload(struct weir_dns *dns);

/* Other servers than resolv.conf's: "127.0.0.1:5353,[::1]:53". Not while asking. */
WEIR_MUST_CHECK int weir_dns_set_servers(struct weir_dns *dns, const char *servers);

/* Names to addresses on the loop, by c-ares: cached for the record's TTL (5 s to 300 s),
 * failures for 5 s, and any number of askers share one query. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "base/list.h"
#include "net/address.h"

enum {
	WEIR_RESOLVE_TIMEOUT_MS = 4000, /* of our own, over all of c-ares' tries */
	WEIR_RESOLVE_TTL_MIN_S = 5,
	WEIR_RESOLVE_TTL_MAX_S = 300,
	WEIR_RESOLVE_NEGATIVE_S = 5,         /* the name does not exist */
	WEIR_RESOLVE_FAILED_MS = 1000,       /* nobody could tell: asked again after it */
	WEIR_RESOLVE_STALE_MS = 3600 * 1000, /* expired addresses serve while DNS is out of order */
	WEIR_RESOLVE_PATIENCE_MS = 1800,     /* with them, instead of the 4 s (RFC 8767 §5) */
	WEIR_RESOLVE_HOSTS_MS = 5000,        /* until /etc/hosts is read again */
	WEIR_RESOLVE_HOST_MAX = 253,         /* bytes of a name, RFC 1035 §2.3.4 */
	WEIR_RESOLVE_NAMES_MAX = 1024
};

struct weir_resolver;

/* Embedded in whoever asks. on_resolved is never called inside weir_resolve() and never
 * after weir_resolve_cancel(). addresses NULL: failed; text, which is static, says how
 * ("NXDOMAIN"); it is WEIR_RESOLVE_LOCAL when this machine is short of something. */
#define WEIR_RESOLVE_LOCAL "no sockets or memory left for DNS"

struct weir_lookup {
	struct weir_list node;
	void (*on_resolved)(struct weir_lookup *lookup, const struct weir_addresses *addresses,
			    const char *text);
	bool pending;
};

WEIR_MUST_CHECK int weir_resolver_create(struct weir_resolver **resolver, uv_loop_t *loop,
					 struct weir_error *err);
/* Lookups must be cancelled before. on_closed comes once its handles are closed. */
void weir_resolver_close(struct weir_resolver *resolver, void (*on_closed)(void *arg), void *arg);

/* A literal address or a cached name: fills *now and returns 1. Else 0: on_resolved will
 * come. Negative: WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_resolve(struct weir_resolver *resolver, const char *host,
				 struct weir_lookup *lookup, struct weir_addresses *now);
void weir_resolve_cancel(struct weir_lookup *lookup);

/* Reads resolv.conf again; the cache stays. 0 or negative: all as before. */
WEIR_MUST_CHECK int weir_resolver_reload(struct weir_resolver *resolver);

struct weir_resolver_counts {
	uint64_t questions; /* sent to DNS: A and AAAA of a name are one */
	uint64_t failures;  /* of them */
	uint64_t stale;     /* askers who got an expired address, as DNS was out of order */
};

struct weir_resolver_counts weir_resolver_counts(const struct weir_resolver *resolver);

/* For tests: other servers ("127.0.0.1:5353"), and a cache that is ms older. */
WEIR_MUST_CHECK int weir_resolver_set_servers(struct weir_resolver *resolver, const char *servers);
void weir_resolver_age(struct weir_resolver *resolver, uint64_t ms);

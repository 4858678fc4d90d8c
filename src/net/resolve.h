/* Names to addresses on the loop, by c-ares: cached for the record's TTL (5 s to 300 s),
 * failures for 5 s, and any number of askers share one query. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "base/list.h"

enum {
	WEIR_RESOLVE_ADDRESSES_MAX = 8,
	WEIR_RESOLVE_TIMEOUT_MS = 4000, /* of our own, over all of c-ares' tries */
	WEIR_RESOLVE_TTL_MIN_S = 5,
	WEIR_RESOLVE_TTL_MAX_S = 300,
	WEIR_RESOLVE_NEGATIVE_S = 5,
	WEIR_RESOLVE_NAMES_MAX = 1024
};

struct weir_resolver;

union weir_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct weir_addresses {
	unsigned n;
	union weir_address list[WEIR_RESOLVE_ADDRESSES_MAX]; /* port 0 */
};

/* Embedded in whoever asks. on_resolved is never called inside weir_resolve() and never
 * after weir_resolve_cancel(). addresses NULL: failed; text says how ("NXDOMAIN"). */
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

/* May a provider live there? Link-local and metadata addresses never; loopback and private
 * ones only when !public_vendor; also as v4-mapped v6. */
bool weir_address_allowed(const struct sockaddr *addr, bool public_vendor);

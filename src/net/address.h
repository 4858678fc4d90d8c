/* Addresses of a name, and where a provider may live. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/attr.h"

enum { WEIR_RESOLVE_ADDRESSES_MAX = 8 };

union weir_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct weir_addresses {
	unsigned n;
	union weir_address list[WEIR_RESOLVE_ADDRESSES_MAX]; /* port 0 */
};

/* "203.0.113.7", "::1", "[::1]": the address, and true. Names and the historic short
 * forms of IPv4 ("127.1", "0x7f000001") are not addresses. */
bool weir_address_literal(const char *host, struct weir_addresses *addresses);

/* "localhost" and what ends in ".localhost" is this machine, whatever a server says
 * (RFC 6761 §6.3): 127.0.0.1, then ::1. */
bool weir_address_localhost(const char *host, struct weir_addresses *addresses);

/* One more, unless there are WEIR_RESOLVE_ADDRESSES_MAX. */
void weir_addresses_add(struct weir_addresses *addresses, const struct sockaddr *addr);

/* The same ones, beginning with the start-th (modulo n). */
void weir_addresses_rotate(struct weir_addresses *to, const struct weir_addresses *from,
			   unsigned start);

/* May a provider live there? Link-local and metadata addresses never; loopback and private
 * ones only when !public_vendor; also as v4-mapped v6. */
bool weir_address_allowed(const struct sockaddr *addr, bool public_vendor);

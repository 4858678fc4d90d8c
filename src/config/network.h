/* Addresses and networks, as lists of them have it. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "config/config.h"

/* 4 or 16 bytes, of "10.0.0.1", "::1", "[::1]"; an IPv4 address in IPv6 is the IPv4 one. 0: no
 * address. */
unsigned weir_address_read(struct weir_slice text, unsigned char bytes[16]);
/* An address, or one with how many bits count: "10.0.0.0/8". */
bool weir_network_read(struct weir_slice text, struct weir_network *network);
bool weir_network_has(const struct weir_network *network, const unsigned char *bytes,
		      unsigned size);

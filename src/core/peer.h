/* Where a request comes from, as far as that can be known. */
#pragma once

#include "core/client.h"

/* The address of the connection's other end or, if that is a trusted proxy's, the last one that
 * x-forwarded-for or forwarded names and that is no trusted proxy's. "" where the configuration
 * trusts none: then nobody asks. */
unsigned weir_peer_address(const struct weir_client *client, unsigned char bytes[16]);
bool weir_peer_is_trusted(const struct weir_config *config, const unsigned char *bytes,
			  unsigned size);
void weir_peer_find(const struct weir_client *client, const struct weir_http_head *head,
		    char peer[WEIR_PEER_MAX]);

/* Where the listening sockets come from when they are not opened anew: a service manager passes
 * them, or a running weir hands them over. */
#pragma once

#include "app/handover.h"
#include "weir.h"

/* Those of the service manager. A name of `public` or `admin` says what one is for, and nothing is
 * opened beside it; any other is for the address in the configuration that it has. */
void weir_sockets_passed(struct weir_handover_parcel *parcel);

/* The gateway has them from here on, also on failure. */
WEIR_MUST_CHECK int weir_sockets_give(const struct weir_handover_parcel *parcel,
				      struct weir_gateway *gateway, char *why, size_t why_size);
/* The index-th that is for role (WEIR_SOCKET_PUBLIC, …) by its name, whatever the configuration
 * says; NULL past the last. */
const char *weir_sockets_named(const struct weir_handover_parcel *parcel, unsigned role,
			       unsigned index);
/* All that the gateway has, for a successor. */
unsigned weir_sockets_list(const struct weir_gateway *gateway,
			   struct weir_handover_socket list[WEIR_HANDOVER_MAX]);

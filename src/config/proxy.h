/* Proxies on the way out: a provider's own, or that of the environment. */
#pragma once

#include "config/config.h"
#include "config/reader.h"

extern const struct weir_form weir_proxy_form;

/* The provider's `proxy`, else HTTPS_PROXY where it is https and NO_PROXY does not name it. node
 * NULL: it says nothing; at: where the environment's mistakes are told. False: reported. */
bool weir_proxy_read(struct weir_reader *reader, struct weir_node *node, const struct weir_node *at,
		     struct weir_provider *provider);

/* Does a list as NO_PROXY has it name the host? Names with all below them, .suffix, *, addresses,
 * networks as 10.0.0.0/8, each perhaps with a port. */
bool weir_proxy_excepts(struct weir_slice list, struct weir_slice host, uint16_t port);

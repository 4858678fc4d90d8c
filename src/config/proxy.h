/* Proxies on the way out: a provider's own, or that of the environment. */
#pragma once

#include "config/config.h"
#include "config/reader.h"

extern const struct weir_form weir_proxy_form;

/* Who is to be reached. */
struct weir_proxy_goal {
	bool tls;
	struct weir_slice host; /* without brackets */
	uint16_t port;
};

/* HTTPS_PROXY for what speaks TLS, HTTP_PROXY for what does not, where NO_PROXY does not name it
 * and it is not this machine. *proxy is empty. 0, WEIR_ENOMEM, or WEIR_ECONFIG: it is none that
 * weir can use. */
WEIR_MUST_CHECK int weir_proxy_of_environment(weir_env *env, void *arg,
					      const struct weir_proxy_goal *goal,
					      struct weir_proxy *proxy);
void weir_proxy_fini(struct weir_proxy *proxy);

/* The provider's `proxy`, else the environment's. node NULL: it says nothing; at: where the
 * environment's mistakes are told. False: reported. */
bool weir_proxy_read(struct weir_reader *reader, struct weir_node *node, const struct weir_node *at,
		     struct weir_provider *provider);

/* Does a list as NO_PROXY has it name the host? Names with all below them, .suffix, *, addresses,
 * networks as 10.0.0.0/8, each perhaps with a port. */
bool weir_proxy_excepts(struct weir_slice list, struct weir_slice host, uint16_t port);

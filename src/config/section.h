/* The parts of the file that are not about models: where weir listens, who may come in,
 * and how it leaves. */
#pragma once

#include "config/shape.h"

enum weir_section {
	WEIR_SECTION_CHAINS,
	WEIR_SECTION_PROVIDERS,
	WEIR_SECTION_MODELS,
	WEIR_SECTION_DEFAULTS,
	WEIR_SECTION_LISTEN,
	WEIR_SECTION_ADMIN,
	WEIR_SECTION_ADMIN_KEY,
	WEIR_SECTION_ACCESS,
	WEIR_SECTION_WORKERS,
	WEIR_SECTION_STATE,
	WEIR_SECTION_TLS,
	WEIR_SECTION_TRUSTED,
	WEIR_SECTION_MAX_BODY,
	WEIR_SECTION_MAX_BODIES,
	WEIR_SECTION_PER_ADDRESS,
	WEIR_SECTION_HALF_CLOSE,
	WEIR_SECTION_COMPAT,
	WEIR_SECTION_READY,
	WEIR_SECTION_DRAIN_DELAY,
	WEIR_SECTION_DRAIN_TIMEOUT,
	WEIR_SECTION_LOG,
	WEIR_SECTIONS_N
};

/* The top of the file, and `defaults`. */
extern const struct weir_shape weir_config_shape, weir_defaults_shape;

/* Each entry of sections may be NULL. */
void weir_sections_read(struct weir_reader *reader, struct weir_node *const *sections);

/* One more address to listen on; node for messages. False: reported, or out of memory. */
bool weir_listen_add(struct weir_reader *reader, const struct weir_node *node,
		     struct weir_slice text);
bool weir_admin_set(struct weir_reader *reader, const struct weir_node *node,
		    struct weir_slice text);

/* Who may come in must be said where more than this machine can, and every address is one
 * listener's. nodes: as above. */
void weir_listeners_check(struct weir_reader *reader, const struct weir_node *listen,
			  const struct weir_node *admin);

/* The listener that a connection to host and port would reach; NULL: none of ours. */
const char *weir_listener_at(const struct weir_config *config, struct weir_slice host,
			     uint16_t port);

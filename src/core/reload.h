/* Where the configuration comes from, and how another takes its place. */
#pragma once

#include "core/gateway.h"

enum { WEIR_RELOAD_TEXT_MAX = 1024 * 1024 }; /* of what is told about one */

const char *weir_reload_name(const struct weir_gateway *gateway); /* in findings */
/* Tells each; on_finding may be NULL. */
void weir_reload_hear(const struct weir_findings *findings,
		      void (*on_finding)(void *arg, const char *line, size_t len), void *arg);

/* Reads it: text when it is not NULL, else the gateway's file, else the environment. 0 and
 * *config, or negative; findings say why. */
WEIR_MUST_CHECK int weir_reload_read(const struct weir_gateway *gateway, struct weir_slice text,
				     struct weir_config **config, struct weir_findings *findings);

/* Reads, judges and puts in force, or changes nothing; either way it is told in the log and the
 * metrics, and gateway->reload says it as JSON. on_finding (may be NULL) hears each. */
WEIR_MUST_CHECK int weir_reload(struct weir_gateway *gateway, struct weir_slice text,
				void (*on_finding)(void *arg, const char *line, size_t len),
				struct weir_error *err);

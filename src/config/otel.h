/* Where traces go and which: the OTEL_* variables of the OpenTelemetry specification. What is
 * written wrongly is told and passed over: nobody's requests fail for the sake of watching. */
#pragma once

#include "config/config.h"
#include "trace/sampler.h"
#include "trace/span.h"

enum { WEIR_OTEL_PAIRS_MAX = 64, WEIR_OTEL_QUEUE_MAX = 65536 };

struct weir_otel {
	bool on;   /* else nothing of the rest is there */
	char *url; /* as it is told */
	bool tls;
	char *host;
	uint16_t port;
	char *path;
	char *ca_file;                     /* NULL: the system's */
	struct weir_proxy proxy;           /* the environment's */
	struct weir_attribute *headers;    /* of each message; may be secrets */
	struct weir_attribute *attributes; /* of the resource: service.name first */
	unsigned headers_n, attributes_n;
	struct weir_sampler sampler;
	uint64_t timeout_ms;           /* of one try */
	uint64_t delay_ms;             /* a span waits for others, at most so long */
	uint64_t give_up_ms;           /* a batch is tried for so long */
	uint64_t queue_max, batch_max; /* spans */
};

/* env as in weir_config_parse(). 0 or WEIR_ENOMEM; give it to weir_otel_fini() in any case. */
WEIR_MUST_CHECK int weir_otel_read(struct weir_otel *otel, weir_env *env, void *arg,
				   void (*warn)(void *arg, const char *sentence), void *warn_arg);
void weir_otel_fini(struct weir_otel *otel);

/* Where requests go: a URL taken apart, and its addresses. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "bench/dialect.h"
#include "net/address.h"

enum { WEIR_BENCH_HOST_MAX = 255, WEIR_BENCH_PATH_MAX = 2048, WEIR_BENCH_NAME_MAX = 32 };

struct weir_bench_target {
	char name[WEIR_BENCH_NAME_MAX]; /* --compare's; else "" */
	bool tls;
	char host[WEIR_BENCH_HOST_MAX + 1]; /* without brackets */
	uint16_t port;
	char authority[WEIR_BENCH_HOST_MAX + 10]; /* for the host field */
	char path[WEIR_BENCH_PATH_MAX];
	struct weir_addresses addresses; /* with the port */
	unsigned address_next;           /* moves on when one does not answer */
};

/* "http://HOST[:PORT][/PATH]", https too. A path that does not end in the dialect's gets it:
 * http://127.0.0.1:4000 becomes …/v1/chat/completions. 0, or WEIR_ECONFIG and a sentence. */
WEIR_MUST_CHECK int weir_bench_target_parse(struct weir_bench_target *target, const char *url,
					    const struct weir_bench_dialect *dialect,
					    struct weir_error *err);
/* Asks DNS, running the loop until it answers. 0, or negative and a sentence. */
WEIR_MUST_CHECK int weir_bench_target_resolve(struct weir_bench_target *target, uv_loop_t *loop,
					      struct weir_error *err);

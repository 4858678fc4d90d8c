/* Asks the control listener of simulated providers. Each question has a connection of its
 * own, so that one that hangs holds up nobody. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "bench/target.h"
#include "net/conn.h"

enum { WEIR_BENCH_CONTROL_MS = 5000, WEIR_BENCH_CONTROL_BODY = 4 * 1024 * 1024 };

struct weir_bench_control {
	struct weir_net *net;
	struct weir_bench_target target; /* its path is not used */
	struct weir_list asking;         /* private */
};

/* status 0: no answer. body is valid during the call. */
typedef void weir_bench_on_told(void *arg, unsigned status, struct weir_slice body);

void weir_bench_control_init(struct weir_bench_control *control, struct weir_net *net);
/* Calls on_told once, later; or returns negative: out of memory. body NULL: a GET. */
WEIR_MUST_CHECK int weir_bench_control_ask(struct weir_bench_control *control, const char *path,
					   const char *body, weir_bench_on_told *on_told,
					   void *arg);
/* Nobody is told any more. */
void weir_bench_control_close(struct weir_bench_control *control);

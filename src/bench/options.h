/* The command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "bench/mix.h"
#include "bench/run.h"

enum {
	WEIR_BENCH_FIELDS_MAX = 8 * 1024,
	WEIR_BENCH_TARGETS_MAX = 8,
	WEIR_BENCH_LIST_MAX = 32 /* vendors, scripts */
};

/* NAME=URL; or a URL alone, whose name is "". */
struct weir_bench_named {
	const char *name, *url;
};

struct weir_bench_options {
	struct weir_bench_named targets[WEIR_BENCH_TARGETS_MAX + 1]; /* and a control */
	unsigned targets_n;
	bool compare;
	unsigned rounds;
	uint64_t round_ns;
	double drift; /* of the control, that is too much */
	const struct weir_bench_dialect *dialect;
	const char *model, *method, *key, *ca_file;
	char fields[WEIR_BENCH_FIELDS_MAX]; /* of --header, each with CRLF */
	struct weir_bench_load load;
	bool has_connections, has_care, has_seed, has_duration, has_warmup;
	uint64_t duration_ns, warmup_ns, requests;
	struct weir_bench_kind kind; /* of requests made up, or the base of a file's */
	const char *mix_file, *body_file;
	bool json, quiet;
	const char *html;
	/* Simulated providers. */
	bool mock;
	const char *vendors[WEIR_BENCH_LIST_MAX], *scripts[WEIR_BENCH_LIST_MAX];
	const char *mock_tls[WEIR_BENCH_LIST_MAX];
	unsigned vendors_n, scripts_n, mock_tls_n;
	const char *control; /* of a `weir mock` that somebody else runs */
	const char *outage;
};

enum { WEIR_BENCH_GO = -1 };

/* WEIR_BENCH_GO, or the exit code after help or a message was printed. */
int weir_bench_options_read(struct weir_bench_options *options, int argc, char **argv);

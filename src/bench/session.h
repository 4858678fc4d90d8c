/* One call of the program, from its options to its exit code. */
#pragma once

#include "bench/options.h"

int weir_bench_session(struct weir_bench_options *options);

/* A comparison, written for people and for programs. Pure. */
#pragma once

#include "bench/compare.h"
#include "bench/pen.h"

void weir_bench_compare_text(struct weir_bench_pen *pen,
			     const struct weir_bench_comparison *comparison);
/* One object. */
void weir_bench_compare_json(struct weir_bench_pen *pen,
			     const struct weir_bench_comparison *comparison);

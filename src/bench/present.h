/* Shows a report where the options want it. */
#pragma once

#include "bench/report.h"

/* false: it cannot be shown, or what it shows is no success: nothing was answered well, or
 * there is no verdict. */
bool weir_bench_present(const struct weir_bench_report *report);

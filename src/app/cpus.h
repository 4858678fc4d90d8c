/* How many CPUs this process may use: those it may be put on, and no more than its control groups
 * grant it time on. */
#pragma once

#include "base/slice.h"

unsigned weir_cpus_usable(void); /* at least 1 */

/* Of a quota as cpu.max says it, "QUOTA PERIOD" or "max PERIOD": in whole CPUs, rounded up; 0: no
 * bound, or not understood. */
unsigned weir_cpus_of_quota(struct weir_slice text);

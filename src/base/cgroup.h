/* This process's control group in the unified hierarchy (version 2). It reads a file of the
 * kernel's: for the start only. */
#pragma once

#include <stdbool.h>

#define WEIR_CGROUP_ROOT "/sys/fs/cgroup"

enum { WEIR_CGROUP_FOLDER_MAX = 4096 };

/* Its folder, which begins with WEIR_CGROUP_ROOT. False: there is none. */
bool weir_cgroup_own(char folder[WEIR_CGROUP_FOLDER_MAX]);

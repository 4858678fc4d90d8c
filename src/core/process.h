/* What the system says of this process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct weir_process {
	double cpu_s; /* user and system */
	uint64_t resident_bytes;
	uint64_t fds_open, fds_max; /* fds_open 0: the system does not say */
};

void weir_process_look(struct weir_process *process);

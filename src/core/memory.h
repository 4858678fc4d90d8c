/* How much of the memory that its cgroup may have is in use. Only cgroups v2 are understood; where
 * there is none, or no limit, there is always room. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* In percent of the limit. */
enum { WEIR_MEMORY_TIGHT = 85, WEIR_MEMORY_SCARCE = 92, WEIR_MEMORY_OUT = 95 };

/* What can be given back at once, as the pages of files, is not in use. */
struct weir_memory {
	int limit_fd, current_fd, stat_fd; /* -1: not there */
	double used;                       /* from 0 to 1; 0: nobody knows */
};

/* folder NULL: this process's own. The files are opened here and kept: once it serves, a process
 * that confines itself opens no more of them. */
void weir_memory_open(struct weir_memory *memory, const char *folder);
void weir_memory_close(struct weir_memory *memory);
/* Reads again: a few numbers that the kernel writes as they are read; no disk is behind them. */
void weir_memory_look(struct weir_memory *memory);
bool weir_memory_is(const struct weir_memory *memory, unsigned percent);

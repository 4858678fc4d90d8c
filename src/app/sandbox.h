/* What a process that serves gives up for good once it listens: system calls that it never needs
 * (seccomp; they fail with ENOSYS, for which libraries have another way), and writing outside of
 * the folders that its log and its sockets are in (Landlock). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

enum weir_sandbox {
	WEIR_SANDBOX_AUTO,   /* on, but in a build with sanitizers, which need more */
	WEIR_SANDBOX_OFF,    /* debuggers and core dumps work */
	WEIR_SANDBOX_ON,     /* what is not allowed fails: ENOSYS, or EACCES */
	WEIR_SANDBOX_STRICT, /* a system call that is not allowed ends the process: for tests */
	WEIR_SANDBOX_BAD     /* no such word */
};

enum { WEIR_SANDBOX_FOLDERS_MAX = 24 };

/* Files whose folders may be written to; NULL is nothing. */
struct weir_sandbox_paths {
	const char *list[WEIR_SANDBOX_FOLDERS_MAX];
	unsigned n;
};

enum weir_sandbox weir_sandbox_word(const char *word);
/* Is anything given up? */
bool weir_sandbox_wanted(enum weir_sandbox mode);

/* Moves the environment to where no /proc shows it, and overwrites what was there. No memory:
 * all is as before, but for the file, which then shows it. */
void weir_sandbox_hide_environment(void);
/* Nobody but root reads this process's memory, also after it has died, and the kernel takes no
 * requests from it (io_uring): to be said before there is a loop. */
void weir_sandbox_hide_memory(enum weir_sandbox mode);

/* Does what is wanted, and tells what the kernel could not do. */
void weir_sandbox_enter(enum weir_sandbox mode, const struct weir_sandbox_paths *writable,
			const struct weir_log *log);

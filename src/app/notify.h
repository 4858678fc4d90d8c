/* What a service manager is told (sd_notify(3)), and the sockets it passes (sd_listen_fds(3)). */
#pragma once

#include <stdint.h>

enum { WEIR_PASSED_FIRST_FD = 3, WEIR_PASSED_NAME_MAX = 64 };

/* One datagram of lines to $NOTIFY_SOCKET; nothing happens without it. */
void weir_notify(const char *state);
void weir_notify_reloading(void);
void weir_notify_main_pid(int64_t pid);

/* How many sockets this process was passed, descriptors from WEIR_PASSED_FIRST_FD on, and the
 * i-th's name, empty where it has none. The environment forgets them, so that no child takes them
 * for its own. */
unsigned weir_passed_sockets(unsigned max, char names[][WEIR_PASSED_NAME_MAX]);

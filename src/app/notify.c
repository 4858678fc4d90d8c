#include "app/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"

/* Who does not hear it will ask again: there is nothing to be done about a failure here. */
void weir_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void weir_notify_reloading(void)
{
	struct timespec now;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	weir_notify(text);
}

void weir_notify_main_pid(int64_t pid)
{
	char text[40];

	snprintf(text, sizeof text, "MAINPID=%lld", (long long)pid);
	weir_notify(text);
}

static bool read_number(const char *name, uint64_t *n)
{
	const char *text = getenv(name);

	return text && weir_slice_to_u64(weir_slice_of(text), n);
}

static void read_names(unsigned n, char names[][WEIR_PASSED_NAME_MAX])
{
	const char *at = getenv("LISTEN_FDNAMES");

	for (unsigned i = 0; i < n; i++) {
		size_t len = at ? strcspn(at, ":") : 0;

		snprintf(names[i], WEIR_PASSED_NAME_MAX, "%.*s", (int)len, at ? at : "");
		at = at && at[len] ? at + len + 1 : NULL;
	}
}

unsigned weir_passed_sockets(unsigned max, char names[][WEIR_PASSED_NAME_MAX])
{
	uint64_t pid, n = 0;

	if (!read_number("LISTEN_PID", &pid) || pid != (uint64_t)getpid() ||
	    !read_number("LISTEN_FDS", &n))
		n = 0;
	if (n > max)
		n = max;
	read_names((unsigned)n, names);
	for (unsigned i = 0; i < n; i++)
		(void)fcntl(WEIR_PASSED_FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return (unsigned)n;
}

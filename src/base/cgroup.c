#include "base/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 8192 };

/* "0::/system.slice/weir.service" among the lines of older hierarchies. */
bool weir_cgroup_own(char folder[WEIR_CGROUP_FOLDER_MAX])
{
	char text[FILE_MAX];
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	const char *line = text;
	int len;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	while (line && strncmp(line, "0::/", 4) != 0) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!line)
		return false;
	len = snprintf(folder, WEIR_CGROUP_FOLDER_MAX, WEIR_CGROUP_ROOT "%.*s",
		       (int)strcspn(line + 3, "\n"), line + 3);
	return len < WEIR_CGROUP_FOLDER_MAX;
}

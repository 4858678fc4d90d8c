#include "app/cpus.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"

unsigned weir_cpus_of_quota(struct weir_slice text)
{
	size_t gap = 0, end;
	uint64_t quota, period;

	while (gap < text.len && text.base[gap] != ' ')
		gap++;
	for (end = gap; end < text.len && text.base[end] != '\n';)
		end++;
	if (gap + 1 >= end || !weir_slice_to_u64(weir_slice(text.base, gap), &quota) ||
	    !weir_slice_to_u64(weir_slice(text.base + gap + 1, end - gap - 1), &period) ||
	    period == 0 || quota > UINT64_MAX - period)
		return 0;
	quota = (quota + period - 1) / period;
	return quota > UINT_MAX ? 0 : (unsigned)quota;
}

static size_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static unsigned least(unsigned a, unsigned b)
{
	return b && b < a ? b : a;
}

/* Its own bound, and those of the groups around it. */
static unsigned within_groups(unsigned cpus)
{
	char folder[WEIR_CGROUP_FOLDER_MAX], path[WEIR_CGROUP_FOLDER_MAX + 64], text[64];
	char *const group = folder + sizeof WEIR_CGROUP_ROOT - 1;

	if (!weir_cgroup_own(folder))
		return cpus;
	for (char *slash = group + strlen(group); slash; slash = strrchr(group, '/')) {
		*slash = '\0';
		snprintf(path, sizeof path, "%s/cpu.max", folder);
		cpus = least(cpus, weir_cpus_of_quota(
					   weir_slice(text, read_text(path, text, sizeof text))));
	}
	return cpus;
}

/* The first hierarchy's two files, as the second's one. */
static unsigned within_old_groups(unsigned cpus)
{
	char quota[24], both[64];
	size_t n = read_text(WEIR_CGROUP_ROOT "/cpu/cpu.cfs_quota_us", quota, sizeof quota);
	char period[24];

	if (!n || !read_text(WEIR_CGROUP_ROOT "/cpu/cpu.cfs_period_us", period, sizeof period))
		return cpus;
	snprintf(both, sizeof both, "%.*s %s", (int)strcspn(quota, "\n"), quota, period);
	return least(cpus, weir_cpus_of_quota(weir_slice_of(both)));
}

unsigned weir_cpus_usable(void)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned cpus = online > 0 ? (unsigned)online : 1;

	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		cpus = (unsigned)CPU_COUNT(&set);
	return within_old_groups(within_groups(cpus));
}

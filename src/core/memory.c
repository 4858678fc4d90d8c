#include "core/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/cgroup.h"
#include "base/slice.h"

enum { FILE_MAX = 8192, PERCENT = 100 };

static int open_in(const char *folder, const char *name)
{
	char path[WEIR_CGROUP_FOLDER_MAX + 32];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static struct weir_slice read_all(int fd, char *text, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, text, size, 0);

	return weir_slice(text, n > 0 ? (size_t)n : 0);
}

/* What stands behind a line's first word; the whole line where there is none. */
static struct weir_slice find(struct weir_slice text, const char *word)
{
	size_t word_len = strlen(word);

	while (text.len) {
		const char *end = memchr(text.base, '\n', text.len);
		size_t len = end ? (size_t)(end - text.base) : text.len;

		if (len > word_len && memcmp(text.base, word, word_len) == 0)
			return weir_slice(text.base + word_len, len - word_len);
		text = weir_slice(text.base + len + (end != NULL), text.len - len - (end != NULL));
	}
	return weir_slice(NULL, 0);
}

static bool number(struct weir_slice text, uint64_t *value)
{
	if (text.len && text.base[text.len - 1] == '\n')
		text.len--;
	return weir_slice_to_u64(text, value);
}

void weir_memory_open(struct weir_memory *m, const char *folder)
{
	char own[WEIR_CGROUP_FOLDER_MAX];

	*m = (struct weir_memory){ -1, -1, -1, 0 };
	if (!folder && weir_cgroup_own(own))
		folder = own;
	if (!folder)
		return;
	m->limit_fd = open_in(folder, "memory.max");
	m->current_fd = open_in(folder, "memory.current");
	m->stat_fd = open_in(folder, "memory.stat");
}

void weir_memory_close(struct weir_memory *m)
{
	int *const fds[] = { &m->limit_fd, &m->current_fd, &m->stat_fd };

	for (size_t i = 0; i < WEIR_COUNT_OF(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* Pages of files that nobody needs just now. To count them costs the kernel more than the rest. */
static uint64_t reclaimable(const struct weir_memory *m)
{
	static const char *const lists[] = { "inactive_file ", "active_file " };
	char text[FILE_MAX];
	struct weir_slice all = read_all(m->stat_fd, text, sizeof text);
	uint64_t sum = 0, n;

	for (size_t i = 0; i < WEIR_COUNT_OF(lists); i++)
		if (number(find(all, lists[i]), &n))
			sum += n;
	return sum;
}

void weir_memory_look(struct weir_memory *m)
{
	char text[32];
	uint64_t limit, current, free_at_once;

	m->used = 0;
	if (!number(read_all(m->limit_fd, text, sizeof text), &limit) || limit == 0 ||
	    !number(read_all(m->current_fd, text, sizeof text), &current))
		return; /* "max": none */
	m->used = (double)current / (double)limit;
	if (!weir_memory_is(m, WEIR_MEMORY_TIGHT))
		return;
	free_at_once = reclaimable(m);
	current -= free_at_once < current ? free_at_once : current;
	m->used = (double)current / (double)limit;
}

bool weir_memory_is(const struct weir_memory *m, unsigned percent)
{
	return m->used * PERCENT >= percent;
}

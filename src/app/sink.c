#include "app/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum { AGAIN_MS = 50, LAST_MS = 1000, FILE_MODE = 0640 };

static bool takes_more(const struct weir_sink *sink)
{
	struct pollfd p = { .fd = sink->fd, .events = POLLOUT };

	return sink->way != WEIR_SINK_POLL || (poll(&p, 1, 0) == 1 && p.revents & POLLOUT);
}

/* A pipe that polls writable takes so much whole (PIPE_BUF, pipe(7)): the write cannot block,
 * and lines that end within it are never mixed with those of others. */
static size_t portion(const struct weir_sink *sink, const char *from, size_t left)
{
	const char *end;

	if (sink->way == WEIR_SINK_FILE || left <= WEIR_SINK_WRITE_MAX)
		return left;
	end = memrchr(from, '\n', WEIR_SINK_WRITE_MAX);
	return end ? (size_t)(end + 1 - from) : WEIR_SINK_WRITE_MAX;
}

static ssize_t put(const struct weir_sink *sink, const char *from, size_t len)
{
	if (sink->way == WEIR_SINK_SOCKET)
		return send(sink->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(sink->fd, from, len);
}

/* May it take them later? A disk may have room again, a pipe without a reader never will. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOSPC || error == EDQUOT ||
	       error == EFBIG || error == EIO || error == ENOBUFS;
}

static uint64_t lines_in(const char *from, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += from[i] == '\n';
	return n;
}

static void tell_dropped(struct weir_sink *sink)
{
	struct weir_log log = { 0 };
	struct weir_log_line line;

	if (sink->told == sink->dropped || !sink->log)
		return;
	log = *sink->log;
	log.sink = weir_sink_line;
	log.arg = sink;
	weir_log_begin(&line, &log, WEIR_LOG_WARN, "log_dropped");
	weir_log_u64(&line, "lines", sink->dropped - sink->told);
	sink->told = sink->dropped;
	weir_log_end(&line);
}

static void flush(struct weir_sink *sink)
{
	size_t done = 0;

	while (done < sink->lines.len && takes_more(sink)) {
		const char *from = sink->lines.base + done;
		ssize_t n = put(sink, from, portion(sink, from, sink->lines.len - done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 && is_passing(n ? errno : EAGAIN))
			break;
		if (n < 0) {
			sink->dropped += lines_in(from, sink->lines.len - done);
			n = (ssize_t)(sink->lines.len - done);
		}
		sink->torn = from[n - 1] != '\n';
		done += (size_t)n;
	}
	weir_buf_consume(&sink->lines, done);
}

void weir_sink_flush(struct weir_sink *sink)
{
	uint64_t before = sink->dropped;

	if (sink->way == WEIR_SINK_NOWHERE)
		return;
	flush(sink);
	if (sink->lines.len == 0 && sink->dropped == before && sink->told != before) {
		tell_dropped(sink);
		flush(sink);
	}
}

static void on_again(uv_timer_t *timer);

static void flush_and_return(struct weir_sink *sink)
{
	weir_sink_flush(sink);
	if (sink->lines.len)
		uv_timer_start(&sink->again, on_again, AGAIN_MS, 0);
}

static void on_again(uv_timer_t *timer)
{
	flush_and_return(timer->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct weir_sink *sink = prepare->data;

	if (sink->lines.len && !uv_is_active((uv_handle_t *)&sink->again))
		flush_and_return(sink);
}

/* Of an inherited one the flags are shared with whoever else has it, a shell maybe: it is opened
 * once more, for flags of our own. */
static void take(struct weir_sink *sink, int fd)
{
	struct stat st;
	char path[32];
	int own;

	sink->fd = fd;
	sink->owned = false;
	sink->way = WEIR_SINK_NOWHERE;
	if (fd < 0 || fstat(fd, &st) != 0)
		return;
	sink->way = S_ISREG(st.st_mode)    ? WEIR_SINK_FILE
		    : S_ISSOCK(st.st_mode) ? WEIR_SINK_SOCKET
					   : WEIR_SINK_POLL;
	if (sink->way != WEIR_SINK_POLL)
		return;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return;
	sink->fd = own;
	sink->owned = true;
	sink->way = WEIR_SINK_NONBLOCK;
}

static void leave(struct weir_sink *sink)
{
	if (sink->owned)
		close(sink->fd);
	sink->owned = false;
}

void weir_sink_open(struct weir_sink *sink, uv_loop_t *loop, int fd)
{
	*sink = (struct weir_sink){ .fd = -1 };
	take(sink, fd);
	weir_buf_init(&sink->lines, WEIR_SINK_MAX);
	uv_prepare_init(loop, &sink->prepare);
	uv_timer_init(loop, &sink->again);
	sink->prepare.data = sink;
	sink->again.data = sink;
	uv_prepare_start(&sink->prepare, on_prepare);
	uv_unref((uv_handle_t *)&sink->prepare);
	uv_unref((uv_handle_t *)&sink->again);
}

static bool is_same_file(int fd, const struct stat *other)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == other->st_dev &&
	       st.st_ino == other->st_ino;
}

/* The rest of a line whose head went elsewhere is no line. */
static void drop_rest(struct weir_sink *sink)
{
	const char *end = sink->torn ? memchr(sink->lines.base, '\n', sink->lines.len) : NULL;

	if (!end)
		return;
	weir_buf_consume(&sink->lines, (size_t)(end + 1 - sink->lines.base));
	sink->torn = false;
	sink->dropped++;
}

int weir_sink_file(struct weir_sink *sink, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		      FILE_MODE);
	char *copy = fd < 0 ? NULL : weir_strndup(path, strlen(path));
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!copy || fstat(fd, &st) != 0) {
		close(fd);
		weir_free(copy);
		return -ENOMEM;
	}
	weir_sink_flush(sink); /* what was said before belongs there */
	if (!is_same_file(sink->fd, &st))
		drop_rest(sink);
	leave(sink);
	weir_free(sink->path);
	sink->path = copy;
	sink->fd = fd;
	sink->owned = true;
	sink->way = S_ISREG(st.st_mode) ? WEIR_SINK_FILE : WEIR_SINK_NONBLOCK;
	return 0;
}

void weir_sink_line(void *arg, const char *line, size_t len)
{
	struct weir_sink *sink = arg;

	if (sink->way == WEIR_SINK_NOWHERE)
		return;
	if (weir_buf_append(&sink->lines, line, len))
		sink->dropped++;
}

/* A reader that is only slow gets the last lines whole; none at all delays the end a little. */
static void flush_last(struct weir_sink *sink)
{
	uint64_t until_ns = uv_hrtime() + (uint64_t)LAST_MS * 1000 * 1000;
	struct pollfd p = { .fd = sink->fd, .events = POLLOUT };

	weir_sink_flush(sink);
	while (sink->lines.len && sink->way != WEIR_SINK_FILE && uv_hrtime() < until_ns &&
	       poll(&p, 1, AGAIN_MS) >= 0 && (p.revents == 0 || p.revents & POLLOUT))
		weir_sink_flush(sink);
}

void weir_sink_close(struct weir_sink *sink)
{
	flush_last(sink);
	leave(sink);
	weir_free(sink->path);
	weir_buf_fini(&sink->lines);
	uv_close((uv_handle_t *)&sink->prepare, NULL);
	uv_close((uv_handle_t *)&sink->again, NULL);
}

#include "app/sink.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AGAIN_MS = 50, LAST_MS = 1000 };

static bool takes_more(const struct weir_sink *sink)
{
	struct pollfd p = { .fd = sink->fd, .events = POLLOUT };

	return !sink->may_block || (poll(&p, 1, 0) == 1 && p.revents & POLLOUT);
}

/* At most WEIR_SINK_WRITE_MAX at once: a pipe that polls writable takes that much whole
 * (PIPE_BUF, pipe(7)), so the write cannot block. */
void weir_sink_flush(struct weir_sink *sink)
{
	size_t done = 0;

	while (done < sink->lines.len && takes_more(sink)) {
		size_t left = sink->lines.len - done;
		size_t most = sink->may_block ? WEIR_SINK_WRITE_MAX : WEIR_SINK_MAX;
		ssize_t n = write(sink->fd, sink->lines.base + done, left < most ? left : most);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			done = sink->lines.len; /* a full disk, a closed pipe: nobody to tell */
			sink->dropped++;
			break;
		}
		done += (size_t)n;
	}
	weir_buf_consume(&sink->lines, done);
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

void weir_sink_open(struct weir_sink *sink, uv_loop_t *loop, int fd)
{
	struct stat st;

	*sink = (struct weir_sink){ .fd = fd };
	sink->may_block = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
	weir_buf_init(&sink->lines, WEIR_SINK_MAX);
	uv_prepare_init(loop, &sink->prepare);
	uv_timer_init(loop, &sink->again);
	sink->prepare.data = sink;
	sink->again.data = sink;
	uv_prepare_start(&sink->prepare, on_prepare);
	uv_unref((uv_handle_t *)&sink->prepare);
	uv_unref((uv_handle_t *)&sink->again);
}

void weir_sink_line(void *arg, const char *line, size_t len)
{
	struct weir_sink *sink = arg;

	if (weir_buf_append(&sink->lines, line, len))
		sink->dropped++;
}

/* A reader that is only slow gets the last lines whole; none at all delays the end a little. */
static void flush_last(struct weir_sink *sink)
{
	uint64_t until_ns = uv_hrtime() + (uint64_t)LAST_MS * 1000 * 1000;
	struct pollfd p = { .fd = sink->fd, .events = POLLOUT };

	weir_sink_flush(sink);
	while (sink->lines.len && uv_hrtime() < until_ns && poll(&p, 1, AGAIN_MS) >= 0 &&
	       (p.revents == 0 || p.revents & POLLOUT))
		weir_sink_flush(sink);
}

void weir_sink_close(struct weir_sink *sink)
{
	flush_last(sink);
	weir_buf_fini(&sink->lines);
	uv_close((uv_handle_t *)&sink->prepare, NULL);
	uv_close((uv_handle_t *)&sink->again, NULL);
}

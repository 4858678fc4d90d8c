#include "app/handover.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/slice.h"

enum { MESSAGE_MAX = WEIR_HANDOVER_TEXT_MAX, WHY_MAX = 160 };

static const char GREETING[] = "weir-handover 1\n";
static const char REFUSED[] = "refused ";

/* ---- where ---- */

/* FNV-1a: no secret, only a name. */
static uint64_t digest(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

void weir_handover_path(const char *config, char path[WEIR_HANDOVER_PATH_MAX + 1])
{
	const char *runtime = getenv("RUNTIME_DIRECTORY");
	char whole[PATH_MAX];

	if (runtime && runtime[0] == '/') {
		snprintf(path, WEIR_HANDOVER_PATH_MAX + 1, "%.*s/upgrade.sock",
			 (int)strcspn(runtime, ":"), runtime);
		return;
	}
	if (!config || !realpath(config, whole))
		whole[0] = '\0';
	snprintf(path, WEIR_HANDOVER_PATH_MAX + 1, "@weir-upgrade-%u-%016llx", (unsigned)geteuid(),
		 (unsigned long long)digest(whole));
}

static bool address_of(const char *path, struct sockaddr_un *addr, socklen_t *len)
{
	size_t n = strlen(path);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (n < (path[0] == '@' ? 2 : 1) || n > WEIR_HANDOVER_PATH_MAX)
		return false;
	memcpy(addr->sun_path, path, n);
	if (path[0] == '@')
		addr->sun_path[0] = '\0';
	return true;
}

static int connect_to(const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), code;
	struct timeval most = { .tv_sec = WEIR_HANDOVER_ANSWER_MS / 1000 };

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
	if (connect(fd, (const struct sockaddr *)addr, len) == 0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

static bool is_ours(int fd, int64_t *pid)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	*pid = peer.pid;
	return peer.uid == geteuid() || peer.uid == 0;
}

/* ---- messages ---- */

static int send_text(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void refuse(int fd, const char *why)
{
	char text[WHY_MAX + sizeof REFUSED];

	snprintf(text, sizeof text, "%s%s", REFUSED, why);
	(void)send_text(fd, text);
}

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE((WEIR_HANDOVER_MAX + 1) * sizeof(int))];
};

int weir_handover_send(int line, int own, const struct weir_handover_socket *list, unsigned n)
{
	char text[MESSAGE_MAX];
	union control control = { 0 };
	struct iovec bytes = { .iov_base = text };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = CMSG_SPACE((n + 1) * sizeof(int)) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	int len = snprintf(text, sizeof text, "%s", GREETING);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN((n + 1) * sizeof(int));
	memcpy(CMSG_DATA(rights), &own, sizeof own);
	for (unsigned i = 0; i < n; i++) {
		len += snprintf(text + len, sizeof text - (size_t)len, "%u %s\n", list[i].flags,
				list[i].name);
		memcpy(CMSG_DATA(rights) + (i + 1) * sizeof(int), &list[i].fd, sizeof(int));
	}
	bytes.iov_len = (size_t)len;
	return sendmsg(line, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* ---- the running one ---- */

static void on_line_closed(uv_handle_t *handle)
{
	struct weir_handover *h = handle->data;

	h->line_open = false;
}

static void hang_up(struct weir_handover *h)
{
	if (h->peer < 0)
		return;
	uv_timer_stop(&h->patience);
	uv_close((uv_handle_t *)&h->line, on_line_closed);
	close(h->peer);
	h->peer = -1;
}

static void fail(struct weir_handover *h, const char *why)
{
	refuse(h->peer, why);
	hang_up(h);
	h->events->on_failed(h->arg, h->successor, why);
}

static void on_patience(uv_timer_t *timer)
{
	fail(timer->data, "it was not ready in time");
}

static void on_line(uv_poll_t *poll, int err, int events)
{
	struct weir_handover *h = poll->data;
	char text[16] = "";
	ssize_t n = err ? 0 : recv(h->peer, text, sizeof text - 1, MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(h, "it ended before it was ready");
	} else if (!weir_slice_is(weir_slice(text, (size_t)n), "ready")) {
		fail(h, "it said what is not understood");
	} else if (send_text(h->peer, "yours")) {
		fail(h, "it ended when it was ready");
	} else {
		h->over = true;
		h->events->on_taken(h->arg, h->successor);
		hang_up(h);
		h->path[0] = '\0'; /* the file is the successor's */
		weir_handover_close(h);
	}
}

static void begin(struct weir_handover *h, int fd, int64_t pid)
{
	struct weir_handover_socket list[WEIR_HANDOVER_MAX];
	unsigned n = h->over ? 0 : h->events->on_asked(h->arg, list);

	if (n == 0 || weir_handover_send(fd, h->fd, list, n)) {
		refuse(fd, "weir is about to end");
		close(fd);
		return;
	}
	h->peer = fd;
	h->successor = pid;
	h->line_open = true;
	h->line.data = h;
	uv_poll_init(h->loop, &h->line, fd);
	uv_poll_start(&h->line, UV_READABLE, on_line);
	uv_timer_start(&h->patience, on_patience, h->patience_ms, 0);
}

static void on_door(uv_poll_t *poll, int err, int events)
{
	struct weir_handover *h = poll->data;
	int fd = err ? -1 : accept4(h->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char why[WHY_MAX];
	int64_t pid = 0;

	(void)events;
	if (fd < 0)
		return;
	if (!is_ours(fd, &pid)) {
		refuse(fd, "another user runs this weir");
		close(fd);
	} else if (h->line_open) {
		snprintf(why, sizeof why, "another upgrade is under way (process %lld)",
			 (long long)h->successor);
		refuse(fd, why);
		close(fd);
	} else {
		begin(h, fd, pid);
	}
}

static int bind_at(const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(0177);
	int code = fd < 0 || bind(fd, (const struct sockaddr *)addr, len) || listen(fd, 8) ? -errno
											   : 0;

	umask(before);
	if (code == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return code;
}

static int bind_or_replace(const char *path)
{
	struct sockaddr_un addr;
	struct stat st;
	socklen_t len;
	int fd, other;

	if (!address_of(path, &addr, &len))
		return -ENAMETOOLONG;
	fd = bind_at(&addr, len);
	if (fd != -EADDRINUSE || path[0] == '@' || lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return fd;
	other = connect_to(&addr, len);
	if (other >= 0)
		close(other);
	if (other != -ECONNREFUSED)
		return fd;
	(void)unlink(path); /* left behind by one that could not clean up */
	return bind_at(&addr, len);
}

static void remember_file(struct weir_handover *h)
{
	struct stat st;

	if (h->path[0] == '@' || lstat(h->path, &st))
		return;
	h->unlink_dev = (uint64_t)st.st_dev;
	h->unlink_ino = (uint64_t)st.st_ino;
}

/* The predecessor's: nobody finds it where its file is gone. */
static int take_or_bind(const char *path, int fd)
{
	struct stat st;

	if (fd >= 0 && (path[0] == '@' || lstat(path, &st) == 0))
		return fd;
	if (fd >= 0)
		close(fd);
	return bind_or_replace(path);
}

int weir_handover_open(struct weir_handover *h, uv_loop_t *loop, const char *path, int fd,
		       const struct weir_handover_events *events, void *arg, struct weir_error *err)
{
	*h = (struct weir_handover){ .loop = loop,
				     .events = events,
				     .arg = arg,
				     .patience_ms = WEIR_HANDOVER_PATIENCE_MS,
				     .fd = take_or_bind(path, fd),
				     .peer = -1 };
	if (h->fd < 0)
		return weir_fail(err, WEIR_EBIND, "cannot wait for an upgrade at %s: %s", path,
				 strerror(-h->fd));
	snprintf(h->path, sizeof h->path, "%s", path);
	remember_file(h);
	uv_poll_init(loop, &h->door, h->fd);
	uv_timer_init(loop, &h->patience);
	h->door.data = h->patience.data = h;
	uv_poll_start(&h->door, UV_READABLE, on_door);
	h->open = true;
	return 0;
}

bool weir_handover_asked(const struct weir_handover *h)
{
	return h->open && h->peer >= 0;
}

void weir_handover_close(struct weir_handover *h)
{
	struct stat st;
	bool asked = weir_handover_asked(h); /* he has the socket, and may go on */

	if (!h->open)
		return;
	h->open = false;
	hang_up(h);
	uv_close((uv_handle_t *)&h->door, NULL);
	uv_close((uv_handle_t *)&h->patience, NULL);
	if (!asked && h->path[0] != '@' && lstat(h->path, &st) == 0 &&
	    (uint64_t)st.st_dev == h->unlink_dev && (uint64_t)st.st_ino == h->unlink_ino)
		(void)unlink(h->path);
	close(h->fd);
	h->fd = -1;
}

/* ---- the successor ---- */

static void set_patience(int line)
{
	struct timeval most = { .tv_sec = WEIR_HANDOVER_ANSWER_MS / 1000 };

	(void)setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
}

static ssize_t receive(int line, struct msghdr *message)
{
	ssize_t n;

	do
		n = recvmsg(line, message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	return n;
}

/* "FLAGS NAME\n", once per descriptor. */
static bool read_lines(struct weir_handover_parcel *parcel, const char *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct weir_handover_socket *s = &parcel->sockets[i];
		size_t gap = strcspn(text, " \n"), len = strcspn(text, "\n");
		uint64_t flags;

		if (!weir_slice_to_u64(weir_slice(text, gap), &flags) || gap == len ||
		    len - gap > sizeof s->name)
			return false;
		s->flags = (unsigned)flags;
		snprintf(s->name, sizeof s->name, "%.*s", (int)(len - gap - 1), text + gap + 1);
		text += len + (text[len] != '\0');
	}
	return true;
}

static bool take_parcel(struct weir_handover_parcel *parcel, struct msghdr *message,
			const char *text)
{
	const struct cmsghdr *rights = CMSG_FIRSTHDR(message);
	unsigned n;
	int fds[WEIR_HANDOVER_MAX + 1];

	if (!rights || rights->cmsg_type != SCM_RIGHTS)
		return false;
	n = (unsigned)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	if (n < 2 || n > WEIR_COUNT_OF(fds))
		return false;
	memcpy(fds, CMSG_DATA(rights), n * sizeof(int));
	parcel->fd = fds[0];
	parcel->n = n - 1;
	for (unsigned i = 0; i < parcel->n; i++)
		parcel->sockets[i].fd = fds[i + 1];
	return weir_slice_starts(weir_slice_of(text), GREETING) &&
	       read_lines(parcel, text + sizeof GREETING - 1, parcel->n);
}

int weir_handover_receive(int line, struct weir_handover_parcel *parcel,
			  char text[WEIR_HANDOVER_TEXT_MAX + 1])
{
	union control control = { 0 };
	struct iovec bytes = { .iov_base = text, .iov_len = MESSAGE_MAX };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	ssize_t n = receive(line, &message);

	text[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		return -1;
	return take_parcel(parcel, &message, text);
}

static int no_answer(struct weir_error *err, const char *path, int rc, const char *text)
{
	if (rc == 0 && weir_slice_starts(weir_slice_of(text), REFUSED))
		return weir_fail(err, WEIR_EBIND, "the running weir refuses: %s",
				 text + sizeof REFUSED - 1);
	return weir_fail(err, WEIR_EBIND, "what answers at %s is no weir that hands over", path);
}

int weir_handover_ask(const char *path, struct weir_handover_parcel *parcel, struct weir_error *err)
{
	char text[MESSAGE_MAX + 1] = "";
	struct sockaddr_un addr;
	socklen_t len;
	int64_t pid;
	int rc;

	parcel->line = address_of(path, &addr, &len) ? connect_to(&addr, len) : -ENAMETOOLONG;
	if (parcel->line < 0)
		return weir_fail(err, WEIR_EBIND,
				 "no weir waits for an upgrade at %s (%s); start one with "
				 "`weir serve`, or name its --upgrade-socket",
				 path, strerror(-parcel->line));
	if (!is_ours(parcel->line, &pid)) {
		close(parcel->line);
		return weir_fail(err, WEIR_EBIND, "another user's process waits at %s", path);
	}
	set_patience(parcel->line);
	rc = weir_handover_receive(parcel->line, parcel, text);
	if (rc > 0)
		return 0;
	close(parcel->line);
	return no_answer(err, path, rc, text);
}

int weir_handover_ready(struct weir_handover_parcel *parcel, struct weir_error *err)
{
	char text[WHY_MAX + 1] = "";
	struct iovec bytes = { .iov_base = text, .iov_len = WHY_MAX };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	int rc = 0;

	set_patience(parcel->line);
	(void)send_text(parcel->line, "ready");
	if (receive(parcel->line, &message) > 0 && weir_slice_starts(weir_slice_of(text), REFUSED))
		rc = weir_fail(err, WEIR_EBIND, "the running weir goes on itself: %s",
			       text + sizeof REFUSED - 1);
	close(parcel->line);
	parcel->line = -1;
	return rc;
}

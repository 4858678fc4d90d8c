#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/slice.h"

enum {
	FD_RESERVE_MAX = 32, /* left to those who are being served when descriptors run out */
	RETRY_MS = 100,
	LEAVE_MS = 100, /* a handshake that has begun is over by then */
	LEAVES_MAX = 20
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static bool parse_unix(struct weir_slice path, union address *addr)
{
	if (path.len == 0 || path.len >= sizeof addr->un.sun_path)
		return false;
	addr->un.sun_family = AF_UNIX;
	memcpy(addr->un.sun_path, path.base, path.len);
	return strlen(addr->un.sun_path) == path.len;
}

static bool parse_host(struct weir_slice host, int port, union address *addr)
{
	char text[INET6_ADDRSTRLEN + 18]; /* with a zone */

	if (host.len == 0)
		return uv_ip6_addr("::", port, &addr->v6) == 0;
	if (weir_slice_is_nocase(host, "localhost"))
		return uv_ip4_addr("127.0.0.1", port, &addr->v4) == 0;
	if (host.len >= sizeof text)
		return false;
	memcpy(text, host.base, host.len);
	text[host.len] = '\0';
	if (text[0] != '[')
		return uv_ip4_addr(text, port, &addr->v4) == 0;
	if (text[host.len - 1] != ']')
		return false;
	text[host.len - 1] = '\0';
	return uv_ip6_addr(text + 1, port, &addr->v6) == 0;
}

static bool parse(const char *text, union address *addr)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	*addr = (union address){ 0 };
	if (strlen(text) >= WEIR_LISTEN_TEXT_MAX)
		return false;
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(weir_slice_of(text + 5), addr);
	if (!colon || !weir_slice_to_u64(weir_slice_of(colon + 1), &port) || port > 65535)
		return false;
	return parse_host(weir_slice(text, (size_t)(colon - text)), (int)port, addr);
}

static bool is_loopback(const union address *addr)
{
	switch (addr->any.sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(addr->v4.sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&addr->v6.sin6_addr);
	default:
		return false;
	}
}

bool weir_listen_address_ok(const char *text, bool *loopback)
{
	union address addr;

	if (!parse(text, &addr))
		return false;
	if (loopback)
		*loopback = is_loopback(&addr);
	return true;
}

static int fail(struct weir_error *err, const char *text, int code)
{
	const char *hint = "";

	if (code == EADDRINUSE)
		hint = "; stop the program that has it, or choose another";
	else if (code == EACCES || code == EPERM)
		hint = "; choose another, for example a port above 1023, or give weir the right";
	else if (code == EADDRNOTAVAIL)
		hint = "; this machine has no such address";
	return weir_fail(err, WEIR_EBIND, "cannot listen on %s: %s%s", text, strerror(code), hint);
}

static int make_socket(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return fd;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	if (family == AF_UNIX)
		return fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	return fd;
}

static socklen_t size_of(const union address *addr)
{
	switch (addr->any.sa_family) {
	case AF_INET:
		return sizeof addr->v4;
	case AF_INET6:
		return sizeof addr->v6;
	default:
		return sizeof addr->un;
	}
}

/* A socket file that refuses is what a process left behind that could not clean up. */
static bool stale(const union address *addr)
{
	struct stat st;
	int fd, rc, code;

	if (lstat(addr->un.sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = make_socket(AF_UNIX);
	if (fd < 0)
		return false;
	rc = connect(fd, &addr->any, size_of(addr));
	code = errno;
	close(fd);
	return rc && code == ECONNREFUSED;
}

static int try_bind(const union address *addr)
{
	int fd = make_socket(addr->any.sa_family), code;

	if (fd < 0)
		return -1;
	if (bind(fd, &addr->any, size_of(addr)) == 0 && listen(fd, WEIR_LISTEN_BACKLOG) == 0)
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

static int bind_any(union address *addr, bool all)
{
	int fd = try_bind(addr);

	if (fd >= 0)
		return fd;
	if (addr->any.sa_family == AF_UNIX && errno == EADDRINUSE) {
		if (!stale(addr)) {
			errno = EADDRINUSE;
			return -1;
		}
		(void)unlink(addr->un.sun_path);
		return try_bind(addr);
	}
	if (all && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) { /* no IPv6 here */
		in_port_t port = addr->v6.sin6_port;

		*addr = (union address){ .v4 = { .sin_family = AF_INET, .sin_port = port } };
		return try_bind(addr);
	}
	return -1;
}

static void print_unix(const struct sockaddr_un *un, socklen_t len, char text[WEIR_LISTEN_TEXT_MAX])
{
	size_t n = len > offsetof(struct sockaddr_un, sun_path)
			   ? len - offsetof(struct sockaddr_un, sun_path)
			   : 0;
	bool abstract = n > 1 && un->sun_path[0] == '\0';

	snprintf(text, WEIR_LISTEN_TEXT_MAX, "unix:%s%.*s", abstract ? "@" : "",
		 (int)(abstract ? n - 1 : n), un->sun_path + abstract);
}

static unsigned print(const union address *addr, socklen_t len, char text[WEIR_LISTEN_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "";
	unsigned port = 0;

	if (addr->any.sa_family == AF_INET) {
		uv_ip4_name(&addr->v4, ip, sizeof ip);
		port = ntohs(addr->v4.sin_port);
		snprintf(text, WEIR_LISTEN_TEXT_MAX, "%s:%u", ip, port);
	} else if (addr->any.sa_family == AF_INET6) {
		uv_ip6_name(&addr->v6, ip, sizeof ip);
		port = ntohs(addr->v6.sin6_port);
		snprintf(text, WEIR_LISTEN_TEXT_MAX, "[%s]:%u", ip, port);
	} else if (addr->any.sa_family == AF_UNIX) {
		print_unix(&addr->un, len, text);
	}
	return port;
}

/* As it really is: with the port that the kernel chose. */
static void describe(struct weir_listener *listener, int fd)
{
	union address addr = { 0 };
	socklen_t len = sizeof addr;

	if (getsockname(fd, &addr.any, &len))
		return;
	listener->loopback = is_loopback(&addr);
	listener->port = print(&addr, len, listener->text);
}

bool weir_listen_describe(int fd, char text[WEIR_LISTEN_TEXT_MAX])
{
	union address addr = { 0 };
	socklen_t len = sizeof addr, size = sizeof(int);
	int type = 0, listens = 0;

	text[0] = '\0';
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens ||
	    getsockname(fd, &addr.any, &len))
		return false;
	print(&addr, len, text);
	return text[0] != '\0';
}

bool weir_listen_same(const char *open, const char *text)
{
	char canonical[WEIR_LISTEN_TEXT_MAX] = "";
	union address addr;

	if (!parse(text, &addr))
		return false;
	print(&addr, size_of(&addr), canonical);
	return strcmp(canonical, open) == 0;
}

/* Any: this kind is there without a file, in an empty root too. */
static int open_spare(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

/* Descriptors are handed out from the lowest free one: a high number means few are left. */
static bool scarce(const struct weir_listener *listener, int fd)
{
	return fd < 0 || fd >= listener->fd_high;
}

static void measure_limit(struct weir_listener *listener)
{
	struct rlimit limit;
	rlim_t reserve;

	listener->fd_high = INT32_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= INT32_MAX)
		return;
	reserve = limit.rlim_cur / 8 < FD_RESERVE_MAX ? limit.rlim_cur / 8 : FD_RESERVE_MAX;
	listener->fd_high = (int)(limit.rlim_cur - reserve);
}

static void on_retry(uv_timer_t *timer);

static void hold_back(struct weir_listener *listener)
{
	int rc = uv_timer_start(&listener->retry, on_retry, RETRY_MS, RETRY_MS);

	WEIR_ASSERT(rc == 0);
	listener->paused = true;
}

/* Who has no memory for it just now is asked again. */
static void offer(struct weir_listener *listener)
{
	listener->on_connection(listener);
	if (!listener->closing && listener->uv.stream.accepted_fd >= 0)
		hold_back(listener);
}

/* While a connection waits that nobody took, libuv accepts no further one. */
static void on_retry(uv_timer_t *timer)
{
	struct weir_listener *listener = timer->data;
	int fd;

	if (listener->closing)
		return;
	measure_limit(listener);
	fd = open_spare();
	if (scarce(listener, fd)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (listener->spare_fd < 0)
		listener->spare_fd = fd;
	else
		close(fd);
	listener->paused = false;
	uv_timer_stop(timer);
	if (listener->uv.stream.accepted_fd >= 0)
		offer(listener);
}

static void on_pending(uv_stream_t *stream, int err)
{
	struct weir_listener *listener = stream->data;

	if (listener->closing)
		return;
	if (err == UV_EMFILE || err == UV_ENFILE) {
		/* libuv asks again at once and would for ever: with the spare one it gets the
		 * next connection, which then waits for better times. */
		if (listener->spare_fd >= 0)
			close(listener->spare_fd);
		listener->spare_fd = -1;
		return;
	}
	if (err)
		return;
	if (listener->spare_fd < 0 || scarce(listener, stream->accepted_fd))
		hold_back(listener);
	else
		offer(listener);
}

static void init_handles(struct weir_listener *listener, uv_loop_t *loop, int fd)
{
	int rc;

	if (strncmp(listener->text, "unix:", 5) == 0) {
		rc = uv_pipe_init(loop, &listener->uv.pipe, 0);
		WEIR_ASSERT(rc == 0);
		rc = uv_pipe_open(&listener->uv.pipe, fd);
	} else {
		rc = uv_tcp_init(loop, &listener->uv.tcp);
		WEIR_ASSERT(rc == 0);
		rc = uv_tcp_open(&listener->uv.tcp, fd);
	}
	WEIR_ASSERT(rc == 0); /* a fresh socket of ours: nothing left to refuse */
	rc = uv_timer_init(loop, &listener->retry);
	WEIR_ASSERT(rc == 0);
	rc = uv_timer_init(loop, &listener->last);
	WEIR_ASSERT(rc == 0);
	listener->uv.handle.data = listener;
	listener->retry.data = listener;
	listener->last.data = listener;
	listener->handles_open = 3;
	rc = uv_listen(&listener->uv.stream, WEIR_LISTEN_BACKLOG, on_pending);
	WEIR_ASSERT(rc == 0);
}

static void begin(struct weir_listener *listener, uv_loop_t *loop, int fd)
{
	listener->spare_fd = open_spare();
	measure_limit(listener);
	describe(listener, fd);
	init_handles(listener, loop, fd);
}

static void remember_file(struct weir_listener *listener)
{
	const char *path = listener->text + 5;
	struct stat st;

	if (listener->uv.handle.type != UV_NAMED_PIPE || path[0] == '@' || lstat(path, &st))
		return;
	snprintf(listener->unlink_path, sizeof listener->unlink_path, "%s", path);
	listener->unlink_dev = (uint64_t)st.st_dev;
	listener->unlink_ino = (uint64_t)st.st_ino;
}

int weir_listener_open(struct weir_listener *listener, uv_loop_t *loop, const char *text,
		       void (*on_connection)(struct weir_listener *listener), void *user,
		       struct weir_error *err)
{
	union address addr;
	int fd;

	if (!parse(text, &addr))
		return weir_fail(err, WEIR_EBIND,
				 "cannot listen on %.*s: not an address; write 127.0.0.1:4000, "
				 "[::1]:4000, localhost:4000, :4000 or unix:/run/weir.sock",
				 WEIR_LISTEN_TEXT_MAX, text);
	fd = bind_any(&addr, text[0] == ':');
	if (fd < 0)
		return fail(err, text, errno);
	*listener = (struct weir_listener){ .user = user, .on_connection = on_connection };
	begin(listener, loop, fd);
	remember_file(listener);
	return 0;
}

int weir_listener_adopt(struct weir_listener *listener, uv_loop_t *loop, int fd, bool shared,
			void (*on_connection)(struct weir_listener *listener), void *user,
			struct weir_error *err)
{
	char text[WEIR_LISTEN_TEXT_MAX];

	if (!weir_listen_describe(fd, text))
		return weir_fail(err, WEIR_EBIND,
				 "descriptor %d is no listening TCP or unix socket", fd);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	*listener = (struct weir_listener){ .user = user,
					    .on_connection = on_connection,
					    .shared = shared };
	begin(listener, loop, fd);
	if (!shared)
		remember_file(listener);
	return 0;
}

int weir_listener_fd(const struct weir_listener *listener)
{
	uv_os_fd_t fd = -1;

	if (listener->closing || uv_fileno(&listener->uv.handle, &fd))
		return -1;
	return fd;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct weir_listener *listener = handle->data;

	WEIR_ASSERT(listener->closing && listener->handles_open > 0);
	if (--listener->handles_open == 0 && listener->on_closed)
		listener->on_closed(listener);
}

/* Only our own file: a successor may have put its socket there. */
static void remove_file(const struct weir_listener *listener)
{
	struct stat st;

	if (listener->unlink_path[0] && !listener->shared &&
	    lstat(listener->unlink_path, &st) == 0 && (uint64_t)st.st_dev == listener->unlink_dev &&
	    (uint64_t)st.st_ino == listener->unlink_ino)
		(void)unlink(listener->unlink_path);
}

void weir_listener_close(struct weir_listener *listener,
			 void (*on_closed)(struct weir_listener *listener))
{
	if (listener->closing)
		return;
	listener->closing = true;
	listener->on_closed = on_closed;
	remove_file(listener);
	if (listener->spare_fd >= 0)
		close(listener->spare_fd);
	listener->spare_fd = -1;
	uv_close(&listener->uv.handle, on_handle_closed);
	uv_close((uv_handle_t *)&listener->retry, on_handle_closed);
	uv_close((uv_handle_t *)&listener->last, on_handle_closed);
}

/* What the kernel does with a SYN from here on is to drop it: the peer asks again in a second, and
 * is refused then, or let in by a successor. Closing without this resets who is just coming. */
static void admit_no_more(int fd)
{
	static struct sock_filter no_syn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the TCP header's flags */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), /* SYN without ACK */
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { WEIR_COUNT_OF(no_syn), no_syn };

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static bool somebody_waits(const struct weir_listener *listener)
{
	struct pollfd one = { .fd = weir_listener_fd(listener), .events = POLLIN };

	return listener->uv.stream.accepted_fd >= 0 || (!listener->shared && poll(&one, 1, 0) > 0);
}

static void on_last(uv_timer_t *timer)
{
	struct weir_listener *listener = timer->data;

	if (!listener->closing && (!somebody_waits(listener) || ++listener->leaves == LEAVES_MAX))
		weir_listener_close(listener, listener->on_closed);
}

void weir_listener_leave(struct weir_listener *listener,
			 void (*on_closed)(struct weir_listener *listener))
{
	int rc;

	if (listener->closing || listener->leaving)
		return;
	if (listener->shared && listener->uv.stream.accepted_fd < 0) {
		weir_listener_close(listener, on_closed);
		return;
	}
	listener->leaving = true;
	listener->on_closed = on_closed;
	remove_file(listener);
	if (listener->uv.handle.type == UV_TCP && !listener->shared)
		admit_no_more(weir_listener_fd(listener));
	rc = uv_timer_start(&listener->last, on_last, LEAVE_MS, LEAVE_MS);
	WEIR_ASSERT(rc == 0);
}

void weir_listener_count(struct weir_listener *l, bool counts)
{
	void (*count)(uv_handle_t *) = counts ? uv_ref : uv_unref;

	count(&l->uv.handle);
	count((uv_handle_t *)&l->retry);
}

unsigned weir_listener_port(const struct weir_listener *listener)
{
	return listener->port;
}

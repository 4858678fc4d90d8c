/* A kernel's sockets in memory, and its clock: what libuv asks the system for TCP is answered
 * here, so that a whole gateway runs without a system call, the same each time, and any time
 * passes at once. Included once by a program, whose definitions come before libc's. Descriptors
 * below KERNEL_FD, and everything while kernel.on is false, are the real kernel's. */
#ifndef WEIR_FUZZ_KERNEL_H
#define WEIR_FUZZ_KERNEL_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

enum {
	KERNEL_FD = 600,
	KERNEL_SOCKETS = 128,
	KERNEL_WINDOW = 4 * 1024 * 1024, /* what one side may send before the other reads */
	KERNEL_WAITING = 16              /* of a listener */
};

struct kernel_bytes {
	char *base;
	size_t len, at, max;
};

enum kernel_state { KERNEL_NEW, KERNEL_CONNECTING, KERNEL_OPEN, KERNEL_REFUSED, KERNEL_LISTENING };

/* weir's end of a connection, with what the other end, a script's, knows of it. */
struct kernel_socket {
	bool used;  /* weir has the descriptor */
	bool other; /* the script has the other end */
	enum kernel_state state;
	unsigned port;               /* listening here, or asked for */
	bool called;                 /* a caller connected */
	struct kernel_bytes in, out; /* to weir, from weir */
	bool in_fin, in_rst;         /* the other end has said so */
	bool out_fin, out_rst;       /* weir has */
	bool linger;                 /* closing resets */
	size_t window;               /* of out */
	bool watched;                /* by epoll */
	struct epoll_event interest;
	unsigned serial; /* in the order of connections */
	int waiting[KERNEL_WAITING], waiting_n;
};

static struct kernel {
	bool on;
	bool squeezed; /* a window was full once: what comes when depends on how it was cut */
	uint64_t now_ms;
	unsigned serial;
	int top; /* so many were used at once */
	struct kernel_socket sockets[KERNEL_SOCKETS];
	/* What becomes of a connection to a port. */
	enum kernel_state (*on_connect)(unsigned port);
} kernel;

static long kernel_real(long number, long a, long b, long c, long d, long e, long f)
{
	static long (*real)(long, ...);

	if (!real) {
		void *symbol = dlsym(RTLD_NEXT, "syscall");

		memcpy(&real, &symbol, sizeof real);
	}
	return real(number, a, b, c, d, e, f);
}

static struct kernel_socket *kernel_at(int fd)
{
	if (fd < KERNEL_FD || fd >= KERNEL_FD + KERNEL_SOCKETS)
		return NULL;
	return kernel.sockets[fd - KERNEL_FD].used ? &kernel.sockets[fd - KERNEL_FD] : NULL;
}

static int kernel_fd(const struct kernel_socket *s)
{
	return KERNEL_FD + (int)(s - kernel.sockets);
}

static bool kernel_knows(int fd)
{
	return fd >= KERNEL_FD && fd < KERNEL_FD + KERNEL_SOCKETS;
}

static int kernel_fail(int err)
{
	errno = err;
	return -1;
}

static void kernel_put(struct kernel_bytes *bytes, const char *from, size_t len)
{
	if (bytes->at == bytes->len)
		bytes->at = bytes->len = 0;
	if (bytes->len + len > bytes->max) {
		bytes->max = 2 * (bytes->len + len);
		bytes->base = realloc(bytes->base, bytes->max);
	}
	if (len)
		memcpy(bytes->base + bytes->len, from, len);
	bytes->len += len;
}

static void kernel_drop(struct kernel_bytes *bytes)
{
	free(bytes->base);
	*bytes = (struct kernel_bytes){ 0 };
}

/* Free again once both ends are closed. */
static void kernel_settle(struct kernel_socket *s)
{
	if (s->used || s->other)
		return;
	kernel_drop(&s->in);
	kernel_drop(&s->out);
	*s = (struct kernel_socket){ 0 };
}

static struct kernel_socket *kernel_socket_new(void)
{
	for (int i = 0; i < KERNEL_SOCKETS; i++) {
		struct kernel_socket *s = &kernel.sockets[i];

		if (s->used || s->other)
			continue;
		kernel.top = i < kernel.top ? kernel.top : i + 1;
		*s = (struct kernel_socket){ .used = true, .window = KERNEL_WINDOW };
		return s;
	}
	return NULL;
}

/* The other end. NULL: nobody listens there, or too many wait. */
static struct kernel_socket *kernel_call(unsigned port)
{
	struct kernel_socket *s, *listener = NULL;

	for (int i = 0; i < kernel.top && !listener; i++)
		if (kernel.sockets[i].used && kernel.sockets[i].state == KERNEL_LISTENING &&
		    kernel.sockets[i].port == port)
			listener = &kernel.sockets[i];
	if (!listener || listener->waiting_n == KERNEL_WAITING || !(s = kernel_socket_new()))
		return NULL;
	s->used = false; /* until it is accepted */
	s->other = s->called = true;
	s->state = KERNEL_OPEN;
	s->port = port;
	s->serial = ++kernel.serial;
	listener->waiting[listener->waiting_n++] = kernel_fd(s);
	return s;
}

static void kernel_end(struct kernel_socket *s, bool reset)
{
	if (!s->other)
		return;
	s->other = false;
	s->in_fin = true;
	s->in_rst |= reset || s->out.at < s->out.len;
	for (int i = 0; i < kernel.top && !s->used; i++) /* not accepted yet: still is */
		for (int k = 0; k < kernel.sockets[i].waiting_n; k++)
			if (kernel.sockets[i].waiting[k] == kernel_fd(s))
				return;
	kernel_settle(s);
}

/* ---- readiness ---- */

static uint32_t kernel_ready(const struct kernel_socket *s)
{
	uint32_t ready = 0;

	switch (s->state) {
	case KERNEL_LISTENING:
		return s->waiting_n ? EPOLLIN : 0;
	case KERNEL_REFUSED:
		return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
	case KERNEL_NEW:
	case KERNEL_CONNECTING:
		return 0;
	case KERNEL_OPEN:
		break;
	}
	if (s->in.at < s->in.len || s->in_fin || s->in_rst)
		ready |= EPOLLIN;
	if (s->out.len - s->out.at < s->window || s->in_rst || !s->other)
		ready |= EPOLLOUT;
	if (s->in_rst)
		ready |= EPOLLERR | EPOLLHUP;
	else if (s->in_fin && s->out_fin)
		ready |= EPOLLHUP;
	return ready;
}

static uint32_t kernel_due(const struct kernel_socket *s)
{
	return s->used && s->watched ? kernel_ready(s) & (s->interest.events | EPOLLERR | EPOLLHUP)
				     : 0;
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct kernel_socket *s = kernel_at(fd);

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_epoll_ctl, epfd, op, fd, (long)event, 0, 0);
	if (!s)
		return kernel_fail(EBADF);
	if (op == EPOLL_CTL_ADD && s->watched)
		return kernel_fail(EEXIST);
	if (op != EPOLL_CTL_ADD && !s->watched)
		return kernel_fail(ENOENT);
	s->watched = op != EPOLL_CTL_DEL;
	if (s->watched)
		s->interest = *event;
	return 0;
}

int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout, const sigset_t *set)
{
	int n = 0;

	if (!kernel.on)
		return (int)kernel_real(SYS_epoll_pwait, epfd, (long)events, max, timeout,
					(long)set, 8);
	for (int i = 0; i < kernel.top && n < max; i++) {
		uint32_t due = kernel_due(&kernel.sockets[i]);

		if (!due)
			continue;
		events[n] = kernel.sockets[i].interest;
		events[n++].events = due;
	}
	FUZZ_CHECK(n || timeout >= 0); /* would wait for ever */
	if (n == 0)
		kernel.now_ms += (uint64_t)timeout;
	return n;
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	return epoll_pwait(epfd, events, max, timeout, NULL);
}

/* glibc says of it that it only writes there. */
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct kernel_socket *s = n == 1 ? kernel_at(fds->fd) : NULL;

	if (!s)
		return (int)kernel_real(SYS_poll, (long)fds, (long)n, timeout, 0, 0, 0);
	fds->revents = (short)(kernel_ready(s) & (unsigned short)fds->events);
	return fds->revents != 0;
}
#pragma GCC diagnostic pop

/* ---- sockets ---- */

int socket(int domain, int type, int protocol)
{
	struct kernel_socket *s;

	if (!kernel.on || domain != AF_INET || (type & 0xf) != SOCK_STREAM)
		return (int)kernel_real(SYS_socket, domain, type, protocol, 0, 0, 0);
	s = kernel_socket_new();
	return s ? kernel_fd(s) : kernel_fail(EMFILE);
}

static int kernel_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct kernel_socket *s = kernel_at(fd);
	const struct sockaddr_in *in = (const void *)addr;

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_connect, fd, (long)addr, len, 0, 0, 0);
	if (!s)
		return kernel_fail(EBADF);
	s->port = ntohs(in->sin_port);
	s->state = kernel.on_connect(s->port);
	s->other = s->state != KERNEL_REFUSED;
	s->serial = ++kernel.serial;
	return kernel_fail(EINPROGRESS);
}

static int kernel_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct kernel_socket *s = kernel_at(fd);
	const struct sockaddr_in *in = (const void *)addr;

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_bind, fd, (long)addr, len, 0, 0, 0);
	if (!s)
		return kernel_fail(EBADF);
	for (int i = 0; i < kernel.top; i++)
		if (kernel.sockets[i].used && kernel.sockets[i].state == KERNEL_LISTENING &&
		    kernel.sockets[i].port == ntohs(in->sin_port))
			return kernel_fail(EADDRINUSE);
	s->port = ntohs(in->sin_port);
	return 0;
}

static int kernel_name(int fd, long call, struct sockaddr *addr, socklen_t *len)
{
	const struct kernel_socket *s = kernel_at(fd);
	struct sockaddr_in in = { .sin_family = AF_INET };
	bool own = call == SYS_getsockname;

	if (!kernel_knows(fd))
		return (int)kernel_real(call, fd, (long)addr, (long)len, 0, 0, 0);
	if (!s || (!own && s->state != KERNEL_OPEN))
		return kernel_fail(s ? ENOTCONN : EBADF);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)(own == !s->called && s->state != KERNEL_LISTENING
					       ? 40000 + s->serial % 20000
					       : s->port));
	memcpy(addr, &in, *len < sizeof in ? *len : sizeof in);
	*len = sizeof in;
	return 0;
}

/* glibc's parameters are unions of all kinds of addresses. */
#ifdef __GLIBC__
#define KERNEL_TO_ADDR    __SOCKADDR_ARG
#define KERNEL_FROM_ADDR  __CONST_SOCKADDR_ARG
#define KERNEL_PLAIN(arg) ((arg).__sockaddr__)
#else
#define KERNEL_TO_ADDR    struct sockaddr *
#define KERNEL_FROM_ADDR  const struct sockaddr *
#define KERNEL_PLAIN(arg) (arg)
#endif

int connect(int fd, KERNEL_FROM_ADDR addr, socklen_t len)
{
	return kernel_connect(fd, KERNEL_PLAIN(addr), len);
}

int bind(int fd, KERNEL_FROM_ADDR addr, socklen_t len)
{
	return kernel_bind(fd, KERNEL_PLAIN(addr), len);
}

int getsockname(int fd, KERNEL_TO_ADDR addr, socklen_t *len)
{
	return kernel_name(fd, SYS_getsockname, KERNEL_PLAIN(addr), len);
}

int getpeername(int fd, KERNEL_TO_ADDR addr, socklen_t *len)
{
	return kernel_name(fd, SYS_getpeername, KERNEL_PLAIN(addr), len);
}

int accept4(int fd, KERNEL_TO_ADDR addr, socklen_t *len, int flags)
{
	struct kernel_socket *s = kernel_at(fd);
	int taken;

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_accept4, fd, (long)KERNEL_PLAIN(addr), (long)len, flags,
					0, 0);
	if (!s)
		return kernel_fail(EBADF);
	if (s->waiting_n == 0)
		return kernel_fail(EAGAIN);
	taken = s->waiting[0];
	memmove(s->waiting, s->waiting + 1, (size_t)--s->waiting_n * sizeof *s->waiting);
	kernel.sockets[taken - KERNEL_FD].used = true;
	return taken;
}

int listen(int fd, int backlog)
{
	struct kernel_socket *s = kernel_at(fd);

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_listen, fd, backlog, 0, 0, 0, 0);
	s->state = KERNEL_LISTENING;
	return 0;
}

int shutdown(int fd, int how)
{
	struct kernel_socket *s = kernel_at(fd);

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_shutdown, fd, how, 0, 0, 0, 0);
	if (!s || s->state != KERNEL_OPEN || s->in_rst)
		return kernel_fail(s ? ENOTCONN : EBADF);
	s->out_fin |= how != SHUT_RD;
	return 0;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	const struct kernel_socket *s = kernel_at(fd);
	int n = 0;

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_getsockopt, fd, level, name, (long)value, (long)len, 0);
	if (!s)
		return kernel_fail(EBADF);
	if (level == SOL_SOCKET && name == SO_ERROR)
		n = s->state == KERNEL_REFUSED ? ECONNREFUSED : s->in_rst ? ECONNRESET : 0;
	else if (level == SOL_SOCKET && name == SO_TYPE)
		n = SOCK_STREAM;
	else if (level == SOL_SOCKET && name == SO_ACCEPTCONN)
		n = s->state == KERNEL_LISTENING;
	memcpy(value, &n, *len < sizeof n ? *len : sizeof n);
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct kernel_socket *s = kernel_at(fd);
	struct linger linger = { 0 };

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_setsockopt, fd, level, name, (long)value, len, 0);
	if (!s)
		return kernel_fail(EBADF);
	if (level == SOL_SOCKET && name == SO_LINGER && len >= sizeof linger) {
		memcpy(&linger, value, sizeof linger);
		s->linger = linger.l_onoff && linger.l_linger == 0;
	}
	return 0;
}

/* ---- bytes ---- */

ssize_t read(int fd, void *to, size_t max)
{
	struct kernel_socket *s = kernel_at(fd);
	size_t n;

	if (!kernel_knows(fd))
		return kernel_real(SYS_read, fd, (long)to, (long)max, 0, 0, 0);
	if (!s)
		return kernel_fail(EBADF);
	n = s->in.len - s->in.at < max ? s->in.len - s->in.at : max;
	if (n == 0 && s->in_rst)
		return kernel_fail(ECONNRESET);
	if (n == 0)
		return s->in_fin ? 0 : kernel_fail(EAGAIN);
	memcpy(to, s->in.base + s->in.at, n);
	s->in.at += n;
	return (ssize_t)n;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	struct kernel_socket *s = kernel_at(fd);
	size_t sum = 0;

	if (!kernel_knows(fd))
		return kernel_real(SYS_writev, fd, (long)iov, n, 0, 0, 0);
	if (!s)
		return kernel_fail(EBADF);
	if (s->in_rst || s->out_fin || s->state != KERNEL_OPEN)
		return kernel_fail(s->in_rst ? ECONNRESET : EPIPE);
	for (int i = 0; i < n; i++) {
		size_t room = s->window - (s->out.len - s->out.at);
		size_t len = iov[i].iov_len < room ? iov[i].iov_len : room;

		if (!s->other) /* answered by RST */
			len = iov[i].iov_len;
		else
			kernel_put(&s->out, iov[i].iov_base, len);
		sum += len;
		if (len < iov[i].iov_len) {
			kernel.squeezed = true;
			break;
		}
	}
	s->in_rst |= !s->other;
	return sum ? (ssize_t)sum : kernel_fail(EAGAIN);
}

ssize_t write(int fd, const void *from, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)from, len };

	if (!kernel_knows(fd))
		return kernel_real(SYS_write, fd, (long)from, (long)len, 0, 0, 0);
	return writev(fd, &iov, 1);
}

int close(int fd)
{
	struct kernel_socket *s = kernel_at(fd);

	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_close, fd, 0, 0, 0, 0, 0);
	if (!s)
		return kernel_fail(EBADF);
	s->used = s->watched = false;
	s->out_fin = true;
	s->out_rst = s->linger || s->in.at < s->in.len;
	for (int i = 0; i < s->waiting_n; i++) { /* nobody has let them in */
		struct kernel_socket *left = &kernel.sockets[s->waiting[i] - KERNEL_FD];

		left->out_fin = left->out_rst = true;
		kernel_settle(left);
	}
	s->waiting_n = 0;
	kernel_settle(s);
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct kernel_socket *s = kernel_at(fd);
	va_list more;
	void *arg;

	va_start(more, request);
	arg = va_arg(more, void *);
	va_end(more);
	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_ioctl, fd, (long)request, (long)arg, 0, 0, 0);
	if (!s)
		return kernel_fail(EBADF);
	if (request == FIONREAD)
		*(int *)arg = (int)(s->in.len - s->in.at);
	else if (request == TIOCOUTQ) /* as SIOCOUTQ */
		*(int *)arg = (int)(s->out.len - s->out.at);
	return 0;
}

int fcntl(int fd, int cmd, ...)
{
	va_list more;
	void *arg;

	va_start(more, cmd);
	arg = va_arg(more, void *);
	va_end(more);
	if (!kernel_knows(fd))
		return (int)kernel_real(SYS_fcntl, fd, cmd, (long)arg, 0, 0, 0);
	return cmd == F_GETFL ? O_RDWR | O_NONBLOCK : 0;
}

long syscall(long number, ...)
{
	va_list more;
	long arg[6];

	va_start(more, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(more, long);
	va_end(more);
	if (number == SYS_io_uring_setup) /* libuv from 1.45 on would watch sockets by it */
		return kernel_fail(ENOSYS);
	if (number == SYS_close && kernel_knows((int)arg[0]))
		return close((int)arg[0]);
	return kernel_real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* ---- the clock ---- */

enum { KERNEL_EPOCH_S = 1796000000 };

int clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!kernel.on)
		return (int)kernel_real(SYS_clock_gettime, id, (long)ts, 0, 0, 0, 0);
	*ts = (struct timespec){ .tv_sec = (time_t)(kernel.now_ms / 1000),
				 .tv_nsec = (long)(kernel.now_ms % 1000) * 1000000 };
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ts->tv_sec += KERNEL_EPOCH_S;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_REALTIME, &ts);
	return out ? (*out = ts.tv_sec) : ts.tv_sec;
}

#endif

/* Put before the C library (LD_PRELOAD), with TORN_IO: what the kernel may do to whoever reads and
 * writes sockets, all the time. bytes: one byte in each call. interrupts: of two calls one fails,
 * by EINTR or EAGAIN, as does of four waits one. Nothing is lost by either. */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { WHOLE, BYTES, INTERRUPTS };

static enum mode mode(void)
{
	static int known = -1;

	if (known < 0) {
		const char *word = getenv("TORN_IO");

		known = !word                             ? WHOLE
			: strcmp(word, "bytes") == 0      ? BYTES
			: strcmp(word, "interrupts") == 0 ? INTERRUPTS
							  : WHOLE;
	}
	return (enum mode)known;
}

/* Always the same: xorshift64. */
static unsigned dice(unsigned sides)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 32) % sides;
}

static int is_stream(int fd)
{
	int saved = errno, type = 0;
	socklen_t len = sizeof type;
	int is = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;

	errno = saved;
	return is;
}

/* The call fails, and errno says how. */
static int fails(int fd)
{
	unsigned roll;

	if (mode() != INTERRUPTS || !is_stream(fd))
		return 0;
	roll = dice(4);
	if (roll < 2)
		errno = roll ? EAGAIN : EINTR;
	return roll < 2;
}

static size_t most(int fd, size_t len)
{
	return mode() == BYTES && len > 1 && is_stream(fd) ? 1 : len;
}

/* The first byte of a list. */
static int first(int fd, const struct iovec *list, int n, struct iovec *one)
{
	if (mode() != BYTES || !is_stream(fd))
		return 0;
	for (int i = 0; i < n; i++)
		if (list[i].iov_len) {
			*one = (struct iovec){ list[i].iov_base, 1 };
			return 1;
		}
	return 0;
}

#define NEXT(name)                     \
	static __typeof__(&name) next; \
	if (!next)                     \
	*(void **)&next = dlsym(RTLD_NEXT, #name)

ssize_t read(int fd, void *to, size_t len)
{
	NEXT(read);
	return fails(fd) ? -1 : next(fd, to, most(fd, len));
}

ssize_t write(int fd, const void *from, size_t len)
{
	NEXT(write);
	return fails(fd) ? -1 : next(fd, from, most(fd, len));
}

ssize_t writev(int fd, const struct iovec *list, int n)
{
	struct iovec one;

	NEXT(writev);
	if (fails(fd))
		return -1;
	return first(fd, list, n, &one) ? next(fd, &one, 1) : next(fd, list, n);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	NEXT(accept4);
	return fails(fd) ? -1 : next(fd, addr, len, flags);
}

static int wakes(void)
{
	if (mode() != INTERRUPTS || dice(4))
		return 0;
	errno = EINTR;
	return 1;
}

int epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
	NEXT(epoll_wait);
	return wakes() ? -1 : next(fd, events, n, ms);
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int ms, const sigset_t *mask)
{
	NEXT(epoll_pwait);
	return wakes() ? -1 : next(fd, events, n, ms, mask);
}

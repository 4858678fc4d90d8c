/* Ends of connections with nothing but a socket: callers and providers that do what no
 * library would, and take no memory of weir's. */
#ifndef WEIR_GATEWAY_RAW_H
#define WEIR_GATEWAY_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway_world.h"

#ifndef RAW_IN_MAX
#define RAW_IN_MAX (24 * 1024 * 1024)
#endif

struct raw {
	int fd; /* -1: none */
	size_t in_len;
	bool ended; /* FIN or RST came */
	bool reset; /* it was RST */
	char *in;   /* NUL after it */
};

static inline void raw_init(struct raw *raw, int fd)
{
	*raw = (struct raw){ .fd = fd, .in = malloc(RAW_IN_MAX) };
	raw->in[0] = '\0';
	if (fd >= 0)
		CHECK_INT(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static inline void raw_close(struct raw *raw)
{
	if (raw->in && raw->fd >= 0)
		close(raw->fd);
	raw->fd = -1;
	free(raw->in);
	raw->in = NULL;
}

static inline struct sockaddr_in raw_loopback(unsigned port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return addr;
}

static inline void raw_connect(struct raw *raw, unsigned port)
{
	struct sockaddr_in addr = raw_loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	raw_init(raw, fd);
}

/* A listening socket and its port. */
static inline int raw_listen(unsigned *port)
{
	struct sockaddr_in addr = raw_loopback(0);
	socklen_t len = sizeof addr;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	CHECK_INT(listen(fd, 16), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	CHECK_INT(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

/* False: nobody has come. */
static inline bool raw_accept(struct raw *raw, int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return false;
	raw_init(raw, fd);
	return true;
}

/* How much the kernel took. */
static inline size_t raw_send(struct raw *raw, const char *bytes, size_t len)
{
	ssize_t n = raw->fd < 0 ? -1 : send(raw->fd, bytes, len, MSG_NOSIGNAL);

	return n > 0 ? (size_t)n : 0;
}

static inline void raw_say(struct raw *raw, const char *text)
{
	CHECK_INT(raw_send(raw, text, strlen(text)), strlen(text));
}

/* Reads at most so much of what is there. */
static inline size_t raw_read(struct raw *raw, size_t max)
{
	size_t sum = 0;

	while (sum < max && raw->in_len + 1 < RAW_IN_MAX && !raw->ended) {
		size_t room = RAW_IN_MAX - 1 - raw->in_len;
		size_t want = max - sum < room ? max - sum : room;
		ssize_t n = recv(raw->fd, raw->in + raw->in_len, want, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		raw->ended = n <= 0;
		raw->reset = n < 0;
		if (n <= 0)
			break;
		raw->in_len += (size_t)n;
		sum += (size_t)n;
	}
	raw->in[raw->in_len] = '\0';
	return sum;
}

static inline void raw_post(struct raw *raw, const char *fields, const char *body)
{
	char request[4096];

	snprintf(request, sizeof request,
		 "POST " CHAT " HTTP/1.1\r\nhost: weir\r\n%scontent-type: application/json\r\n"
		 "content-length: %zu\r\n\r\n%s",
		 fields, strlen(body), body);
	raw_say(raw, request);
}

/* Of the first message that came; 0: none yet. */
static inline int raw_status(const struct raw *raw)
{
	return raw->in_len > 12 ? (int)strtol(raw->in + 9, NULL, 10) : 0;
}

/* In the first 16 KiB that came. */
static inline const char *raw_find(const struct raw *raw, const char *text)
{
	size_t len = raw->in_len < 16384 ? raw->in_len : 16384;

	return memmem(raw->in, len, text, strlen(text));
}

static inline const char *raw_body(const struct raw *raw)
{
	const char *end = raw_find(raw, "\r\n\r\n");

	return end ? end + 4 : NULL;
}

/* Is all that came one whole message, by its own framing? */
static inline bool raw_whole(const struct raw *raw)
{
	const char *body = raw_body(raw), *length = raw_find(raw, "content-length: ");

	if (!body)
		return false;
	if (length && length < body)
		return raw->in_len - (size_t)(body - raw->in) == strtoul(length + 16, NULL, 10);
	return raw_find(raw, "transfer-encoding: chunked") && raw->in_len > 7 &&
	       memcmp(raw->in + raw->in_len - 7, "\r\n0\r\n\r\n", 7) == 0;
}

static inline void raw_wait(struct place *p, struct raw *raw)
{
	while (!raw->ended && !raw_whole(raw)) {
		place_turn(p);
		raw_read(raw, RAW_IN_MAX);
	}
}

#endif

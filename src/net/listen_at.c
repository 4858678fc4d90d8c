#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"
#include "net/listen.h"

/* Whether an address is that of a listener, by whatever name this machine is called. */

/* An IPv4 address in IPv6 is the IPv4 one. */
static void unmap(union weir_address *addr)
{
	union weir_address v4 = { .v4 = { .sin_family = AF_INET, .sin_port = addr->v6.sin6_port } };

	if (addr->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr))
		return;
	memcpy(&v4.v4.sin_addr, addr->v6.sin6_addr.s6_addr + 12, sizeof v4.v4.sin_addr);
	*addr = v4;
}

static bool same_host(const union weir_address *a, const union weir_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	return a->any.sa_family == AF_INET ? a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr
					   : IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

static bool is_loopback(const union weir_address *addr)
{
	return addr->any.sa_family == AF_INET ? ntohl(addr->v4.sin_addr.s_addr) >> 24 == 127
					      : IN6_IS_ADDR_LOOPBACK(&addr->v6.sin6_addr);
}

/* The way to an address of one's own begins there. Nothing is sent for it. */
static bool is_this_machine(const union weir_address *addr)
{
	union weir_address from = { 0 };
	socklen_t len = sizeof from;
	bool same;
	int fd;

	if (is_loopback(addr))
		return true;
	fd = socket(addr->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	same = fd >= 0 && connect(fd, &addr->any, sizeof *addr) == 0 &&
	       getsockname(fd, &from.any, &len) == 0 && same_host(&from, addr);
	if (fd >= 0)
		close(fd);
	return same;
}

static bool is_any_host(const union weir_address *addr)
{
	return addr->any.sa_family == AF_INET ? addr->v4.sin_addr.s_addr == htonl(INADDR_ANY)
					      : IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr);
}

bool weir_listener_is_at(const struct weir_listener *listener, const struct sockaddr *addr)
{
	union weir_address to = { 0 }, at = { 0 };
	socklen_t len = sizeof at;

	if (listener->uv.handle.type != UV_TCP || listener->closing)
		return false;
	if (addr->sa_family == AF_INET)
		to.v4 = *(const struct sockaddr_in *)(const void *)addr;
	else if (addr->sa_family == AF_INET6)
		to.v6 = *(const struct sockaddr_in6 *)(const void *)addr;
	else
		return false;
	unmap(&to);
	if (ntohs(to.v4.sin_port) != listener->port ||
	    getsockname(weir_listener_fd(listener), &at.any, &len))
		return false;
	unmap(&at);
	if (!is_any_host(&at))
		return same_host(&at, &to);
	return (at.any.sa_family == AF_INET6 || to.any.sa_family == AF_INET) &&
	       is_this_machine(&to);
}

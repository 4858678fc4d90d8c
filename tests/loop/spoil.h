/* The kernel refuses to connect where a test says so. */
#ifndef WEIR_SPOIL_H
#define WEIR_SPOIL_H

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a connection to that address fails with; 0: it does not. NULL: none does. */
static int (*spoil_connect)(const struct sockaddr *addr);

#ifdef __GLIBC__
int connect(int fd, __CONST_SOCKADDR_ARG any, socklen_t len)
{
	const struct sockaddr *addr = any.__sockaddr__;
#else
int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
#endif
	int wrong = spoil_connect ? spoil_connect(addr) : 0;

	if (wrong == 0)
		return (int)syscall(SYS_connect, fd, addr, len);
	errno = wrong;
	return -1;
}

#endif

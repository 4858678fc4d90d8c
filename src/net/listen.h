/* Listening sockets: "127.0.0.1:4000", "[::1]:4000", "localhost:4000", ":4000" (all
 * addresses), "unix:/run/weir.sock"; port 0 takes a free one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

enum { WEIR_LISTEN_BACKLOG = 4096, WEIR_LISTEN_TEXT_MAX = 128 };

struct weir_listener {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	void *user;
	void (*on_connection)(struct weir_listener *listener); /* call weir_conn_accept, or be
	                                                           asked again a little later */
	void (*on_closed)(struct weir_listener *listener);
	bool closing;
	bool leaving;                    /* takes who has come already, and then closes */
	bool shared;                     /* another process goes on with the socket */
	bool loopback;                   /* loopback address or unix socket */
	char text[WEIR_LISTEN_TEXT_MAX]; /* as bound, with the real port */
	char unlink_path[108];           /* unix: removed at close */
	/* Private. */
	uv_timer_t retry;
	uv_timer_t last; /* leaving */
	unsigned leaves; /* how often it was looked whether somebody waits */
	unsigned handles_open;
	unsigned port;
	int spare_fd; /* given up when the process has no descriptor left */
	int fd_high;  /* connections with a number from here on must wait */
	bool paused;
	uint64_t unlink_dev, unlink_ino;
};

/* Is text an address this understands? Used by the configuration; opens nothing. */
bool weir_listen_address_ok(const char *text, bool *loopback);

/* 0, or WEIR_EBIND and a sentence with the address and what to do. A stale unix socket
 * (nobody answers) is replaced, a live one is refused. */
WEIR_MUST_CHECK int weir_listener_open(struct weir_listener *listener, uv_loop_t *loop,
				       const char *text,
				       void (*on_connection)(struct weir_listener *listener),
				       void *user, struct weir_error *err);
/* The same with a socket that listens already: a parent's or a predecessor's. fd is the
 * listener's from then on, unless this fails. shared: who gave it keeps it as well. */
WEIR_MUST_CHECK int weir_listener_adopt(struct weir_listener *listener, uv_loop_t *loop, int fd,
					bool shared,
					void (*on_connection)(struct weir_listener *listener),
					void *user, struct weir_error *err);
/* Would opening text open this address, which is as in listener->text? Port 0 never would. */
bool weir_listen_same(const char *open, const char *text);
/* The address of a listening socket, as in listener->text; false: it is none. */
bool weir_listen_describe(int fd, char text[WEIR_LISTEN_TEXT_MAX]);
/* Does what connects to addr arrive there? */
bool weir_listener_is_at(const struct weir_listener *listener, const struct sockaddr *addr);
/* Its descriptor, which stays the listener's. */
int weir_listener_fd(const struct weir_listener *listener);

/* As close, but those whom the kernel has let in already are taken first: nobody is reset. Where
 * the socket is shared they are left to the other process. */
void weir_listener_leave(struct weir_listener *listener,
			 void (*on_closed)(struct weir_listener *listener));
/* Stops accepting; idempotent. on_closed (may be NULL) comes once. */
void weir_listener_close(struct weir_listener *listener,
			 void (*on_closed)(struct weir_listener *listener));
/* Does it keep the loop alive while it listens? It does to begin with. */
void weir_listener_count(struct weir_listener *listener, bool counts);
unsigned weir_listener_port(const struct weir_listener *listener);

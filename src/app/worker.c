#include "app/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "app/sockets.h"
#include "base/slice.h"

static void say(const struct server *s, const char *word)
{
	(void)send(s->line, word, strlen(word), MSG_NOSIGNAL);
}

void weir_worker_tell(struct server *s, bool reloaded)
{
	struct weir_handover_socket list[WEIR_HANDOVER_MAX];
	unsigned n = reloaded ? weir_sockets_list(s->gateway, list) : 0;

	if (n == 0 || weir_handover_send(s->line, s->line, list, n))
		say(s, WEIR_ORDER_KEPT);
}

void weir_worker_ask_drain(struct server *s)
{
	say(s, WEIR_ORDER_DRAIN);
}

int weir_worker_up(struct server *s)
{
	char text[WEIR_HANDOVER_TEXT_MAX + 1];
	ssize_t n;

	weir_worker_tell(s, true);
	do
		n = recv(s->line, text, sizeof text - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0 && weir_slice_is(weir_slice(text, (size_t)n), WEIR_ORDER_GO))
		return WEIR_EXIT_DONE;
	return WEIR_EXIT_BAD;
}

/* ---- orders ---- */

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : (uint64_t)st.st_ino;
}

static bool has(const struct server *s, int fd)
{
	struct weir_socket socket;

	for (size_t i = 0; weir_gateway_socket(s->gateway, i, &socket) == 0; i++)
		if (inode_of(socket.fd) == inode_of(fd))
			return true;
	return false;
}

/* Those that are not open here yet. */
static void keep_new(const struct server *s, struct weir_handover_parcel *parcel)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < parcel->n; i++) {
		if (has(s, parcel->sockets[i].fd))
			close(parcel->sockets[i].fd);
		else
			parcel->sockets[kept++] = parcel->sockets[i];
	}
	parcel->n = kept;
}

/* Sockets that others have opened are at hand when the configuration asks for them. */
static void reload(struct server *s, struct weir_handover_parcel *parcel)
{
	struct stat st;
	char *text = NULL;
	char why[WHY_MAX];
	int rc = fstat(parcel->fd, &st);

	if (rc == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, parcel->fd, 0);
	if (text == MAP_FAILED)
		text = NULL;
	keep_new(s, parcel);
	for (unsigned i = 0; i < parcel->n; i++)
		parcel->sockets[i].flags |= WEIR_SOCKET_COMMON;
	rc = weir_sockets_give(parcel, s->gateway, why, sizeof why);
	if (rc == 0)
		rc = s->orders->on_reload(s, text, text ? (size_t)st.st_size : 0);
	weir_gateway_disinherit(s->gateway);
	if (text)
		munmap(text, (size_t)st.st_size);
	close(parcel->fd);
	weir_worker_tell(s, rc == 0);
}

static void obey(struct server *s, struct weir_slice word)
{
	if (weir_slice_is(word, WEIR_ORDER_DRAIN))
		s->orders->on_drain(s, false);
	else if (weir_slice_is(word, WEIR_ORDER_LEAVE))
		s->orders->on_drain(s, true);
	else if (weir_slice_is(word, WEIR_ORDER_STOP))
		s->orders->on_stop(s);
	else if (weir_slice_is(word, WEIR_ORDER_ROTATE))
		s->orders->on_rotate(s);
}

/* Without a supervisor nobody would end it: it ends itself. */
static void on_line(uv_poll_t *poll, int err, int events)
{
	struct server *s = poll->data;
	char text[WEIR_HANDOVER_TEXT_MAX + 1] = "";
	struct weir_handover_parcel parcel = { .fd = -1 };
	int rc = err ? -1 : weir_handover_receive(s->line, &parcel, text);

	(void)events;
	if (rc < 0) {
		uv_poll_stop(poll);
		s->orders->on_drain(s, false);
	} else if (rc > 0) {
		reload(s, &parcel);
	} else {
		obey(s, weir_slice_of(text));
	}
}

void weir_worker_listen(struct server *s, const struct weir_worker_events *events)
{
	s->orders = events;
	uv_poll_init(&s->loop, &s->line_poll, s->line);
	s->line_poll.data = s;
	uv_poll_start(&s->line_poll, UV_READABLE, on_line);
	uv_unref((uv_handle_t *)&s->line_poll);
}

void weir_worker_close(struct server *s)
{
	if (s->orders)
		uv_close((uv_handle_t *)&s->line_poll, NULL);
}

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/notify.h"
#include "app/supervisor.h"
#include "app/worker.h"

void weir_child_say(const struct weir_child *child, const char *word)
{
	if (child->state != WEIR_WORKER_NONE)
		(void)send(child->line, word, strlen(word), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void weir_supervisor_say(const struct weir_supervisor *s, const char *word)
{
	for (unsigned i = 0; i < s->n; i++)
		weir_child_say(&s->children[i], word);
}

bool weir_supervisor_read(const char *path, struct weir_buf *text)
{
	char bytes[16 * 1024];
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = -1;

	weir_buf_clear(text);
	if (fd < 0)
		return false;
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		if (weir_buf_append(text, bytes, (size_t)n))
			break;
	close(fd);
	return n == 0;
}

/* ---- reloads ---- */

/* A descriptor with this text; empty: read it yourself. */
static int text_fd(const struct weir_buf *text)
{
	int fd = memfd_create("weir.yaml", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text->base, text->len) == (ssize_t)text->len)
		return fd;
	close(fd);
	return -1;
}

static bool offer(const struct weir_child *child, const struct weir_buf *text)
{
	const struct weir_supervisor *s = child->supervisor;
	int fd = text_fd(text);
	bool ok = fd >= 0 && weir_handover_send(child->line, fd, s->sockets, s->sockets_n) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void follow(struct weir_child *child)
{
	child->following = offer(child, &child->supervisor->text);
	child->version = child->supervisor->version;
}

void weir_supervisor_reload(struct weir_supervisor *s)
{
	if (!s->serving || s->draining)
		return;
	s->reload_due = s->leader != NULL;
	if (s->leader)
		return;
	weir_notify_reloading();
	if (!weir_supervisor_read(s->path, &s->next))
		weir_buf_clear(&s->next); /* the worker finds out why, and says it */
	for (unsigned i = 0; i < s->n && !s->leader; i++)
		if (s->children[i].state == WEIR_WORKER_SERVING && !s->children[i].following &&
		    offer(&s->children[i], &s->next))
			s->leader = &s->children[i];
	if (!s->leader)
		weir_notify("READY=1");
}

static void end_reload(struct weir_supervisor *s)
{
	s->leader = NULL;
	if (!s->draining)
		weir_notify("READY=1");
	if (s->reload_due)
		weir_supervisor_reload(s);
}

void weir_supervisor_lost(struct weir_supervisor *s, const struct weir_child *child)
{
	if (s->leader != child)
		return;
	s->leader = NULL;
	weir_supervisor_reload(s);
}

static void drop_sockets(const struct weir_handover_parcel *parcel)
{
	for (unsigned i = 0; i < parcel->n; i++)
		close(parcel->sockets[i].fd);
}

static void keep_sockets(struct weir_supervisor *s, const struct weir_handover_parcel *parcel)
{
	for (unsigned i = 0; i < s->sockets_n; i++)
		close(s->sockets[i].fd);
	memcpy(s->sockets, parcel->sockets, parcel->n * sizeof *parcel->sockets);
	s->sockets_n = parcel->n;
}

/* What holds in one is to hold in all; s->text is it. */
static void spread(struct weir_child *first, const struct weir_handover_parcel *parcel)
{
	struct weir_supervisor *s = first->supervisor;

	keep_sockets(s, parcel);
	first->version = ++s->version;
	for (unsigned i = 0; i < s->n; i++)
		if (&s->children[i] != first && s->children[i].state == WEIR_WORKER_SERVING)
			follow(&s->children[i]);
}

/* ---- what a worker says ---- */

static void hear_begun(struct weir_child *child, const struct weir_handover_parcel *parcel)
{
	struct weir_supervisor *s = child->supervisor;

	child->state = WEIR_WORKER_READY;
	if (s->sockets_n == 0)
		keep_sockets(s, parcel);
	else
		drop_sockets(parcel);
	if (!s->serving) {
		weir_supervisor_ready(s);
		return;
	}
	weir_child_say(child, WEIR_ORDER_GO);
	child->state = WEIR_WORKER_SERVING;
	if (child->version != s->version)
		follow(child);
}

static void hear_sockets(struct weir_child *child, const struct weir_handover_parcel *parcel)
{
	struct weir_supervisor *s = child->supervisor;
	struct weir_buf text;

	if (child->state == WEIR_WORKER_STARTING) {
		hear_begun(child, parcel);
	} else if (child == s->leader) {
		text = s->text;
		s->text = s->next;
		s->next = text;
		spread(child, parcel);
		end_reload(s);
	} else if (child->following) {
		child->following = false;
		drop_sockets(parcel);
	} else { /* POST /reload; what the leader tries may be older, so it tries once more */
		if (!weir_supervisor_read(s->path, &s->text))
			weir_buf_clear(&s->text);
		spread(child, parcel);
		s->reload_due |= s->leader != NULL;
	}
}

static void hear_word(struct weir_child *child, struct weir_slice word)
{
	struct weir_supervisor *s = child->supervisor;

	if (weir_slice_is(word, WEIR_ORDER_DRAIN)) {
		if (!s->draining)
			weir_supervisor_drain(s, WEIR_ORDER_DRAIN);
	} else if (weir_slice_is(word, WEIR_ORDER_KEPT)) {
		child->following = false;
		if (child == s->leader)
			end_reload(s);
	}
}

void weir_child_hear(struct weir_child *child)
{
	char text[WEIR_HANDOVER_TEXT_MAX + 1] = "";
	struct weir_handover_parcel parcel = { .fd = -1 };
	int rc = weir_handover_receive(child->line, &parcel, text);

	if (rc < 0) {
		uv_poll_stop(&child->poll); /* that it has ended is told otherwise */
	} else if (rc == 0) {
		hear_word(child, weir_slice_of(text));
	} else {
		close(parcel.fd);
		hear_sockets(child, &parcel);
	}
}

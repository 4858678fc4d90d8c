#include "app/server.h"

#include <stdio.h>
#include <unistd.h>

#include "app/app.h"
#include "app/notify.h"
#include "app/sockets.h"

/* Only a place that somebody has named must be there. */
int weir_server_await_successor(struct server *s, const struct weir_handover_events *events,
				void *arg, const struct weir_log *log)
{
	struct weir_error err = { 0 };
	struct weir_log_line line;

	if (!s->path[0])
		return WEIR_EXIT_DONE;
	if (weir_handover_open(&s->handover, &s->loop, s->path, s->parcel.fd, events, arg, &err)) {
		if (!s->upgrade_path) {
			weir_log_note(log, WEIR_LOG_INFO, "note",
				      "%s; `weir upgrade` needs an --upgrade-socket here",
				      err.text);
			return WEIR_EXIT_DONE;
		}
		fprintf(stderr, "weir: %s\n", err.text);
		return WEIR_EXIT_BAD;
	}
	weir_log_begin(&line, log, WEIR_LOG_INFO, "upgrade_socket");
	weir_log_str(&line, "path", s->path);
	weir_log_end(&line);
	return WEIR_EXIT_DONE;
}

void weir_server_find_path(struct server *s)
{
	if (!s->upgrade_path)
		weir_handover_path(weir_app_config_path(s->config), s->path);
	else if (!weir_slice_is(weir_slice_of(s->upgrade_path), "off"))
		snprintf(s->path, sizeof s->path, "%s", s->upgrade_path);
}

int weir_server_take_sockets(struct server *s)
{
	struct weir_error err = { 0 };
	char why[WHY_MAX] = "";

	if (s->upgrade && weir_handover_ask(s->path, &s->parcel, &err)) {
		fprintf(stderr, "weir: %s\n", err.text);
		return WEIR_EXIT_BAD;
	}
	if (weir_sockets_give(&s->parcel, s->gateway, why, sizeof why) == 0)
		return WEIR_EXIT_DONE;
	fprintf(stderr, "weir: %s\n", why);
	return WEIR_EXIT_BAD;
}

/* A predecessor's may be of its own configuration; what a manager passes is meant for something. */
void weir_server_drop_sockets(struct server *s, const struct weir_log *log)
{
	const char *address;

	for (size_t i = 0; !s->upgrade && (address = weir_gateway_inherited(s->gateway, i)); i++)
		weir_log_note(
			log, WEIR_LOG_WARN, "warning",
			"the socket %s was passed, but nothing listens there: name it `public` "
			"or `admin` (FileDescriptorName=), or its address in the configuration",
			address);
	weir_gateway_disinherit(s->gateway);
}

int weir_server_take_over(struct server *s)
{
	struct weir_error err = { 0 };

	if (!s->upgrade || weir_handover_ready(&s->parcel, &err) == 0)
		return WEIR_EXIT_DONE;
	weir_gateway_hand_over(s->gateway);
	fprintf(stderr, "weir: %s\n", err.text);
	return WEIR_EXIT_BAD;
}

static void may_write(struct weir_sandbox_paths *paths, const char *path)
{
	if (path && path[0] != '@' && paths->n < WEIR_SANDBOX_FOLDERS_MAX)
		paths->list[paths->n++] = path;
}

static void may_listen(struct weir_sandbox_paths *paths, const char *address)
{
	if (weir_slice_starts(weir_slice_of(address), "unix:"))
		may_write(paths, address + strlen("unix:"));
}

void weir_server_confine(struct server *s, const struct weir_log *log)
{
	const char *admin = weir_gateway_admin_address(s->gateway), *address;
	struct weir_sandbox_paths paths = { 0 };

	may_write(&paths, s->sink.path);
	may_write(&paths, s->attempts.path);
	may_write(&paths, s->path[0] ? s->path : NULL);
	if (admin)
		may_listen(&paths, admin);
	for (size_t i = 0; (address = weir_gateway_address(s->gateway, i)); i++)
		may_listen(&paths, address);
	weir_sandbox_enter(s->sandbox, &paths, log);
}

void weir_server_tell_ready(struct server *s)
{
	weir_notify("READY=1");
	if (s->ready_fd < 0)
		return;
	(void)!write(s->ready_fd, "", 1);
	close(s->ready_fd);
	s->ready_fd = -1;
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"
#include "app/server.h"

static const char usage[] =
	"usage: weir upgrade [--background] [the options of `weir serve`]\n\n"
	"Becomes the weir that serves: takes the listening sockets over from the running one, "
	"which\n"
	"then lets its requests end, and ends. No connection is refused and no answer is cut. "
	"When\n"
	"this one cannot start, the running one goes on as if nothing had happened. Give it the\n"
	"options that the running one was given; health of targets is learned anew.\n\n"
	"      --background        returns once it serves, and serves on: for ExecReload=\n"
	"  -c, --config FILE       by which the running one is found, too, unless there is:\n"
	"      --upgrade-socket PATH  as the running one was given\n\n"
	"Exit codes: 1 the start failed, or nobody is there; 2 usage or configuration.\n\n"
	"  weir upgrade -c weir.yaml";

/* The parent: until the child serves, or has ended. */
static int await_child(pid_t child, int ready)
{
	char byte;
	int status = 0;

	if (read(ready, &byte, 1) == 1)
		return WEIR_EXIT_DONE;
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return WEIR_EXIT_BAD;
	return WEXITSTATUS(status) ? WEXITSTATUS(status) : WEIR_EXIT_BAD;
}

int weir_cmd_upgrade(int argc, char **argv)
{
	struct server server = { .log_text = isatty(STDERR_FILENO),
				 .ready_fd = -1,
				 .upgrade = true,
				 .parcel = { .line = -1, .fd = -1 } };
	int code = weir_server_options(&server, usage, argc, argv), ready[2];
	pid_t child;

	if (code >= 0)
		return code;
	if (!server.background)
		return weir_server_run_all(&server);
	child = pipe2(ready, O_CLOEXEC) ? -1 : fork();
	if (child < 0) {
		fprintf(stderr, "weir: no process for the background: %s\n", strerror(errno));
		return WEIR_EXIT_BAD;
	}
	close(ready[child == 0 ? 0 : 1]);
	if (child)
		return await_child(child, ready[0]);
	setsid();
	server.ready_fd = ready[1];
	return weir_server_run_all(&server);
}

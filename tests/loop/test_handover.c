/* The running weir and its successor, in two processes. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/handover.h"
#include "test.h"

static struct {
	uv_loop_t loop;
	struct weir_handover handover;
	int listening;
	unsigned taken, failed, sockets;
	int64_t pid;
	char why[200];
} old;

static unsigned on_asked(void *arg, struct weir_handover_socket list[WEIR_HANDOVER_MAX])
{
	(void)arg;
	for (unsigned i = 0; i < old.sockets; i++) {
		list[i] = (struct weir_handover_socket){ .fd = old.listening, .flags = i };
		snprintf(list[i].name, sizeof list[i].name, "socket %u of several", i);
	}
	return old.sockets;
}

static void on_taken(void *arg, int64_t pid)
{
	(void)arg;
	old.taken++;
	old.pid = pid;
}

static void on_failed(void *arg, int64_t pid, const char *why)
{
	(void)arg;
	old.failed++;
	old.pid = pid;
	snprintf(old.why, sizeof old.why, "%s", why);
}

static const struct weir_handover_events events = { on_asked, on_taken, on_failed };

static bool open_old(const char *path, unsigned sockets)
{
	struct weir_error err = { 0 };

	memset(&old, 0, sizeof old);
	old.sockets = sockets;
	old.listening = socket(AF_INET, SOCK_STREAM, 0);
	uv_loop_init(&old.loop);
	if (weir_handover_open(&old.handover, &old.loop, path, -1, &events, NULL, &err) == 0)
		return true;
	NOTE("%s", err.text);
	return false;
}

static void close_old(void)
{
	weir_handover_close(&old.handover);
	weir_handover_close(&old.handover);
	uv_run(&old.loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&old.loop), 0);
	close(old.listening);
}

/* 0: everything is as it should be for it. */
static int succeed(const char *path, unsigned wait_ms, unsigned sockets, const char *refusal)
{
	static struct weir_handover_parcel parcel;
	struct weir_error err = { 0 };
	int rc = weir_handover_ask(path, &parcel, &err);

	if (rc == 0) {
		if (parcel.n != sockets || parcel.sockets[sockets - 1].flags != sockets - 1 ||
		    strncmp(parcel.sockets[0].name, "socket 0 of several", 20) != 0)
			return 2;
		usleep(wait_ms * 1000);
		rc = weir_handover_ready(&parcel, &err);
	}
	if (refusal)
		return rc && strstr(err.text, refusal) ? 0 : 3;
	return rc ? 4 : 0;
}

static void run_successor(const char *path, unsigned wait_ms, unsigned sockets, const char *refusal)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(succeed(path, wait_ms, sockets, refusal));
	while (waitpid(child, &status, WNOHANG) == 0) {
		uv_run(&old.loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	uv_run(&old.loop, UV_RUN_NOWAIT);
	CHECK_INT(WEXITSTATUS(status), 0);
	if (old.pid)
		CHECK_INT(old.pid, child);
}

static const char PATH[] = "@weir-test-handover";

TEST(hands_over_to_who_is_ready)
{
	REQUIRE(open_old(PATH, WEIR_HANDOVER_MAX));
	run_successor(PATH, 10, WEIR_HANDOVER_MAX, NULL);
	CHECK_INT(old.taken, 1);
	CHECK_INT(old.failed, 0);
	close_old();
}

TEST(goes_on_when_the_successor_takes_too_long)
{
	REQUIRE(open_old(PATH, 2));
	old.handover.patience_ms = 50;
	run_successor(PATH, 300, 2, "not ready in time");
	CHECK_INT(old.taken, 0);
	CHECK_INT(old.failed, 1);
	CHECK_STR(old.why, "it was not ready in time");
	run_successor(PATH, 0, 2, NULL); /* the next one */
	CHECK_INT(old.taken, 1);
	close_old();
}

TEST(goes_on_when_the_successor_is_ready_and_gone)
{
	struct weir_handover_parcel parcel;
	struct weir_error err = { 0 };
	pid_t child;

	REQUIRE(open_old(PATH, 1));
	child = fork();
	if (child == 0) {
		if (weir_handover_ask(PATH, &parcel, &err) ||
		    send(parcel.line, "ready", 5, MSG_NOSIGNAL) != 5)
			_exit(1);
		_exit(0);
	}
	uv_run(&old.loop, UV_RUN_ONCE); /* it asks, and is answered */
	CHECK_INT(waitpid(child, NULL, 0), child);
	uv_run(&old.loop, UV_RUN_NOWAIT);
	CHECK_INT(old.taken, 0);
	CHECK_INT(old.failed, 1);
	run_successor(PATH, 0, 1, NULL); /* the next one */
	CHECK_INT(old.taken, 1);
	close_old();
}

TEST(refuses_while_it_ends_itself)
{
	REQUIRE(open_old(PATH, 0));
	run_successor(PATH, 0, 1, "about to end");
	CHECK_INT(old.taken + old.failed, 0);
	close_old();
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

TEST(its_file_goes_with_it_unless_a_successor_has_asked)
{
	struct weir_handover_parcel parcel;
	struct weir_handover next;
	struct weir_error err = { 0 };
	char path[60];
	int back[2];
	char byte;
	pid_t child;

	snprintf(path, sizeof path, "weir-test-handover-%d.sock", (int)getpid()); /* relative */
	REQUIRE(open_old(path, 1));
	CHECK(is_there(path));
	close_old();
	CHECK(!is_there(path));

	REQUIRE(open_old(path, 1) && pipe(back) == 0);
	child = fork();
	if (child == 0)
		_exit(weir_handover_ask(path, &parcel, &err) || read(back[0], &byte, 1) != 1);
	uv_run(&old.loop, UV_RUN_ONCE);
	close_old();
	CHECK(is_there(path));
	CHECK_INT(write(back[1], "x", 1), 1);
	CHECK_INT(waitpid(child, NULL, 0), child);
	close(back[0]);
	close(back[1]);

	REQUIRE(open_old(path, 1)); /* stale, and so replaced */
	unlink(path);
	CHECK_INT(weir_handover_open(&next, &old.loop, path, dup(old.handover.fd), &events, NULL,
				     &err),
		  0);
	CHECK(is_there(path));
	weir_handover_close(&next);
	close_old();
	CHECK(!is_there(path));
}

TEST(says_that_nobody_is_there)
{
	struct weir_handover_parcel parcel;
	struct weir_error err = { 0 };
	char path[WEIR_HANDOVER_PATH_MAX + 1];

	CHECK_INT(weir_handover_ask("@weir-test-nobody", &parcel, &err), WEIR_EBIND);
	CHECK(strstr(err.text, "no weir waits"));
	setenv("RUNTIME_DIRECTORY", "/run/a:/run/b", 1);
	weir_handover_path(NULL, path);
	CHECK_STR(path, "/run/a/upgrade.sock");
	unsetenv("RUNTIME_DIRECTORY");
	weir_handover_path(NULL, path);
	CHECK(path[0] == '@');
}

TEST_MAIN

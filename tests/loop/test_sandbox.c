/* What a confined process cannot do any more: each in a child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/sandbox.h"
#include "test.h"

static char folder[] = "/tmp/weir-test-sandbox-XXXXXX";
static char inside[64], outside[64];

static bool make_folders(void)
{
	char logs[64];

	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return false;
	snprintf(logs, sizeof logs, "%s/logs", folder);
	snprintf(inside, sizeof inside, "%s/logs/weir.log", folder);
	snprintf(outside, sizeof outside, "%s/file", folder);
	return mkdir(logs, 0700) == 0;
}

static void remove_folders(void)
{
	char logs[64];

	snprintf(logs, sizeof logs, "%s/logs", folder);
	unlink(inside);
	unlink(outside);
	rmdir(logs);
	CHECK_INT(rmdir(folder), 0);
}

/* Says what it was told, so that the parent sees it. */
static void to_stderr(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)!write(STDERR_FILENO, line, len);
}

/* The child's end: its code, or 256 and the signal. */
static int in_child(enum weir_sandbox mode, int (*run)(void))
{
	struct weir_sandbox_paths paths = { .list = { NULL, inside }, .n = 2 };
	struct weir_log log = { to_stderr, NULL, true, WEIR_LOG_WARN };
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		weir_sandbox_enter(mode, &paths, &log);
		_exit(run());
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool refused(long rc, int error)
{
	return rc == -1 && errno == error;
}

static int runs_nothing(void)
{
	char *const args[] = { (char *)(uintptr_t)"true", NULL };

	return refused(execv("/bin/true", args), ENOSYS) && refused(fork(), ENOSYS) &&
	       refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), ENOSYS);
}

static int maps_no_code(void)
{
	void *plain = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return plain != MAP_FAILED &&
	       refused(mprotect(plain, 4096, PROT_READ | PROT_EXEC), EACCES) &&
	       mprotect(plain, 4096, PROT_READ) == 0 &&
	       mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int looks_into_nobody(void)
{
	return refused(ptrace(PTRACE_ATTACH, getppid(), 0, 0), ENOSYS) &&
	       refused(kill(getppid(), SIGTERM), ENOSYS) && refused(setuid(0), ENOSYS) &&
	       refused(syscall(SYS_memfd_create, "x", 0), ENOSYS) &&
	       refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), ENOSYS) &&
	       refused(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
}

static int writes_only_the_log(void)
{
	int log = open(inside, O_WRONLY | O_CREAT | O_APPEND, 0600);
	bool ok = log >= 0 && write(log, "line\n", 5) == 5 && unlink(inside) == 0;

	ok = ok && open(inside, O_WRONLY | O_CREAT | O_APPEND, 0600) >= 0; /* as after logrotate */
	return ok && refused(open(outside, O_WRONLY | O_CREAT, 0600), EACCES) &&
	       refused(open("/etc/hosts", O_WRONLY), EACCES) && open("/etc/hosts", O_RDONLY) >= 0;
}

static int tries_what_is_not_allowed(void)
{
	return (int)syscall(SYS_setsid) > 0;
}

static int cannot_be_read(void)
{
	weir_sandbox_hide_memory(WEIR_SANDBOX_ON);
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
}

/* libuv would have one already when it is too late to forbid it: since 1.45, as Debian 13 has. */
static int gets_no_ring(void)
{
	weir_sandbox_hide_memory(WEIR_SANDBOX_ON);
	return refused(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS) && dup(0) >= 0;
}

TEST(a_process_gives_up_what_it_does_not_need)
{
	static int (*const runs[])(void) = { runs_nothing, maps_no_code, looks_into_nobody,
					     writes_only_the_log };

	REQUIRE(make_folders());
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		int end = in_child(WEIR_SANDBOX_ON, runs[i]);

		if (end != 1)
			NOTE("the %zu-th ended with %d", i, end);
		CHECK_INT(end, 1);
	}
	remove_folders();
}

TEST(a_strict_one_ends_where_it_tries)
{
	REQUIRE(make_folders());
	CHECK_INT(in_child(WEIR_SANDBOX_OFF, tries_what_is_not_allowed), 1);
	CHECK_INT(in_child(WEIR_SANDBOX_STRICT, tries_what_is_not_allowed), 256 + SIGSYS);
	CHECK_INT(in_child(WEIR_SANDBOX_STRICT, writes_only_the_log), 1);
	remove_folders();
}

TEST(nobody_reads_its_memory)
{
	CHECK_INT(in_child(WEIR_SANDBOX_OFF, cannot_be_read), 1);
}

TEST(no_loop_has_a_ring)
{
	CHECK_INT(in_child(WEIR_SANDBOX_OFF, gets_no_ring), 1);
}

TEST(knows_its_words)
{
	CHECK_INT(weir_sandbox_word("on"), WEIR_SANDBOX_ON);
	CHECK_INT(weir_sandbox_word("off"), WEIR_SANDBOX_OFF);
	CHECK_INT(weir_sandbox_word("strict"), WEIR_SANDBOX_STRICT);
	CHECK_INT(weir_sandbox_word(""), WEIR_SANDBOX_BAD);
	CHECK_INT(weir_sandbox_word("of"), WEIR_SANDBOX_BAD);
	CHECK(!weir_sandbox_wanted(WEIR_SANDBOX_OFF));
	CHECK(weir_sandbox_wanted(WEIR_SANDBOX_ON));
}

/* What /proc shows of it; "": nothing. */
static void read_environment(char *text, size_t size)
{
	int fd = open("/proc/self/environ", O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = '\n';
	text[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Runs this program again, whose environment is then as the kernel made it. */
TEST(the_environment_moves)
{
	static char text[64 * 1024];
	const char *key = getenv("WEIR_TEST_CANARY");

	if (!key) {
		char *const args[] = { (char *)(uintptr_t)"again",
				       (char *)(uintptr_t)"the_environment_moves", NULL };
		pid_t child = fork();
		int status = 1;

		if (child == 0) {
			setenv("WEIR_TEST_CANARY", "a key of somebody's", 1);
			dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
			execv("/proc/self/exe", args);
			_exit(2);
		}
		CHECK_INT(waitpid(child, &status, 0), child);
		CHECK_INT(status, 0);
		return;
	}
	read_environment(text, sizeof text);
	CHECK(strstr(text, "a key of somebody's"));
	weir_sandbox_hide_environment();
	CHECK_STR(getenv("WEIR_TEST_CANARY"), "a key of somebody's");
	CHECK_STR(key, ""); /* where it was */
	CHECK(getenv("PATH") != NULL);
	read_environment(text, sizeof text);
	CHECK_INT(strspn(text, "\n"), strlen(text));
	CHECK_INT(unsetenv("WEIR_TEST_CANARY"), 0);
	CHECK(getenv("WEIR_TEST_CANARY") == NULL);
}

TEST_MAIN

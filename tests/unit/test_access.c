/* Callers: how they are configured, and whose key a request brings. */
#ifdef __linux__
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "config_help.h"
#include "core/access.h"

static struct config_try try;

static bool load(const char *extra)
{
	char path[512];
	size_t len;
	char *text;

	config_path(path, sizeof path, "good-callers.yaml");
	text = config_slurp(path, &len);
	text = realloc(text, len + strlen(extra) + 1);
	memcpy(text + len, extra, strlen(extra) + 1);
	config_parse_with(&try, weir_slice(text, len + strlen(extra)), path, config_usual);
	free(text);
	return try.rc == 0;
}

static const struct weir_caller *bring(const char *name, const char *value, uint64_t unix_s)
{
	struct weir_http_head head = { 0 };

	weir_http_add(&head, weir_slice_of("host"), weir_slice_of("weir"));
	weir_http_add(&head, weir_slice_of(name), weir_slice_trim(weir_slice_of(value)));
	return weir_access_find(try.config, &head, unix_s);
}

TEST(what_a_caller_may_is_read)
{
	const struct weir_caller *c;

	REQUIRE(load(""));
	CHECK_INT(try.config->callers_n, 3);
	CHECK_INT(try.config->access_keys_n, 4);
	c = &try.config->callers[0];
	CHECK_STR(c->name, "app");
	CHECK(!c->chains && c->targets && c->expires_s == UINT64_MAX);
	CHECK(!c->bounds.rpm && !c->bounds.tpm && !c->bounds.max_inflight && !c->bounds.day_nano);
	c = &try.config->callers[1];
	CHECK_STR(c->name, "team-a");
	CHECK_INT(c->chains_n, 2);
	CHECK(c->targets);
	CHECK_INT(c->expires_s, 1801353600);
	CHECK_INT(c->bounds.rpm, 60);
	CHECK_INT(c->bounds.tpm, 100000);
	CHECK_INT(c->bounds.max_inflight, 8);
	CHECK_INT(c->bounds.day_nano, 2500000000);
	CHECK_INT(c->bounds.month_nano, 50000000000);
	c = &try.config->callers[2];
	CHECK_STR(c->name, "2");
	CHECK(!c->targets);
	CHECK_INT(c->expires_s, 1801353600 + 17 * 3600);
	CHECK(weir_caller_may(c, try.config->chains[1]));
	CHECK(!weir_caller_may(c, try.config->chains[0]));
	CHECK(weir_caller_may(NULL, try.config->chains[0]));
	config_done(&try);
}

TEST(whose_key_it_is)
{
	enum { EARLY = 1700000000, LATE = 1801353600 };
	static const struct {
		const char *field, *value;
		uint64_t unix_s;
		const char *name; /* NULL: nobody's */
	} rows[] = {
		{ "authorization", "Bearer app-key-0123456789", EARLY, "app" },
		{ "authorization", "bearer  app-key-0123456789 ", EARLY, "app" },
		{ "x-api-key", "app-key-0123456789", LATE, "app" },
		{ "x-api-key", "test", EARLY, "team-a" }, /* what the hash is of */
		{ "x-api-key", "test", LATE - 1, "team-a" },
		{ "x-api-key", "test", LATE, NULL },
		{ "x-api-key", "old-key-of-team-a-01", EARLY, "team-a" },
		{ "x-api-key", "old-key-of-team-a-01", LATE, NULL },
		{ "x-api-key", "key-of-the-third-02", LATE, "2" },
		{ "x-api-key", "key-of-the-third-02", LATE + 17 * 3600, NULL },
		{ "x-api-key", "", EARLY, NULL },
		{ "x-api-key", "app-key-012345678", EARLY, NULL },
		{ "x-api-key", "app-key-01234567890", EARLY, NULL },
		{ "x-api-key", "App-key-0123456789", EARLY, NULL },
		{ "x-api-key", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		  EARLY, NULL },
		{ "authorization", "app-key-0123456789", EARLY, NULL },
		{ "authorization", "Basic app-key-0123456789", EARLY, NULL },
		{ "x-portkey-api-key", "app-key-0123456789", EARLY, NULL },
		{ "x-other", "app-key-0123456789", EARLY, NULL },
	};

	REQUIRE(load(""));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct weir_caller *c = bring(rows[i].field, rows[i].value, rows[i].unix_s);

		if (!test_str(c ? c->name : NULL, rows[i].name, __FILE__, __LINE__, "caller"))
			NOTE("row %zu", i);
	}
	config_done(&try);
	REQUIRE(load("compat: portkey\n"));
	CHECK(bring("x-portkey-api-key", "app-key-0123456789", EARLY));
	CHECK(!bring("x-portkey-api-key", "another", EARLY));
	config_done(&try);
}

TEST(a_key_longer_than_any_is_nobodys)
{
	static char key[40000];

	REQUIRE(load(""));
	memset(key, 'k', sizeof key - 1);
	CHECK(!bring("x-api-key", key, 0));
	config_done(&try);
}

#ifdef __linux__

/* Instructions until it is known whose key it is: those of a child, one by one. */
static long steps(const char *field, const char *value, uint64_t unix_s)
{
	struct weir_http_head head = { 0 };
	int status = 0;
	long n = -1;
	pid_t pid;

	weir_http_add(&head, weir_slice_of("host"), weir_slice_of("weir"));
	weir_http_add(&head, weir_slice_of(field), weir_slice_of(value));
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		(void)weir_access_find(try.config, &head, unix_s);
		raise(SIGSTOP);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
	       (n < 0 || WSTOPSIG(status) != SIGSTOP) &&
	       ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0)
		n++;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return WIFSTOPPED(status) ? n : -1;
}

/* Counted and not timed: what is wrong takes the same steps wherever it is wrong; what has expired,
 * or is missing, but for the few that find that out. */
TEST(nobody_learns_of_a_key_by_waiting)
{
	enum { EARLY = 1700000000, LATE = 1801353600, FEW = 64 };
	long early, late, expired, missing;

	REQUIRE(load(""));
	CHECK(!bring("x-api-key", "best", EARLY)); /* whatever is done but once */
	early = steps("x-api-key", "best", EARLY);
	REQUIRE(early > 1000);
	late = steps("x-api-key", "tesu", EARLY);
	expired = steps("x-api-key", "test", LATE);
	missing = steps("x-api-kez", "test", EARLY);
	NOTE("%ld and %ld instructions when it is wrong, %ld when it has expired, %ld when there "
	     "is none",
	     early, late, expired, missing);
	CHECK_INT(late, early);
	CHECK(labs(expired - early) <= FEW);
	CHECK(labs(missing - early) <= early / 10);
	config_done(&try);
}

#endif

/* It is found by the first of them, always. */
TEST(a_key_of_two_callers_is_the_first_ones)
{
	static const char text[] = "access: { keys: [ { name: a, key: \"${WEIR_APP_KEY}\" },\n"
				   "{ name: b, key: \"${WEIR_APP_KEY}\" } ] }\n"
				   "chains: { m: { steps: [ openai/m ] } }\n";

	config_parse(&try, text);
	REQUIRE(try.rc == 0);
	CHECK(strstr(try.text.base, "warning[same-key]"));
	CHECK_STR(bring("x-api-key", "app-key-0123456789", 0)->name, "a");
	config_done(&try);
}

TEST(a_key_in_the_file_is_warned_of_and_a_hash_is_not)
{
	REQUIRE(load("\n"));
	CHECK(!strstr(try.text.base, "literal-key"));
	config_done(&try);
	config_parse(&try, "access: { keys: [ { name: a, key: sk-in-the-file-01234 } ] }\n"
			   "chains: { m: { steps: [ openai/m ] } }\n");
	CHECK(strstr(try.text.base, "warning[literal-key] access.keys[0].key: "));
	config_done(&try);
}

TEST_MAIN

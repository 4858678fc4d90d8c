#include <time.h>

#include "gateway_raw.h"
#include "spoil.h"

/* What the system takes away or moves under a gateway: routes, ports and memory of its own, and
 * the wall clock. What is expected stands in tests/data/faults.txt. */

enum { DAY = 24 * 3600, YEAR = 365 * DAY };

static struct place p;
static struct ask ask;
static struct raw caller;
static unsigned spoilt_port; /* whose connections fail… */
static int spoilt;           /* …with this */
static int no_socket;        /* what the next sockets fail with… */
static unsigned sockets;     /* …so many */
static int64_t ahead_s;      /* the wall clock */

static int spoil(const struct sockaddr *addr)
{
	const struct sockaddr_in *in = (const void *)addr;

	return addr->sa_family == AF_INET && ntohs(in->sin_port) == spoilt_port ? spoilt : 0;
}

int socket(int domain, int type, int protocol)
{
	if (sockets) {
		sockets--;
		errno = no_socket;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += ahead_s;
	return rc;
}

time_t time(time_t *out)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

static const struct {
	const char *name;
	int connect, socket;
	const char *reason;
	bool blamed;
} refusals[] = {
	{ "EHOSTUNREACH", EHOSTUNREACH, 0, "connect", true },
	{ "ENETUNREACH", ENETUNREACH, 0, "connect", true },
	{ "EACCES", EACCES, 0, "connect", true },
	{ "EPERM", EPERM, 0, "connect", true },
	{ "EADDRNOTAVAIL", EADDRNOTAVAIL, 0, "local_resource", false },
	{ "ENOBUFS", ENOBUFS, 0, "local_resource", false },
	{ "ENOMEM", ENOMEM, 0, "local_resource", false },
	{ "no socket: EMFILE", 0, EMFILE, "local_resource", false },
	{ "no socket: ENFILE", 0, ENFILE, "local_resource", false },
	{ "no socket: ENOBUFS", 0, ENOBUFS, "local_resource", false },
	{ "no socket: ENOMEM", 0, ENOMEM, "local_resource", false },
};

static uint64_t opened(void)
{
	return place_metric(&p, "weir_breaker_state{target=\"alpha/m1#1\",state=\"open\"}") +
	       place_metric(&p, "weir_breaker_state{target=\"alpha/m1#2\",state=\"open\"}");
}

/* A-04, K-03: whoever it is, the request goes on at once; who is not to blame is asked on. */
TEST(what_the_kernel_refuses_is_gone_past)
{
	char line[96];

	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		int before = test_failures;

		REQUIRE(place_open(&p, "retries: 0, connect_timeout: 30s"));
		spoilt_port = weir_mock_port(p.w.mock, "alpha");
		spoil_connect = spoil;
		spoilt = refusals[i].connect;
		for (int k = 0; k < 16; k++) {
			no_socket = refusals[i].socket;
			sockets = no_socket ? 2 : 0; /* idle connections may make room once */
			CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
			CHECK(strncmp(ask.target, "alpha", 5) != 0);
		}
		sockets = 0;
		snprintf(line, sizeof line, "\"class\":\"unreachable\",\"reason\":\"%s\"",
			 refusals[i].reason);
		CHECK(place_logged(&p, line) >= 5);
		CHECK_INT(opened() > 0, refusals[i].blamed);
		spoilt = 0;
		if (!refusals[i].blamed) {
			CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
			CHECK(strncmp(ask.target, "alpha/m1", 8) == 0);
		}
		place_close(&p);
		if (test_failures != before)
			NOTE("%s", refusals[i].name);
	}
}

/* ---- the wall clock ---- */

static void check_day(void)
{
	char day[32];
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(day, sizeof day, "\"ts\":\"%Y-%m-%d", &utc);
	CHECK(place_logged(&p, day) > 0);
}

/* M-01, M-02: an attempt that hangs ends by its own timer, whatever the wall clock does meanwhile,
 * and nothing else is begun. */
TEST(a_leap_of_the_wall_clock_moves_no_timer)
{
	static const int64_t leaps[] = { 3600, -3600, 8 * 3600, 10 * (int64_t)YEAR,
					 -10 * (int64_t)YEAR };

	for (size_t i = 0; i < sizeof leaps / sizeof *leaps; i++) {
		uint64_t began, took;

		ahead_s = 0;
		REQUIRE(place_open(&p, "retries: 0, attempt_timeout: 200ms, deadline: 60s"));
		place_script(&p, "alpha", "hang");
		place_script(&p, "beta", "200;latency=30ms");
		began = uv_now(&p.w.loop);
		CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
		place_rest(&p, 50);
		CHECK_INT(ask.dones, 0);
		ahead_s = leaps[i];
		place_rest(&p, 50);
		CHECK_INT(ask.dones, 0);
		ask_wait(&ask);
		took = uv_now(&p.w.loop) - began;
		CHECK(took >= 190 && took < 20000);
		CHECK_INT(ask.status, 200);
		CHECK(strstr(ask.trail, ";-;slow;") && strncmp(ask.target, "beta/m2", 7) == 0);
		CHECK_INT(place_metric(&p, "weir_attempts_total{"), 2);
		check_day();
		CHECK_INT(ask_whole(&p, &ask, STREAM), 200);
		place_close(&p);
	}
	ahead_s = 0;
}

/* M-03: the last second of 31 bits, the first one after, and a leap year's day far off. */
TEST(no_year_is_the_last_one)
{
	static const struct {
		int64_t at_s;
		const char *date;
	} moments[] = {
		{ INT64_C(2147483646), "date: Tue, 19 Jan 2038" },
		{ INT64_C(2147483648), "date: Tue, 19 Jan 2038" },
		{ INT64_C(4294967296), "date: Sun, 07 Feb 2106" },
		{ INT64_C(5993481600), "date: Wed, 05 Dec 2159" },
	};

	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		ahead_s = 0;
		ahead_s = moments[i].at_s - time(NULL);
		REQUIRE(place_open(&p, "retries: 0"));
		place_listen(&p);
		place_script(&p, "alpha", "429;retry-after=30");
		CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
		CHECK(strncmp(ask.target, "beta/m2", 7) == 0);
		raw_connect(&caller, p.port);
		raw_post(&caller, "", STREAM);
		raw_wait(&p, &caller);
		CHECK_INT(raw_status(&caller), 200);
		CHECK(raw_find(&caller, moments[i].date));
		if (!raw_find(&caller, moments[i].date))
			NOTE("%.*s", 80, caller.in);
		check_day();
		raw_close(&caller);
		place_close(&p);
	}
	ahead_s = 0;
}

TEST_MAIN

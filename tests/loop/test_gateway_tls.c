#include <time.h>
#include <unistd.h>

#include "gateway_world.h"

/* Providers behind TLS. */

static struct place p;
static struct ask ask;
static int64_t ahead_s; /* the clock that certificates are looked at by */

time_t time(time_t *out)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += ahead_s;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

static char ca_path[] = "/tmp/weir-test-ca-XXXXXX";

/* Chain m1: safe/m1, then alpha/m2, which is plain. */
static bool open_place(const char *tls, const char *defaults)
{
	struct weir_error err = { 0 };
	struct weir_slice pem;
	char yaml[1024];
	int fd;

	if (!place_open(&p, "")) /* for its vendors; its gateway is replaced */
		return false;
	place_close_gateway(&p);
	while (!p.closed)
		place_turn(&p);
	p.closed = 0;
	mock_vendor(&p.w, "safe", tls, "200;tokens=3");
	pem = weir_mock_ca_pem(p.w.mock, &err);
	memcpy(ca_path + sizeof ca_path - 7, "XXXXXX", 6);
	fd = mkstemp(ca_path);
	CHECK(fd >= 0 && write(fd, pem.base, pem.len) == (ssize_t)pem.len);
	close(fd);
	snprintf(yaml, sizeof yaml,
		 "providers:\n"
		 "  safe: { dialect: openai, base_url: \"%s/v1\", ca_file: %s }\n"
		 "  alpha: { dialect: openai, base_url: \"%s/v1\" }\n"
		 "defaults: { retries: 0, %s }\n"
		 "chains: { m1: { steps: [ safe/m1, alpha/m2 ] } }\n",
		 weir_mock_url(p.w.mock, "safe"), ca_path, weir_mock_url(p.w.mock, "alpha"),
		 defaults);
	CHECK_INT(place_make(&p, &p.gateway, yaml), 0);
	unlink(ca_path);
	return p.gateway != NULL;
}

TEST(answers_come_through_tls_on_one_connection)
{
	struct weir_mock_stats stats;

	REQUIRE(open_place("valid", ""));
	for (int i = 0; i < 6; i++) {
		CHECK_INT(ask_whole(&p, &ask, i % 2 ? STREAM : PLAIN), 200);
		CHECK(ask.whole && strstr(ask.body, "safe N1"));
		CHECK(strstr(ask.trail, "safe/m1;200;ok;"));
	}
	weir_mock_stats(p.w.mock, "safe", &stats);
	CHECK_INT(stats.accepted, 1);
	place_close(&p);
}

TEST(who_cannot_be_trusted_is_stepped_past)
{
	static const struct {
		const char *tls, *class, *reason;
	} rows[] = {
		{ "wrong-host", "unreachable", "tls_cert" },
		{ "expired", "unreachable", "tls_cert" },
		{ "unknown-ca", "unreachable", "tls_cert" },
		{ "reset;after=100", "unreachable", "tls" },
		{ "plaintext", "unreachable", "tls_proto" },
		{ "stall;after=100", "slow", "tls_timeout" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[96];

		REQUIRE(open_place(rows[i].tls, strstr(rows[i].reason, "timeout")
							? "connect_timeout: 150ms"
							: "connect_timeout: 15s"));
		CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
		CHECK(strstr(ask.body, "alpha N1"));
		snprintf(text, sizeof text, "\"class\":\"%s\",\"reason\":\"%s\"", rows[i].class,
			 rows[i].reason);
		if (place_logged(&p, text) != 1)
			NOTE("%s: %.*s", rows[i].tls, (int)strcspn(p.log, "\n"), p.log);
		CHECK_INT(place_logged(&p, text), 1);
		place_close(&p);
	}
}

/* M-04, M-01: a clock that is wrong at the start and set right later; no restart. */
TEST(certificates_are_looked_at_by_the_present_time)
{
	static const struct {
		int64_t off_s;
		const char *says;
	} clocks[] = { { -40 * 365 * 24 * 3600, "not yet valid" },
		       { 3650 * 24 * 3600, "expired" } };

	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		REQUIRE(open_place("valid", "connect_timeout: 15s"));
		ahead_s = clocks[i].off_s;
		for (int k = 0; k < 3; k++) {
			CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
			CHECK(strstr(ask.body, "alpha N1"));
		}
		CHECK_INT(place_logged(&p, "\"class\":\"unreachable\",\"reason\":\"tls_cert\""), 3);
		CHECK(place_logged(&p, clocks[i].says) >= 3);
		ahead_s = 0;
		CHECK_INT(ask_whole(&p, &ask, PLAIN), 200);
		CHECK(strstr(ask.body, "safe N1"));
		place_close(&p);
	}
}

/* Until it is over before that turn. */
static bool leave_at(unsigned turn, bool close, const char *tls, const char *body)
{
	bool early = false;

	if (!open_place(tls, "connect_timeout: 40ms"))
		return false;
	CHECK_INT(ask_start(&p, &ask, body), 0);
	for (unsigned i = 0; i < turn && !early; i++) {
		place_turn(&p);
		early = ask.dones > 0;
	}
	if (!early && close)
		place_close_gateway(&p);
	else if (!early)
		ask_cancel(&ask);
	ask_wait(&ask);
	place_close(&p);
	return !early;
}

TEST(can_be_left_at_every_turn)
{
	static const char *const kinds[] = { "valid", "stall;after=100", "wrong-host" };

	for (unsigned k = 0; k < 6; k++) {
		unsigned turn = 0;

		while (turn < 200 && test_failures == 0 &&
		       leave_at(turn, k % 2, kinds[k / 2], k % 2 ? STREAM : PLAIN))
			turn += 1 + turn / 8;
		CHECK(turn > 2 && turn < 200);
	}
}

/* Every k: the provider, the gateway and both sessions share the failure. */
static bool starve(unsigned k)
{
	bool met;
	int rc;

	if (!open_place("valid", ""))
		return false;
	weir_alloc_fail_after(k);
	rc = ask_start(&p, &ask, STREAM);
	CHECK(rc == 0 || rc == WEIR_ERR_MEMORY);
	if (rc == 0)
		ask_wait(&ask);
	met = place_failure_met(k);
	if (rc == 0 && ask.whole && ask.status == 200)
		CHECK(strstr(ask.body, "tok2") && strstr(ask.body, "[DONE]"));
	place_close(&p);
	return met;
}

TEST(survives_any_failed_allocation)
{
	unsigned k = 1;

	while (k < 20000 && test_failures == 0 && starve(k))
		k += 1 + k / 12;
	NOTE("about %u allocations", k);
	CHECK(k > 20 && k < 20000);
}

TEST_MAIN

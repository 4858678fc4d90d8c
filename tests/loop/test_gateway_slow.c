#include <sys/syscall.h>
#include <time.h>

#include "core/client.h"
#include "gateway_raw.h"

/* Callers who read slowly or not at all, providers who do not read, and time that passes. */

/* The clock of the loop, which tests may put forward. */
static uint64_t ahead_ms;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE))
		ts->tv_sec += (time_t)(ahead_ms / 1000);
	return rc;
}

static struct place p;
static struct ask ask;
static struct raw caller;

static bool open_place(const char *defaults)
{
	bool opened = place_open(&p, defaults);

	uv_timer_stop(&p.w.limit); /* it would take our leaps for its time */
	return opened;
}

static void turns(unsigned n)
{
	while (n--)
		place_turn(&p);
}

/* A caller between whom and weir the kernel holds little. */
static void call(void)
{
	int fd, little = 128 * 1024; /* twice the MTU of a loopback */

	place_listen(&p);
	raw_connect(&caller, p.port);
	CHECK_INT(setsockopt(caller.fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
	while (weir_list_empty(&p.gateway->clients))
		place_turn(&p);
	WEIR_LIST_FOR(node, &p.gateway->clients)
	{
		struct weir_client *client = WEIR_CONTAINER_OF(node, struct weir_client, node);

		CHECK_INT(uv_fileno(&client->conn.uv.handle, &fd), 0);
		CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
	}
}

static void end(void)
{
	raw_close(&caller);
	place_close(&p);
}

/* Until nothing moves any more: all buffers between are full. */
static void fill(const char *target)
{
	struct weir_mock_stats stats;
	uint64_t before = UINT64_MAX;

	for (;;) {
		weir_mock_stats(p.w.mock, target, &stats);
		if (stats.tokens == before)
			return;
		before = stats.tokens;
		turns(30);
	}
}

static size_t queued(void)
{
	size_t sum = 0;

	WEIR_LIST_FOR(node, &p.gateway->clients)
	sum += weir_conn_queued(&WEIR_CONTAINER_OF(node, struct weir_client, node)->conn);
	return sum;
}

#define PLAIN_9  "{\"model\":\"m9\",\"messages\":[]}"
#define STREAM_9 "{\"model\":\"m9\",\"messages\":[],\"stream\":true}"

/* E-13, E-15: a caller who stops for longer than any timer of the provider's. */
TEST(who_stops_reading_keeps_his_stream)
{
	REQUIRE(open_place("stall_timeout: 20s"));
	call();
	place_script(&p, "gamma", "200;tokens=300;bytes=10000");
	raw_post(&caller, "", STREAM_9);
	fill("gamma");
	CHECK(queued() > WEIR_CONN_QUEUE_LOW);
	CHECK(queued() <= WEIR_CONN_QUEUE_HIGH + 2 * WEIR_CONN_READ_MAX);
	ahead_ms += 55 * 1000;
	turns(10);
	raw_wait(&p, &caller);
	CHECK(raw_whole(&caller));
	CHECK(strstr(caller.in, "tok299") && strstr(caller.in, "[DONE]"));
	end();
}

/* E-13, G-14 */
static void take_nothing(const char *script, const char *body)
{
	struct weir_mock_stats stats;

	REQUIRE(open_place(""));
	call();
	place_script(&p, "gamma", script);
	raw_post(&caller, "", body);
	while (queued() < WEIR_CONN_QUEUE_LOW)
		turns(1);
	fill("gamma");
	for (int i = 0; i < 20 && !place_logged(&p, ":\"request\""); i++) {
		ahead_ms += 61 * 1000; /* in the first minute the kernel may take some */
		turns(10);
	}
	weir_mock_stats(p.w.mock, "gamma", &stats);
	CHECK_INT(stats.inflight, 0);
	raw_read(&caller, RAW_IN_MAX);
	CHECK(caller.reset);
	CHECK_INT(place_logged(&p, "\"outcome\":\"hangup\""), 1);
	end();
}

TEST(who_takes_nothing_for_a_minute_is_reset)
{
	take_nothing("200;tokens=10000;bytes=10000", STREAM_9);
	take_nothing("200;tokens=2000;bytes=10000", PLAIN_9);
}

/* Long after the answer is complete for weir, and never quite stopping. */
static void read_slowly(const char *script, const char *body, const char *fields, const char *last)
{
	unsigned rounds = 0;

	REQUIRE(open_place(""));
	call();
	place_script(&p, "gamma", script);
	raw_post(&caller, fields, body);
	fill("gamma");
	while (!caller.ended && !raw_whole(&caller) && rounds++ < 1000) {
		for (int i = 0; i < 2; i++) {
			raw_read(&caller, 128 * 1024);
			turns(2);
		}
		ahead_ms += 20 * 1000;
		turns(3);
	}
	CHECK(rounds > 3 && !caller.reset);
	CHECK(raw_whole(&caller));
	CHECK(strstr(caller.in, last));
	end();
}

TEST(who_reads_slowly_gets_it_all)
{
	read_slowly("200;tokens=100;bytes=10000", PLAIN_9, "", "tok99");
	read_slowly("200;tokens=100;bytes=10000", PLAIN_9, "connection: close\r\n", "tok99");
	read_slowly("200;tokens=100;bytes=10000", STREAM_9, "", "[DONE]");
	read_slowly("200;tokens=100;bytes=10000", STREAM_9, "connection: close\r\n", "[DONE]");
	read_slowly("200;tokens=450;bytes=10000", PLAIN_9, "", "tok449");
}

/* The answers of weir's own pages have the same bound. */
TEST(who_asks_on_without_reading_fills_no_memory)
{
	static const char get[] = "GET /v1/models HTTP/1.1\r\nhost: weir\r\n\r\n";
	static char many[4096 * (sizeof get - 1)];
	size_t most = 0, answers = 0;

	for (size_t i = 0; i < sizeof many; i++)
		many[i] = get[i % (sizeof get - 1)];
	REQUIRE(open_place(""));
	call();
	for (unsigned i = 0; i < 1000; i++) {
		raw_send(&caller, many, sizeof many);
		turns(1);
		most = queued() > most ? queued() : most;
	}
	CHECK(most > WEIR_CONN_QUEUE_LOW && most < 2 * WEIR_CONN_QUEUE_HIGH);
	for (unsigned i = 0; i < 50; i++) {
		turns(1);
		raw_read(&caller, RAW_IN_MAX);
	}
	for (const char *at = caller.in, *last = at + caller.in_len;
	     (at = memmem(at, (size_t)(last - at), "HTTP/1.1 200 OK", 15)); at++)
		answers++;
	CHECK(answers > 1000);
	CHECK(!caller.ended);
	end();
}

static void on_drained(void *arg)
{
	((struct place *)arg)->drained++;
}

/* What is answered but not yet taken is not thrown away by a drain. */
TEST(who_reads_slowly_is_waited_for_by_a_drain)
{
	REQUIRE(open_place(""));
	call();
	place_script(&p, "gamma", "200;tokens=300;bytes=10000");
	raw_post(&caller, "", PLAIN_9);
	while (place_logged(&p, ":\"request\"") == 0)
		turns(1);
	CHECK(queued() > 0);
	weir_gateway_drain(p.gateway, on_drained, &p);
	turns(20);
	raw_wait(&p, &caller);
	CHECK(raw_whole(&caller));
	while (!p.drained)
		turns(1);
	end();
}

/* G-01, G-11, G-12, G-15: who says nothing, or too little, for too long. */
TEST(who_says_nothing_is_not_waited_for)
{
	static const char head[] = "POST " CHAT
				   " HTTP/1.1\r\nhost: weir\r\ncontent-length: 90000\r\n\r\n{";
	static const struct {
		const char *first, *then; /* so many seconds after it, and before its end */
		unsigned seconds;
		int status; /* 0: none */
	} cases[] = {
		{ "", "", 6, 0 },
		{ "POST", "", 6, 408 },
		{ "POST /v1", "/chat", 6, 408 },
		{ head, "", 16, 408 },
		{ head, " ", 20, 408 },
		{ "GET /livez HTTP/1.1\r\nhost: weir\r\n\r\n", "", 38, 200 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		REQUIRE(open_place(""));
		call();
		raw_say(&caller, cases[i].first);
		turns(4);
		ahead_ms += cases[i].seconds * 1000;
		turns(4);
		raw_read(&caller, RAW_IN_MAX);
		CHECK(!caller.ended);
		raw_say(&caller, cases[i].then);
		turns(4);
		ahead_ms += cases[i].seconds * 1000;
		while (!caller.ended) {
			turns(1);
			raw_read(&caller, RAW_IN_MAX);
		}
		CHECK_INT(raw_status(&caller), cases[i].status);
		CHECK(!caller.reset);
		end();
	}
}

/* G-15: he hears an answer, or a clean end; nothing that would tell him that he was late. */
TEST(who_asks_as_his_time_ends_is_not_told_off)
{
	static const char get[] = "GET /livez HTTP/1.1\r\nhost: weir\r\n\r\n";

	for (unsigned seconds = 74; seconds <= 76; seconds++) {
		for (unsigned before = 0; before < 4; before++) {
			REQUIRE(open_place(""));
			call();
			raw_say(&caller, get);
			raw_wait(&p, &caller);
			ahead_ms += seconds * 1000;
			turns(before);
			caller.in_len = 0;
			raw_send(&caller, get, sizeof get - 1);
			for (int i = 0; i < 20 && !caller.ended; i++) {
				turns(1);
				raw_read(&caller, RAW_IN_MAX);
			}
			CHECK(raw_status(&caller) == 200 || (caller.ended && caller.in_len == 0));
			CHECK(!caller.reset);
			if (before == 0)
				CHECK_INT(raw_status(&caller), 200); /* it was there in time */
			end();
		}
	}
}

/* K-19: the process slept; what the provider said meanwhile counts. */
TEST(sleep_is_nobodys_fault)
{
	for (unsigned asleep_s = 2; asleep_s < 400; asleep_s *= 3) {
		REQUIRE(open_place(""));
		CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
		for (int i = 0; i < 3 && !ask.dones; i++)
			turns(1);
		ahead_ms += asleep_s * 1000;
		ask_wait(&ask);
		CHECK_INT(ask.status, 200);
		CHECK(strncmp(ask.target, "alpha", 5) == 0);
		place_close(&p);
	}
}

/* The loop's clock stands still while the embedder does something else. */
TEST(a_late_start_is_no_lost_time)
{
	REQUIRE(open_place("deadline: 900ms, connect_timeout: 900ms"));
	place_script(&p, "alpha", "200;latency=5ms");
	turns(1);
	ahead_ms += 8000; /* the loop has not looked since */
	CHECK_INT(ask_start(&p, &ask, PLAIN), 0);
	ask_wait(&ask);
	CHECK_INT(ask.status, 200);
	CHECK(!strstr(ask.trail, "slow"));
	place_close(&p);
}

TEST_MAIN

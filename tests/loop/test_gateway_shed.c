#include <fcntl.h>
#include <unistd.h>

#include "core/gateway.h"
#include "gateway_raw.h"

/* What weir refuses because it cannot bear more. */

static struct place p; /* too large for a stack */
static struct raw caller;
static char folder[] = "/tmp/weir-test-shed-XXXXXX";

static bool open_place(const char *extra)
{
	if (!place_open_with(&p, "retries: 0", extra))
		return false;
	place_listen(&p);
	return true;
}

static void end(void)
{
	raw_close(&caller);
	place_close(&p);
}

static int ask_now(void)
{
	raw_close(&caller);
	raw_connect(&caller, p.port);
	raw_post(&caller, "", PLAIN);
	raw_wait(&p, &caller);
	return raw_status(&caller);
}

static bool heard(const char *text)
{
	return memmem(caller.in, caller.in_len, text, strlen(text)) != NULL;
}

/* ---- K-05 ---- */

static void put(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		CHECK(!"the file was written");
	close(fd);
}

static void use(const char *bytes)
{
	double before = p.gateway->memory.used;

	put("memory.current", bytes);
	while (p.gateway->memory.used == before)
		place_turn(&p);
}

static uint64_t idle(void)
{
	return weir_origin_idle(p.gateway->now->origins[0]);
}

static void open_cgroup(void)
{
	CHECK(mkdtemp(folder));
	put("memory.max", "1000000\n");
	put("memory.current", "500000\n");
	put("memory.stat", "anon 940000\nfile 1000\ninactive_file 0\nactive_file 0\n");
	weir_memory_close(&p.gateway->memory);
	weir_memory_open(&p.gateway->memory, folder);
}

TEST(little_memory_is_left)
{
	REQUIRE(open_place(""));
	open_cgroup();
	use("500001\n");
	CHECK_INT(ask_now(), 200);
	CHECK_INT(idle(), 1);
	use("849999\n");
	CHECK_INT(idle(), 1);
	use("850000\n");
	CHECK_INT(idle(), 0); /* less is kept */
	CHECK_INT(ask_now(), 200);
	CHECK(!heard("connection: close"));
	use("920000\n");
	CHECK_INT(ask_now(), 200);
	CHECK(heard("connection: close"));
	use("950000\n");
	CHECK_INT(ask_now(), 503);
	CHECK(heard("retry-after: 1\r\n") && heard("\"overloaded\""));
	CHECK_INT(place_metric(&p, "weir_rejected_total{reason=\"memory\"}"), 1);
	put("memory.stat", "inactive_file 20000\nactive_file 30000\n"); /* not lost at all */
	use("950001\n");
	CHECK_INT(ask_now(), 200);
	put("memory.max", "max\n");
	use("999999\n");
	CHECK_INT(ask_now(), 200);
	end();
}

/* ---- K-20 ---- */

static void hold_up(uv_timer_t *timer)
{
	(void)timer;
	uv_sleep(WEIR_LAG_LONG_MS + 20);
}

TEST(the_loop_falls_behind)
{
	uv_timer_t burden;
	unsigned turns = 0;

	REQUIRE(open_place(""));
	CHECK_INT(uv_timer_init(&p.w.loop, &burden), 0);
	CHECK_INT(ask_now(), 200);
	CHECK_INT(uv_timer_start(&burden, hold_up, 0, 1), 0);
	place_turn(&p);
	place_turn(&p);
	uv_timer_stop(&burden);
	CHECK_INT(ask_now(), 200); /* that was an accident */
	CHECK_INT(uv_timer_start(&burden, hold_up, 0, 1), 0);
	for (; !weir_lag_is_behind(&p.gateway->lag) && turns < 100; turns++)
		place_turn(&p);
	CHECK_INT(ask_now(), 503);
	CHECK(heard("retry-after: 1\r\n") && heard("\"overloaded\""));
	CHECK_INT(place_metric(&p, "weir_rejected_total{reason=\"lag\"}"), 1);
	uv_timer_stop(&burden);
	while (weir_lag_is_behind(&p.gateway->lag))
		place_turn(&p);
	CHECK_INT(ask_now(), 200);
	uv_close((uv_handle_t *)&burden, NULL);
	end();
}

/* ---- I-02 ---- */

TEST(bodies_together_are_too_much)
{
	static struct raw first;
	static char most[1024];

	memset(most, ' ', sizeof most - 1);
	REQUIRE(open_place("max_body: 1KiB\nmax_bodies: 1KiB"));
	raw_connect(&first, p.port);
	raw_say(&first, "POST " CHAT " HTTP/1.1\r\nhost: weir\r\ncontent-length: 1024\r\n\r\n");
	CHECK_INT(ask_now(), 200); /* what is only announced takes no room */
	raw_close(&caller);
	raw_say(&first, most);
	while (place_metric(&p, "weir_body_bytes") < (double)sizeof most - 1)
		place_turn(&p);
	CHECK_INT(ask_now(), 503);
	CHECK(heard("retry-after: 1\r\n"));
	CHECK_INT(place_metric(&p, "weir_rejected_total{reason=\"bodies\"}"), 1);
	raw_close(&caller);
	raw_connect(&caller, p.port); /* one whose length nobody knows */
	raw_say(&caller,
		"POST " CHAT " HTTP/1.1\r\nhost: weir\r\ntransfer-encoding: chunked\r\n\r\n"
		"2\r\n{}\r\n");
	raw_wait(&p, &caller);
	CHECK_INT(raw_status(&caller), 503);
	raw_close(&first);
	while (place_metric(&p, "weir_body_bytes"))
		place_turn(&p);
	CHECK_INT(ask_now(), 200);
	CHECK_INT(place_metric(&p, "weir_body_bytes"), 0);
	end();
}

TEST_MAIN

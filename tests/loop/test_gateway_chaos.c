#define RAW_IN_MAX (256 * 1024)

#include "base/rng.h"
#include "gateway_raw.h"

/* Hundreds of requests at once through vendors that fail in every way, while callers come
 * and go at random. All that is asked: every answer is one request's own, whole or honestly
 * not, and the books balance. */

enum { ASKS = 120, CALLERS = 40, SEEDS = 6 };

static const char *const words[] = {
	"200",
	"200;tokens=40",
	"200;tokens=5;tps=900",
	"200;latency=3ms",
	"503",
	"500",
	"429;retry-after=ms:5",
	"429",
	"401",
	"400",
	"404",
	"hang",
	"reset",
	"reset@half",
	"close@accept",
	"stall;after=2",
	"cut;after=3",
	"error-event",
	"error-event;after=2",
	"bad-json",
	"bad-chunk;after=1",
	"truncated",
	"extra",
	"empty",
	"html",
	"200;keep=0",
	"200;split=7",
	"refuse;for=4ms",
};

static struct place p;
static struct ask *asks;
static struct raw callers[CALLERS];
static struct weir_rng rng;

static uint64_t below(uint64_t n)
{
	return weir_rng_next(&rng) % n;
}

static void put_script(char *to, size_t size)
{
	size_t n = 0, steps = 30 + below(60);

	for (size_t i = 0; i < steps; i++)
		n += (size_t)snprintf(to + n, size - n, "%s%s", i ? "," : "",
				      words[below(sizeof words / sizeof *words)]);
}

static void put_body(char *to, size_t size, unsigned id)
{
	snprintf(to, size,
		 "{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":\"nonce=I%03uI\"}]"
		 "%s%s}",
		 id, below(2) ? ",\"stream\":true" : "", below(4) ? "" : ",\"num_retries\":1");
}

/* A nonce in it is its own, and whoever is told 200 and whole got it all. */
static void judge(const char *text, unsigned id, int status, bool whole)
{
	const char *nonce = strstr(text, " I");
	char own[16];

	snprintf(own, sizeof own, " I%03uI", id);
	if (nonce && nonce[5] == 'I')
		CHECK_MEM(nonce, own, 6);
	if (whole && status == 200)
		CHECK(strstr(text, own) &&
		      (strstr(text, "[DONE]") || strstr(text, "\"finish_reason\":\"stop\"")));
	CHECK(!strstr(text, "sk-secret"));
}

static void do_something(unsigned id)
{
	struct ask *ask = &asks[id];

	if (!ask->place || ask->dones)
		return;
	switch (below(8)) {
	case 0:
		if (!ask->cancelled)
			ask_cancel(ask);
		break;
	case 1:
		ask_pause(ask);
		break;
	default:
		ask_resume(ask);
		break;
	}
}

static void call(struct raw *raw, unsigned id)
{
	char body[256];

	if (raw->in && (raw->ended || raw_whole(raw) || below(40) == 0)) {
		judge(raw->in, id, raw_status(raw), raw_whole(raw));
		raw_close(raw);
	}
	if (raw->in) {
		raw_read(raw, 1 + below(4000));
	} else {
		raw_connect(raw, p.port);
		put_body(body, sizeof body, id);
		raw_post(raw, below(2) ? "connection: close\r\n" : "", body);
	}
}

static void storm(void)
{
	unsigned started = 0;

	while (started < ASKS) {
		char body[256];

		put_body(body, sizeof body, started);
		CHECK_INT(ask_start(&p, &asks[started], body), 0);
		started++;
		for (unsigned i = 0; i < 6; i++)
			do_something((unsigned)below(started));
		for (unsigned i = 0; i < 4; i++) {
			unsigned id = (unsigned)below(CALLERS);

			call(&callers[id], 200 + id);
		}
		place_turn(&p);
	}
}

static void play(uint64_t seed)
{
	char script[4096];

	weir_rng_init(&rng, seed);
	REQUIRE(place_open(&p, "retries: 0, attempt_timeout: 40ms, first_token_timeout: 40ms, "
			       "stall_timeout: 30ms, deadline: 300ms, max_attempts: 8"));
	place_listen(&p);
	for (int i = 0; i < PLACE_VENDORS; i++) {
		put_script(script, sizeof script);
		place_script(&p, place_names[i], script);
	}
	memset(asks, 0, ASKS * sizeof *asks);
	memset(callers, 0, sizeof callers);
	storm();
	for (unsigned i = 0; i < ASKS; i++) {
		if (!asks[i].dones && asks[i].paused)
			ask_resume(&asks[i]);
		ask_wait(&asks[i]);
		judge(asks[i].body, i, asks[i].status, asks[i].whole);
	}
	for (unsigned i = 0; i < CALLERS; i++)
		raw_close(&callers[i]);
	while (place_metric(&p, "weir_inflight_requests ") ||
	       place_metric(&p, "weir_client_connections "))
		place_turn(&p);
	place_close(&p);
}

TEST(chaos)
{
	asks = calloc(ASKS, sizeof *asks);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		int before = test_failures;

		play(seed);
		if (test_failures != before)
			NOTE("seed %u", (unsigned)seed);
	}
	free(asks);
}

/* Likewise, and the gateway is closed in the midst of it. */
TEST(closed_in_chaos)
{
	asks = calloc(ASKS, sizeof *asks);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		char script[4096];

		weir_rng_init(&rng, 100 + seed);
		REQUIRE(place_open(&p, "retries: 1, attempt_timeout: 30ms"));
		place_listen(&p);
		for (int i = 0; i < PLACE_VENDORS; i++) {
			put_script(script, sizeof script);
			place_script(&p, place_names[i], script);
		}
		memset(asks, 0, ASKS * sizeof *asks);
		memset(callers, 0, sizeof callers);
		storm();
		place_close_gateway(&p);
		while (!p.closed)
			place_turn(&p);
		for (unsigned i = 0; i < ASKS; i++)
			CHECK_INT(asks[i].dones, 1);
		for (unsigned i = 0; i < CALLERS; i++)
			raw_close(&callers[i]);
		place_close(&p);
	}
	free(asks);
}

TEST_MAIN

#include "gateway_raw.h"

/* The k-th allocation fails, for every k of a whole request. */

enum { K_MAX = 3000, DRY_TURNS = 40 };

static struct place p;
static struct ask ask, bystander;

#define BYSTANDER                                                                        \
	"{\"model\":\"m9\",\"messages\":[{\"role\":\"user\",\"content\":\"nonce=BY\"}]," \
	"\"stream\":true}"

/* It stands still, half answered, while memory fails for others. */
static void begin_bystander(void)
{
	CHECK_INT(ask_start(&p, &bystander, BYSTANDER), 0);
	bystander.on_start = ask_pause;
	while (!bystander.paused)
		place_turn(&p);
	place_rest(&p, 4);
}

static void end_bystander(void)
{
	ask_resume(&bystander);
	ask_wait(&bystander);
	CHECK(bystander.whole);
	CHECK(strstr(bystander.body, "tok39") && strstr(bystander.body, "[DONE]"));
}

static const struct plot {
	const char *alpha, *body;
	size_t padding; /* of the request's body */
	bool foreign;   /* alpha speaks another dialect */
	bool traced;
} plots[] = {
	{ "200;tokens=40", PLAIN },
	{ "200;tokens=40", STREAM },
	{ "200;tokens=40", STREAM, 6 * 1024 * 1024 },
	{ "200;tokens=40;bytes=8000", STREAM },
	{ "503", PLAIN },
	{ "400;message=sk-secret-alpha-0001", PLAIN },
	{ "401", PLAIN },
	{ "cut;after=3", STREAM },
	{ "200;tokens=40",
	  "{\"model\":\"m1\",\"messages\":[],\"fallbacks\":[{\"model\":\"m9\",\"top_p\":1}],"
	  "\"timeout\":9}" },
	{ "200", "{\"model\":\"nobody\"}" },
	{ "200;tokens=40", PLAIN, 0, true },
	{ "200;tokens=40", STREAM, 0, true },
	{ "error-event;after=0", STREAM, 0, true },
	{ "400;message=sk-secret-alpha-0001", PLAIN, 0, true },
	{ "503", STREAM, .traced = true },
};

static char *pad(const struct plot *plot)
{
	size_t n = strlen(plot->body);
	char *body = malloc(n + plot->padding + 1);

	memset(body, ' ', plot->padding);
	memcpy(body + plot->padding, plot->body, n + 1);
	return body;
}

static bool open_place(const struct plot *plot)
{
	place_foreign = plot->foreign;
	place_traced = plot->traced;
	if (!place_open(&p, "retries: 0"))
		return false;
	place_script(&p, "alpha", plot->alpha);
	place_script(&p, "beta", "200;tokens=40");
	place_script(&p, "gamma", "200;tokens=40");
	return true;
}

static void judge(const char *body, bool whole, int status)
{
	CHECK(!strstr(body, "sk-secret"));
	if (whole && status == 200 && strlen(body) < ASK_BODY_MAX - 1)
		CHECK(strstr(body, "tok39") &&
		      (strstr(body, "[DONE]") || strstr(body, "\"usage\"")));
}

/* True while there may be a larger k. */
static bool play(const struct plot *plot, unsigned k)
{
	char *body = pad(plot);
	bool more;
	int rc;

	if (!open_place(plot))
		return false;
	begin_bystander();
	weir_alloc_fail_after(k);
	rc = ask_start(&p, &ask, body);
	CHECK(rc == 0 || rc == WEIR_ERR_MEMORY);
	if (rc == 0) {
		ask_wait(&ask);
		CHECK(ask.starts <= 1);
		judge(ask.body, ask.whole, ask.status);
	}
	if (plot->traced)
		place_rest(&p, 30); /* its spans go out after its end */
	more = place_failure_met(k);
	end_bystander();
	place_close(&p);
	free(body);
	return more;
}

TEST(by_the_api)
{
	for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
		int before = test_failures;
		unsigned k = 1;

		while (k < K_MAX && test_failures == before && play(&plots[i], k))
			k++;
		CHECK(k > 3 && k < K_MAX);
		if (test_failures != before)
			NOTE("allocation %u of %s, %s", k, plots[i].alpha, plots[i].body);
		else
			NOTE("%u allocations: %s", k - 1, plots[i].alpha);
	}
}

/* ---- no memory at all for a while ---- */

static bool play_dry(const struct plot *plot, unsigned k)
{
	char *body = pad(plot);
	uint64_t before;
	bool met;
	int rc;

	if (!open_place(plot))
		return false;
	begin_bystander();
	before = weir_alloc_calls();
	weir_alloc_fail_from(k);
	rc = ask_start(&p, &ask, body);
	CHECK(rc == 0 || rc == WEIR_ERR_MEMORY);
	for (int i = 0; rc == 0 && i < DRY_TURNS && !ask.dones; i++)
		place_turn(&p);
	met = weir_alloc_calls() - before >= k;
	weir_alloc_fail_after(0);
	if (rc == 0) {
		ask_wait(&ask);
		CHECK(ask.starts <= 1);
		judge(ask.body, ask.whole, ask.status);
	}
	end_bystander();
	place_script(&p, "alpha", "200;tokens=40");
	CHECK_INT(ask_whole(&p, &ask, BYSTANDER), 200); /* as if nothing had been */
	CHECK(ask.whole && strstr(ask.body, "tok39"));
	place_close(&p);
	CHECK_INT(weir_alloc_live(), 0);
	free(body);
	return met;
}

TEST(for_a_while)
{
	for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
		int before = test_failures;
		unsigned k = 1;

		while (k < K_MAX && test_failures == before && play_dry(&plots[i], k))
			k += 1 + k / 10;
		CHECK(k > 3 && k < K_MAX);
		if (test_failures != before)
			NOTE("from allocation %u on: %s, %s", k, plots[i].alpha, plots[i].body);
	}
}

/* ---- by the listener: a caller with a socket and no memory of weir's ---- */

static struct raw raw;

static bool play_raw(const struct plot *plot, unsigned k)
{
	char *body = pad(plot);
	size_t size = strlen(body) + 512, len, sent = 0;
	char *request = malloc(size);
	bool more;

	if (!open_place(plot))
		return false;
	place_listen(&p);
	begin_bystander();
	len = (size_t)snprintf(request, size,
			       "POST " CHAT " HTTP/1.1\r\nhost: weir\r\nidempotency-key: one\r\n"
			       "content-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
			       strlen(body), body);
	weir_alloc_fail_after(k);
	raw_connect(&raw, p.port);
	while (!raw.ended && !raw_whole(&raw)) {
		sent += raw_send(&raw, request + sent, len - sent);
		place_turn(&p);
		raw_read(&raw, RAW_IN_MAX);
	}
	more = place_failure_met(k);
	judge(raw.in, raw_whole(&raw), raw_status(&raw));
	end_bystander();
	place_close_gateway(&p);
	while (!p.closed)
		place_turn(&p);
	raw_close(&raw);
	place_close(&p);
	free(body);
	free(request);
	return more;
}

TEST(by_the_listener)
{
	for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
		int before = test_failures;
		unsigned k = 1;

		while (k < K_MAX && test_failures == before && play_raw(&plots[i], k))
			k++;
		CHECK(k > 3 && k < K_MAX);
		if (test_failures != before)
			NOTE("allocation %u of %s, %s", k, plots[i].alpha, plots[i].body);
		else
			NOTE("%u allocations: %s", k - 1, plots[i].alpha);
	}
}

/* The making of a gateway: a sentence, and nothing left. */
TEST(of_the_gateway_itself)
{
	struct weir_gateway *gateway;
	bool more = true;

	place_foreign = false;
	place_traced = true;
	REQUIRE(place_open(&p, ""));
	for (unsigned k = 1; more && k < K_MAX; k++) {
		size_t before = weir_alloc_live();
		char yaml[4096];
		int rc;

		place_yaml(&p, "retries: 0", "", yaml, sizeof yaml);
		weir_alloc_fail_after(k);
		p.why[0] = '\0';
		rc = place_make(&p, &gateway, yaml);
		more = place_failure_met(k);
		CHECK(rc == 0 || p.why[0]);
		if (rc == 0)
			weir_gateway_close(gateway, NULL, NULL);
		for (int i = 0; i < 1000 && weir_alloc_live() != before; i++)
			place_turn(&p);
		CHECK_INT(weir_alloc_live(), before);
	}
	place_close(&p);
}

TEST_MAIN

#include <poll.h>

#include "framing.h"

/* Every response of tests/data/framing/responses, whole, byte by byte and cut at every byte, from a
 * provider that is nothing but a socket: a good one is the caller's answer byte for byte, any other
 * is a failure with the class and reason that the file says; and a connection whose bytes could be
 * taken for another answer's is not used again. */

enum { AT_ONCE = 64, PROVIDERS = 2 * AT_ONCE, LIMIT_MS = 30 * 1000, SETTLED = 3, ROW = 4 };

#define JSON  "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}"
#define OK    "HTTP/1.1 200 OK\r\n"
#define TYPED OK "Content-Type: application/json\r\n"

static const struct framing_macro macros[] = {
	{ "json", JSON },
	{ "ok", TYPED },
	{ "end", "Content-Length: 65\r\n\r\n" JSON },
	{ "good", TYPED "Content-Length: 65\r\n\r\n" JSON },
	{ "chunked", TYPED "Transfer-Encoding: chunked\r\n\r\n" },
	{ "continue", "HTTP/1.1 100 Continue\r\n\r\n" },
	{ NULL, NULL },
};

struct
try {
	struct ask ask;
	struct raw *raw; /* NULL: not asked yet */
	size_t cut;      /* 0: at each byte */
	size_t sent;
	unsigned waited, settled;
	bool all;
};

static struct place p;
static struct try tries[AT_ONCE];
static struct raw providers[PROVIDERS];
static int listener;
static unsigned port;
static size_t asked;
static const struct framing_case *now;

/* ---- the provider ---- */

static void reset(struct raw *raw)
{
	struct linger none = { .l_onoff = 1 };

	setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(raw->fd);
	raw->fd = -1;
	raw->ended = true;
}

static void finish(struct try *t)
{
	if (strcmp(now->option, "fin") == 0)
		shutdown(t->raw->fd, SHUT_WR);
	else if (strcmp(now->option, "rst") == 0)
		reset(t->raw);
}

/* What was sent is read in the next turn. */
static void answer_more(struct try *t)
{
	size_t len = now->text.len;
	size_t to = t->cut == 0 ? t->sent + 1 : t->sent < t->cut ? t->cut : len;

	if (!t->raw || t->raw->ended || t->all || t->waited++ % 2)
		return;
	if (t->sent < len)
		raw_send(t->raw, now->text.bytes + t->sent, (to < len ? to : len) - t->sent);
	else
		finish(t);
	t->all = t->sent == len;
	t->sent = to < len ? to : len;
}

static void take_request(struct raw *raw)
{
	if (raw_read(raw, RAW_IN_MAX) == 0 || !raw_whole(raw))
		return;
	raw->in_len = 0;
	CHECK(asked < AT_ONCE && !tries[asked].raw);
	tries[asked++].raw = raw;
}

/* Reads from those who have said something or are gone. */
static void listen_to_all(void (*hear)(struct raw *raw))
{
	struct pollfd polled[PROVIDERS];

	for (unsigned i = 0; i < PROVIDERS; i++)
		polled[i] = (struct pollfd){
			providers[i].in && !providers[i].ended ? providers[i].fd : -1, POLLIN, 0
		};
	if (poll(polled, PROVIDERS, 0) > 0)
		for (unsigned i = 0; i < PROVIDERS; i++)
			if (polled[i].revents)
				hear(&providers[i]);
}

static void take_requests(void)
{
	for (unsigned i = 0; i < PROVIDERS; i++) {
		if (providers[i].in && providers[i].ended)
			framing_drop(&providers[i]);
		if (!providers[i].in && !raw_accept(&providers[i], listener))
			break;
	}
	listen_to_all(take_request);
}

static void hear_end(struct raw *raw)
{
	CHECK_INT(raw_read(raw, RAW_IN_MAX), 0);
}

/* ---- the callers ---- */

static bool is_done(struct try *t)
{
	return t->ask.dones && t->raw && (t->all || t->raw->ended) && t->settled++ >= SETTLED;
}

static size_t go_on(size_t n)
{
	size_t left = 0;

	listen_to_all(hear_end);
	for (size_t i = 0; i < n; i++) {
		answer_more(&tries[i]);
		left += !is_done(&tries[i]);
	}
	return left;
}

static void put_word(char *text, size_t size, const char *body, const char *name)
{
	size_t n = strlen(text);
	const char *at = strstr(body, name);

	at = at ? at + strlen(name) : "?";
	snprintf(text + n, size - n, "%.*s ", (int)strcspn(at, "\""), at);
}

static void describe(const struct try *t, char *text, size_t size)
{
	const struct ask *ask = &t->ask;
	const char *due = now->body.len ? now->body.bytes : JSON;
	size_t n;

	text[0] = '\0';
	if (strstr(ask->body, "\"attempts\":[{")) {
		put_word(text, size, ask->body, "\"class\":\"");
		put_word(text, size, ask->body, "\"reason\":\"");
	} else {
		CHECK_STR(ask->body, due);
		snprintf(text, size, ask->status == 200 ? "ok " : "%d ", ask->status);
	}
	n = strlen(text);
	snprintf(text + n, size - n, "%s", t->raw->ended ? "gone" : "kept");
}

static void judge(size_t n)
{
	char text[160];

	for (size_t i = 0; i < n; i++) {
		struct try *t = &tries[i];

		describe(t, text, sizeof text);
		if (strncmp(text, now->expected, strlen(now->expected)) != 0) {
			NOTE("%s, cut at %zu", now->name, t->cut);
			CHECK_STR(text, now->expected);
		}
		if (t->raw->ended)
			framing_drop(t->raw);
	}
}

static void play(size_t n)
{
	uint64_t end_ms = uv_now(&p.w.loop) + LIMIT_MS;
	char body[64];

	asked = 0;
	for (size_t i = 0; i < n; i++) {
		snprintf(body, sizeof body, "{\"model\":\"m%zu\",\"messages\":[]}", i);
		CHECK_INT(ask_start(&p, &tries[i].ask, body), 0);
	}
	while (asked < n && uv_now(&p.w.loop) < end_ms) {
		framing_turn(&p);
		take_requests();
	}
	while (go_on(n) && uv_now(&p.w.loop) < end_ms)
		framing_turn(&p);
	if (uv_now(&p.w.loop) >= end_ms) {
		printf("Bail out! %s: no end\n", now->name);
		exit(1);
	}
	judge(n);
}

/* A gateway of its own, so that no target fails often enough to be left alone. */
static bool open_gateway(void)
{
	char yaml[AT_ONCE * 40 + 256];
	int n = snprintf(yaml, sizeof yaml,
			 "providers:\n"
			 "  raw: { dialect: openai, base_url: \"http://127.0.0.1:%u/v1\" }\n"
			 "defaults: { retries: 0 }\nchains:\n",
			 port);

	for (int i = 0; i < AT_ONCE; i++)
		n += snprintf(yaml + n, sizeof yaml - (size_t)n, "  m%d: { steps: [ raw/m%d ] }\n",
			      i, i);
	return framing_gateway(&p, yaml);
}

static void close_gateway(void)
{
	framing_gateway_close(&p);
	for (unsigned i = 0; i < PROVIDERS; i++)
		framing_drop(&providers[i]);
}

static void play_case(const struct framing_case *c)
{
	size_t n = 0, played = 0;

	now = c;
	REQUIRE(open_gateway());
	for (size_t cut = 0; cut <= c->text.len && played < ROW * AT_ONCE;
	     cut = framing_next_cut(&c->text, cut)) {
		if (cut == 0 && c->text.len > 1024)
			continue;
		tries[n].raw = NULL;
		tries[n].cut = cut;
		tries[n].sent = tries[n].waited = tries[n].settled = 0;
		tries[n++].all = false;
		played++;
		if (n == AT_ONCE) {
			play(n);
			n = 0;
		}
	}
	play(n);
	close_gateway();
}

TEST(each_response_is_an_answer_or_a_failure)
{
	framing_load("responses", macros);
	REQUIRE(framing_open(&p));
	listener = raw_listen(&port);
	CHECK_INT(listen(listener, AT_ONCE), 0);
	for (size_t i = 0; i < framing_cases_n; i++)
		play_case(&framing_cases[i]);
	NOTE("%zu responses", framing_cases_n);
	CHECK(framing_cases_n >= 120);
	close(listener);
	place_close(&p);
	framing_unload();
}

TEST_MAIN

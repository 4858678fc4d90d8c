#include <poll.h>

#include "core/gateway.h"
#include "framing.h"

/* Every request of tests/data/framing/requests, whole, byte by byte and cut at every byte, to a
 * gateway whose provider compares each byte that it gets: one request for each that is accepted,
 * none for the others, and what follows on the connection is answered or not as the file says. */

enum { AT_ONCE = 64, PROVIDERS = 2 * AT_ONCE, SETTLED = 4, LIMIT_MS = 30 * 1000 };

#define JSON    "{\"model\":\"m\",\"messages\":[],\"n\":1}" /* of 33 bytes: 0x21 */
#define PROBE   "GET /livez HTTP/1.1\r\nHost: weir\r\n\r\n"
#define ANSWER  "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}"
#define CHAT_AT "POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n"

static const struct framing_macro macros[] = {
	{ "json", JSON },
	{ "chat", CHAT_AT },
	{ "chunked", CHAT_AT "Transfer-Encoding: chunked\r\n\r\n" },
	{ "good", CHAT_AT "Content-Length: 33\r\n\r\n" JSON },
	{ "end", "Content-Length: 33\r\n\r\n" JSON },
	{ "models", "GET /v1/models HTTP/1.1\r\nHost: weir\r\n\r\n" },
	{ NULL, NULL },
};

struct
try {
	struct raw raw;
	size_t cut;  /* 0: at each byte */
	size_t sent; /* of the case's bytes */
	unsigned settled;
	bool all, done;
};

static struct place p;
static struct try tries[AT_ONCE];
static struct raw providers[PROVIDERS];
static int listener;
static unsigned port, asked, asked_n; /* by the present tries; by all */
static char path[64];
static const struct framing_case *now;
static char *bytes; /* the case's and, unless it waits, the probe's */
static size_t bytes_len;

/* ---- the provider ---- */

static void check_asked(const struct raw *raw, size_t len)
{
	const char *body = now->body.len ? now->body.bytes : JSON;
	size_t body_len = now->body.len ? now->body.len : strlen(JSON);
	char *whole = malloc(body_len + 1024);
	size_t n = (size_t)snprintf(whole, 1024,
				    "POST " CHAT " HTTP/1.1\r\nhost: 127.0.0.1:%u\r\n"
				    "accept: application/json\r\ncontent-type: application/json\r\n"
				    "accept-encoding: identity\r\ncontent-length: %zu\r\n\r\n",
				    port, body_len);

	memcpy(whole + n, body, body_len);
	CHECK_INT(len, n + body_len);
	if (len == n + body_len)
		CHECK_MEM(raw->in, whole, len);
	free(whole);
}

static void serve(struct raw *raw)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
				     "content-length: %zu\r\n\r\n%s";
	char text[256];

	if (raw_read(raw, RAW_IN_MAX) == 0 || !raw_whole(raw))
		return;
	check_asked(raw, raw->in_len);
	asked++;
	raw->in_len = 0;
	snprintf(text, sizeof text, answer, strlen(ANSWER), ANSWER);
	raw_say(raw, text);
}

static void serve_all(void)
{
	for (unsigned i = 0; i < PROVIDERS; i++) {
		if (!providers[i].in && !raw_accept(&providers[i], listener))
			return;
		serve(&providers[i]);
		if (providers[i].ended)
			raw_close(&providers[i]);
	}
}

/* ---- the callers ---- */

static void connect_to(struct raw *raw)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
	CHECK_INT(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	raw_init(raw, fd);
}

static bool waits(void)
{
	return strstr(now->expected, "waits") != NULL;
}

static void say_more(struct try *t)
{
	size_t to = t->cut == 0 ? t->sent + 1 : t->sent < t->cut ? t->cut : now->text.len;

	if (t->all || t->raw.ended || (t->sent && !framing_taken(&t->raw)))
		return;
	if (to >= now->text.len) {
		to = bytes_len;
		t->all = true;
	}
	raw_send(&t->raw, bytes + t->sent, to - t->sent);
	t->sent = to;
}

static const char *next_word(const char *word)
{
	word += strcspn(word, " ");
	return word + (*word == ' ');
}

/* What came, as the file writes it. A status with a minus has no body in spite of its length. */
static bool describe(const struct raw *raw, char *text, size_t size)
{
	const char *at = raw->in, *end = raw->in + raw->in_len, *want = now->expected;
	size_t n = 0;

	text[0] = '\0';
	while (at < end) {
		const char *body = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
		const char *length = strstr(at, "content-length: ");
		size_t len = length && body && length < body ? strtoul(length + 16, NULL, 10) : 0;
		bool bare = strncmp(want, "200- ", 5) == 0;

		if (!body || (!bare && (size_t)(end - body - 4) < len))
			return false;
		body += 4;
		if (!raw->ended && body + len == end && len == 3 && memcmp(body, "ok\n", 3) == 0) {
			snprintf(text + n, size - n, "%sopen", n ? " " : "");
			return true;
		}
		n += (size_t)snprintf(text + n, size - n, "%s%.3s%s", n ? " " : "", at + 9,
				      bare ? "-" : "");
		want = next_word(want);
		at = body + (bare ? 0 : len);
	}
	if (raw->ended)
		snprintf(text + n, size - n, "%s%s", n ? " " : "", waits() ? "waits" : "end");
	return raw->ended;
}

static bool is_done(struct try *t, char *text, size_t size)
{
	if (t->all && waits() && framing_taken(&t->raw) && t->settled++ == SETTLED) {
		CHECK(!t->raw.ended);
		shutdown(t->raw.fd, SHUT_WR);
	}
	return describe(&t->raw, text, size);
}

/* How many are not done yet. */
static size_t go_on(size_t n)
{
	struct pollfd polled[AT_ONCE];
	size_t left = 0;
	char text[160];

	for (size_t i = 0; i < n; i++)
		polled[i] = (struct pollfd){ tries[i].done ? -1 : tries[i].raw.fd, POLLIN, 0 };
	poll(polled, n, 0);
	for (size_t i = 0; i < n; i++) {
		struct try *t = &tries[i];

		if (t->done)
			continue;
		say_more(t);
		if (polled[i].revents)
			raw_read(&t->raw, RAW_IN_MAX);
		t->done = is_done(t, text, sizeof text);
		left += !t->done;
	}
	return left;
}

/* How often the provider is asked: once for each 200, unless the file says otherwise. */
static unsigned due(void)
{
	unsigned n = 0;

	if (now->option[0])
		return (unsigned)strtoul(now->option + strlen("asked "), NULL, 10);
	for (const char *at = now->expected; (at = strstr(at, "200")); at += 3)
		n++;
	return n;
}

static void judge(size_t n)
{
	char text[160] = "";

	for (size_t i = 0; i < n; i++) {
		describe(&tries[i].raw, text, sizeof text);
		if (strcmp(text, now->expected) != 0) {
			NOTE("%s, cut at %zu", now->name, tries[i].cut);
			CHECK_STR(text, now->expected);
		}
		raw_close(&tries[i].raw);
	}
	if (asked != due() * n)
		NOTE("%s", now->name);
	CHECK_INT(asked, due() * n);
	asked_n += asked;
}

static void play(size_t n)
{
	uint64_t end_ms = uv_now(&p.w.loop) + LIMIT_MS;

	asked = 0;
	for (size_t i = 0; i < n; i++)
		connect_to(&tries[i].raw);
	while (p.gateway->clients_n < n)
		framing_turn(&p);
	while (go_on(n) && uv_now(&p.w.loop) < end_ms) {
		framing_turn(&p);
		if (p.gateway->attempts_n)
			serve_all();
	}
	if (uv_now(&p.w.loop) >= end_ms)
		NOTE("%s: no end", now->name);
	judge(n);
}

static void play_case(const struct framing_case *c)
{
	size_t n = 0;

	now = c;
	bytes_len = c->text.len + (waits() ? 0 : strlen(PROBE));
	bytes = malloc(bytes_len + 1);
	snprintf(bytes, bytes_len + 1, "%*s%s", (int)c->text.len, "", waits() ? "" : PROBE);
	memcpy(bytes, c->text.bytes, c->text.len);
	for (size_t cut = 0; cut <= c->text.len; cut = framing_next_cut(&c->text, cut)) {
		if (cut == 0 && c->text.len > 1024)
			continue;
		tries[n++] = (struct try){ .cut = cut };
		if (n == AT_ONCE) {
			play(n);
			n = 0;
		}
	}
	play(n);
	free(bytes);
}

static bool open_place(void)
{
	char yaml[512];

	framing_load("requests", macros);
	if (!framing_open(&p))
		return false;
	listener = raw_listen(&port);
	CHECK_INT(listen(listener, AT_ONCE), 0);
	snprintf(path, sizeof path, "/tmp/weir-framing-%d.sock", (int)getpid());
	snprintf(yaml, sizeof yaml,
		 "listen: \"unix:%s\"\nmax_body: 64KiB\nproviders:\n"
		 "  raw: { dialect: openai, base_url: \"http://127.0.0.1:%u/v1\" }\n"
		 "chains: { m: { retries: 0, steps: [ raw/m ] } }\n",
		 path, port);
	if (!framing_gateway(&p, yaml))
		return false;
	snprintf(yaml, sizeof yaml, "unix:%s", path);
	CHECK_INT(weir_gateway_listen(p.gateway, yaml, p.why, sizeof p.why), 0);
	return true;
}

TEST(each_request_is_refused_or_one)
{
	REQUIRE(open_place());
	for (size_t i = 0; i < framing_cases_n; i++)
		play_case(&framing_cases[i]);
	NOTE("%zu requests", framing_cases_n);
	CHECK(framing_cases_n >= 300);
	CHECK_INT(place_metric(&p, "weir_attempts_total{"), asked_n);
	CHECK_INT(place_metric(&p, "weir_inflight_requests "), 0);
	framing_gateway_close(&p);
	for (unsigned i = 0; i < PROVIDERS; i++)
		framing_drop(&providers[i]);
	close(listener);
	place_close(&p);
	framing_unload();
}

TEST_MAIN

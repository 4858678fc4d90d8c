/* A gateway and the world around it: who calls, who provides, and all that was said. */
#ifndef WEIR_FUZZ_SCENARIO_WORLD_H
#define WEIR_FUZZ_SCENARIO_WORLD_H

#include "kernel.h"
#include "scenario.h"

#include "base/alloc.h"
#include "weir.h"

enum {
	CALLERS = 4,
	ASKS = 3,
	TALKS = 96,
	ASKED_MAX = 96,
	TURNS_MAX = 20000,
	FLOOD_MAX = 64,
	FLOOD_TOKEN = 3900,
	AFTER_MS = 200 * 1000, /* beyond every deadline */
	LOG_MAX = 1024 * 1024
};

/* One connection, from its beginning. */
struct talk {
	struct kernel_socket *socket; /* NULL: it is over for the script */
	int who;                      /* a caller, or CALLERS and a provider */
	struct kernel_bytes sent, heard;
	size_t read;              /* of what was heard: whole requests */
	unsigned asked, answered; /* of a provider's */
	unsigned since;           /* the last of them, in the order of all requests */
	bool begun;               /* something was said since */
	bool slow, left;          /* the caller, by itself */
};

/* One request of the API. */
struct ask {
	struct weir_request *request;
	unsigned starts, dones;
	int status, whole;
	bool cancelled, paused;
	struct kernel_bytes said; /* bytes of the answer, then its trail */
};

/* All that one run of a scenario shows. */
struct tale {
	struct talk talks[TALKS];
	int talks_n;
	struct {
		int vendor;
		char *text;
		size_t len;
	} asked[ASKED_MAX];
	int asked_n;
	unsigned requests_n;
	struct ask asks[ASKS];
	bool poor;    /* an allocation was made to fail */
	bool crowded; /* more happened than is kept */
	size_t log_len;
	char log[LOG_MAX];
};

static struct tale whole, pieces, *tale;
static uv_loop_t loop;
static uv_timer_t anchor; /* so that the loop is never at its end */
static struct weir_gateway *gateway;
static struct weir_rng rng;
static bool cuts, closed;
static unsigned options;
static enum kernel_state doors[VENDORS];
static struct kernel_bytes rests[CALLERS];

/* ---- secrets ---- */

static void check_secrets(const char *base, size_t len, int but)
{
	for (int i = 0; i < (int)(sizeof canaries / sizeof *canaries); i++)
		FUZZ_CHECK(i == but || len == 0 ||
			   !memmem(base, len, canaries[i], strlen(canaries[i])));
}

static void on_log(void *arg, const char *line, size_t len)
{
	(void)arg;
	check_secrets(line, len, -1);
	FUZZ_CHECK(len && line[len - 1] == '\n' && !memchr(line, '\n', len - 1));
	if (tale->log_len + len < LOG_MAX) {
		memcpy(tale->log + tale->log_len, line, len);
		tale->log_len += len;
		tale->log[tale->log_len] = '\0';
	} else {
		tale->crowded = true;
	}
}

/* ---- hearing ---- */

static struct talk *talk_new(struct kernel_socket *socket, int who)
{
	struct talk *talk;

	if (tale->talks_n == TALKS) {
		tale->crowded = true;
		kernel_end(socket, true);
		return NULL;
	}
	talk = &tale->talks[tale->talks_n++];
	*talk = (struct talk){ .socket = socket, .who = who };
	return talk;
}

static enum kernel_state on_connect(unsigned port)
{
	FUZZ_CHECK(port >= VENDOR_PORT && port < VENDOR_PORT + VENDORS);
	return doors[port - VENDOR_PORT];
}

static void keep_asked(struct talk *talk, const char *text, const struct message *m)
{
	int vendor = talk->who - CALLERS;

	FUZZ_CHECK(m->hosts == 1 && m->lengths + m->chunked == 1);
	check_secrets(text, m->len, vendor);
	talk->asked++;
	talk->begun = false;
	talk->since = ++tale->requests_n;
	if (tale->asked_n == ASKED_MAX) {
		tale->crowded = true;
		return;
	}
	tale->asked[tale->asked_n].vendor = vendor;
	tale->asked[tale->asked_n].text = malloc(m->len);
	memcpy(tale->asked[tale->asked_n].text, text, m->len);
	tale->asked[tale->asked_n++].len = m->len;
}

static void hear(struct talk *talk)
{
	struct kernel_socket *s = talk->socket;
	struct message m;

	kernel_put(&talk->heard, s->out.base + s->out.at, s->out.len - s->out.at);
	s->out.at = s->out.len;
	while (talk->who >= CALLERS && talk->read < talk->heard.len &&
	       read_message(talk->heard.base + talk->read, talk->heard.len - talk->read, false,
			    false, &m, NULL) &&
	       m.whole) {
		keep_asked(talk, talk->heard.base + talk->read, &m);
		talk->read += m.len;
	}
}

static bool known(const struct kernel_socket *s)
{
	for (int i = 0; i < tale->talks_n; i++)
		if (tale->talks[i].socket == s)
			return true;
	return false;
}

static void find_new(void)
{
	for (int i = 0; i < kernel.top; i++) {
		struct kernel_socket *s = &kernel.sockets[i];

		if (s->used && s->other && !s->called && s->state == KERNEL_OPEN && !known(s))
			talk_new(s, CALLERS + (int)s->port - VENDOR_PORT);
	}
}

/* True: somebody heard something. */
static bool hear_all(void)
{
	bool any = false;

	find_new();
	for (int i = 0; i < tale->talks_n; i++) {
		struct talk *talk = &tale->talks[i];

		if (!talk->socket || talk->slow)
			continue;
		if (talk->socket->out.at < talk->socket->out.len) {
			hear(talk);
			any = true;
		}
		/* Whom weir has left has nothing more to say to it. */
		if (!talk->socket->used && talk->socket->out_fin) {
			kernel_end(talk->socket, false);
			talk->socket = NULL;
		}
	}
	return any;
}

static bool any_due(void)
{
	for (int i = 0; i < kernel.top; i++)
		if (kernel_due(&kernel.sockets[i]))
			return true;
	return false;
}

/* Until nothing is left to do at this moment. */
static void settle(void)
{
	int turns = 0;
	bool heard;

	do {
		FUZZ_CHECK(turns++ < TURNS_MAX);
		uv_run(&loop, UV_RUN_NOWAIT);
		heard = hear_all();
	} while (heard || any_due() || uv_backend_timeout(&loop) == 0);
}

static void pass(uint64_t ms)
{
	uint64_t end_ms = kernel.now_ms + ms;

	while (kernel.now_ms < end_ms) {
		int next = uv_backend_timeout(&loop);
		uint64_t left = end_ms - kernel.now_ms;

		kernel.now_ms += next >= 0 && (uint64_t)next < left ? (uint64_t)next : left;
		settle();
	}
}

/* ---- speaking ---- */

static void say(struct talk *talk, const char *bytes, size_t len)
{
	talk->begun = true;
	for (size_t at = 0, n; at < len; at += n) {
		n = cuts ? 1 + fuzz_below(&rng, 1 + fuzz_below(&rng, len)) : len;
		if (n > len - at)
			n = len - at;
		if (!talk->socket || talk->socket->in_fin || talk->socket->in_rst)
			return;
		kernel_put(&talk->sent, bytes + at, n);
		if (talk->socket->used || talk->socket->called)
			kernel_put(&talk->socket->in, bytes + at, n);
		settle();
	}
}

static void end(struct talk *talk, bool reset)
{
	struct kernel_socket *s = talk->socket;

	if (!s)
		return;
	talk->left = true;
	talk->socket = NULL;
	kernel_end(s, reset);
	settle();
}

static struct talk *caller_at(unsigned char k, bool connect)
{
	int who = k % CALLERS;
	struct kernel_socket *s;

	for (int i = tale->talks_n - 1; i >= 0; i--)
		if (tale->talks[i].who == who && tale->talks[i].socket)
			return &tale->talks[i];
	if (!connect)
		return NULL;
	s = kernel_call(who == CALLERS - 1 ? ADMIN_PORT : LISTEN_PORT);
	return s ? talk_new(s, who) : NULL;
}

/* The connection to that provider whose request waits longest for its answer; else the one that was
 * last asked: not by the order of connections, as it is weir's affair which one it takes. */
static struct talk *provider_at(unsigned char v)
{
	struct talk *first = NULL, *last = NULL;

	for (int i = 0; i < tale->talks_n; i++) {
		struct talk *talk = &tale->talks[i];

		if (talk->who != CALLERS + v % VENDORS || !talk->socket)
			continue;
		if (talk->asked > talk->answered && (!first || talk->since < first->since))
			first = talk;
		if (!last || talk->since >= last->since)
			last = talk;
	}
	return first ? first : last;
}

static void answer(unsigned char v, unsigned char n)
{
	static char text[8192];
	const struct reply *reply = &replies[n % (sizeof replies / sizeof *replies)];
	struct talk *talk = provider_at(v);
	const char *dialect = dialect_of(options, v % VENDORS), *key = canaries[v % VENDORS];

	if (!talk)
		return;
	/* In what succeeds weir looks for no key: that is relayed as it is. */
	if (talk->begun && reply->framing != CHUNK)
		key = "none";
	if (reply->ends && talk->asked > talk->answered)
		talk->answered++;
	say(talk, text,
	    put_reply(text, sizeof text, reply,
		      *dialect == 'o'   ? 0
		      : *dialect == 'a' ? 1
					: 2,
		      key));
}

static void ask_question(unsigned char k, unsigned char n, bool half)
{
	static char text[4096];
	struct talk *talk = caller_at(k, true);
	struct kernel_bytes *rest = &rests[k % CALLERS];
	size_t len;

	len = put_question(text, sizeof text,
			   &questions[n % (sizeof questions / sizeof *questions)],
			   options & OPT_ACCESS);
	rest->len = rest->at = 0;
	if (half)
		kernel_put(rest, text + len / 2, len - len / 2);
	if (talk)
		say(talk, text, half ? len / 2 : len);
}

/* Many tokens at once, so that queues fill. */
static void flood(unsigned char v, unsigned char n)
{
	static char text[(FLOOD_MAX + 1) * 4096];
	struct talk *talk = provider_at(v);
	size_t len = 0;

	for (int i = 0; talk && i <= n % FLOOD_MAX; i++)
		len += (size_t)snprintf(
			text + len, sizeof text - len,
			"%x\r\ndata: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
			"\"content\":\"%*d\"}}]}\n\n\r\n",
			FLOOD_TOKEN + 60, FLOOD_TOKEN, i);
	if (talk)
		say(talk, text, len);
}

static void ask_much(unsigned char k, unsigned char n)
{
	static char text[FLOOD_MAX * 4096 + 512];
	struct talk *talk = caller_at(k, true);
	int wide = 1 + n % FLOOD_MAX * 4000;

	if (talk)
		say(talk, text,
		    (size_t)snprintf(
			    text, sizeof text,
			    "POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\n"
			    "authorization: Bearer " CALLER_KEY "\r\ncontent-length: %d\r\n\r\n"
			    "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\","
			    "\"content\":\"%*d\"}]}",
			    wide + 69, wide, 7));
}

/* ---- requests by the API ---- */

static void on_start(struct weir_request *request, int status, const char *type, const char *target)
{
	struct ask *ask = weir_request_user(request);

	(void)type, (void)target;
	FUZZ_CHECK(ask->starts++ == 0 && ask->dones == 0 && !ask->cancelled && !ask->paused);
	ask->status = status;
}

static void on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	struct ask *ask = weir_request_user(request);

	FUZZ_CHECK(ask->starts == 1 && ask->dones == 0 && len && !ask->cancelled && !ask->paused);
	kernel_put(&ask->said, bytes, len);
}

static void on_done(struct weir_request *request, int is_whole, const char *trail)
{
	struct ask *ask = weir_request_user(request);

	FUZZ_CHECK(ask->dones++ == 0);
	ask->whole = is_whole;
	kernel_put(&ask->said, trail, strlen(trail));
	check_secrets(ask->said.base, ask->said.len, -1);
	ask->request = NULL;
}

static const struct weir_request_callbacks ask_callbacks = { on_start, on_bytes, on_done };

static void ask_api(unsigned char i, unsigned char n)
{
	struct ask *ask = &tale->asks[i % ASKS];
	const struct question *q = &questions[n % (sizeof questions / sizeof *questions)];
	const char *path = strchr(q->head, ' ') + 1;
	char *name;

	if (ask->request || !q->body)
		return;
	name = strndup(path, strcspn(path, " "));
	kernel_drop(&ask->said);
	*ask = (struct ask){ 0 };
	if (weir_request_start(&ask->request, gateway, name, q->body, strlen(q->body),
			       &ask_callbacks, ask))
		ask->request = NULL;
	free(name);
	settle();
}

static void tell_ask(unsigned char op, unsigned char i)
{
	struct ask *ask = &tale->asks[i % ASKS];

	if (!ask->request)
		return;
	if (op == 'q') {
		ask->cancelled = true;
		weir_request_cancel(ask->request);
	} else if (op == 'u') {
		ask->paused = true;
		kernel.squeezed = true;
		weir_request_pause(ask->request);
	} else {
		ask->paused = false;
		weir_request_resume(ask->request);
	}
	settle();
}

/* ---- a gateway ---- */

static const char *otel(void *arg, const char *variable)
{
	(void)arg;
	if (strcmp(variable, "OTEL_EXPORTER_OTLP_ENDPOINT") == 0)
		return "http://127.0.0.1:5002";
	return strcmp(variable, "OTEL_BSP_SCHEDULE_DELAY") == 0 ? "100" : NULL;
}

static void on_finding(void *arg, const char *line, size_t len)
{
	(void)arg;
	check_secrets(line, len, -1);
	if (!tale->poor && memmem(line, len, " error[", 7))
		fprintf(stderr, "%.*s", (int)len, line);
}

static void on_closed(void *arg)
{
	(void)arg;
	closed = true;
}

static void open_gateway(void)
{
	char yaml[4096], why[256] = "";
	struct weir_gateway_options with = {
		.size = sizeof with,
		.config_text = yaml,
		.config_len = put_config(yaml, sizeof yaml, options),
		.on_log = on_log,
		.on_finding = on_finding,
		.otel = options & OPT_TRACES ? otel : NULL,
		.seed = 1,
	};

	FUZZ_CHECK(weir_gateway_create(&gateway, &loop, &with, why, sizeof why) == 0);
	FUZZ_CHECK(weir_gateway_listen(gateway, NULL, why, sizeof why) == 0);
	FUZZ_CHECK(weir_gateway_listen_admin(gateway, NULL, why, sizeof why) == 0);
	settle();
}

static void reload(unsigned char n)
{
	char yaml[4096], why[256];
	/* As it answers, so a provider is; who may come, stays. */
	unsigned other = options ^ ((unsigned)n << 6 & ~(unsigned)(OPT_TRACES | OPT_ACCESS));
	int rc = weir_gateway_reload(gateway, yaml, put_config(yaml, sizeof yaml, other), why,
				     sizeof why);

	FUZZ_CHECK(rc == 0 || tale->poor);
	if (rc == 0)
		options = other;
	settle();
}

#endif

/* A gateway before simulated vendors on one loop, asked by the public API or by raw clients,
 * and books that must balance in the end. */
#ifndef WEIR_GATEWAY_WORLD_H
#define WEIR_GATEWAY_WORLD_H

#include "mock_world.h"
#include "weir.h"

enum { PLACE_VENDORS = 3, PLACE_LOG_MAX = 512 * 1024, ASK_BODY_MAX = 64 * 1024 };

struct place {
	struct mock_world w;
	struct weir_gateway *gateway;
	const char *listen; /* for place_yaml(); NULL: a free port */
	const char *first;  /* likewise: more about the first provider */
	unsigned port;      /* of the public listener */
	unsigned closed, drained;
	bool busy; /* inside a call of ours: nothing may call back */
	uv_timer_t tick;
	size_t log_len;
	char log[PLACE_LOG_MAX];
	char why[256];
};

/* One request by the API, what it does on the way and what it heard. */
struct ask {
	struct place *place;
	struct weir_request *request;
	/* script */
	void (*on_start)(struct ask *ask);
	void (*on_bytes)(struct ask *ask);
	void (*on_done)(struct ask *ask);
	/* what happened */
	unsigned starts, dones, pieces;
	int status, whole;
	bool paused, cancelled;
	char type[80], target[80], trail[1024];
	uint64_t bytes_n, sum; /* of all bytes */
	size_t body_len;
	char body[ASK_BODY_MAX]; /* the last of them, NUL after */
};

static inline void ask_on_start(struct weir_request *request, int status, const char *type,
				const char *target)
{
	struct ask *ask = weir_request_user(request);

	CHECK(!ask->place->busy && !ask->cancelled);
	CHECK(ask->starts == 0 && ask->dones == 0 && ask->pieces == 0);
	ask->starts++;
	ask->status = status;
	snprintf(ask->type, sizeof ask->type, "%s", type);
	snprintf(ask->target, sizeof ask->target, "%s", target ? target : "");
	if (ask->on_start)
		ask->on_start(ask);
}

static inline void ask_on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	struct ask *ask = weir_request_user(request);
	size_t most = sizeof ask->body - 1, n = len < most ? len : most;
	size_t gone = ask->body_len + n > most ? ask->body_len + n - most : 0;

	CHECK(!ask->place->busy && !ask->cancelled && !ask->paused);
	CHECK(ask->starts == 1 && ask->dones == 0 && len > 0);
	ask->pieces++;
	ask->bytes_n += len;
	if (ask->on_bytes)
		ask->on_bytes(ask);
	/* After the hook: the bytes must live as long as the call, whatever it did. */
	for (size_t i = 0; i < len; i++)
		ask->sum = ask->sum * 31 + (unsigned char)bytes[i];
	memmove(ask->body, ask->body + gone, ask->body_len - gone);
	ask->body_len -= gone;
	memcpy(ask->body + ask->body_len, bytes + len - n, n);
	ask->body_len += n;
	ask->body[ask->body_len] = '\0';
}

static inline void ask_on_done(struct weir_request *request, int whole, const char *trail)
{
	struct ask *ask = weir_request_user(request);

	CHECK(!ask->place->busy && ask->dones == 0);
	ask->dones++;
	ask->whole = whole;
	snprintf(ask->trail, sizeof ask->trail, "%s", trail);
	if (ask->on_done)
		ask->on_done(ask);
}

static const struct weir_request_callbacks ask_callbacks = { ask_on_start, ask_on_bytes,
							     ask_on_done };

static inline int ask_start(struct place *p, struct ask *ask, const char *body)
{
	int rc;

	memset(ask, 0, offsetof(struct ask, body));
	ask->body[0] = '\0';
	ask->place = p;
	p->busy = true;
	rc = weir_request_start(&ask->request, p->gateway, CHAT, body, strlen(body), &ask_callbacks,
				ask);
	p->busy = false;
	return rc;
}

static inline void ask_cancel(struct ask *ask)
{
	bool busy = ask->place->busy;

	ask->cancelled = ask->place->busy = true;
	weir_request_cancel(ask->request);
	ask->place->busy = busy;
}

static inline void ask_pause(struct ask *ask)
{
	ask->paused = true;
	weir_request_pause(ask->request);
}

static inline void ask_resume(struct ask *ask)
{
	ask->paused = false;
	ask->place->busy = true;
	weir_request_resume(ask->request);
	ask->place->busy = false;
}

static inline void ask_wait(struct ask *ask)
{
	while (!ask->dones)
		uv_run(&ask->place->w.loop, UV_RUN_ONCE);
}

static inline int ask_whole(struct place *p, struct ask *ask, const char *body)
{
	int rc = ask_start(p, ask, body);

	CHECK_INT(rc, 0);
	if (rc == 0)
		ask_wait(ask);
	return ask->status;
}

static inline void place_on_log(void *arg, const char *line, size_t len)
{
	struct place *p = arg;

	if (p->log_len + len < sizeof p->log) {
		memcpy(p->log + p->log_len, line, len);
		p->log_len += len;
		p->log[p->log_len] = '\0';
	}
}

static inline void place_on_finding(void *arg, const char *line, size_t len)
{
	(void)arg;
	if (memmem(line, len, "error[", 6))
		NOTE("%.*s", (int)len - 1, line);
}

/* Both NULL unless a test sets them; arg is its place. */
static void (*place_on_notice)(void *arg, const struct weir_notice *notice);
static uint64_t (*place_clock)(void *arg);
static bool place_traced; /* spans go to gamma, which takes none */

static inline const char *place_otel(void *arg, const char *variable)
{
	const struct place *p = arg;

	if (strcmp(variable, "OTEL_EXPORTER_OTLP_ENDPOINT") == 0)
		return weir_mock_url(p->w.mock, "gamma");
	return strcmp(variable, "OTEL_BSP_SCHEDULE_DELAY") == 0 ? "0" : NULL;
}

static inline int place_make(struct place *p, struct weir_gateway **gateway, const char *yaml)
{
	struct weir_gateway_options options = {
		.size = sizeof options,
		.config_text = yaml,
		.config_len = strlen(yaml),
		.on_log = place_on_log,
		.on_finding = place_on_finding,
		.otel = place_traced ? place_otel : NULL,
		.arg = p,
		.seed = 1,
		.on_notice = place_on_notice,
		.now_ms = place_clock,
	};

	return weir_gateway_create(gateway, &p->w.loop, &options, p->why, sizeof p->why);
}

static const char *const place_names[PLACE_VENDORS] = { "alpha", "beta", "gamma" };

static bool place_foreign; /* alpha speaks Anthropic's API */

/* Chain m1 goes from alpha/m1 to beta/m2 to gamma/m3, each with a key of its own; m9 is
 * gamma/m9 alone, with timers of its own. */
static inline void place_yaml(struct place *p, const char *defaults, const char *extra, char *yaml,
			      size_t size)
{
	int n = snprintf(yaml, size, "listen: %s\nadmin: 127.0.0.1:0\n%s\nproviders:\n",
			 p->listen ? p->listen : "127.0.0.1:0", extra);

	for (int i = 0; i < PLACE_VENDORS; i++)
		n += snprintf(yaml + n, size - (size_t)n,
			      "  %s: { dialect: %s, base_url: \"%s/v1\", keys: "
			      "[ sk-secret-%s-0001, sk-secret-%s-0002 ]%s }\n",
			      place_names[i], i == 0 && place_foreign ? "anthropic" : "openai",
			      weir_mock_url(p->w.mock, place_names[i]), place_names[i],
			      place_names[i], i == 0 && p->first ? p->first : "");
	snprintf(yaml + n, size - (size_t)n,
		 "defaults: { %s }\n"
		 "chains:\n"
		 "  m1: { steps: [ alpha/m1, beta/m2, gamma/m3 ] }\n"
		 "  m9: { attempt_timeout: 15s, connect_timeout: 15s, steps: [ gamma/m9 ] }\n",
		 defaults);
}

static inline bool place_open_first(struct place *p, const char *defaults, const char *extra,
				    const char *first)
{
	char yaml[4096];

	memset(p, 0, offsetof(struct place, log) + 1);
	p->first = first;
	if (!mock_world_open(&p->w))
		return false;
	CHECK_INT(uv_timer_init(&p->w.loop, &p->tick), 0);
	for (int i = 0; i < PLACE_VENDORS; i++)
		mock_vendor(&p->w, place_names[i], NULL, "200;tokens=3");
	place_yaml(p, defaults, extra, yaml, sizeof yaml);
	if (place_make(p, &p->gateway, yaml)) {
		NOTE("%s", p->why);
		CHECK(!"the gateway was made");
		return false;
	}
	return true;
}

static inline bool place_open_with(struct place *p, const char *defaults, const char *extra)
{
	return place_open_first(p, defaults, extra, NULL);
}

static inline bool place_open(struct place *p, const char *defaults)
{
	return place_open_with(p, defaults, "");
}

static inline void place_script(struct place *p, const char *target, const char *script)
{
	struct weir_error err = { 0 };

	if (weir_mock_script(p->w.mock, target, script, &err))
		NOTE("%s", err.text);
	CHECK_STR(err.text, "");
}

static inline void place_listen(struct place *p)
{
	const char *address;

	CHECK_INT(weir_gateway_listen(p->gateway, "127.0.0.1:0", p->why, sizeof p->why), 0);
	address = weir_gateway_address(p->gateway, 0);
	CHECK(address);
	p->port = address ? (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10) : 0;
}

static inline void place_on_closed(void *arg)
{
	struct place *p = arg;

	CHECK(!p->busy);
	p->closed++;
	p->gateway = NULL;
}

static inline void place_close_gateway(struct place *p)
{
	bool busy = p->busy;

	p->busy = true;
	weir_gateway_close(p->gateway, place_on_closed, p);
	p->busy = busy;
}

static inline unsigned place_logged(const struct place *p, const char *text)
{
	unsigned n = 0;

	for (const char *at = p->log; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

/* The sum of all series whose line begins so. */
static inline uint64_t metrics_sum(const char *text, const char *begins)
{
	uint64_t sum = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
		const char *end = strchr(line, '\n'), *value = end;

		if (strncmp(line, begins, strlen(begins)) != 0 || !end)
			continue;
		while (value > line && value[-1] != ' ')
			value--;
		sum += strtoull(value, NULL, 10);
	}
	return sum;
}

static inline uint64_t place_metric(struct place *p, const char *begins)
{
	uint64_t sum;
	size_t len;
	char *text;

	if (weir_gateway_metrics(p->gateway, &text, &len))
		return UINT64_MAX;
	sum = metrics_sum(text, begins);
	weir_text_free(text);
	return sum;
}

/* Every request and attempt that began has ended, and counters and log lines agree. */
static inline void place_check_books(struct place *p)
{
	uint64_t attempts = 0;
	size_t len;
	char *text;

	CHECK_INT(weir_gateway_metrics(p->gateway, &text, &len), 0);
	if (!text)
		return;
	for (const char *at = p->log; (at = strstr(at, "\"attempts\":")); at++)
		attempts += strtoull(at + 11, NULL, 10);
	CHECK_INT(metrics_sum(text, "weir_inflight_requests "), 0);
	CHECK_INT(metrics_sum(text, "weir_inflight_attempts{"), 0);
	CHECK_INT(metrics_sum(text, "weir_requests_total{"), place_logged(p, ":\"request\""));
	CHECK_INT(metrics_sum(text, "weir_request_seconds_count{"),
		  place_logged(p, ":\"request\""));
	CHECK_INT(metrics_sum(text, "weir_fallbacks_total{"), place_logged(p, ":\"fallback\""));
	CHECK_INT(metrics_sum(text, "weir_attempts_total{"), attempts);
	CHECK(!strstr(p->log, "sk-secret"));
	CHECK(!strstr(text, "sk-secret"));
	weir_text_free(text);
}

static inline void place_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Of a millisecond at most. */
static inline void place_turn(struct place *p)
{
	CHECK_INT(uv_timer_start(&p->tick, place_tick, 1, 1), 0);
	uv_run(&p->w.loop, UV_RUN_ONCE);
	uv_timer_stop(&p->tick);
}

/* Runs the loop for so long. */
static inline void place_rest(struct place *p, uint64_t ms)
{
	uint64_t end_ms = uv_now(&p->w.loop) + ms;

	while (uv_now(&p->w.loop) < end_ms)
		place_turn(p);
}

/* Was the failure that weir_alloc_fail_after(k) ordered met? Otherwise k is past the last
 * allocation. Ends the order. */
static inline bool place_failure_met(unsigned k)
{
	bool met = true;

	for (unsigned i = 0; i < k && met; i++) {
		void *block = weir_alloc(1);

		met = block != NULL;
		weir_free(block);
	}
	weir_alloc_fail_after(0);
	return met;
}

static inline void place_close(struct place *p)
{
	if (p->gateway) {
		place_check_books(p);
		place_close_gateway(p);
	}
	while (!p->closed)
		uv_run(&p->w.loop, UV_RUN_ONCE);
	CHECK_INT(p->closed, 1);
	uv_close((uv_handle_t *)&p->tick, NULL);
	mock_world_close(&p->w);
}

#endif

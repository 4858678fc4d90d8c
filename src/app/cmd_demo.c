#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/app.h"
#include "base/alloc.h"
#include "base/list.h"
#include "mock/mock.h"
#include "weir.h"

enum {
	TICK_MS = 250,
	DIES_MS = 2000,
	BACK_MS = 6000,
	STORY_MS = 8500,
	STORY_MAX_MS = 20000, /* a probe comes at the latest 6 s after it is back */
	ENOUGH = 3,
	GRACE_MS = 10000, /* for answers still under way at the story's end */
	FIRST_PORT = 4000,
	LAST_PORT = 4098,
	WHY_MAX = 512
};

static const char usage[] =
	"usage: weir demo [--once]\n\n"
	"Three simulated vendors, a proxy and a scripted outage on one loop: the first vendor\n"
	"dies, traffic moves, it recovers, traffic returns. No key, no network. Then the proxy\n"
	"keeps serving until Ctrl-C.\n\n"
	"      --once   ends after the story; the last line is `demo: ok`, exit 0, or\n"
	"               `demo: failed`, exit 1\n\n"
	"  weir demo\n"
	"  weir demo --once";

static const char *const vendors[] = { "alpha", "beta", "gamma" };

struct demo {
	uv_loop_t loop;
	struct weir_mock *mock;
	struct weir_gateway *gateway;
	uv_timer_t tick;
	uv_signal_t signals[2];
	uint64_t began_ms;
	bool once, colour, told, died, back, returned, closing;
	unsigned sent, answered, failed, fallbacks, while_dead, from_alpha_after;
	unsigned inflight;
	int code;
};

/* One request of the story. */
struct call {
	struct demo *demo;
	unsigned number;
	int status;
	bool from_alpha, echoed;
	struct weir_buf body;
};

static void say(struct demo *d, const char *paint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct demo *d, const char *paint, const char *format, ...)
{
	double seconds = (double)(uv_now(&d->loop) - d->began_ms) / 1000;
	va_list ap;

	printf("%5.1fs  %s", seconds, d->colour ? paint : "");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("%s\n", d->colour ? "\033[0m" : "");
	fflush(stdout);
}

#define PLAIN  ""
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"

/* ---- what the proxy's log says ---- */

/* The value of key= in a text line, up to the next space. */
static struct weir_slice value_of(struct weir_slice line, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i + n < line.len; i++) {
		const char *value = line.base + i + n;
		const char *end;

		if ((i && line.base[i - 1] != ' ') || memcmp(line.base + i, key, n) != 0)
			continue;
		end = memchr(value, ' ', (size_t)(line.base + line.len - value));
		if (!end)
			end = line.base + line.len - 1;
		return weir_slice(value, (size_t)(end - value));
	}
	return weir_slice("", 0);
}

static void on_log(void *arg, const char *bytes, size_t len)
{
	struct demo *d = arg;
	struct weir_slice line = weir_slice(bytes, len), from, to, class, reason, elapsed;

	if (!weir_slice_is(value_of(line, "event="), "fallback"))
		return;
	d->fallbacks++;
	from = value_of(line, "from=");
	to = value_of(line, "to=");
	class = value_of(line, "class=");
	reason = value_of(line, "reason=");
	elapsed = value_of(line, "elapsed_ms=");
	say(d, YELLOW, "fallback  %.*s -> %.*s  %.*s (%.*s), %.*s ms into the request",
	    (int)from.len, from.base, (int)to.len, to.base, (int)class.len, class.base,
	    (int)reason.len, reason.base, (int)elapsed.len, elapsed.base);
}

static void on_finding(void *arg, const char *line, size_t len)
{
	(void)arg;
	fwrite(line, 1, len, stderr);
}

/* ---- the story ---- */

static void on_start(struct weir_request *request, int status, const char *type, const char *target)
{
	struct call *call = weir_request_user(request);

	(void)type;
	call->status = status;
	call->from_alpha = target && weir_slice_starts(weir_slice_of(target), "alpha/");
}

static void on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	struct call *call = weir_request_user(request);

	if (weir_buf_append(&call->body, bytes, len))
		call->status = 0;
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	struct call *call = weir_request_user(request);
	struct demo *d = call->demo;
	char nonce[32];
	bool good;

	snprintf(nonce, sizeof nonce, "demo-%u", call->number);
	good = whole && call->status == 200 &&
	       weir_slice_has_nocase(weir_buf_slice(&call->body), nonce);
	d->inflight--;
	d->answered += good;
	d->failed += !good;
	if (!good)
		say(d, RED, "request %u failed: status %d, trail %s", call->number, call->status,
		    trail);
	if (good && d->died && !d->back)
		d->while_dead++;
	if (good && d->back && call->from_alpha && d->from_alpha_after++ == 0)
		say(d, GREEN, "alpha serves again");
	weir_buf_fini(&call->body);
	weir_free(call);
}

static const struct weir_request_callbacks callbacks = { on_start, on_bytes, on_done };

static void send_one(struct demo *d)
{
	struct call *call = weir_calloc(1, sizeof *call);
	struct weir_request *request;
	char body[256];
	int n;

	if (!call)
		return;
	call->demo = d;
	call->number = ++d->sent;
	weir_buf_init(&call->body, 1024 * 1024);
	n = snprintf(body, sizeof body,
		     "{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":"
		     "\"hello nonce=demo-%u\"}]}",
		     call->number);
	d->inflight++;
	if (weir_request_start(&request, d->gateway, "/v1/chat/completions", body, (size_t)n,
			       &callbacks, call)) {
		d->inflight--;
		d->failed++;
		weir_free(call);
	}
}

static void set_script(struct demo *d, const char *script)
{
	struct weir_error err = { 0 };

	if (weir_mock_script(d->mock, "alpha", script, &err))
		say(d, RED, "the simulated vendor cannot do that: %s", err.text);
}

static void on_gateway_closed(void *arg)
{
	struct demo *d = arg;

	weir_mock_close(d->mock, NULL, NULL);
	uv_close((uv_handle_t *)&d->tick, NULL);
	for (size_t i = 0; i < WEIR_COUNT_OF(d->signals); i++)
		uv_close((uv_handle_t *)&d->signals[i], NULL);
}

static void stop(struct demo *d)
{
	if (d->closing)
		return;
	d->closing = true;
	weir_gateway_close(d->gateway, on_gateway_closed, d);
}

/* Nothing lost, traffic moved while alpha was dead, and came back. */
static void judge(struct demo *d)
{
	bool good = d->failed == 0 && d->answered == d->sent && d->fallbacks > 0 &&
		    d->while_dead > 0 && d->from_alpha_after > 0;

	d->told = true;
	d->code = good ? WEIR_EXIT_DONE : WEIR_EXIT_BAD;
	say(d, good ? GREEN : RED,
	    "%u requests, %u answered, %u failed; %u fallbacks, %u answers while alpha was dead",
	    d->sent, d->answered, d->failed, d->fallbacks, d->while_dead);
	if (d->once) {
		printf("demo: %s\n", good ? "ok" : "failed");
		stop(d);
	} else {
		say(d, PLAIN, "the proxy keeps serving; Ctrl-C ends it");
	}
	fflush(stdout);
}

static void on_tick(uv_timer_t *timer)
{
	struct demo *d = timer->data;
	uint64_t past_ms = uv_now(&d->loop) - d->began_ms;

	if (!d->died && past_ms >= DIES_MS) {
		d->died = true;
		say(d, RED, "alpha dies: it refuses every connection");
		set_script(d, "refuse");
	}
	if (!d->back && past_ms >= BACK_MS) {
		d->back = true;
		say(d, GREEN, "alpha recovers");
		set_script(d, "");
	}
	if (past_ms < STORY_MS || (d->from_alpha_after < ENOUGH && past_ms < STORY_MAX_MS)) {
		send_one(d);
	} else if (d->inflight == 0 || past_ms >= STORY_MAX_MS + GRACE_MS) {
		uv_timer_stop(timer);
		judge(d);
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	stop(handle->data);
}

/* ---- setting the scene ---- */

static int make_vendors(struct demo *d, struct weir_error *err)
{
	int rc = weir_mock_create(&d->mock, &d->loop, 1);

	for (size_t i = 0; i < WEIR_COUNT_OF(vendors) && rc == 0; i++)
		rc = weir_mock_add(d->mock, vendors[i], "127.0.0.1:0", NULL, err);
	return rc;
}

static int make_gateway(struct demo *d, char why[WHY_MAX])
{
	struct weir_gateway_options options = {
		.size = sizeof options,
		.config_path = "(demo)",
		.on_log = on_log,
		.log_text = 1,
		.on_finding = on_finding,
		.arg = d,
	};
	struct weir_buf yaml;
	int rc;

	weir_buf_init(&yaml, 64 * 1024);
	rc = weir_buf_puts(&yaml, "listen: 127.0.0.1:0\nproviders:\n");
	for (size_t i = 0; i < WEIR_COUNT_OF(vendors) && rc == 0; i++)
		rc = weir_buf_printf(&yaml, "  %s: { dialect: openai, base_url: \"%s/v1\" }\n",
				     vendors[i], weir_mock_url(d->mock, vendors[i]));
	if (rc == 0)
		rc = weir_buf_puts(&yaml, "chains:\n  demo:\n    steps: [ alpha/model-a, "
					  "beta/model-b, gamma/model-c ]\n");
	if (rc == 0) {
		options.config_text = yaml.base;
		options.config_len = yaml.len;
		rc = weir_gateway_create(&d->gateway, &d->loop, &options, why, WHY_MAX);
	}
	weir_buf_fini(&yaml);
	return rc;
}

/* 4000 and 4001 or the next two that are free. */
static int open_listeners(struct demo *d, char why[WHY_MAX])
{
	char address[32];
	int rc = -1;

	for (unsigned port = FIRST_PORT; rc && port <= LAST_PORT; port++) {
		snprintf(address, sizeof address, "127.0.0.1:%u", d->once ? 0 : port);
		rc = weir_gateway_listen(d->gateway, address, why, WHY_MAX);
		if (rc)
			continue;
		for (unsigned next = port + 1; next <= LAST_PORT + 1; next++) {
			snprintf(address, sizeof address, "127.0.0.1:%u", d->once ? 0 : next);
			rc = weir_gateway_listen_admin(d->gateway, address, why, WHY_MAX);
			if (rc == 0)
				return 0;
		}
		return rc;
	}
	return rc;
}

static void introduce(const struct demo *d)
{
	const char *address = weir_gateway_address(d->gateway, 0);
	const char *admin = weir_gateway_admin_address(d->gateway);

	printf("weir demo: three simulated vendors, one chain, an outage\n\n"
	       "  chain    demo: alpha/model-a -> beta/model-b -> gamma/model-c\n"
	       "  proxy    http://%s/v1\n"
	       "  status   http://%s/   metrics  http://%s/metrics\n"
	       "  try it   curl -si http://%s/v1/chat/completions \\\n"
	       "             -H 'content-type: application/json' \\\n"
	       "             -d '{\"model\":\"demo\",\"messages\":[{\"role\":\"user\","
	       "\"content\":\"hello\"}]}'\n\n",
	       address, admin, admin, address);
	fflush(stdout);
}

static void begin_story(struct demo *d)
{
	static const int numbers[] = { SIGINT, SIGTERM };

	for (size_t i = 0; i < WEIR_COUNT_OF(numbers); i++) {
		uv_signal_init(&d->loop, &d->signals[i]);
		d->signals[i].data = d;
		uv_signal_start(&d->signals[i], on_signal, numbers[i]);
	}
	introduce(d);
	uv_update_time(&d->loop);
	d->began_ms = uv_now(&d->loop);
	say(d, PLAIN, "a request every %d ms; alpha answers them all", TICK_MS);
	uv_timer_init(&d->loop, &d->tick);
	d->tick.data = d;
	uv_timer_start(&d->tick, on_tick, 0, TICK_MS);
}

static int run(struct demo *d)
{
	struct weir_error err = { 0 };
	char why[WHY_MAX] = "";

	if (!weir_app_loop(&d->loop))
		return WEIR_EXIT_BAD;
	if (make_vendors(d, &err)) {
		fprintf(stderr, "weir demo: %s\n", err.text);
		return WEIR_EXIT_BAD;
	}
	if (make_gateway(d, why) || open_listeners(d, why)) {
		fprintf(stderr, "weir demo: %s\n", why);
		return WEIR_EXIT_BAD;
	}
	begin_story(d);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	uv_loop_close(&d->loop);
	return d->told ? d->code : WEIR_EXIT_DONE;
}

int weir_cmd_demo(int argc, char **argv)
{
	static const struct option options[] = {
		{ "once", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct demo demo = {
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			demo.once = true;
			break;
		case 'h':
			puts(usage);
			return WEIR_EXIT_DONE;
		default:
			return weir_app_usage("demo", "bad option");
		}
	}
	if (optind < argc)
		return weir_app_usage("demo", "takes options only");
	return run(&demo);
}

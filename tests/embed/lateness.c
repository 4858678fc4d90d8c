/* How late does a program's own timer fire, while weir on the same loop has requests fail over?
 *
 *	lateness REQUESTS AT_ONCE FAILING_URL GOOD_URL
 *
 * The loop has a timer of 1 ms. Each time it fires it is told how late it is, and begins some
 * requests, so that AT_ONCE are under way, until all have been asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir.h>

enum { BUCKET_US = 10, BUCKETS = 100 * 1000, A_TURN = 10 };

static unsigned counts[BUCKETS]; /* of 10 us each */
static uint64_t cpu_before_ns, most_cpu_ns;
static uint64_t due_ns, most_ns, beats, began_ns;
static long asked, under_way, whole, total, at_once;
static unsigned fallbacks;
static struct weir_gateway *gateway;
static uv_timer_t beat;

static void on_done(struct weir_request *request, int is_whole, const char *trail)
{
	(void)request, (void)trail;
	under_way--;
	whole += is_whole;
}

static void ask_some(void)
{
	static const struct weir_request_callbacks callbacks = { NULL, NULL, on_done };
	static const char body[] = "{\"model\":\"c\",\"stream\":true,\"messages\":[{\"role\":"
				   "\"user\",\"content\":\"hello\"}]}";
	struct weir_request *request;

	for (int i = 0; i < A_TURN && asked < total && under_way < at_once; i++) {
		if (weir_request_start(&request, gateway, "/v1/chat/completions", body,
				       sizeof body - 1, &callbacks, NULL))
			abort();
		asked++;
		under_way++;
	}
}

/* What this thread has computed: the same, however busy the machine is. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void count(uint64_t late_ns)
{
	uint64_t bucket = late_ns / 1000 / BUCKET_US;

	counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	beats++;
	if (late_ns > most_ns)
		most_ns = late_ns;
}

/* libuv counts whole milliseconds from the loop's idea of now: late is what goes past 2 ms since
 * the timer fired last, of which 1 ms is asked for and less than 1 ms is rounding. */
static void on_beat(uv_timer_t *timer)
{
	uint64_t now_ns = uv_hrtime();

	count(now_ns > due_ns ? now_ns - due_ns : 0);
	if (cpu_ns() - cpu_before_ns > most_cpu_ns)
		most_cpu_ns = cpu_ns() - cpu_before_ns;
	ask_some();
	if (asked == total && under_way == 0) {
		uv_close((uv_handle_t *)timer, NULL);
		weir_gateway_close(gateway, NULL, NULL);
		return;
	}
	cpu_before_ns = cpu_ns();
	due_ns = uv_hrtime() + UINT64_C(1000) * 1000;
	uv_update_time(timer->loop);
	uv_timer_start(timer, on_beat, 1, 0);
}

static void on_notice(void *arg, const struct weir_notice *notice)
{
	(void)arg;
	fallbacks += notice->kind == WEIR_NOTICE_FALLBACK;
}

static double percentile_ms(double part)
{
	uint64_t rank = (uint64_t)((double)beats * part), seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		if ((seen += counts[i]) > rank)
			return (i + 1) * BUCKET_US / 1000.0;
	return BUCKETS * BUCKET_US / 1000.0;
}

int main(int argc, char **argv)
{
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_setup *setup = weir_setup_create();
	uv_loop_t loop;
	char why[256];

	if (argc < 5)
		return 2;
	total = strtol(argv[1], NULL, 10);
	at_once = strtol(argv[2], NULL, 10);
	weir_setup_provider(setup, "bad", "openai", argv[3]);
	weir_setup_provider(setup, "good", "openai", argv[4]);
	weir_setup_option(setup, "chains", "c", "retries", "0");
	if (argc == 6) /* "off": each request asks the failing one */
		weir_setup_option(setup, "chains", "c", "breaker", argv[5]);
	weir_setup_step(setup, "c", "bad/one");
	weir_setup_step(setup, "c", "good/two");
	options.on_notice = on_notice;
	uv_loop_init(&loop);
	if (weir_setup_text(setup, &options.config_text, &options.config_len) ||
	    weir_gateway_create(&gateway, &loop, &options, why, sizeof why))
		return 2;
	weir_setup_destroy(setup);
	uv_timer_init(&loop, &beat);
	began_ns = due_ns = uv_hrtime();
	cpu_before_ns = cpu_ns();
	uv_timer_start(&beat, on_beat, 0, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	printf("requests %ld whole %ld fallbacks %u ms %.0f beats %llu late p50 %.2f p99 %.2f "
	       "max %.2f ms, computed in one go at most %.2f ms\n",
	       total, whole, fallbacks, (double)(uv_hrtime() - began_ns) / 1e6,
	       (unsigned long long)beats, percentile_ms(0.5), percentile_ms(0.99),
	       (double)most_ns / 1e6, (double)most_cpu_ns / 1e6);
	return uv_loop_close(&loop) ? 3 : 0;
}

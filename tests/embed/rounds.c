/* Gateways come and go, two at a time, on two loops of one process.
 *
 *	rounds threads|turns ROUNDS FAILING_URL GOOD_URL
 *
 * In each round both are made, asked twice (each time the first provider fails), and closed, and
 * the loop with them. In the end nothing may be left: no handle, no block, no descriptor. */
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

enum { ASKED = 2 };

struct side {
	uv_loop_t loop;
	struct weir_gateway *gateway;
	struct weir_setup *setup;
	int rounds, left; /* requests of this round */
	int whole, closed;
	int dirty; /* rounds after which the loop was not empty */
};

static atomic_long blocks;

static void *our_malloc(size_t size)
{
	atomic_fetch_add(&blocks, 1);
	return malloc(size);
}

static void *our_calloc(size_t count, size_t size)
{
	atomic_fetch_add(&blocks, 1);
	return calloc(count, size);
}

static void our_free(void *ptr)
{
	if (ptr)
		atomic_fetch_sub(&blocks, 1);
	free(ptr);
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void on_closed(void *arg)
{
	((struct side *)arg)->closed++;
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	struct side *side = weir_request_user(request);

	(void)trail;
	side->whole += whole;
	if (--side->left == 0)
		weir_gateway_close(side->gateway, on_closed, side);
}

static void begin(struct side *side)
{
	static const struct weir_request_callbacks callbacks = { NULL, NULL, on_done };
	static const char body[] = "{\"model\":\"c\",\"messages\":[]}";
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_request *request;
	char why[256] = "";

	uv_loop_init(&side->loop);
	side->left = ASKED;
	if (weir_setup_text(side->setup, &options.config_text, &options.config_len) ||
	    weir_gateway_create(&side->gateway, &side->loop, &options, why, sizeof why) ||
	    weir_gateway_listen(side->gateway, "127.0.0.1:0", why, sizeof why))
		abort();
	for (int i = 0; i < ASKED; i++)
		if (weir_request_start(&request, side->gateway, "/v1/chat/completions", body,
				       sizeof body - 1, &callbacks, side))
			abort();
}

static void end(struct side *side)
{
	side->rounds--;
	side->dirty += uv_loop_close(&side->loop) != 0;
}

static void run_thread(void *arg)
{
	struct side *side = arg;

	while (side->rounds) {
		begin(side);
		uv_run(&side->loop, UV_RUN_DEFAULT);
		end(side);
	}
}

static void run_threads(struct side sides[2])
{
	uv_thread_t threads[2];

	for (int i = 0; i < 2; i++)
		if (uv_thread_create(&threads[i], run_thread, &sides[i]))
			abort();
	for (int i = 0; i < 2; i++)
		uv_thread_join(&threads[i]);
}

/* One thread, a turn of the one loop and a turn of the other. */
static void run_turns(struct side sides[2])
{
	while (sides[0].rounds) {
		int busy = 2;

		begin(&sides[0]);
		begin(&sides[1]);
		while (busy) {
			busy = uv_run(&sides[0].loop, UV_RUN_NOWAIT) != 0;
			busy += uv_run(&sides[1].loop, UV_RUN_NOWAIT) != 0;
		}
		end(&sides[0]);
		end(&sides[1]);
	}
}

int main(int argc, char **argv)
{
	static struct side sides[2];
	int threads = argc == 5 && strcmp(argv[1], "threads") == 0, before;
	long rounds = argc == 5 ? strtol(argv[2], NULL, 10) : 0;

	if (rounds < 1 || weir_replace_allocator(our_malloc, realloc, our_calloc, our_free))
		return 2;
	for (int i = 0; i < 2; i++) {
		sides[i].rounds = 1;
		sides[i].setup = weir_setup_create();
		weir_setup_provider(sides[i].setup, "bad", "openai", argv[3]);
		weir_setup_provider(sides[i].setup, "good", "openai", argv[4]);
		weir_setup_option(sides[i].setup, "chains", "c", "retries", "0");
		weir_setup_step(sides[i].setup, "c", "bad/one");
		weir_setup_step(sides[i].setup, "c", "good/two");
	}
	run_threads(sides); /* what libraries keep for the whole process is there now */
	before = descriptors();
	sides[0].rounds = sides[1].rounds = (int)rounds - 1;
	(threads ? run_threads : run_turns)(sides);
	printf("whole %d closed %d dirty %d descriptors %d ", sides[0].whole + sides[1].whole,
	       sides[0].closed + sides[1].closed, sides[0].dirty + sides[1].dirty,
	       descriptors() - before);
	weir_setup_destroy(sides[0].setup);
	weir_setup_destroy(sides[1].setup);
	printf("blocks %ld\n", atomic_load(&blocks));
	return 0;
}

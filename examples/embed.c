/* A program of its own that asks a chain, on its own loop, without any listener.
 *
 *	embed weir.yaml CHAIN PROMPT
 *
 * Its timer goes on ticking while requests fail over: the loop is shared, nothing blocks.
 *
 *	cc embed.c -o embed $(pkg-config --cflags --libs weir) */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <weir.h>

struct program {
	uv_loop_t loop;
	uv_timer_t ticker;
	struct weir_gateway *gateway;
	unsigned ticks;
	int code;
};

static void on_tick(uv_timer_t *timer)
{
	((struct program *)timer->data)->ticks++;
}

static void on_gateway_closed(void *arg)
{
	struct program *program = arg;

	uv_close((uv_handle_t *)&program->ticker, NULL);
}

static void on_start(struct weir_request *request, int status, const char *content_type,
		     const char *target)
{
	(void)request;
	fprintf(stderr, "%d %s from %s\n", status, content_type, target ? target : "nobody");
}

static void on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	(void)request;
	fwrite(bytes, 1, len, stdout);
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	struct program *program = weir_request_user(request);

	fprintf(stderr, "\ntrail: %s\n", trail);
	program->code = whole ? 0 : 1;
	weir_gateway_close(program->gateway, on_gateway_closed, program);
}

static void on_finding(void *arg, const char *line, size_t len)
{
	(void)arg;
	fwrite(line, 1, len, stderr);
}

static int ask(struct program *program, const char *chain, const char *prompt)
{
	static const struct weir_request_callbacks callbacks = { on_start, on_bytes, on_done };
	struct weir_request *request;
	char body[4096];
	int n;

	if (strpbrk(chain, "\"\\") || strpbrk(prompt, "\"\\\n")) {
		fprintf(stderr, "embed: this small example escapes nothing\n");
		return -1;
	}
	n = snprintf(body, sizeof body,
		     "{\"model\":\"%s\",\"messages\":"
		     "[{\"role\":\"user\",\"content\":\"%s\"}]}",
		     chain, prompt);
	if (n < 0 || (size_t)n >= sizeof body)
		return -1;
	return weir_request_start(&request, program->gateway, "/v1/chat/completions", body,
				  (size_t)n, &callbacks, program);
}

int main(int argc, char **argv)
{
	struct program program = { .code = 1 };
	struct weir_gateway_options options = { .on_finding = on_finding };
	char why[256];

	if (argc != 4) {
		fprintf(stderr, "usage: embed weir.yaml CHAIN PROMPT\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&program.loop);
	options.config_path = argv[1];
	if (weir_gateway_create(&program.gateway, &program.loop, &options, why, sizeof why)) {
		fprintf(stderr, "embed: %s\n", why);
		return 2;
	}
	uv_timer_init(&program.loop, &program.ticker);
	program.ticker.data = &program;
	uv_timer_start(&program.ticker, on_tick, 10, 10);
	if (ask(&program, argv[2], argv[3]))
		weir_gateway_close(program.gateway, on_gateway_closed, &program);
	uv_run(&program.loop, UV_RUN_DEFAULT);
	fprintf(stderr, "ticks: %u, loop closed: %s\n", program.ticks,
		uv_loop_close(&program.loop) == 0 ? "clean" : "busy");
	return program.code;
}

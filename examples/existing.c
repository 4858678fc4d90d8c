/* A program with a loop and a timer of its own takes weir in, asks, lets it go, and goes on.
 *
 *	existing weir.yaml CHAIN */
#include <stdio.h>
#include <string.h>
#include <weir.h>

struct program {
	uv_timer_t heart; /* beats whatever weir does */
	int beats, beats_after, code;
	const char *config, *body;
	struct weir_gateway *gateway; /* NULL: not there, or there no more */
};

static void on_finding(void *arg, const char *line, size_t len)
{
	fwrite(line, 1, len, stderr);
}

static void on_closed(void *arg)
{
	struct program *program = arg;

	program->gateway = NULL; /* nothing of it is left on the loop */
	printf("beat %d: weir has gone\n", program->beats);
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	struct program *program = weir_request_user(request);

	program->code = !whole;
	printf("beat %d: %s, %s\n", program->beats, whole ? "answered" : "cut", trail);
	weir_gateway_close(program->gateway, on_closed, program); /* in a callback: fine */
}

static void take_weir_in(struct program *program)
{
	static const struct weir_request_callbacks callbacks = { NULL, NULL, on_done };
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_request *request;
	char why[256];

	options.config_path = program->config;
	options.on_finding = on_finding;
	if (weir_gateway_create(&program->gateway, program->heart.loop, &options, why, sizeof why))
		printf("beat %d: %s\n", program->beats, why);
	else if (weir_request_start(&request, program->gateway, "/v1/chat/completions",
				    program->body, strlen(program->body), &callbacks, program))
		weir_gateway_close(program->gateway, on_closed, program);
}

static void on_beat(uv_timer_t *heart)
{
	struct program *program = heart->data;

	program->beats++;
	if (program->beats == 3)
		take_weir_in(program);
	else if (program->beats > 3 && !program->gateway && ++program->beats_after == 3)
		uv_close((uv_handle_t *)heart, NULL);
}

int main(int argc, char **argv)
{
	char body[512];
	struct program program = { .config = argv[1], .body = body, .code = 1 };
	uv_loop_t loop;

	if (argc != 3 || snprintf(body, sizeof body, "{\"model\":\"%s\",\"messages\":[]}",
				  argv[2]) >= (int)sizeof body)
		return fprintf(stderr, "usage: existing weir.yaml CHAIN\n"), 2;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &program.heart);
	program.heart.data = &program;
	uv_timer_start(&program.heart, on_beat, 5, 5);
	uv_run(&loop, UV_RUN_DEFAULT);
	printf("%d beats, loop %s\n", program.beats, uv_loop_close(&loop) ? "busy" : "clean");
	return program.code;
}

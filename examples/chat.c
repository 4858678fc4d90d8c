/* The least there is: ask a chain, print the answer, go.
 *
 *	chat weir.yaml CHAIN PROMPT
 *
 *	cc chat.c -o chat $(pkg-config --cflags --libs weir) */
#include <stdio.h>
#include <string.h>
#include <weir.h>

static int code = 1;

/* A piece of the answer's body, which is what the chain's API answers: JSON. */
static void on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	fwrite(bytes, 1, len, stdout);
}

/* The end, exactly once. The trail names everyone who was asked. */
static void on_done(struct weir_request *request, int whole, const char *trail)
{
	fprintf(stderr, "\n%s: %s\n", whole ? "whole" : "cut", trail);
	code = whole ? 0 : 1;
}

static const struct weir_request_callbacks callbacks = { NULL, on_bytes, on_done };

static void on_finding(void *arg, const char *line, size_t len)
{
	fwrite(line, 1, len, stderr); /* what is wrong with weir.yaml, and how to mend it */
}

static void ask(struct weir_gateway *gateway, const char *chain, const char *prompt)
{
	struct weir_request *request;
	char body[4096];
	int n = snprintf(body, sizeof body,
			 "{\"model\":\"%s\",\"messages\":"
			 "[{\"role\":\"user\",\"content\":\"%s\"}]}",
			 chain, prompt); /* a real program has a JSON library */
	int rc = weir_request_start(&request, gateway, "/v1/chat/completions", body, (size_t)n,
				    &callbacks, NULL);

	if (rc)
		fprintf(stderr, "chat: %s\n", weir_strerror(rc));
}

int main(int argc, char **argv)
{
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_gateway *gateway;
	uv_loop_t loop;
	char why[256];

	if (argc != 4 || strlen(argv[2]) + strlen(argv[3]) > 4000) {
		fprintf(stderr, "usage: chat weir.yaml CHAIN PROMPT\n");
		return 2;
	}
	options.config_path = argv[1];
	options.on_finding = on_finding;
	uv_loop_init(&loop);
	if (weir_gateway_create(&gateway, &loop, &options, why, sizeof why)) {
		fprintf(stderr, "chat: %s\n", why);
		return 2;
	}
	ask(gateway, argv[2], argv[3]);
	uv_run(&loop, UV_RUN_DEFAULT); /* returns when the request is over: nothing else counts */
	weir_gateway_close(gateway, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) == 0 ? code : 3; /* 0: nothing was left on it */
}

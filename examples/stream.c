/* Words as they come, on a terminal; a press of ^C cancels.
 *
 *	stream weir.yaml CHAIN PROMPT */
#include <stdio.h>
#include <string.h>
#include <weir.h>

static char line[64 * 1024 + 1]; /* of the stream of events, which comes in pieces of any size */
static size_t line_len;
static int code = 1;

/* data: {…,"delta":{"content":"word"},…}: enough JSON for an example. */
static void print_words(const char *event)
{
	const char *at = strstr(event, "\"content\":\"");

	for (at = at ? at + 11 : ""; *at && *at != '"'; at++) {
		int escaped = *at == '\\' && at[1];

		at += escaped;
		putchar(escaped && *at == 'n' ? '\n' : *at);
	}
	fflush(stdout);
}

static void on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		line[line_len] = bytes[i];
		if (bytes[i] != '\n' && ++line_len < sizeof line - 1)
			continue;
		line[line_len] = '\0';
		line_len = 0;
		print_words(line);
	}
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	uv_close(weir_request_user(request), NULL);
	fprintf(stderr, "\n[%s: %s]\n", whole ? "whole" : "cut", trail);
	code = !whole;
}

static void on_interrupt(uv_signal_t *interrupt, int number)
{
	weir_request_cancel(interrupt->data); /* on_done still comes */
}

int main(int argc, char **argv)
{
	static const struct weir_request_callbacks callbacks = { NULL, on_bytes, on_done };
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_gateway *gateway;
	struct weir_request *request;
	uv_loop_t *loop = uv_default_loop();
	uv_signal_t interrupt;
	char body[4096], why[256] = "usage: stream weir.yaml CHAIN PROMPT";
	int n = argc != 4 ? 0
			  : snprintf(body, sizeof body,
				     "{\"model\":\"%s\",\"stream\":true,"
				     "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
				     argv[2], argv[3]);

	options.config_path = argv[1];
	if (n <= 0 || n >= (int)sizeof body ||
	    weir_gateway_create(&gateway, loop, &options, why, sizeof why))
		return fprintf(stderr, "%s\n", why), 2;
	uv_signal_init(loop, &interrupt);
	if (weir_request_start(&request, gateway, "/v1/chat/completions", body, (size_t)n,
			       &callbacks, &interrupt))
		return 2;
	interrupt.data = request;
	uv_signal_start(&interrupt, on_interrupt, SIGINT);
	uv_run(loop, UV_RUN_DEFAULT);
	weir_gateway_close(gateway, NULL, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	return uv_loop_close(loop) ? 3 : code;
}

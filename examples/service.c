/* A libuv service with weir inside, quote of the day: service weir.yaml PORT; nc 127.0.0.1 PORT.
 * Who connects is told what the model says; who hangs up before has his request cancelled. In
 * earnest one pauses it for slow readers. */
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

static struct weir_gateway *gateway;
static uv_tcp_t server;
static char ignored[256];

static void on_bytes(struct weir_request *request, const char *bytes, size_t len)
{
	uv_try_write(weir_request_user(request), &(uv_buf_t){ (char *)bytes, len }, 1);
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	uv_close(weir_request_user(request), (uv_close_cb)free);
}

static void on_alloc(uv_handle_t *caller, size_t size, uv_buf_t *buf)
{
	*buf = uv_buf_init(ignored, sizeof ignored);
}

static void on_read(uv_stream_t *caller, ssize_t n, const uv_buf_t *buf)
{
	if (n < 0)
		weir_request_cancel(caller->data); /* on_done closes him */
}

static void on_connection(uv_stream_t *listener, int status)
{
	static const struct weir_request_callbacks callbacks = { NULL, on_bytes, on_done };
	static const char body[] = "{\"model\":\"quotes\",\"prompt\":\"A wise word:\"}";
	uv_tcp_t *caller = status ? NULL : malloc(sizeof *caller);

	if (!caller || uv_tcp_init(listener->loop, caller))
		return;
	uv_accept(listener, (uv_stream_t *)caller);
	uv_read_start((uv_stream_t *)caller, on_alloc, on_read);
	if (weir_request_start((struct weir_request **)&caller->data, gateway, "/v1/completions",
			       body, sizeof body - 1, &callbacks, caller))
		uv_close((uv_handle_t *)caller, (uv_close_cb)free);
}

static void on_signal(uv_signal_t *signal, int number)
{
	uv_close((uv_handle_t *)signal, NULL);
	uv_close((uv_handle_t *)&server, NULL);
	weir_gateway_close(gateway, NULL, NULL); /* each request's on_done closes its caller */
}

int main(int argc, char **argv)
{
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	uv_loop_t *loop = uv_default_loop();
	struct sockaddr_in address;
	int rc;
	uv_signal_t term;
	char why[256] = "usage: service weir.yaml PORT";
	char *end = NULL;
	long port = argc == 3 ? strtol(argv[2], &end, 10) : 0;

	options.config_path = argv[1];
	if (!end || *end || weir_gateway_create(&gateway, loop, &options, why, sizeof why))
		return fprintf(stderr, "%s\n", why), 2;
	uv_signal_init(loop, &term);
	uv_signal_start(&term, on_signal, SIGTERM);
	uv_ip4_addr("127.0.0.1", (int)port, &address);
	uv_tcp_init(loop, &server);
	rc = uv_tcp_bind(&server, (struct sockaddr *)&address, 0);
	rc = rc ? rc : uv_listen((uv_stream_t *)&server, 128, on_connection);
	if (rc)
		fprintf(stderr, "port %ld: %s\n", port, uv_strerror(rc)), on_signal(&term, SIGTERM);
	uv_run(loop, UV_RUN_DEFAULT);
	return uv_loop_close(loop) ? 3 : rc != 0;
}

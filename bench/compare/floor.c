/*
 * The floor: what a proxy on libuv and llhttp costs that does nothing but carry. It parses both
 * heads, keeps the request until it is answered, and reuses connections; no failover, no checks,
 * no log.
 *
 *     bench-floor LISTEN PROVIDER      both IP:PORT
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>
#include <uv.h>

enum { BUFFER_MAX = 65536, REQUEST_MAX = 1 << 20, BACKLOG = 4096 };

struct end {
	uv_tcp_t tcp;
	llhttp_t parser;
	struct end *other; /* of a request under way */
	struct end *next;  /* idle, towards the provider */
	char *request;     /* a caller's, as it came */
	size_t len;
	bool is_caller;
	bool closing;
	bool complete;
};

static uv_loop_t *loop;
static struct sockaddr_in provider;
static struct end *idle;
static llhttp_settings_t settings;

static void *must(void *block)
{
	if (!block)
		abort();
	return block;
}

static void on_closed(uv_handle_t *handle)
{
	struct end *e = handle->data;

	free(e->request);
	free(e);
}

static void end_both(struct end *e)
{
	if (e->other) {
		e->other->other = NULL;
		end_both(e->other);
		e->other = NULL;
	}
	for (struct end **at = &idle; *at; at = &(*at)->next) {
		if (*at == e) {
			*at = e->next;
			break;
		}
	}
	if (!e->closing)
		uv_close((uv_handle_t *)&e->tcp, on_closed);
	e->closing = true;
}

static void on_written(uv_write_t *req, int status)
{
	(void)status; /* the reader of that connection sees its end */
	free(req);
}

static void pass(struct end *to, const char *bytes, size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
	int sent = uv_try_write((uv_stream_t *)&to->tcp, &buf, 1);
	size_t at = sent > 0 ? (size_t)sent : 0;
	uv_write_t *req;

	if (at == len)
		return;
	req = must(malloc(sizeof(*req) + len - at));
	memcpy(req + 1, bytes + at, len - at);
	buf = uv_buf_init((char *)(req + 1), (unsigned)(len - at));
	if (uv_write(req, (uv_stream_t *)&to->tcp, &buf, 1, on_written))
		free(req);
}

static int on_complete(llhttp_t *parser)
{
	((struct end *)parser->data)->complete = true;
	return 0;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	static char shared[BUFFER_MAX];

	(void)handle, (void)wanted;
	*buf = uv_buf_init(shared, sizeof(shared));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static struct end *new_end(bool is_caller)
{
	struct end *e = must(calloc(1, sizeof(*e)));

	e->is_caller = is_caller;
	llhttp_init(&e->parser, is_caller ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
	e->parser.data = e;
	if (uv_tcp_init(loop, &e->tcp))
		abort();
	e->tcp.data = e;
	uv_tcp_nodelay(&e->tcp, 1);
	return e;
}

static void send_request(struct end *upstream)
{
	pass(upstream, upstream->other->request, upstream->other->len);
}

static void on_connected(uv_connect_t *req, int status)
{
	struct end *upstream = req->data;

	free(req);
	if (upstream->closing)
		return;
	if (status || !upstream->other ||
	    uv_read_start((uv_stream_t *)&upstream->tcp, on_alloc, on_read)) {
		end_both(upstream);
		return;
	}
	send_request(upstream);
}

static void forward(struct end *caller)
{
	struct end *upstream = idle ? idle : new_end(false);

	upstream->other = caller;
	caller->other = upstream;
	if (idle) {
		idle = idle->next;
		upstream->next = NULL;
		send_request(upstream);
		return;
	}
	uv_connect_t *req = must(malloc(sizeof(*req)));
	req->data = upstream;
	if (uv_tcp_connect(req, &upstream->tcp, (struct sockaddr *)&provider, on_connected)) {
		free(req);
		end_both(upstream);
	}
}

static void answered(struct end *upstream)
{
	struct end *caller = upstream->other;

	upstream->other = caller->other = NULL;
	caller->len = 0;
	caller->complete = upstream->complete = false;
	upstream->next = idle;
	idle = upstream;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct end *e = stream->data;

	if (n == 0)
		return;
	if (n < 0 || (!e->is_caller && !e->other) ||
	    llhttp_execute(&e->parser, buf->base, (size_t)n) != HPE_OK) {
		end_both(e);
		return;
	}
	if (!e->is_caller) {
		pass(e->other, buf->base, (size_t)n);
		if (e->complete)
			answered(e);
		return;
	}
	if (e->other || e->len + (size_t)n > REQUEST_MAX) { /* pipelined, or too large */
		end_both(e);
		return;
	}
	e->request = must(realloc(e->request, e->len + (size_t)n));
	memcpy(e->request + e->len, buf->base, (size_t)n);
	e->len += (size_t)n;
	if (e->complete)
		forward(e);
}

static void on_caller(uv_stream_t *listener, int status)
{
	struct end *e = new_end(true);

	if (status || uv_accept(listener, (uv_stream_t *)&e->tcp) ||
	    uv_read_start((uv_stream_t *)&e->tcp, on_alloc, on_read))
		end_both(e);
}

static bool address_of(const char *text, struct sockaddr_in *out)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end;
	long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = strtol(colon + 1, &end, 10);
	return end != colon + 1 && !*end && port >= 0 && port <= UINT16_MAX &&
	       !uv_ip4_addr(host, (int)port, out);
}

int main(int argc, char **argv)
{
	uv_tcp_t listener;
	struct sockaddr_in at;

	loop = uv_default_loop();
	llhttp_settings_init(&settings);
	settings.on_message_complete = on_complete;
	if (argc != 3 || !address_of(argv[1], &at) || !address_of(argv[2], &provider)) {
		fputs("usage: bench-floor LISTEN PROVIDER (IP:PORT each)\n", stderr);
		return 2;
	}
	if (uv_tcp_init(loop, &listener) || uv_tcp_bind(&listener, (struct sockaddr *)&at, 0) ||
	    uv_listen((uv_stream_t *)&listener, BACKLOG, on_caller)) {
		fprintf(stderr, "bench-floor: cannot listen at %s\n", argv[1]);
		return 1;
	}
	return uv_run(loop, UV_RUN_DEFAULT);
}

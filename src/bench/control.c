#include "bench/control.h"

#include "base/alloc.h"
#include "bench/answer.h"

struct question {
	struct weir_conn conn;
	struct weir_list node;
	struct weir_bench_answer answer;
	struct weir_buf request, body;
	weir_bench_on_told *on_told; /* NULL: told */
	void *arg;
};

void weir_bench_control_init(struct weir_bench_control *control, struct weir_net *net)
{
	control->net = net;
	weir_list_init(&control->asking);
}

static void on_closed(struct weir_conn *conn)
{
	struct question *q = conn->user;

	weir_bench_answer_fini(&q->answer);
	weir_buf_fini(&q->request);
	weir_buf_fini(&q->body);
	weir_free(q);
}

static void tell(struct question *q, unsigned status)
{
	weir_bench_on_told *on_told = q->on_told;

	weir_list_remove(&q->node);
	weir_conn_close(&q->conn);
	q->on_told = NULL;
	if (on_told)
		on_told(q->arg, status, weir_buf_slice(&q->body));
}

static void on_open(struct weir_conn *conn, int err, const char *reason)
{
	struct question *q = conn->user;
	struct weir_slice bytes = weir_buf_slice(&q->request);

	(void)reason;
	if (err || weir_conn_write(conn, &bytes, 1))
		tell(q, 0);
}

static void on_bytes(struct weir_conn *conn, const char *bytes, size_t len)
{
	struct question *q = conn->user;
	struct weir_slice in = weir_slice(bytes, len), body;

	for (;;) {
		enum weir_bench_got got = weir_bench_answer_read(&q->answer, &in, &body);

		if (got == WEIR_BENCH_GOT_NOTHING)
			return;
		if (got == WEIR_BENCH_GOT_BAD || (got == WEIR_BENCH_GOT_BODY &&
						  weir_buf_append(&q->body, body.base, body.len))) {
			tell(q, 0);
			return;
		}
		if (got == WEIR_BENCH_GOT_END) {
			tell(q, q->answer.status);
			return;
		}
	}
}

static void on_end(struct weir_conn *conn, int err)
{
	(void)err;
	tell(conn->user, 0);
}

static void on_timer(struct weir_conn *conn)
{
	tell(conn->user, 0);
}

static const struct weir_conn_events events = {
	.on_open = on_open,
	.on_bytes = on_bytes,
	.on_end = on_end,
	.on_timer = on_timer,
};

static int put_request(struct question *q, const struct weir_bench_control *control,
		       const char *path, const char *body)
{
	return weir_buf_printf(&q->request,
			       "%s %s HTTP/1.1\r\nhost: %s\r\ncontent-type: text/plain\r\n"
			       "content-length: %zu\r\nconnection: close\r\n\r\n%s",
			       body ? "POST" : "GET", path, control->target.authority,
			       body ? strlen(body) : 0, body ? body : "");
}

int weir_bench_control_ask(struct weir_bench_control *control, const char *path, const char *body,
			   weir_bench_on_told *on_told, void *arg)
{
	struct question *q = weir_calloc(1, sizeof *q);
	int rc = WEIR_ENOMEM;

	if (!q)
		return rc;
	q->on_told = on_told;
	q->arg = arg;
	weir_bench_answer_init(&q->answer);
	weir_buf_init(&q->request, WEIR_BENCH_CONTROL_BODY);
	weir_buf_init(&q->body, WEIR_BENCH_CONTROL_BODY);
	rc = put_request(q, control, path, body);
	if (rc == 0)
		rc = weir_conn_open(&q->conn, control->net, &control->target.addresses.list[0].any,
				    NULL, &events, q, on_closed);
	if (rc) {
		weir_buf_fini(&q->request);
		weir_free(q);
		return rc;
	}
	weir_list_push(&control->asking, &q->node);
	weir_conn_timer(&q->conn, WEIR_BENCH_CONTROL_MS);
	return 0;
}

void weir_bench_control_close(struct weir_bench_control *control)
{
	WEIR_LIST_FOR(node, &control->asking)
	{
		struct question *q = WEIR_CONTAINER_OF(node, struct question, node);

		q->on_told = NULL;
		tell(q, 0);
	}
}

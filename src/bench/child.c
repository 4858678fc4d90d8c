#include "bench/child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "mock/mock.h"

enum { REPORT_MAX = 64 * 1024 };

/* In the child. */
struct mock {
	uv_loop_t loop;
	uv_pipe_t leash;
	struct weir_mock *mock;
};

/* "NAME" or "NAME=ADDRESS" into both. */
static void split(const char *text, char name[64], char address[WEIR_BENCH_URL_MAX])
{
	size_t n = strcspn(text, "=");

	snprintf(name, 64, "%.*s", (int)n, text);
	snprintf(address, WEIR_BENCH_URL_MAX, "%s", text[n] ? text + n + 1 : "127.0.0.1:0");
}

/* The --mock-tls of a vendor, or NULL. */
static const char *tls_of(const struct weir_bench_options *o, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; i < o->mock_tls_n; i++)
		if (strncmp(o->mock_tls[i], name, n) == 0 && o->mock_tls[i][n] == '=')
			return o->mock_tls[i] + n + 1;
	return NULL;
}

static int set_up(struct mock *m, const struct weir_bench_options *o, struct weir_error *err)
{
	int rc = weir_mock_create(&m->mock, &m->loop, o->load.seed);

	if (rc)
		return weir_fail(err, rc, "out of memory");
	for (unsigned i = 0; i < o->vendors_n && rc == 0; i++) {
		char name[64], address[WEIR_BENCH_URL_MAX];

		split(o->vendors[i], name, address);
		rc = weir_mock_add(m->mock, name, address, tls_of(o, name), err);
	}
	for (unsigned i = 0; i < o->scripts_n && rc == 0; i++)
		rc = weir_mock_assign(m->mock, o->scripts[i], err);
	return rc ? rc : weir_mock_control(m->mock, "127.0.0.1:0", err);
}

static void say_all(FILE *out, struct mock *m, const struct weir_bench_options *o)
{
	struct weir_error err;

	for (unsigned i = 0; i < o->vendors_n; i++) {
		char name[64], address[WEIR_BENCH_URL_MAX];

		split(o->vendors[i], name, address);
		fprintf(out, "vendor %s %s\n", name, weir_mock_url(m->mock, name));
	}
	fprintf(out, "control %s\n", weir_mock_control_url(m->mock));
	if (o->mock_tls_n) {
		struct weir_slice pem = weir_mock_ca_pem(m->mock, &err);

		fprintf(out, "ca\n");
		fwrite(pem.base, 1, pem.len, out);
	}
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char nothing[64];

	(void)handle;
	(void)size;
	*buf = uv_buf_init(nothing, sizeof nothing);
}

/* The other end is closed: we are to end. */
static void on_leash(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct mock *m = stream->data;

	(void)buf;
	if (n >= 0)
		return;
	weir_mock_close(m->mock, NULL, NULL);
	uv_close((uv_handle_t *)stream, NULL);
}

static int serve(const struct weir_bench_options *o, int leash, int report)
{
	static struct mock m;
	struct weir_error err = { 0 };
	FILE *out = fdopen(report, "w");

	setpgid(0, 0); /* Ctrl-C is for the one who reports */
	m.leash.data = &m;
	if (!out || uv_loop_init(&m.loop) || set_up(&m, o, &err)) {
		if (out)
			fprintf(out, "error %s\n", err.text), fclose(out);
		return 1;
	}
	(void)uv_pipe_init(&m.loop, &m.leash, 0);
	if (uv_pipe_open(&m.leash, leash) ||
	    uv_read_start((uv_stream_t *)&m.leash, on_alloc, on_leash))
		return 1;
	say_all(out, &m, o);
	fclose(out);
	uv_run(&m.loop, UV_RUN_DEFAULT);
	return uv_loop_close(&m.loop) != 0;
}

static struct weir_slice word(struct weir_slice *line)
{
	const char *space = memchr(line->base, ' ', line->len);
	size_t n = space ? (size_t)(space - line->base) : line->len;
	struct weir_slice first = weir_slice(line->base, n);

	*line = weir_slice(line->base + n + (space != NULL), line->len - n - (space != NULL));
	return first;
}

static int take_line(struct weir_bench_child *child, struct weir_slice line, struct weir_error *err)
{
	struct weir_slice what = word(&line), name;

	if (weir_slice_is(what, "error"))
		return weir_fail(err, WEIR_ECONFIG, "--mock: %.*s", (int)line.len, line.base);
	if (weir_slice_is(what, "control")) {
		snprintf(child->control, sizeof child->control, "%.*s", (int)line.len, line.base);
	} else if (weir_slice_is(what, "vendor")) {
		unsigned i = child->vendors_n++;

		name = word(&line);
		snprintf(child->names[i], sizeof child->names[i], "%.*s", (int)name.len, name.base);
		snprintf(child->urls[i], sizeof child->urls[i], "%.*s", (int)line.len, line.base);
	}
	return 0;
}

/* What the child says of itself, until it has said all. */
static int listen_to(struct weir_bench_child *child, int report, struct weir_error *err)
{
	struct weir_buf buf;
	struct weir_slice rest;
	char piece[4096];
	ssize_t n;
	int rc = 0;

	weir_buf_init(&buf, REPORT_MAX);
	while (rc == 0 &&
	       ((n = read(report, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)))
		rc = n > 0 ? weir_buf_append(&buf, piece, (size_t)n) : 0;
	rest = weir_buf_slice(&buf);
	while (rc == 0 && rest.len) {
		const char *end = memchr(rest.base, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.base) : rest.len;
		struct weir_slice line = weir_slice(rest.base, len);

		rest = weir_slice(rest.base + len + (end != NULL), rest.len - len - (end != NULL));
		if (weir_slice_is(line, "ca")) {
			rc = weir_buf_append(&child->ca, rest.base, rest.len);
			rest.len = 0;
		} else {
			rc = take_line(child, line, err);
		}
	}
	weir_buf_fini(&buf);
	if (rc == 0 && !child->control[0])
		rc = weir_fail(err, WEIR_EBIND, "--mock: the simulated providers did not start");
	return rc;
}

int weir_bench_child_start(struct weir_bench_child *child, const struct weir_bench_options *options,
			   struct weir_error *err)
{
	uv_file leash[2], report[2];
	int rc;

	*child = (struct weir_bench_child){ .leash = -1 };
	weir_buf_init(&child->ca, REPORT_MAX);
	if (uv_pipe(leash, 0, 0))
		return weir_fail(err, WEIR_EBIND, "--mock: no descriptors");
	if (uv_pipe(report, 0, 0)) {
		close(leash[0]);
		close(leash[1]);
		return weir_fail(err, WEIR_EBIND, "--mock: no descriptors");
	}
	child->pid = fork();
	if (child->pid == 0) {
		close(leash[1]);
		close(report[0]);
		exit(serve(options, leash[0], report[1]));
	}
	close(leash[0]);
	close(report[1]);
	child->leash = leash[1];
	rc = child->pid < 0 ? weir_fail(err, WEIR_EBIND, "--mock: cannot fork")
			    : listen_to(child, report[0], err);
	close(report[0]);
	if (rc)
		(void)weir_bench_child_stop(child);
	return rc;
}

bool weir_bench_child_stop(struct weir_bench_child *child)
{
	int status = 0;

	if (child->leash >= 0)
		close(child->leash);
	child->leash = -1;
	if (child->pid > 0)
		while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
			;
	child->pid = 0;
	weir_buf_fini(&child->ca);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

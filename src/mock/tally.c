#include <string.h>

#include "base/alloc.h"
#include "mock/pen.h"
#include "mock/server.h"

enum { HEAD_MAX = 2 * WEIR_HTTP_HEAD_MAX, NS_PER_MS = 1000 * 1000 };

static void init(struct weir_mock_tally *t)
{
	*t = (struct weir_mock_tally){ .model = NULL };
	weir_buf_init(&t->head, HEAD_MAX);
	weir_buf_init(&t->body, WEIR_MOCK_BODY_MAX);
}

static void fini(struct weir_mock_tally *t)
{
	weir_buf_fini(&t->head);
	weir_buf_fini(&t->body);
	weir_free(t->model);
}

struct weir_mock_tally *weir_mock_tally_of(struct weir_mock_vendor *v, struct weir_slice model)
{
	struct weir_mock_tally *t;

	for (unsigned i = 0; i < v->models_n; i++)
		if (weir_slice_is(model, v->models[i]->model))
			return v->models[i];
	if (v->models_n == WEIR_MOCK_MODELS_MAX)
		return NULL;
	t = weir_alloc(sizeof *t);
	if (!t)
		return NULL;
	init(t);
	t->model = weir_strndup(model.base, model.len);
	if (!t->model) {
		weir_free(t);
		return NULL;
	}
	v->models[v->models_n++] = t;
	return t;
}

/* "POST /v1/chat/completions" and the fields, as one text. */
static int copy_head(struct weir_mock_tally *t, const struct weir_http_head *head)
{
	struct weir_mock_pen pen = { &t->head, 0 };
	size_t begin = head->method.len + head->target.len;

	weir_buf_clear(&t->head);
	weir_mock_put_slice(&pen, head->method);
	weir_mock_put_slice(&pen, head->target);
	for (unsigned i = 0; i < head->fields_n; i++) {
		weir_mock_put_slice(&pen, head->fields[i].name);
		WEIR_MOCK_PUT(&pen, ": ");
		weir_mock_put_slice(&pen, head->fields[i].value);
		WEIR_MOCK_PUT(&pen, "\r\n");
	}
	if (pen.rc)
		return pen.rc;
	t->last.method = weir_slice(t->head.base, head->method.len);
	t->last.target = weir_slice(t->head.base + head->method.len, head->target.len);
	t->last.fields = weir_slice(t->head.base + begin, t->head.len - begin);
	return 0;
}

/* Takes the body away from the peer, which needs it no more. */
void weir_mock_tally_record(struct weir_mock_peer *peer)
{
	struct weir_mock_vendor *v = peer->vendor;
	struct weir_mock_tally *t = peer->tally ? peer->tally : &v->sum;
	struct weir_buf empty;

	if (copy_head(t, peer->reader.head)) {
		t->last = (struct weir_mock_request){ .at_ms = 0 };
		return;
	}
	weir_buf_fini(&t->body);
	t->body = peer->body;
	weir_buf_init(&empty, WEIR_MOCK_BODY_MAX);
	peer->body = empty;
	t->last.body = weir_buf_slice(&t->body);
	t->last.at_ms = uv_hrtime() / NS_PER_MS;
	v->latest = t;
}

void weir_mock_tally_hit(struct weir_mock_peer *peer)
{
	peer->vendor->sum.stats.hits++;
	peer->vendor->sum.stats.inflight++;
	if (peer->tally) {
		peer->tally->stats.hits++;
		peer->tally->stats.inflight++;
	}
}

static void over(struct weir_mock_stats *s, bool answered)
{
	s->inflight -= s->inflight > 0;
	s->answered += answered;
}

void weir_mock_tally_over(struct weir_mock_peer *peer, bool answered)
{
	over(&peer->vendor->sum.stats, answered);
	if (peer->tally)
		over(&peer->tally->stats, answered);
}

static const char *phase_of(const struct weir_mock_peer *peer)
{
	if (peer->phase == WEIR_MOCK_RECEIVING)
		return "request";
	return peer->play.sent ? "answering" : "waiting";
}

static void count_abort(struct weir_mock_stats *s, const struct weir_mock_peer *peer)
{
	uint64_t now = uv_hrtime();

	s->aborts++;
	s->abort_phase = phase_of(peer);
	s->abort_ms = (now - peer->begun_ns) / NS_PER_MS;
	s->abort_at_ms = now / NS_PER_MS;
}

void weir_mock_tally_abort(struct weir_mock_peer *peer)
{
	count_abort(&peer->vendor->sum.stats, peer);
	if (peer->tally)
		count_abort(&peer->tally->stats, peer);
}

void weir_mock_tally_tokens(struct weir_mock_peer *peer, uint64_t n)
{
	peer->vendor->sum.stats.tokens += n;
	if (peer->tally)
		peer->tally->stats.tokens += n;
}

/* What is under way or open stays true. */
static void reset(struct weir_mock_tally *t)
{
	t->stats = (struct weir_mock_stats){ .inflight = t->stats.inflight, .open = t->stats.open };
	t->last = (struct weir_mock_request){ .at_ms = 0 };
}

void weir_mock_tally_reset(struct weir_mock_vendor *v)
{
	reset(&v->sum);
	for (unsigned i = 0; i < v->models_n; i++)
		reset(v->models[i]);
	v->latest = NULL;
}

void weir_mock_tally_fini(struct weir_mock_vendor *v)
{
	fini(&v->sum);
	for (unsigned i = 0; i < v->models_n; i++) {
		fini(v->models[i]);
		weir_free(v->models[i]);
	}
	v->models_n = 0;
}

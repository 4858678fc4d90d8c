#include "bench/judge.h"

#include "dialect/tree.h"

enum { KEEP_MAX = 64 * 1024 }; /* of a body's memory, for the next one */

static void on_text(void *arg, struct weir_slice text)
{
	struct weir_bench_judge *j = arg;

	weir_bench_verify_text(&j->verify, text);
}

static void note(struct weir_bench_judge *j, const struct weir_bench_said *said)
{
	j->over |= said->over;
	j->finished |= said->finished;
	j->error |= said->error;
	j->nonsense |= !said->answer && !said->error;
	j->events += said->content;
	if (said->counted)
		j->tokens = said->tokens;
	j->counted |= said->counted;
}

/* It says nothing but one text. */
static bool is_mere_text(const struct weir_bench_said *said)
{
	return said->answer && said->texts == 1 && !said->finished && !said->over && !said->error &&
	       !said->counted;
}

static void cast(struct weir_bench_judge *j, struct weir_slice event, struct weir_slice text)
{
	if (text.len)
		weir_bench_mould_cast(&j->mould, event, text);
}

static void read_text(struct weir_bench_judge *j, struct weir_slice text,
		      void (*read)(struct weir_bench_said *said, yyjson_val *root))
{
	struct weir_bench_said said = { .on_text = on_text, .arg = j };
	struct weir_tree tree WEIR_UNINITIALIZED;

	weir_tree_read(&tree, text);
	if (tree.root)
		read(&said, tree.root);
	note(j, &said);
	if (j->streams && is_mere_text(&said))
		cast(j, text, weir_tree_place(&tree, text, said.text));
	weir_tree_fini(&tree);
}

static int on_event(void *arg, const struct weir_sse_event *event)
{
	struct weir_bench_judge *j = arg;
	struct weir_slice text;

	if (!event->has_data || j->over)
		return 0;
	if (weir_bench_mould_fits(&j->mould, event->data, &text)) {
		j->events++;
		on_text(j, text);
	} else if (j->dialect->done && weir_slice_is(event->data, "[DONE]"))
		j->over = true;
	else
		read_text(j, event->data, j->dialect->read_event);
	return 0;
}

void weir_bench_judge_init(struct weir_bench_judge *j, const struct weir_bench_dialect *dialect)
{
	*j = (struct weir_bench_judge){ .dialect = dialect };
	weir_sse_init(&j->sse, on_event, j);
	weir_buf_init(&j->body, WEIR_BENCH_BODY_MAX);
}

void weir_bench_judge_fini(struct weir_bench_judge *j)
{
	weir_sse_fini(&j->sse);
	weir_buf_fini(&j->body);
}

void weir_bench_judge_begin(struct weir_bench_judge *j, bool stream, enum weir_bench_care care,
			    const struct weir_bench_nonce *nonce)
{
	j->stream = stream;
	j->streams = j->over = j->finished = j->error = j->nonsense = j->counted = false;
	j->events = j->tokens = 0;
	if (j->body.cap > KEEP_MAX)
		weir_buf_fini(&j->body);
	weir_buf_clear(&j->body);
	weir_bench_verify_begin(&j->verify, care, nonce);
}

void weir_bench_judge_head(struct weir_bench_judge *j, bool event_stream)
{
	j->streams = event_stream && j->dialect->read_event;
	j->mould.tail_len = 0;
	if (!j->streams)
		return;
	weir_sse_fini(&j->sse);
	weir_sse_init(&j->sse, on_event, j);
}

unsigned weir_bench_judge_bytes(struct weir_bench_judge *j, struct weir_slice bytes, bool last)
{
	uint64_t before = j->events;

	if (!j->dialect->read_whole)
		return 0;
	if (j->streams) {
		if (weir_sse_feed(&j->sse, bytes.base, bytes.len))
			j->nonsense = true;
		return (unsigned)(j->events - before);
	}
	if (last && !j->body.len)
		read_text(j, bytes, j->dialect->read_whole);
	else if (weir_buf_append(&j->body, bytes.base, bytes.len))
		j->nonsense = true;
	else if (last)
		read_text(j, weir_buf_slice(&j->body), j->dialect->read_whole);
	return 0;
}

static enum weir_bench_outcome judge_text(const struct weir_bench_judge *j)
{
	switch (weir_bench_verify_end(&j->verify)) {
	case WEIR_BENCH_TRUE:
		break;
	case WEIR_BENCH_FALSE:
		return WEIR_BENCH_WRONG;
	case WEIR_BENCH_ANOTHERS:
		return WEIR_BENCH_CROSSED;
	}
	return WEIR_BENCH_OK;
}

static enum weir_bench_outcome judge_stream(struct weir_bench_judge *j)
{
	(void)weir_sse_eof(&j->sse);
	if (!j->counted)
		j->tokens = j->events;
	if (j->error)
		return WEIR_BENCH_STREAM_ERROR;
	if (j->nonsense)
		return WEIR_BENCH_BAD_BODY;
	if (!j->over || !j->finished)
		return WEIR_BENCH_STREAM_CUT;
	return j->events ? judge_text(j) : WEIR_BENCH_BAD_BODY;
}

enum weir_bench_outcome weir_bench_judge_end(struct weir_bench_judge *j)
{
	if (!j->dialect->read_whole)
		return WEIR_BENCH_OK;
	if (j->streams)
		return j->stream ? judge_stream(j) : WEIR_BENCH_BAD_BODY;
	if (j->error)
		return WEIR_BENCH_ERROR_IN_200;
	if (j->nonsense || j->stream || !j->events)
		return WEIR_BENCH_BAD_BODY;
	return judge_text(j);
}

enum weir_bench_outcome weir_bench_judge_cut(const struct weir_bench_judge *j)
{
	if (!j->streams)
		return WEIR_BENCH_CLOSED;
	return j->error ? WEIR_BENCH_STREAM_ERROR : WEIR_BENCH_STREAM_CUT;
}

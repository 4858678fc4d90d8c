#include "dialect/piece.h"

#include "base/error.h"

enum { SCRATCH_MAX = WEIR_ANSWER_TEXT_MAX };

void weir_hearing_init(struct weir_hearing *h,
		       void (*on_piece)(void *arg, const struct weir_piece *piece), void *arg)
{
	*h = (struct weir_hearing){ .on_piece = on_piece, .arg = arg };
	weir_buf_init(&h->input, SCRATCH_MAX);
	weir_buf_init(&h->scratch, SCRATCH_MAX);
	weir_buf_init(&h->id, WEIR_ID_MAX);
}

void weir_hearing_fini(struct weir_hearing *h)
{
	weir_buf_fini(&h->input);
	weir_buf_fini(&h->scratch);
	weir_buf_fini(&h->id);
}

void weir_hearing_say(struct weir_hearing *h, const struct weir_piece *piece)
{
	h->on_piece(h->arg, piece);
}

void weir_hearing_say_text(struct weir_hearing *h, enum weir_piece_type type,
			   struct weir_slice text)
{
	if (text.len)
		weir_hearing_say(h, &(struct weir_piece){ .type = type, .text = text });
}

void weir_hearing_quote(struct weir_hearing *h, struct weir_slice json, struct weir_buf *out)
{
	struct weir_pen pen = { out, h->rc };

	weir_put_inside(&pen, json);
	h->rc = pen.rc;
}

/* A text of JSON inside of a string: a quote stands behind a backslash. */
void weir_arguments_follow(struct weir_arguments *a, struct weir_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool escape = text.base[i] == '\\' && i + 1 < text.len;
		char c = escape ? text.base[++i] : text.base[i];

		if (a->string) {
			bool escaped = a->escaped;

			a->escaped = escape && c == '\\' && !escaped;
			a->string = !(escape && c == '"' && !escaped);
		} else if (escape && c == '"') {
			a->string = true;
		} else if (!escape && (c == '{' || c == '[')) {
			a->depth++;
		} else if (!escape && (c == '}' || c == ']') && a->depth) {
			a->depth--;
		}
		a->any |= a->depth > 0;
	}
}

void weir_telling_init(struct weir_telling *t, bool stream, bool usage_wanted)
{
	*t = (struct weir_telling){ .stream = stream, .usage_wanted = usage_wanted };
	weir_buf_init(&t->id, WEIR_ID_MAX);
	weir_buf_init(&t->model, WEIR_ID_MAX);
	weir_buf_init(&t->text, WEIR_ANSWER_TEXT_MAX);
	weir_buf_init(&t->reasoning, WEIR_ANSWER_TEXT_MAX);
	weir_buf_init(&t->refusal, WEIR_ANSWER_TEXT_MAX);
	weir_buf_init(&t->calls, WEIR_ANSWER_TEXT_MAX);
}

void weir_telling_fini(struct weir_telling *t)
{
	weir_buf_fini(&t->id);
	weir_buf_fini(&t->model);
	weir_buf_fini(&t->text);
	weir_buf_fini(&t->reasoning);
	weir_buf_fini(&t->refusal);
	weir_buf_fini(&t->calls);
}

void weir_telling_keep(struct weir_telling *t, struct weir_buf *buf, struct weir_slice text)
{
	struct weir_pen pen = { buf, t->pen.rc };

	weir_put_slice(&pen, text);
	t->pen.rc = pen.rc;
}

void weir_telling_keep_name(struct weir_telling *t, struct weir_buf *buf, struct weir_slice text)
{
	if (text.len <= buf->max && buf->len == 0)
		weir_telling_keep(t, buf, text);
}

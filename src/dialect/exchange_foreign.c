/* Answers for a caller who speaks another dialect: heard piece by piece, and told anew. */
#include "base/alloc.h"
#include "base/error.h"
#include "dialect/chat.h"
#include "dialect/exchange_private.h"
#include "dialect/piece.h"

enum { MS_PER_S = 1000, TOOLS_MAX = 1024 * 1024 };

struct weir_foreign {
	struct weir_exchange *x;
	const struct weir_dialect *caller;
	struct weir_exchange_names names;
	struct weir_hearing hearing;
	struct weir_telling telling;
	struct weir_buf tools;   /* names that the target knows by shorter ones, a line each */
	unsigned pieces_n;       /* of the last event */
	struct weir_slice words; /* of the last piece; "" when it is none of text */
	unsigned alike_n;        /* events, up to the last one, that were one piece of text each */
};

static void tell_start(struct weir_foreign *f, struct weir_piece start)
{
	if (start.id.len == 0)
		start.id = f->names.id;
	if (start.name.len == 0)
		start.name = f->names.model;
	f->caller->chat->tell(&f->telling, &start);
}

/* By the name it had from the caller. */
static struct weir_slice own_name(const struct weir_foreign *f, struct weir_slice name)
{
	struct weir_slice rest = weir_buf_slice(&f->tools);
	unsigned max = f->x->dialect->chat->tool_name_max;
	char text[128];

	while (rest.len) {
		size_t n = (size_t)((const char *)memchr(rest.base, '\n', rest.len) - rest.base);
		struct weir_slice own = weir_slice(rest.base, n);

		if (weir_slice_eq(weir_chat_short(own, max, text), name))
			return own;
		rest = weir_slice(rest.base + n + 1, rest.len - n - 1);
	}
	return name;
}

/* A sign of life is worth passing on once the answer is. */
static void on_piece(void *arg, const struct weir_piece *piece)
{
	struct weir_foreign *f = arg;
	struct weir_piece told = *piece;

	f->pieces_n++;
	f->words = piece->type == WEIR_PIECE_TEXT ? piece->text : WEIR_SLICE("");
	if (piece->type == WEIR_PIECE_CALL)
		told.name = own_name(f, piece->name);
	if (piece->type == WEIR_PIECE_START)
		tell_start(f, *piece);
	else if (piece->type != WEIR_PIECE_PING || f->x->committed)
		f->caller->chat->tell(&f->telling, &told);
}

int weir_exchange_translate(struct weir_exchange *x, const struct weir_dialect *caller,
			    bool usage_wanted, struct weir_exchange_names names)
{
	struct weir_foreign *f = weir_calloc(1, sizeof *f);

	if (!f)
		return WEIR_ENOMEM;
	f->x = x;
	f->caller = caller;
	f->names = names;
	weir_hearing_init(&f->hearing, on_piece, f);
	weir_telling_init(&f->telling, x->stream, usage_wanted);
	weir_buf_init(&f->tools, TOOLS_MAX);
	f->telling.pen.buf = &x->out;
	x->foreign = f;
	return 0;
}

int weir_exchange_keep_tool(struct weir_exchange *x, struct weir_slice name)
{
	struct weir_pen pen = { &x->foreign->tools, 0 };
	unsigned max = x->dialect->chat->tool_name_max;

	if (max == 0 || name.len <= max)
		return 0;
	weir_put_slice(&pen, name);
	weir_put(&pen, "\n");
	return pen.rc;
}

void weir_exchange_foreign_fini(struct weir_exchange *x)
{
	if (!x->foreign)
		return;
	weir_hearing_fini(&x->foreign->hearing);
	weir_telling_fini(&x->foreign->telling);
	weir_buf_fini(&x->foreign->tools);
	weir_free(x->foreign);
	x->foreign = NULL;
}

/* Beyond a bound of ours, or calls in an order that cannot be told: the answer is at fault. */
static bool is_well(struct weir_exchange *x)
{
	int rc = x->foreign->hearing.rc ? x->foreign->hearing.rc : x->foreign->telling.pen.rc;

	if (rc == WEIR_ENOMEM)
		weir_exchange_fail_local(x);
	else if (rc)
		weir_exchange_fail(x, x->committed ? WEIR_OUT_CUT : WEIR_OUT_SERVER_ERROR,
				   "cannot_tell");
	return rc == 0;
}

static void begin(struct weir_exchange *x)
{
	struct weir_telling *t = &x->foreign->telling;

	if (!t->created_s)
		t->created_s = x->now_unix_ms / MS_PER_S;
}

static bool is_words(const struct weir_foreign *f)
{
	return f->pieces_n == 1 && f->words.len;
}

bool weir_exchange_tell(struct weir_exchange *x, struct weir_slice data)
{
	begin(x);
	x->foreign->pieces_n = 0;
	x->dialect->chat->hear_event(&x->foreign->hearing, data);
	x->foreign->alike_n = is_words(x->foreign) ? x->foreign->alike_n + 1 : 0;
	return is_well(x);
}

/* The first piece of text may begin what the second goes on with. */
bool weir_exchange_told_words(const struct weir_exchange *x, struct weir_slice words)
{
	const struct weir_foreign *f = x->foreign;

	return f->alike_n > 1 && f->words.base == words.base && f->words.len == words.len;
}

void weir_exchange_tell_ping(struct weir_exchange *x)
{
	on_piece(x->foreign, &(struct weir_piece){ .type = WEIR_PIECE_PING });
	is_well(x);
}

void weir_exchange_tell_end(struct weir_exchange *x)
{
	on_piece(x->foreign, &(struct weir_piece){ .type = WEIR_PIECE_END });
	if (is_well(x))
		weir_exchange_done(x);
}

void weir_exchange_tell_body(struct weir_exchange *x)
{
	struct weir_buf body = x->out;

	weir_buf_init(&x->out, body.max);
	begin(x);
	x->dialect->chat->hear_body(&x->foreign->hearing, weir_buf_slice(&body));
	weir_exchange_set_type(x, WEIR_SLICE(""),
			       x->stream ? "text/event-stream; charset=utf-8" : "application/json");
	on_piece(x->foreign, &(struct weir_piece){ .type = WEIR_PIECE_END });
	weir_buf_fini(&body);
	if (!is_well(x))
		return;
	x->has_length = !x->stream;
	x->content_length = x->stream ? 0 : x->out.len;
	weir_exchange_done(x);
}

bool weir_exchange_tell_error(struct weir_exchange *x, const struct weir_reading *reading)
{
	struct weir_failure failure = reading->failure;

	if (reading->gave_up) /* it has no words for it */
		failure.message = WEIR_SLICE("the provider gave up in the middle of its answer");
	failure.status = 200;
	failure.in_stream = true;
	if (x->foreign->caller->put_error_event(&x->out, failure.message,
						weir_classify(&failure).reason) == 0)
		return true;
	weir_exchange_fail_local(x);
	return false;
}

bool weir_exchange_tell_refusal(struct weir_exchange *x, struct weir_verdict verdict,
				const struct weir_reading *reading)
{
	struct weir_refusal refusal = {
		.status = x->status,
		.message = reading->failure.message,
		.verdict = verdict,
	};

	weir_buf_clear(&x->out);
	weir_exchange_set_type(x, WEIR_SLICE(""), "application/json");
	if (x->foreign->caller->chat->put_refusal(&x->out, &refusal) == 0)
		return true;
	weir_exchange_fail_local(x);
	return false;
}

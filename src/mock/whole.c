#include <string.h>

#include "mock/reply.h"
#include "mock/server.h"

#define PUT WEIR_MOCK_PUT

enum { FILL_PIECE = 16 * 1024 };

static bool is_whole_answer(const struct weir_mock_step *step)
{
	return step->status == 200 && !step->text.base && step->kind != WEIR_MOCK_STATUS &&
	       step->kind != WEIR_MOCK_HTML && step->kind != WEIR_MOCK_ERROR_200 &&
	       step->kind != WEIR_MOCK_ERROR_EVENT && step->kind != WEIR_MOCK_EMPTY;
}

/* The body into payload; *gap is where filler belongs. Returns its type. */
static struct weir_slice make_body(struct weir_mock_peer *peer, struct weir_mock_pen *pen,
				   size_t *gap)
{
	struct weir_mock_play *play = &peer->play;
	const struct weir_mock_step *step = play->step;

	*gap = 0;
	if (step->text.base) {
		weir_mock_put_slice(pen, step->text);
	} else if (step->kind == WEIR_MOCK_EMPTY) {
		return WEIR_SLICE("application/json");
	} else if (!is_whole_answer(step)) {
		return weir_mock_put_error(pen, step, step->status, &play->ask, NULL);
	} else if (play->ask.route == WEIR_MOCK_EMBEDDINGS) {
		weir_mock_put_embeddings(pen, &play->voice);
	} else if (play->ask.route == WEIR_MOCK_COUNT) {
		WEIR_MOCK_PUT(pen, "{\"input_tokens\":");
		weir_mock_put_u64(pen, play->ask.prompt_tokens);
		WEIR_MOCK_PUT(pen, "}");
	} else {
		weir_mock_tongue(play->ask.route)->open_whole(pen, &play->voice);
		*gap = pen->buf->len;
		weir_mock_tongue(play->ask.route)->close_whole(pen, &play->voice);
	}
	if (step->kind == WEIR_MOCK_BAD_JSON || step->kind == WEIR_MOCK_BAD_EVENT)
		pen->buf->len /= 2;
	return WEIR_SLICE("application/json");
}

bool weir_mock_play_bad_chunk(struct weir_mock_peer *peer)
{
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	PUT(&pen, "zz\r\nbroken\r\n");
	peer->play.part = WEIR_MOCK_PART_END;
	if (pen.rc)
		weir_mock_play_broken(peer);
	return pen.rc == 0;
}

bool weir_mock_play_whole(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };
	size_t gap;
	struct weir_slice type = make_body(peer, &pen, &gap);
	uint64_t tokens = play->voice.last - play->voice.first;

	play->part = WEIR_MOCK_PART_LAST_CHUNK;
	play->fill = gap && is_whole_answer(play->step) ? play->step->bytes * tokens : 0;
	if (pen.rc) {
		weir_mock_play_broken(peer);
		return false;
	}
	if (!play->head_done && !weir_mock_play_put_head(peer, type, pen.buf->len + play->fill))
		return false;
	if (gap && is_whole_answer(play->step))
		weir_mock_tally_tokens(peer, tokens);
	if (play->step->kind == WEIR_MOCK_BAD_CHUNK) {
		pen.buf->len /= 2;
		return weir_mock_play_emit(peer, 0) && weir_mock_play_bad_chunk(peer);
	}
	if (play->fill) {
		pen.buf->len = gap;
		play->filling = WEIR_MOCK_FILL_WHOLE;
	}
	return weir_mock_play_emit(peer, 0);
}

/* A header line without end, or nearly so. */
bool weir_mock_play_huge_head(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	play->framing = WEIR_MOCK_FRAMING_LENGTH;
	if (!weir_mock_play_put_head(peer, WEIR_SLICE("application/json"), 2))
		return false;
	pen.buf->len -= 2;
	PUT(&pen, "x-huge: ");
	play->fill = play->step->bytes;
	play->filling = WEIR_MOCK_FILL_HEAD;
	play->part = WEIR_MOCK_PART_END;
	if (pen.rc)
		weir_mock_play_broken(peer);
	return pen.rc == 0;
}

static bool after_fill(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	enum weir_mock_fill filled = play->filling;
	const struct weir_mock_tongue *tongue = weir_mock_tongue(play->ask.route);
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	play->filling = WEIR_MOCK_FILL_NONE;
	if (filled == WEIR_MOCK_FILL_HEAD)
		PUT(&pen, "\r\n\r\n{}");
	else if (filled == WEIR_MOCK_FILL_TOKEN)
		tongue->close_token(&pen, &play->voice, play->voice.first + play->said - 1);
	else
		tongue->close_whole(&pen, &play->voice);
	return weir_mock_play_emit(peer, pen.rc);
}

bool weir_mock_play_fill(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };
	size_t n = play->fill < FILL_PIECE ? (size_t)play->fill : FILL_PIECE;
	char piece[FILL_PIECE];

	if (play->dry) {
		play->length += play->fill;
		play->fill = 0;
	}
	if (play->fill == 0)
		return after_fill(peer);
	memset(piece, 'x', n);
	weir_mock_put(&pen, piece, n);
	play->fill -= n;
	return weir_mock_play_emit(peer, pen.rc);
}

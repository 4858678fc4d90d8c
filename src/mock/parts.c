#include <string.h>

#include "mock/reply.h"
#include "mock/server.h"

#define PUT WEIR_MOCK_PUT

enum { FILL_PIECE = 16 * 1024 };

static void broken(struct weir_mock_peer *peer)
{
	weir_buf_clear(&peer->mock->payload);
	weir_buf_clear(&peer->mock->wire);
	weir_conn_close(&peer->conn); /* out of memory */
}

static void put_chunk(struct weir_mock_pen *pen, struct weir_slice bytes)
{
	static const char digits[] = "0123456789abcdef";
	char size[16];
	size_t at = sizeof size, n = bytes.len;

	do {
		size[--at] = digits[n % 16];
		n /= 16;
	} while (n);
	weir_mock_put(pen, size + at, sizeof size - at);
	PUT(pen, "\r\n");
	weir_mock_put_slice(pen, bytes);
	PUT(pen, "\r\n");
}

static void put_chunks(struct weir_mock_peer *peer, struct weir_mock_pen *pen,
		       struct weir_slice bytes)
{
	uint64_t max = peer->play.step->chunk_max;

	while (max && bytes.len) {
		uint64_t n = 1 + weir_rng_upto(&peer->vendor->rng, max - 1);

		if (n >= bytes.len)
			break;
		put_chunk(pen, weir_slice(bytes.base, (size_t)n));
		bytes = weir_slice(bytes.base + n, bytes.len - (size_t)n);
	}
	if (bytes.len)
		put_chunk(pen, bytes);
}

/* Frames what was made of the body. */
static bool emit(struct weir_mock_peer *peer, int rc)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_slice bytes = weir_buf_slice(&peer->mock->payload);
	struct weir_mock_pen wire = { &peer->mock->wire, rc };

	if (play->dry)
		play->length += bytes.len;
	else if (play->framing == WEIR_MOCK_FRAMING_CHUNKED)
		put_chunks(peer, &wire, bytes);
	else
		weir_mock_put_slice(&wire, bytes);
	weir_buf_clear(&peer->mock->payload);
	if (wire.rc == 0)
		return true;
	broken(peer);
	return false;
}

/* Where the answer ends, counted from the head's first byte; half is the body's. */
static void set_cut(struct weir_mock_play *play, uint64_t begin, uint64_t head, uint64_t half,
		    uint64_t last)
{
	if (play->step->ending == WEIR_MOCK_WELL)
		return;
	switch (play->step->point) {
	case WEIR_MOCK_AT_STATUS:
		play->cut_at = begin + head / 2;
		break;
	case WEIR_MOCK_AT_HEADERS:
		play->cut_at = begin + head;
		break;
	case WEIR_MOCK_AT_BYTE:
		play->cut_at = play->step->after;
		break;
	case WEIR_MOCK_AT_ROLE:
	case WEIR_MOCK_AT_TOKEN:
	case WEIR_MOCK_AT_HALF:
		if (!play->stream)
			play->cut_at = begin + head + half;
		break;
	case WEIR_MOCK_AT_END:
		if (!play->stream && play->framing != WEIR_MOCK_FRAMING_CHUNKED)
			play->cut_at = begin + head + last;
		break;
	case WEIR_MOCK_AT_ACCEPT:
	case WEIR_MOCK_AT_HEAD:
	case WEIR_MOCK_AT_BODY:
	case WEIR_MOCK_AT_N:
		break;
	}
}

static bool put_head(struct weir_mock_peer *peer, struct weir_slice type, uint64_t body_len)
{
	struct weir_mock_play *play = &peer->play;
	const struct weir_mock_step *step = play->step;
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };
	size_t before = pen.buf->len;
	struct weir_mock_head head = {
		.status = step->status,
		.step = step,
		.content_type = step->content_type.base ? step->content_type : type,
		.vendor = peer->vendor->name,
		.serial = peer->vendor->serial,
		.framing = play->framing,
		.length = body_len + (step->kind == WEIR_MOCK_TRUNCATED ? step->by : 0),
		.close = !step->keep || !peer->keep_alive ||
			 play->framing == WEIR_MOCK_FRAMING_CLOSE,
	};

	weir_mock_put_head(&pen, &head);
	PUT(&pen, "\r\n");
	if (pen.rc) {
		broken(peer);
		return false;
	}
	play->head_done = true;
	set_cut(play, play->sent + before, pen.buf->len - before, body_len / 2,
		body_len ? body_len - 1 : 0);
	return true;
}

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
	struct weir_slice model = weir_slice(play->ask.model, play->ask.model_len);

	*gap = 0;
	if (step->text.base) {
		weir_mock_put_slice(pen, step->text);
	} else if (step->kind == WEIR_MOCK_EMPTY) {
		return WEIR_SLICE("application/json");
	} else if (!is_whole_answer(step)) {
		return weir_mock_put_error(pen, step, step->status, model, NULL);
	} else if (play->ask.route == WEIR_MOCK_EMBEDDINGS) {
		weir_mock_put_embeddings(pen, &play->voice);
	} else {
		weir_mock_open_whole(pen, &play->voice);
		*gap = pen->buf->len;
		weir_mock_close_whole(pen, &play->voice);
	}
	if (step->kind == WEIR_MOCK_BAD_JSON || step->kind == WEIR_MOCK_BAD_EVENT)
		pen->buf->len /= 2;
	return WEIR_SLICE("application/json");
}

static bool put_bad_chunk(struct weir_mock_peer *peer)
{
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	PUT(&pen, "zz\r\nbroken\r\n");
	peer->play.part = WEIR_MOCK_PART_END;
	if (pen.rc)
		broken(peer);
	return pen.rc == 0;
}

static bool play_whole(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };
	size_t gap;
	struct weir_slice type = make_body(peer, &pen, &gap);
	uint64_t tokens = play->voice.last - play->voice.first;

	play->part = WEIR_MOCK_PART_LAST_CHUNK;
	play->fill = gap && is_whole_answer(play->step) ? play->step->bytes * tokens : 0;
	if (pen.rc) {
		broken(peer);
		return false;
	}
	if (!play->head_done && !put_head(peer, type, pen.buf->len + play->fill))
		return false;
	if (gap && is_whole_answer(play->step))
		weir_mock_tally_tokens(peer, tokens);
	if (play->step->kind == WEIR_MOCK_BAD_CHUNK) {
		pen.buf->len /= 2;
		return emit(peer, 0) && put_bad_chunk(peer);
	}
	if (play->fill) {
		pen.buf->len = gap;
		play->filling = WEIR_MOCK_FILL_WHOLE;
	}
	return emit(peer, 0);
}

/* A header line without end, or nearly so. */
static bool play_huge_head(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	play->framing = WEIR_MOCK_FRAMING_LENGTH;
	if (!put_head(peer, WEIR_SLICE("application/json"), 2))
		return false;
	pen.buf->len -= 2;
	PUT(&pen, "x-huge: ");
	play->fill = play->step->bytes;
	play->filling = WEIR_MOCK_FILL_HEAD;
	play->part = WEIR_MOCK_PART_END;
	if (pen.rc)
		broken(peer);
	return pen.rc == 0;
}

static bool after_fill(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	enum weir_mock_fill filled = play->filling;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	play->filling = WEIR_MOCK_FILL_NONE;
	if (filled == WEIR_MOCK_FILL_HEAD)
		PUT(&pen, "\r\n\r\n{}");
	else if (filled == WEIR_MOCK_FILL_TOKEN)
		weir_mock_close_token(&pen, &play->voice, play->voice.first + play->said - 1);
	else
		weir_mock_close_whole(&pen, &play->voice);
	return emit(peer, pen.rc);
}

static bool play_fill(struct weir_mock_peer *peer)
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
	return emit(peer, pen.rc);
}

static bool play_delay(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	const struct weir_mock_step *step = play->step;
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	if (!weir_mock_play_wait(peer, play->due_ms))
		return false;
	play->due_ms = uv_now(peer->mock->loop);
	if (step->ending != WEIR_MOCK_WELL && step->point <= WEIR_MOCK_AT_BODY) {
		play->part = WEIR_MOCK_PART_END;
		return true;
	}
	for (uint64_t i = 0; step->info && i < step->info_n; i++)
		weir_mock_put_info(&pen, (unsigned)step->info);
	if (step->kind == WEIR_MOCK_RAW) {
		weir_mock_put_slice(&pen, step->text);
		play->part = WEIR_MOCK_PART_END;
	} else {
		play->part = play->stream || step->kind == WEIR_MOCK_PINGS ? WEIR_MOCK_PART_HEAD
									   : WEIR_MOCK_PART_WHOLE;
	}
	if (pen.rc)
		broken(peer);
	return pen.rc == 0;
}

/* The stream's length, by playing it to nobody. */
static uint64_t measure(struct weir_mock_peer *peer)
{
	struct weir_mock_play saved = peer->play;
	uint64_t length;

	peer->play.dry = true;
	peer->play.length = 0;
	while (peer->play.part < WEIR_MOCK_PART_LAST_CHUNK && weir_mock_play_part(peer))
		;
	length = peer->play.length;
	peer->play = saved;
	return length;
}

static bool play_head(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	uint64_t length = 0;

	play->part = play->step->kind == WEIR_MOCK_EMPTY ? WEIR_MOCK_PART_LAST_CHUNK
							 : WEIR_MOCK_PART_PINGS;
	if (play->framing == WEIR_MOCK_FRAMING_LENGTH)
		length = measure(peer);
	if (!play->stream)
		return put_head(peer, WEIR_SLICE("application/json"), length);
	return put_head(peer, WEIR_SLICE("text/event-stream; charset=utf-8"), length);
}

static bool play_pings(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	const struct weir_mock_step *step = play->step;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	if (step->kind != WEIR_MOCK_PINGS || (step->count && play->pings >= step->count)) {
		if (!play->dry)
			play->due_ms = uv_now(peer->mock->loop) + step->ttft_ms;
		play->part = play->stream ? WEIR_MOCK_PART_ROLE : WEIR_MOCK_PART_WHOLE;
		return true;
	}
	if (!weir_mock_play_wait(peer, play->due_ms + step->gap_us * play->pings / 1000))
		return false;
	play->pings++;
	weir_mock_put_text(&pen, play->stream ? ": ping\n\n" : "\n");
	return emit(peer, pen.rc);
}

static bool is_cut_at(const struct weir_mock_play *play, enum weir_mock_point point)
{
	return play->step->ending != WEIR_MOCK_WELL && play->step->point == point;
}

static bool play_role(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };
	bool error_first = play->step->kind == WEIR_MOCK_ERROR_EVENT && play->step->after == 0;

	play->part = WEIR_MOCK_PART_TOKEN;
	if (play->step->kind == WEIR_MOCK_NO_CHOICES) {
		weir_mock_put_no_choices(&pen, &play->voice);
		play->part = WEIR_MOCK_PART_DONE;
	} else if (!error_first) {
		weir_mock_put_role(&pen, &play->voice);
	}
	return emit(peer, pen.rc);
}

static bool inject_error(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };
	struct weir_slice model = weir_slice(play->ask.model, play->ask.model_len);

	if (play->step->named)
		PUT(&pen, "event: error\n");
	PUT(&pen, "data: ");
	(void)weir_mock_put_error(&pen, play->step, 500, model, NULL);
	PUT(&pen, "\n\n");
	if (play->step->done)
		PUT(&pen, "data: [DONE]\n\n");
	play->part = WEIR_MOCK_PART_LAST_CHUNK;
	return emit(peer, pen.rc);
}

/* What a step does once, after so many tokens. */
static bool inject(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	play->injected = true;
	if (play->step->kind == WEIR_MOCK_ERROR_EVENT)
		return inject_error(peer);
	if (play->step->kind == WEIR_MOCK_BAD_EVENT) {
		PUT(&pen, "data: {\"id\":\"broken\",\"choices\":[{\"delta\":\n\n");
		return emit(peer, pen.rc);
	}
	return put_bad_chunk(peer);
}

static bool injects(const struct weir_mock_play *play)
{
	enum weir_mock_kind kind = play->step->kind;

	return !play->injected && (kind == WEIR_MOCK_ERROR_EVENT || kind == WEIR_MOCK_BAD_EVENT ||
				   kind == WEIR_MOCK_BAD_CHUNK);
}

/* Is this the token after which the stream is cut, stalled, broken…? */
static bool reached(const struct weir_mock_play *play)
{
	uint64_t all = play->voice.last - play->voice.first;
	uint64_t goal = play->step->after < all ? play->step->after : all;

	if (is_cut_at(play, WEIR_MOCK_AT_ROLE))
		goal = 0;
	else if (is_cut_at(play, WEIR_MOCK_AT_HALF))
		goal = all / 2;
	else if (!is_cut_at(play, WEIR_MOCK_AT_TOKEN) && !injects(play))
		return false;
	return play->said >= goal;
}

static bool cut(struct weir_mock_peer *peer)
{
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	peer->play.part = WEIR_MOCK_PART_END;
	if (peer->play.step->clean && peer->play.framing == WEIR_MOCK_FRAMING_CHUNKED)
		PUT(&pen, "0\r\n\r\n");
	if (pen.rc)
		broken(peer);
	return pen.rc == 0;
}

static bool play_token(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	const struct weir_mock_step *step = play->step;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };
	uint64_t i = play->voice.first + play->said;
	uint64_t gap_us = step->kind == WEIR_MOCK_PINGS ? 0 : step->gap_us; /* that is theirs */

	if (reached(play))
		return injects(play) ? inject(peer) : cut(peer);
	if (i >= play->voice.last) {
		play->part = WEIR_MOCK_PART_FINISH;
		return true;
	}
	if (!weir_mock_play_wait(peer, play->due_ms + gap_us * play->said / 1000))
		return false;
	play->said++;
	if (!play->dry)
		weir_mock_tally_tokens(peer, 1);
	if (step->kind == WEIR_MOCK_BAD_JSON) {
		PUT(&pen, "data: {\"id\":\"broken\",\"choices\":[{\"delta\":\n\n");
		return emit(peer, pen.rc);
	}
	weir_mock_open_token(&pen, &play->voice, i);
	play->fill = step->bytes;
	if (play->fill)
		play->filling = WEIR_MOCK_FILL_TOKEN;
	else
		weir_mock_close_token(&pen, &play->voice, i);
	return emit(peer, pen.rc);
}

static bool play_finish(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	play->part = WEIR_MOCK_PART_DONE;
	if (!weir_slice_is(play->step->finish, "none"))
		weir_mock_put_finish(&pen, &play->voice);
	return emit(peer, pen.rc);
}

static bool play_done(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	play->part = WEIR_MOCK_PART_LAST_CHUNK;
	if (play->ask.include_usage && play->step->usage) {
		weir_mock_put_usage(&pen, &play->voice);
		if (!emit(peer, pen.rc))
			return false;
	}
	if (play->step->done)
		PUT(&pen, "data: [DONE]\n\n");
	return emit(peer, pen.rc);
}

static bool play_last_chunk(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	play->part = WEIR_MOCK_PART_EXTRA;
	if (is_cut_at(play, WEIR_MOCK_AT_END))
		play->part = WEIR_MOCK_PART_END;
	else if (play->framing == WEIR_MOCK_FRAMING_CHUNKED)
		PUT(&pen, "0\r\n\r\n");
	if (pen.rc)
		broken(peer);
	return pen.rc == 0;
}

static bool play_extra(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->wire, 0 };

	play->part = WEIR_MOCK_PART_END;
	if (play->step->kind == WEIR_MOCK_EXTRA && play->step->second)
		PUT(&pen, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
			  "content-length: 17\r\n\r\n{\"id\":\"smuggled\"}");
	else if (play->step->kind == WEIR_MOCK_EXTRA)
		PUT(&pen, "EXTRA BYTES\r\n");
	if (pen.rc)
		broken(peer);
	return pen.rc == 0;
}

bool weir_mock_play_part(struct weir_mock_peer *peer)
{
	if (peer->play.filling != WEIR_MOCK_FILL_NONE)
		return play_fill(peer);
	switch (peer->play.part) {
	case WEIR_MOCK_PART_DELAY:
		return play_delay(peer);
	case WEIR_MOCK_PART_HEAD:
		return play_head(peer);
	case WEIR_MOCK_PART_PINGS:
		return play_pings(peer);
	case WEIR_MOCK_PART_WHOLE:
		if (peer->play.step->kind == WEIR_MOCK_HUGE_HEAD)
			return play_huge_head(peer);
		return play_whole(peer);
	case WEIR_MOCK_PART_ROLE:
		return play_role(peer);
	case WEIR_MOCK_PART_TOKEN:
		return play_token(peer);
	case WEIR_MOCK_PART_FINISH:
		return play_finish(peer);
	case WEIR_MOCK_PART_DONE:
		return play_done(peer);
	case WEIR_MOCK_PART_LAST_CHUNK:
		return play_last_chunk(peer);
	case WEIR_MOCK_PART_EXTRA:
		return play_extra(peer);
	case WEIR_MOCK_PART_END:
		break;
	}
	return true;
}

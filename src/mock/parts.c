#include "mock/reply.h"
#include "mock/server.h"

#define PUT WEIR_MOCK_PUT

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
		weir_mock_play_broken(peer);
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
		return weir_mock_play_put_head(peer, WEIR_SLICE("application/json"), length);
	return weir_mock_play_put_head(peer, WEIR_SLICE("text/event-stream; charset=utf-8"),
				       length);
}

static const struct weir_mock_tongue *tongue(const struct weir_mock_play *play)
{
	return weir_mock_tongue(play->ask.route);
}

static void put_end_mark(struct weir_mock_pen *pen, const struct weir_mock_play *play)
{
	if (play->step->done)
		weir_mock_put_text(pen, tongue(play)->end);
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
	weir_mock_put_text(&pen, play->stream ? tongue(play)->ping : "\n");
	return weir_mock_play_emit(peer, pen.rc);
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
		tongue(play)->no_choices(&pen, &play->voice);
		play->part = WEIR_MOCK_PART_DONE;
	} else if (!error_first) {
		tongue(play)->begin(&pen, &play->voice);
	}
	return weir_mock_play_emit(peer, pen.rc);
}

static bool inject_error(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	if (tongue(play)->fail) {
		tongue(play)->fail(&pen, &play->voice, play->step->code, play->step->message);
		play->part = WEIR_MOCK_PART_LAST_CHUNK;
		return weir_mock_play_emit(peer, pen.rc);
	}
	if (play->step->named || tongue(play)->names_errors)
		PUT(&pen, "event: error\n");
	PUT(&pen, "data: ");
	(void)weir_mock_put_error(&pen, play->step, 500, &play->ask, NULL);
	PUT(&pen, "\n\n");
	if (tongue(play)->ends_errors)
		put_end_mark(&pen, play);
	play->part = WEIR_MOCK_PART_LAST_CHUNK;
	return weir_mock_play_emit(peer, pen.rc);
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
		return weir_mock_play_emit(peer, pen.rc);
	}
	return weir_mock_play_bad_chunk(peer);
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
		weir_mock_play_broken(peer);
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
		return weir_mock_play_emit(peer, pen.rc);
	}
	tongue(play)->open_token(&pen, &play->voice, i);
	play->fill = pen.buf->len ? step->bytes : 0;
	if (play->fill)
		play->filling = WEIR_MOCK_FILL_TOKEN;
	else
		tongue(play)->close_token(&pen, &play->voice, i);
	return weir_mock_play_emit(peer, pen.rc);
}

static bool play_finish(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	play->part = WEIR_MOCK_PART_DONE;
	if (!weir_slice_is(play->step->finish, "none"))
		tongue(play)->finish(&pen, &play->voice);
	return weir_mock_play_emit(peer, pen.rc);
}

static bool play_done(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_mock_pen pen = { &peer->mock->payload, 0 };

	play->part = WEIR_MOCK_PART_LAST_CHUNK;
	if (play->ask.include_usage && play->step->usage && tongue(play)->usage) {
		tongue(play)->usage(&pen, &play->voice);
		if (!weir_mock_play_emit(peer, pen.rc))
			return false;
	}
	put_end_mark(&pen, play);
	return weir_mock_play_emit(peer, pen.rc);
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
		weir_mock_play_broken(peer);
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
		weir_mock_play_broken(peer);
	return pen.rc == 0;
}

bool weir_mock_play_part(struct weir_mock_peer *peer)
{
	if (peer->play.filling != WEIR_MOCK_FILL_NONE)
		return weir_mock_play_fill(peer);
	switch (peer->play.part) {
	case WEIR_MOCK_PART_DELAY:
		return play_delay(peer);
	case WEIR_MOCK_PART_HEAD:
		return play_head(peer);
	case WEIR_MOCK_PART_PINGS:
		return play_pings(peer);
	case WEIR_MOCK_PART_WHOLE:
		if (peer->play.step->kind == WEIR_MOCK_HUGE_HEAD)
			return weir_mock_play_huge_head(peer);
		return weir_mock_play_whole(peer);
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

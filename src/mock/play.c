#include "mock/play.h"

#include "base/assert.h"
#include "mock/server.h"

enum {
	POLL_MS = 1,
	RESET_AFTER_MS = 5 /* a reader that finds bytes and a reset at once may see a plain end */
};

static bool may_stream(const struct weir_mock_play *play)
{
	enum weir_mock_kind kind = play->step->kind;

	if (play->ask.route != WEIR_MOCK_CHAT && play->ask.route != WEIR_MOCK_COMPLETIONS &&
	    play->ask.route != WEIR_MOCK_MESSAGES && play->ask.route != WEIR_MOCK_GENERATE &&
	    play->ask.route != WEIR_MOCK_RESPONSES)
		return false;
	if (play->step->text.base || play->step->status != 200)
		return false;
	return kind != WEIR_MOCK_STATUS && kind != WEIR_MOCK_HTML && kind != WEIR_MOCK_ERROR_200 &&
	       kind != WEIR_MOCK_RAW && kind != WEIR_MOCK_HUGE_HEAD;
}

static bool wants_stream(const struct weir_mock_play *play)
{
	if (!may_stream(play) || play->step->form == WEIR_MOCK_AS_JSON)
		return false;
	return play->ask.stream || play->step->form == WEIR_MOCK_AS_STREAM;
}

static enum weir_mock_framing framing_of(const struct weir_mock_play *play)
{
	const struct weir_mock_step *step = play->step;
	bool endless = step->kind == WEIR_MOCK_PINGS && !(play->stream && step->count);

	if (step->kind == WEIR_MOCK_BAD_CHUNK)
		return WEIR_MOCK_FRAMING_CHUNKED;
	if (step->framing != WEIR_MOCK_FRAMING_USUAL && !endless)
		return step->framing;
	if (step->kind == WEIR_MOCK_TRUNCATED)
		return WEIR_MOCK_FRAMING_LENGTH;
	return play->stream || endless || step->chunk_max ? WEIR_MOCK_FRAMING_CHUNKED
							  : WEIR_MOCK_FRAMING_LENGTH;
}

static enum weir_mock_ending ending_of(const struct weir_mock_step *step)
{
	if (step->kind == WEIR_MOCK_TRUNCATED || step->kind == WEIR_MOCK_BAD_CHUNK)
		return WEIR_MOCK_CLOSE;
	if (step->kind == WEIR_MOCK_RAW && !step->keep)
		return WEIR_MOCK_CLOSE;
	return step->ending;
}

/* A body that comes at once takes as long as the stream would have taken. */
static uint64_t delay_of(struct weir_mock_peer *peer)
{
	const struct weir_mock_play *play = &peer->play;
	const struct weir_mock_step *step = play->step;
	uint64_t ms = step->latency_ms;

	if (step->jitter_ms)
		ms += weir_rng_upto(&peer->vendor->rng, step->jitter_ms);
	if (!play->stream && step->kind == WEIR_MOCK_ANSWER && step->status == 200)
		ms += step->ttft_ms + step->gap_us * (play->voice.last - play->voice.first) / 1000;
	return ms;
}

void weir_mock_play_begin(struct weir_mock_peer *peer, struct weir_mock_script *script,
			  const struct weir_mock_step *step)
{
	struct weir_mock_play *play = &peer->play;

	WEIR_ASSERT(!play->script);
	play->script = script;
	play->step = step;
	play->voice = (struct weir_mock_voice){ .vendor = peer->vendor->name,
						.chatter = &peer->mock->chatter,
						.step = step,
						.ask = &play->ask,
						.serial = peer->vendor->serial };
	weir_mock_voice_plan(&play->voice);
	play->part = WEIR_MOCK_PART_DELAY;
	play->stream = wants_stream(play);
	play->framing = framing_of(play);
	play->ending = ending_of(step);
	play->head_done = play->dry = play->injected = play->rested = false;
	play->said = play->pings = play->fill = play->sent = play->length = 0;
	play->filling = WEIR_MOCK_FILL_NONE;
	play->cut_at = UINT64_MAX;
	if (weir_mock_chatter_grow(&peer->mock->chatter, step->utf8, play->voice.last)) {
		weir_conn_close(&peer->conn);
		return;
	}
	play->due_ms = uv_now(peer->mock->loop) + delay_of(peer);
	weir_mock_play_run(peer);
}

void weir_mock_play_stop(struct weir_mock_play *play)
{
	weir_mock_script_unref(play->script);
	play->script = NULL;
}

/* The peer is gone, or we are out of memory: whichever it is, this answer is over. */
static void lose(struct weir_mock_peer *peer)
{
	weir_mock_tally_abort(peer);
	weir_conn_close(&peer->conn);
}

/* One small piece of what waits, and the timer for the next; true when all is out. */
static bool send_piece(struct weir_mock_peer *peer)
{
	const struct weir_mock_step *step = peer->play.step;
	size_t left = peer->pending.len - peer->pending_at;
	struct weir_slice piece;
	uint64_t n;

	if (left == 0)
		return true;
	n = 1 + weir_rng_upto(&peer->vendor->rng, step->split_max - 1);
	piece = weir_slice(peer->pending.base + peer->pending_at, n < left ? (size_t)n : left);
	peer->pending_at += piece.len;
	if (weir_conn_write(&peer->conn, &piece, 1)) {
		lose(peer);
		return false;
	}
	if (peer->pending_at == peer->pending.len) {
		peer->pending_at = 0;
		weir_buf_fini(&peer->pending);
	}
	if (step->drip_ms)
		weir_conn_timer(&peer->conn, step->drip_ms);
	else
		weir_mock_next_turn(peer);
	return false;
}

/* Writes the wire buffer, up to the cut. False: the peer is gone, or must take what there
 * is first; then a timer or a drained queue calls weir_mock_play_run(). */
static bool flush(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	struct weir_buf *wire = &peer->mock->wire;
	struct weir_slice bytes;
	int rc = 0;

	if (wire->len >= play->cut_at - play->sent) {
		wire->len = (size_t)(play->cut_at - play->sent);
		play->part = WEIR_MOCK_PART_END;
		play->filling = WEIR_MOCK_FILL_NONE;
	}
	bytes = weir_buf_slice(wire);
	play->sent += bytes.len;
	if (bytes.len && play->step->split_max)
		rc = weir_buf_append(&peer->pending, bytes.base, bytes.len);
	else if (bytes.len)
		rc = weir_conn_write(&peer->conn, &bytes, 1);
	weir_buf_clear(wire);
	if (rc) {
		lose(peer);
		return false;
	}
	if (bytes.len && play->step->split_max)
		return send_piece(peer);
	return weir_conn_queued(&peer->conn) <= WEIR_CONN_QUEUE_HIGH;
}

bool weir_mock_play_wait(struct weir_mock_peer *peer, uint64_t due_ms)
{
	uint64_t now = uv_now(peer->mock->loop);

	if (now >= due_ms || peer->play.dry)
		return true;
	if (flush(peer) && peer->play.part != WEIR_MOCK_PART_END)
		weir_conn_timer(&peer->conn, due_ms - now);
	else if (!peer->conn.closing && peer->play.part == WEIR_MOCK_PART_END &&
		 peer->pending.len == 0)
		weir_mock_next_turn(peer);
	return false;
}

void weir_mock_play_ending(struct weir_mock_peer *peer, enum weir_mock_ending ending, bool notify)
{
	peer->deaf = true;
	switch (ending) {
	case WEIR_MOCK_WELL:
	case WEIR_MOCK_HANG:
		return;
	case WEIR_MOCK_CLOSE:
		if (notify)
			weir_conn_finish(&peer->conn, WEIR_MOCK_LINGER_MS);
		else
			weir_conn_close(&peer->conn);
		return;
	case WEIR_MOCK_RESET:
		weir_conn_reset(&peer->conn);
		return;
	}
}

/* What the kernel has not taken yet would be lost with a reset. */
static bool must_drain(struct weir_mock_peer *peer)
{
	enum weir_mock_ending ending = peer->play.ending;

	return weir_conn_queued(&peer->conn) &&
	       (ending == WEIR_MOCK_RESET ||
		(ending == WEIR_MOCK_CLOSE && !peer->play.step->notify));
}

/* All bytes are made. False: not all of them are out. */
static bool end(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;
	enum weir_mock_ending ending = play->ending;
	bool keep = play->step->keep && play->framing != WEIR_MOCK_FRAMING_CLOSE;
	bool notify = play->step->notify;

	(void)flush(peer);
	if (peer->conn.closing || peer->pending.len)
		return false;
	if (must_drain(peer)) {
		weir_conn_timer(&peer->conn, POLL_MS);
		return false;
	}
	if (ending == WEIR_MOCK_RESET && play->sent && !play->rested) {
		play->rested = true;
		weir_conn_timer(&peer->conn, RESET_AFTER_MS);
		return false;
	}
	if (ending == WEIR_MOCK_HANG) {
		peer->deaf = true;
		return false;
	}
	weir_conn_timer_stop(&peer->conn);
	weir_mock_tally_over(peer, ending == WEIR_MOCK_WELL);
	weir_mock_play_stop(play);
	if (ending == WEIR_MOCK_WELL)
		weir_mock_peer_answered(peer, keep);
	else
		weir_mock_play_ending(peer, ending, notify);
	return true;
}

void weir_mock_play_run(struct weir_mock_peer *peer)
{
	struct weir_mock_play *play = &peer->play;

	if (play->step->split_max && !send_piece(peer))
		return;
	while (play->script && !peer->conn.closing && !peer->conn.finishing) {
		if (peer->mock->wire.len >= WEIR_MOCK_FLUSH && !flush(peer))
			return;
		if (play->part == WEIR_MOCK_PART_END && play->filling == WEIR_MOCK_FILL_NONE) {
			if (!end(peer))
				return;
		} else if (!weir_mock_play_part(peer)) {
			return;
		}
	}
}

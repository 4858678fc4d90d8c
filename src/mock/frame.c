#include "mock/reply.h"
#include "mock/server.h"

#define PUT WEIR_MOCK_PUT

void weir_mock_play_broken(struct weir_mock_peer *peer)
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
bool weir_mock_play_emit(struct weir_mock_peer *peer, int rc)
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
	weir_mock_play_broken(peer);
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

bool weir_mock_play_put_head(struct weir_mock_peer *peer, struct weir_slice type, uint64_t body_len)
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
		weir_mock_play_broken(peer);
		return false;
	}
	play->head_done = true;
	set_cut(play, play->sent + before, pen.buf->len - before, body_len / 2,
		body_len ? body_len - 1 : 0);
	return true;
}

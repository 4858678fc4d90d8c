/* Plays one step of a script: turns it into bytes, pauses and an end.
 *
 * An answer is a row of parts. Each part appends to the mock's wire buffer or waits for its
 * time; the buffer is written when a part waits, when it is full and at the end. Cutting an
 * answer short is one number, the byte at which it ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mock/answer.h"

struct weir_mock_peer;

enum weir_mock_part {
	WEIR_MOCK_PART_DELAY,
	WEIR_MOCK_PART_HEAD, /* of a stream, or before pings */
	WEIR_MOCK_PART_PINGS,
	WEIR_MOCK_PART_WHOLE, /* a plain body, with its head unless that is out */
	WEIR_MOCK_PART_ROLE,
	WEIR_MOCK_PART_TOKEN,
	WEIR_MOCK_PART_FINISH,
	WEIR_MOCK_PART_DONE,
	WEIR_MOCK_PART_LAST_CHUNK,
	WEIR_MOCK_PART_EXTRA,
	WEIR_MOCK_PART_END, /* all is made: what is left is to write it, and how it ends */
};

/* What stands in for bytes too many to hold: filler, and what comes after it. */
enum weir_mock_fill {
	WEIR_MOCK_FILL_NONE,
	WEIR_MOCK_FILL_HEAD,
	WEIR_MOCK_FILL_TOKEN,
	WEIR_MOCK_FILL_WHOLE,
};

struct weir_mock_play {
	struct weir_mock_script *script; /* a reference; NULL while nothing is played */
	const struct weir_mock_step *step;
	struct weir_mock_ask ask;
	struct weir_mock_voice voice;
	enum weir_mock_part part;
	enum weir_mock_framing framing;
	enum weir_mock_ending ending;
	bool stream;
	bool head_done;
	bool dry;        /* only counts, into length */
	uint64_t due_ms; /* of what comes after the delay: the clock of tokens and pings */
	uint64_t said;   /* content events so far */
	uint64_t pings;
	enum weir_mock_fill filling;
	uint64_t fill;   /* filler bytes still to come */
	uint64_t sent;   /* bytes of the answer, its head included */
	uint64_t cut_at; /* of them: no further byte goes out */
	uint64_t length; /* of the body */
	bool rested;     /* before a reset */
	bool injected;   /* the step's own event or chunk is out */
};

/* Begins to play; the step was taken from its rule, the reference becomes the play's. ask
 * may be zero when the step was taken before the request was read. */
void weir_mock_play_begin(struct weir_mock_peer *peer, struct weir_mock_script *script,
			  const struct weir_mock_step *step);
/* Goes on after a pause or a drained queue. */
void weir_mock_play_run(struct weir_mock_peer *peer);
void weir_mock_play_stop(struct weir_mock_play *play);

/* parts.c: makes the next piece; false: it must wait, and everything so far is written. */
bool weir_mock_play_part(struct weir_mock_peer *peer);
/* play.c: true once the time has come; else writes what there is and sets the timer. */
bool weir_mock_play_wait(struct weir_mock_peer *peer, uint64_t due_ms);

/* frame.c, whole.c: parts of answers. All return false once weir_mock_play_broken() has
 * closed the connection, because there is no memory. */
void weir_mock_play_broken(struct weir_mock_peer *peer);
/* Frames what stands in payload, made with result rc, onto the wire. */
bool weir_mock_play_emit(struct weir_mock_peer *peer, int rc);
bool weir_mock_play_put_head(struct weir_mock_peer *peer, struct weir_slice type,
			     uint64_t body_len);
bool weir_mock_play_whole(struct weir_mock_peer *peer);
bool weir_mock_play_huge_head(struct weir_mock_peer *peer);
bool weir_mock_play_fill(struct weir_mock_peer *peer);
bool weir_mock_play_bad_chunk(struct weir_mock_peer *peer);

/* How a connection ends that does not end well; hang: silence. */
void weir_mock_play_ending(struct weir_mock_peer *peer, enum weir_mock_ending ending, bool notify);

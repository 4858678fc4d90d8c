/* An answer in nobody's dialect, piece by piece: one dialect hears it, another tells it.
 *
 * Texts are the insides of JSON strings, as they stood in the provider's answer: they go into
 * the caller's without being decoded. */
#pragma once

#include "base/buf.h"
#include "dialect/pen.h"
#include "dialect/usage.h"
#include "policy/classify.h"

enum {
	WEIR_BLOCKS_MAX = 256, /* of an answer, as far as calls among them are told apart */
	WEIR_ID_MAX = 256,     /* of an answer's id and model; longer ones are not told */
	WEIR_ANSWER_TEXT_MAX = 8 * 1024 * 1024
};

enum weir_piece_type {
	WEIR_PIECE_START, /* id, name: the model's */
	WEIR_PIECE_TEXT,
	WEIR_PIECE_REASONING,
	WEIR_PIECE_REFUSAL,
	WEIR_PIECE_CALL,      /* id, name; its number */
	WEIR_PIECE_ARGUMENTS, /* more of that call's, a JSON text as a string's inside */
	WEIR_PIECE_FINISH,
	WEIR_PIECE_USAGE, /* all that is known so far */
	WEIR_PIECE_PING,
	WEIR_PIECE_END
};

enum weir_finish {
	WEIR_FINISH_STOP,
	WEIR_FINISH_SEQUENCE, /* text: which, "" when not known */
	WEIR_FINISH_LENGTH,
	WEIR_FINISH_CALLS,
	WEIR_FINISH_FILTER
};

/* By which it was served. */
enum weir_tier { WEIR_TIER_UNKNOWN, WEIR_TIER_DEFAULT, WEIR_TIER_PRIORITY };

struct weir_piece {
	enum weir_piece_type type;
	struct weir_slice text, id, name;
	unsigned call;
	enum weir_finish finish;
	struct weir_usage usage;
	enum weir_tier tier; /* USAGE */
};

/* How far a call's arguments are: JSON. */
struct weir_arguments {
	bool any, string, escaped;
	unsigned depth;
};

/* Goes on with more of them, the inside of a string. */
void weir_arguments_follow(struct weir_arguments *arguments, struct weir_slice text);

static inline bool weir_arguments_complete(const struct weir_arguments *arguments)
{
	return arguments->any && !arguments->depth;
}

/* An answer being read. All fields but the first three are private. */
struct weir_hearing {
	void (*on_piece)(void *arg, const struct weir_piece *piece);
	void *arg;
	int rc; /* WEIR_ENOMEM, WEIR_ELIMIT: what came is not all told */
	unsigned calls_n;
	unsigned short calls[WEIR_BLOCKS_MAX]; /* of a block: its call's number and one */
	bool quiet;                            /* the open call has no arguments so far… */
	struct weir_buf input;                 /* …but for these */
	struct weir_buf scratch;
	/* Of a call: hashes, and how far it is, to tell it from the next. */
	uint32_t ids[WEIR_BLOCKS_MAX], names[WEIR_BLOCKS_MAX];
	struct weir_arguments arguments[WEIR_BLOCKS_MAX];
	unsigned last;      /* the block that was spoken of last */
	unsigned nameless;  /* the block of a call whose name is not known yet… */
	struct weir_buf id; /* …and its id; its arguments are in input */
	bool started;
	struct weir_usage usage;
	uint64_t fresh; /* of usage.in: neither cached nor written */
};

void weir_hearing_init(struct weir_hearing *hearing,
		       void (*on_piece)(void *arg, const struct weir_piece *piece), void *arg);
void weir_hearing_fini(struct weir_hearing *hearing);
void weir_hearing_say(struct weir_hearing *hearing, const struct weir_piece *piece);
/* Nothing of an empty one. */
void weir_hearing_say_text(struct weir_hearing *hearing, enum weir_piece_type type,
			   struct weir_slice text);
/* Appends raw JSON to out as the inside of a string. */
void weir_hearing_quote(struct weir_hearing *hearing, struct weir_slice json, struct weir_buf *out);

/* An answer being written: as events, or as one body at its end. */
struct weir_telling {
	struct weir_pen pen; /* where it goes */
	bool stream;
	bool usage_wanted; /* by an event of its own */
	uint64_t created_s;
	/* Private. */
	bool begun, usage_known;
	struct weir_buf id, model;
	enum weir_finish finish;
	struct weir_usage usage;
	enum weir_tier tier;
	unsigned calls_n;
	struct weir_buf text, reasoning, refusal, calls;
	/* Blocks, one after the other: */
	enum weir_piece_type open; /* TEXT, CALL, or END: none */
	unsigned blocks_n, call;
	struct weir_arguments arguments; /* of the open call */
};

void weir_telling_init(struct weir_telling *telling, bool stream, bool usage_wanted);
void weir_telling_fini(struct weir_telling *telling);
/* For the end of a whole answer. */
void weir_telling_keep(struct weir_telling *telling, struct weir_buf *buf, struct weir_slice text);
/* Once; one that does not fit is told as none: half an escape would be worse. */
void weir_telling_keep_name(struct weir_telling *telling, struct weir_buf *buf,
			    struct weir_slice text);

/* What a provider refused, for a caller of another dialect. */
struct weir_refusal {
	unsigned status;
	struct weir_slice message;
	struct weir_verdict verdict;
};

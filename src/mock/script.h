/* Scripts: what a simulated provider does, request by request.
 *
 *	script = step { "," step }            the last step repeats for ever
 *	step   = [ word [ "@" point ] ] { ";" name [ "=" value ] } [ "*" times ]
 *
 *	503*2,429;retry-after=5,200;latency=20ms;tokens=40
 *	reset@half,200;tps=50;chance=90%
 *
 * Without a word a step is "200". Text values are percent-decoded, so that %2C, %3B and
 * %2A stand for the script's own signs. Words and parameters: weir_mock_script_help(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum {
	WEIR_MOCK_STEPS_MAX = 256,
	WEIR_MOCK_SCRIPT_MAX = 64 * 1024, /* bytes of text */
	WEIR_MOCK_HEADERS_MAX = 6,        /* header= parameters of a step */
	WEIR_MOCK_TOKENS_MAX = 100 * 1000,
	WEIR_MOCK_OVERLAP = 3
};

enum weir_mock_kind {
	WEIR_MOCK_ANSWER, /* a good answer, streamed when the caller asked for it */
	WEIR_MOCK_STATUS, /* an error of step->status, by sample */
	WEIR_MOCK_BAD_JSON,
	WEIR_MOCK_HTML,
	WEIR_MOCK_ERROR_200,
	WEIR_MOCK_ERROR_EVENT,
	WEIR_MOCK_BAD_EVENT,
	WEIR_MOCK_BAD_CHUNK,
	WEIR_MOCK_EMPTY,
	WEIR_MOCK_NO_CHOICES,
	WEIR_MOCK_TRUNCATED,
	WEIR_MOCK_PINGS,
	WEIR_MOCK_HUGE_HEAD,
	WEIR_MOCK_EXTRA,
	WEIR_MOCK_RAW,
	WEIR_MOCK_REFUSE,
	WEIR_MOCK_BLACKHOLE
};

/* How an answer ends that does not end well. */
enum weir_mock_ending {
	WEIR_MOCK_WELL,
	WEIR_MOCK_HANG,  /* silence, the connection stays */
	WEIR_MOCK_CLOSE, /* FIN */
	WEIR_MOCK_RESET  /* RST */
};

/* And where. */
enum weir_mock_point {
	WEIR_MOCK_AT_ACCEPT,
	WEIR_MOCK_AT_HEAD,    /* the request's head was read */
	WEIR_MOCK_AT_BODY,    /* all of the request was read */
	WEIR_MOCK_AT_STATUS,  /* in the middle of the answer's head */
	WEIR_MOCK_AT_HEADERS, /* after the answer's head */
	WEIR_MOCK_AT_ROLE,    /* after a stream's first event, which has no content */
	WEIR_MOCK_AT_TOKEN,   /* after `after` content events; the half of a plain body */
	WEIR_MOCK_AT_HALF,    /* the half of the body; of a stream: of its tokens */
	WEIR_MOCK_AT_END,     /* all but the last chunk's end, or the last body byte */
	WEIR_MOCK_AT_BYTE,    /* after `after` bytes of the answer, head included */
	WEIR_MOCK_AT_N
};

enum weir_mock_framing {
	WEIR_MOCK_FRAMING_USUAL, /* length for a body, chunks for a stream */
	WEIR_MOCK_FRAMING_LENGTH,
	WEIR_MOCK_FRAMING_CHUNKED,
	WEIR_MOCK_FRAMING_CLOSE /* the connection's end is the body's */
};

/* What an answer does that is asked to go on with another, of which it knows n tokens. */
enum weir_mock_resume {
	WEIR_MOCK_RESUME_ON,      /* goes on with token n */
	WEIR_MOCK_RESUME_OVERLAP, /* says the last WEIR_MOCK_OVERLAP of them once more */
	WEIR_MOCK_RESUME_RESTART, /* says all of it once more */
	WEIR_MOCK_RESUME_OTHER,   /* says something that fits nowhere */
	WEIR_MOCK_RESUME_OFF,     /* answers as if nothing had been said */
	WEIR_MOCK_RESUME_REFUSE   /* goes on, but never from an assistant's last message */
};

enum weir_mock_form { WEIR_MOCK_AS_ASKED, WEIR_MOCK_AS_JSON, WEIR_MOCK_AS_STREAM };

/* Texts point into the script; base NULL when not given. */
struct weir_mock_step {
	enum weir_mock_kind kind;
	enum weir_mock_ending ending;
	enum weir_mock_point point;
	enum weir_mock_framing framing;
	enum weir_mock_form form;
	enum weir_mock_resume resume;
	const char *word; /* as in the table: names an error's sample */
	unsigned status;
	uint64_t times;
	uint64_t chance_ppm; /* of being played; else the script's plain step of that place */
	uint64_t every;      /* of its turns, so many to one that is played; 0, 1: each */

	uint64_t latency_ms;
	uint64_t jitter_ms; /* on latency: 0 to this, evenly */
	uint64_t ttft_ms;   /* from the head to the first content event */
	uint64_t gap_us;    /* between content events, or pings */
	uint64_t tokens;
	uint64_t bytes; /* size of one token, of a huge head; 0: as it comes */
	uint64_t after;
	uint64_t for_ms;    /* refuse, blackhole; 0: until the script changes */
	uint64_t count;     /* pings before the answer; 0: for ever */
	uint64_t by;        /* truncated: bytes claimed and not sent */
	uint64_t chunk_max; /* chunks of 1 to this many bytes, cut anywhere */
	uint64_t split_max; /* written in pieces of 1 to this many bytes */
	uint64_t drip_ms;   /* between those pieces; 0: one per turn of the loop */
	uint64_t info;      /* 1xx sent first */
	uint64_t info_n;
	uint64_t notify; /* 0: FIN without TLS close_notify */
	uint64_t clean;  /* a cut stream's chunks end properly */
	uint64_t early;  /* answers at the request's head */
	uint64_t keep;   /* the connection lives on after it */
	uint64_t done;   /* data: [DONE] */
	uint64_t usage;
	uint64_t named;  /* error events carry "event: error" */
	uint64_t second; /* extra: a whole second response */
	uint64_t utf8;   /* tokens of several-byte characters */
	uint64_t tools;  /* answers with so many tool calls */
	uint64_t minor;  /* HTTP/1.minor */

	struct weir_slice retry_after;
	struct weir_slice shape;
	struct weir_slice message;
	struct weir_slice code;
	struct weir_slice type;
	struct weir_slice param;
	struct weir_slice finish;
	struct weir_slice content_type;
	struct weir_slice encoding;
	struct weir_slice text;
	struct weir_slice say;
	struct weir_slice headers[WEIR_MOCK_HEADERS_MAX]; /* "name:value" */
	unsigned headers_n;
};

/* Shared by the rule that plays it and the answers under way; freed with the last. */
struct weir_mock_script {
	unsigned refs;
	unsigned steps_n;
	char *text;   /* what the steps' slices point into */
	char *source; /* as it was written, for /mock/stats */
	struct weir_mock_step *steps;
	struct weir_mock_step *plain; /* each step as a good answer, of the same pace */
};

/* NULL and a sentence that names the step, or WEIR_ENOMEM. Empty text: "200". */
WEIR_MUST_CHECK struct weir_mock_script *weir_mock_script_parse(struct weir_slice text,
								struct weir_error *err);
struct weir_mock_script *weir_mock_script_ref(struct weir_mock_script *script);
void weir_mock_script_unref(struct weir_mock_script *script); /* NULL is fine */

/* Must the step be taken before the model is known (only a vendor's script may)? */
bool weir_mock_step_is_early(const struct weir_mock_step *step);

/* All words and parameters, one line each. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_mock_script_help(struct weir_buf *buf);

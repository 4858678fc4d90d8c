/* Goes on with a stream that was cut, from what the caller has already been shown: keeps
 * that text, and finds where another target's answer leaves it. A byte machine: what it
 * decides depends on the bytes alone, not on how they are cut into pieces.
 *
 * The other target may go on exactly there, repeat the last words first, or begin its
 * answer again; what both have in common is skipped. Anything else is a mismatch: nothing
 * of it may be shown. */
#pragma once

#include "dialect/dialect.h"

enum {
	WEIR_SEAM_TEXT_MAX = 256 * 1024, /* shown, and to be gone on from */
	WEIR_SEAM_BACK_MAX = 4096,       /* of its end: where a repetition may begin */
	WEIR_SEAM_BLANK_MAX = 256,       /* white space before the first word */
	WEIR_SEAM_ID_MAX = 256
};

enum weir_seam_state {
	WEIR_SEAM_UNDECIDED, /* held, or nothing new yet */
	WEIR_SEAM_GOES_ON,   /* the rest is new */
	WEIR_SEAM_MISMATCH,
	WEIR_SEAM_NO_MEMORY
};

/* Private: what the next byte of the other answer is for. */
enum weir_seam_phase {
	WEIR_SEAM_NOTING,   /* there is no other answer */
	WEIR_SEAM_MATCHING, /* it may still repeat something */
	WEIR_SEAM_JUDGING,  /* it repeats nothing: is that believable? */
	WEIR_SEAM_JOINING,  /* what it repeated is skipped: blanks are not doubled */
	WEIR_SEAM_OPEN,
	WEIR_SEAM_CLOSED /* a mismatch */
};

/* One for a request, used by one exchange at a time. All fields are private. */
struct weir_seam {
	struct weir_buf text; /* shown */
	struct weir_buf id;   /* of the first stream, with its quotes */
	bool refused;         /* something was shown that no text can go on from */
	bool finished;        /* a finish reason was shown */
	bool reasoning;       /* the last thing shown was reasoning */
	enum weir_seam_phase phase;
	bool prefill;
	bool again;           /* it did begin again, and left the text before its end */
	size_t begin, end;    /* of the text, without the white space around it */
	struct weir_buf held; /* the other answer's bytes */
	size_t from;          /* of them: what is new begins here */
	size_t blank;         /* leading white space among them */
	size_t at, n;         /* its first n bytes behind that are as the text at `at` */
};

/* No allocation until something is noted. */
void weir_seam_init(struct weir_seam *seam);
void weir_seam_fini(struct weir_seam *seam);

/* An event was shown. Failing for lack of memory only means that it cannot be gone on. */
void weir_seam_note(struct weir_seam *seam, const struct weir_delta *delta);

/* Could another target go on? Not inside a tool call or reasoning, not past the text's
 * bound, not once it was finished, and not before there was a word. */
bool weir_seam_can_resume(const struct weir_seam *seam);

/* What was shown, for the other target's prompt. Valid until more is noted. */
struct weir_slice weir_seam_text(const struct weir_seam *seam);

/* The first stream's id as it stood in JSON, "" when none. */
struct weir_slice weir_seam_id(const struct weir_seam *seam);

/* Another target is asked to go on, because it can_resume. prefill: it takes the text for
 * the beginning of its own message, and gets it without the white space at its end; else a
 * turn asks it to go on. Anew for each target. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_seam_begin(struct weir_seam *seam, bool prefill);

/* Has _begin been called: is what comes another target's? */
bool weir_seam_resumes(const struct weir_seam *seam);

/* Its next text. GOES_ON: *out is what is new of it, in the seam's memory or in text; once
 * it is shown it is to be noted. */
enum weir_seam_state weir_seam_feed(struct weir_seam *seam, struct weir_slice text,
				    struct weir_slice *out);
/* Its text is over: GOES_ON, *out may be empty; or MISMATCH. */
enum weir_seam_state weir_seam_end(struct weir_seam *seam, struct weir_slice *out);

/* A request for a target that speaks the caller's own dialect, changed to what it takes. The
 * body stays as it came but for a list of cuts: what is not cut is sent byte for byte. */
#pragma once

#include "dialect/chat.h"
#include "dialect/lessons.h"

enum { WEIR_ADAPT_DROPS_MAX = 48, WEIR_CUTS_MAX = 64 * 1024 };

/* A piece of the body, and what is sent instead. */
struct weir_cut {
	struct weir_slice at, by;
};

/* Points into the body and into itself: must stay where it is. */
struct weir_adapted {
	struct weir_slice drops[WEIR_ADAPT_DROPS_MAX]; /* keys of the body, raw */
	unsigned drops_n;
	struct weir_cut *cuts; /* in their order in the body */
	unsigned cuts_n, cuts_cap;
	const char *added; /* a member more, "\"a\":1"; NULL: none */
	struct weir_drops told;
	char text[192]; /* of what is sent instead */
	size_t text_n;
	int rc; /* WEIR_ENOMEM or WEIR_ELIMIT: it is not whole */
};

/* For whom. Lists are joined by commas; NULL: none. */
struct weir_adapt_to {
	const struct weir_model_facts *facts;
	const struct weir_lessons *lessons;
	const char *strip;  /* what its vendor refuses, as struct weir_vendor has it */
	const char *rename; /* likewise */
	bool developer;     /* it knows that role */
};

struct weir_adapting {
	const struct weir_json_member *members; /* top-level */
	unsigned members_n;
	const struct weir_adapt_to *to;
	struct weir_adapted *out;
	const char *also; /* one more path that is refused; NULL: none */
	bool thinks;      /* this request makes it think */
	bool renames;     /* a role of it is not known there */
};

/* members: the body's, with the overrides of a fallback; only fields: of no chat. */
void weir_adapt(struct weir_adapted *out, const struct weir_json_member *members, unsigned n,
		const struct weir_adapt_to *to, void (*chat)(struct weir_adapting *a));
void weir_adapted_fini(struct weir_adapted *adapted);
bool weir_adapted_any(const struct weir_adapted *adapted);

/* For the dialects. NULL: there is none, or it is dropped. */
const struct weir_json_member *weir_adapt_find(const struct weir_adapting *a, const char *name);
/* Drops what is refused, at any depth. */
void weir_adapt_fields(struct weir_adapting *a);
bool weir_adapt_refuses(const struct weir_adapting *a, struct weir_slice path);
void weir_adapt_drop(struct weir_adapting *a, const struct weir_json_member *m);
void weir_adapt_tell(struct weir_adapting *a, const char *name);
/* by must stay; see weir_adapt_text(). */
void weir_adapt_cut(struct weir_adapting *a, struct weir_slice at, struct weir_slice by);
/* A copy that stays, of a short text. */
WEIR_PRINTF(2, 3)
struct weir_slice weir_adapt_text(struct weir_adapting *a, const char *format, ...);
/* The limit of an answer's tokens: its one name, and no more than it answers. */
void weir_adapt_limit(struct weir_adapting *a, const struct weir_json_member *m);

/* The elements of an array, or the members of an object, one after the other; any of them can
 * be cut out with the comma that joined it. */
struct weir_adapt_row {
	struct weir_adapting *a;
	struct weir_json_cursor cursor;
	struct weir_json_member now, next;
	bool has_next, kept, dropped;
	size_t end; /* of the one before */
};

void weir_adapt_row(struct weir_adapt_row *row, struct weir_adapting *a, struct weir_slice text);
bool weir_adapt_next(struct weir_adapt_row *row);
void weir_adapt_row_drop(struct weir_adapt_row *row);

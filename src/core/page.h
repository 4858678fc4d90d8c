/* What weir answers itself, without any provider: health, models, metrics, status. */
#pragma once

#include "core/gateway.h"

struct weir_page_answer {
	unsigned status;
	const char *content_type;
	bool open_metrics;                /* of counters, the caller would rather have these */
	const struct weir_config *config; /* that was in force when it asked */
	const struct weir_caller *caller; /* of that; NULL: nobody that is known */
	struct weir_slice fields;         /* finished header lines, static */
	struct weir_buf body;
};

enum weir_page_guard {
	WEIR_PAGE_KEYED,
	WEIR_PAGE_BARE, /* nothing that weir knows is in it: no key is needed */
	WEIR_PAGE_OPEN  /* nor does it matter by which name it is asked for */
};

struct weir_page {
	const char *method; /* "GET" (HEAD comes with it), "POST": it changes something, or
	                       "HEAD": there is nothing to see */
	const char *path;   /* exact, or a prefix when it ends in '/' and is not "/" */
	bool admin;         /* which listener */
	enum weir_page_guard guard;
	/* rest: what follows the prefix, raw. 0, WEIR_ENOMEM. NULL: it is a stream. */
	int (*answer)(struct weir_gateway *gateway, struct weir_slice rest,
		      struct weir_page_answer *answer);
	/* Answers with a stream of events; false: there are too many readers. NULL: it is none. */
	bool (*join)(struct weir_gateway *gateway, struct weir_client *client);
};

/* The page for a path, NULL when there is none. *allowed lists the methods when only the
 * method is wrong. */
const struct weir_page *weir_page_find(bool admin, struct weir_slice method, struct weir_slice path,
				       struct weir_slice *rest, const char **allowed);

/* From an Accept field: does it ask for OpenMetrics 1.0, at least as much as for plain text? */
bool weir_page_wants_open_metrics(struct weir_slice accept);

/* Undoes %XX. Only to compare with a configured name; the result is never used as a path. */
WEIR_MUST_CHECK int weir_page_decode(struct weir_slice text, struct weir_buf *out);

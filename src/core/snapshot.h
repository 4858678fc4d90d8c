/* One configuration in use, with all that was made from it. A request goes by the one it began
 * with until its end; a reload puts another in its place for those that begin later. */
#pragma once

#include "config/board.h"
#include "core/callers.h"
#include "core/metrics.h"
#include "net/pool.h"

struct weir_gateway;

struct weir_snapshot {
	unsigned references;
	unsigned generation; /* from 1 */
	struct weir_gateway *gateway;
	struct weir_config *config;
	struct weir_board *board; /* what is known of the targets; shared with the one before */
	struct weir_ledger *ledger;
	struct weir_books **books;        /* one per caller, by index */
	struct weir_origin **origins;     /* one per provider, by index */
	struct weir_tls_config **trusts;  /* likewise; NULL where there is no TLS */
	struct weir_tls_config *identity; /* for callers; NULL: they come without TLS */
	struct weir_prefix *prefixes;     /* WEIR_PREFIXES_EACH per target, by index */
	unsigned prefixed_n;              /* of the targets: those a request made have none */
};

/* Takes the reference to config, also on failure. before: the one it is to follow, or NULL; not
 * to be used before weir_snapshot_settle(). 0, or negative and why. */
WEIR_MUST_CHECK int weir_snapshot_create(struct weir_snapshot **snapshot,
					 struct weir_gateway *gateway, struct weir_config *config,
					 const struct weir_snapshot *before,
					 struct weir_error *err);
/* It is in force from now on. Cannot fail. */
void weir_snapshot_settle(struct weir_snapshot *snapshot, const struct weir_snapshot *before);
/* Opens no more connections that nobody needs yet. */
void weir_snapshot_cool(const struct weir_snapshot *snapshot);
/* The pool ends before the last snapshot does. */
void weir_snapshot_leave_pool(struct weir_snapshot *snapshot);
/* NULL: it has none. */
struct weir_prefix *weir_snapshot_prefixes(const struct weir_snapshot *snapshot,
					   const struct weir_target *target);
struct weir_snapshot *weir_snapshot_ref(struct weir_snapshot *snapshot);
void weir_snapshot_unref(struct weir_snapshot *snapshot); /* NULL is fine */

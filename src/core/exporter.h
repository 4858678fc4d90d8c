/* Sends spans to an OTLP collector over HTTP: gathered, in batches, one on its way at a time, all
 * of it bounded. What cannot be sent is dropped and counted; no request ever waits for it. */
#pragma once

#include <uv.h>

#include "config/otel.h"
#include "net/pool.h"

enum {
	WEIR_EXPORTER_PENDING_BYTES_MAX = 8 * 1024 * 1024,
	WEIR_EXPORTER_BATCH_BYTES = 1024 * 1024, /* a batch ends once it has so many */
	WEIR_EXPORTER_ANSWER_MAX = 64 * 1024,    /* of a collector's, kept; the rest is not read */
	WEIR_EXPORTER_PAUSE_MS = 1000,           /* before the second try, doubled… */
	WEIR_EXPORTER_PAUSE_MAX_MS = 8 * 1000,   /* …up to this */
	WEIR_EXPORTER_RETRY_AFTER_MAX_MS = 60 * 1000,
	WEIR_EXPORTER_FLUSH_MS = 5 * 1000 /* for what is left when weir drains */
};

struct weir_gateway;
struct weir_exporter;

struct weir_span_counts {
	uint64_t exported, dropped;
};

/* otel is on, and is taken over, also on failure. 0; or negative and why: nothing was made. */
WEIR_MUST_CHECK int weir_exporter_create(struct weir_exporter **exporter,
					 struct weir_gateway *gateway, struct weir_otel *otel,
					 struct weir_error *err);
/* Ends what is on its way. on_closed comes once its handles are closed, and it is freed. */
void weir_exporter_close(struct weir_exporter *exporter,
			 void (*on_closed)(struct weir_gateway *gateway));

const struct weir_otel *weir_exporter_otel(const struct weir_exporter *exporter);

/* Where the next span is to be written, as one line without its end; NULL: there is no room, and
 * it is counted as dropped. weir_exporter_took() follows at once; rc: did it go well? */
struct weir_buf *weir_exporter_room(struct weir_exporter *exporter);
void weir_exporter_took(struct weir_exporter *exporter, int rc);

/* No more requests will come: what is there goes out now, each batch tried once, for at most
 * WEIR_EXPORTER_FLUSH_MS. weir_gateway_settle() is called when that is over. Idempotent. */
void weir_exporter_flush(struct weir_exporter *exporter);
/* NULL: has nothing to do. */
bool weir_exporter_is_flushed(const struct weir_exporter *exporter);

struct weir_span_counts weir_exporter_counts(const struct weir_exporter *exporter); /* NULL: 0 */

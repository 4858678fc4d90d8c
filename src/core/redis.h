/* One connection to Redis or Valkey, opened again with back-off for as long as it is wanted.
 * Commands go out in rounds, one at a time; nobody waits for one, and one that is not answered in
 * time is the connection's end. */
#pragma once

#include "config/config.h"
#include "net/pool.h"
#include "wire/resp.h"

enum {
	WEIR_REDIS_ROUND_MS = 1000,   /* for all replies of a round */
	WEIR_REDIS_CONNECT_MS = 3000, /* name, TCP and TLS */
	WEIR_REDIS_AGAIN_MS = 100,    /* before the next try, doubled up to */
	WEIR_REDIS_AGAIN_MAX_MS = 3000
};

struct weir_gateway;
struct weir_redis;

struct weir_redis_events {
	/* Of the nth reply of the round: itself (place -1), or one of its places. */
	void (*on_value)(struct weir_redis *redis, unsigned reply, int place,
			 const struct weir_resp_value *value);
	/* All replies are there; another round may begin. */
	void (*on_round)(struct weir_redis *redis);
	/* It is no more, or could not be; nothing of the round is known. why: for the log. */
	void (*on_failed)(struct weir_redis *redis, const char *why);
};

enum weir_redis_phase { WEIR_REDIS_OFF, WEIR_REDIS_OPENING, WEIR_REDIS_IDLE, WEIR_REDIS_ASKING };

/* Embedded in its owner. */
struct weir_redis {
	struct weir_gateway *gateway;
	const struct weir_state_at *state; /* where it is; of a configuration that outlives this */
	const struct weir_redis_events *events;
	struct weir_tls_config *trust;
	struct weir_origin *origin;
	enum weir_redis_phase phase;
	struct weir_lease lease;
	struct weir_resp *resp;
	uint64_t since_ms;         /* of the phase */
	uint64_t again_ms;         /* OFF: not before */
	unsigned failures;         /* in a row */
	unsigned greetings;        /* replies to who we are: they come first */
	unsigned replies, replied; /* of the round */
	bool refused;              /* a reply was an error */
	char why[64];
};

/* 0; or negative and why: nothing was made. */
WEIR_MUST_CHECK int weir_redis_init(struct weir_redis *redis, struct weir_gateway *gateway,
				    const struct weir_state_at *state,
				    const struct weir_redis_events *events, struct weir_error *err);
void weir_redis_fini(struct weir_redis *redis); /* it is off */

/* Now and then: opens it when it is time to, and ends what has taken too long. */
void weir_redis_tick(struct weir_redis *redis);
/* IDLE: these commands, which have so many replies. A failure is told by on_failed. */
void weir_redis_ask(struct weir_redis *redis, struct weir_slice commands, unsigned replies);
/* In on_value: this is no answer to what was asked. */
void weir_redis_refuse(struct weir_redis *redis);
/* It is not wanted any more; nothing is told. */
void weir_redis_close(struct weir_redis *redis);

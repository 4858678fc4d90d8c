/* The parts of a mock, and what its files do for each other. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/list.h"
#include "base/rng.h"
#include "mock/answer.h"
#include "mock/mock.h"
#include "mock/play.h"
#include "mock/script.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/throwaway.h"
#include "net/tls.h"
#include "wire/http_read.h"

enum {
	WEIR_MOCK_AHEAD_MAX = 64 * 1024,       /* pipelined bytes kept during an answer */
	WEIR_MOCK_FLUSH = 64 * 1024,           /* answers are written in pieces of about this */
	WEIR_MOCK_WIRE_MAX = 16 * 1024 * 1024, /* an answer's piece made at once */
	WEIR_MOCK_LINGER_MS = 1000
};

/* A script and how far it is played. */
struct weir_mock_rule {
	struct weir_list node;
	char *model; /* NULL: any */
	char *key;   /* NULL: any */
	struct weir_mock_script *script;
	unsigned at;     /* step that comes next */
	uint64_t played; /* of its times */
	uint64_t hits;   /* requests it was for, since the last reset */
};

/* Counters of a model or a whole vendor, and what was asked last. */
struct weir_mock_tally {
	struct weir_mock_stats stats;
	char *model;          /* NULL: the vendor's sum */
	struct weir_buf head; /* method, target and fields of last */
	struct weir_buf body;
	struct weir_mock_request last; /* method base NULL: none yet */
};

enum weir_mock_mode { WEIR_MOCK_LISTENING, WEIR_MOCK_REFUSING, WEIR_MOCK_HOLE };

enum weir_mock_tls_kind {
	WEIR_MOCK_TLS_NONE,
	WEIR_MOCK_TLS_PLAIN,  /* plaintext where TLS is expected */
	WEIR_MOCK_TLS_BROKEN, /* ends the handshake as tls_ending says */
	WEIR_MOCK_TLS_WELL
};

struct weir_mock_vendor {
	struct weir_mock *mock;
	char *name;
	char url[WEIR_LISTEN_TEXT_MAX + 16];
	char address[WEIR_LISTEN_TEXT_MAX]; /* as bound */
	unsigned port;
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
	} bound;
	enum weir_mock_mode mode;
	struct weir_listener *listener; /* NULL while not listening */
	int hold_fd;                    /* keeps the port meanwhile; -1: none */
	int filler_fd;                  /* fills the hole's queue */
	uv_timer_t timer;               /* the mode's end */
	struct weir_mock_rule rule;     /* for what no other rule is for */
	struct weir_list rules;
	unsigned rules_n;
	unsigned keys_n; /* rules for a key */
	struct weir_mock_tally sum;
	struct weir_mock_tally *models[WEIR_MOCK_MODELS_MAX];
	unsigned models_n;
	const struct weir_mock_tally *latest; /* whose last request is the vendor's */
	struct weir_list peers;
	struct weir_rng rng;
	uint64_t serial;
	enum weir_mock_tls_kind tls_kind;
	enum weir_mock_ending tls_ending;
	uint64_t tls_after; /* bytes */
	struct weir_tls_config *tls;
};

struct weir_mock {
	uv_loop_t *loop;
	uint64_t seed;
	struct weir_net net;
	struct weir_mock_vendor *vendors[WEIR_MOCK_VENDORS_MAX];
	unsigned vendors_n;
	struct weir_listener *control;
	char control_url[WEIR_LISTEN_TEXT_MAX + 16];
	struct weir_list control_peers;
	struct weir_mock_peer *spare; /* for the next connection when there is no memory */
	struct weir_mock_chatter chatter;
	struct weir_buf payload;      /* a body's piece being made; empty between callbacks */
	struct weir_buf wire;         /* the same, framed */
	struct weir_throwaway_ca *ca; /* NULL until somebody needs it */
	struct weir_list turns;       /* peers that go on in the next turn of the loop */
	uv_idle_t turn;               /* runs while there are any; closing waits for it */
	unsigned open_n;              /* handles and connections not yet closed */
	bool closing;
	void (*on_closed)(void *arg);
	void *arg;
};

enum weir_mock_phase {
	WEIR_MOCK_IDLE,      /* between requests */
	WEIR_MOCK_RECEIVING, /* a request has begun */
	WEIR_MOCK_ANSWERING, /* its step is being played */
};

/* One connection of a caller. */
struct weir_mock_peer {
	struct weir_conn conn;
	struct weir_mock *mock;
	struct weir_list turn;
	struct weir_mock_vendor *vendor; /* NULL: the control listener's */
	struct weir_mock_tally *tally;   /* of the request's model; NULL: only the vendor's */
	enum weir_mock_phase phase;
	bool deaf;       /* what comes in is dropped */
	bool keep_alive; /* as the caller wants it */
	uint64_t begun_ns;
	struct weir_http_reader reader;
	struct weir_buf body;
	struct weir_buf ahead;
	struct weir_buf pending; /* an answer's bytes that are written in small pieces */
	size_t pending_at;
	struct weir_mock_play play;
	struct weir_tls_session *bait; /* a handshake that will break */
};

/* rules.c */
WEIR_MUST_CHECK int weir_mock_rules_set(struct weir_mock_vendor *vendor, struct weir_slice model,
					struct weir_slice key, struct weir_slice script,
					struct weir_error *err);
void weir_mock_rules_rewind(struct weir_mock_vendor *vendor);
void weir_mock_rules_fini(struct weir_mock_vendor *vendor);
struct weir_mock_rule *weir_mock_rules_find(struct weir_mock_vendor *vendor,
					    struct weir_slice model, struct weir_slice key);
const struct weir_mock_step *weir_mock_rule_peek(const struct weir_mock_rule *rule);
/* Takes the next step; the caller gets a reference to its script. */
const struct weir_mock_step *weir_mock_rule_take(struct weir_mock_rule *rule, struct weir_rng *rng,
						 struct weir_mock_script **script);

/* vendor.c */
WEIR_MUST_CHECK int weir_mock_vendor_open(struct weir_mock_vendor *vendor, const char *listen,
					  struct weir_error *err);
/* Listens, refuses or swallows as the vendor's next step wants it. */
void weir_mock_vendor_settle(struct weir_mock_vendor *vendor);
void weir_mock_vendor_close(struct weir_mock_vendor *vendor);

/* tally.c */
struct weir_mock_tally *weir_mock_tally_of(struct weir_mock_vendor *vendor,
					   struct weir_slice model);
void weir_mock_tally_record(struct weir_mock_peer *peer);
void weir_mock_tally_hit(struct weir_mock_peer *peer);
/* The request is over: answered to its end, or broken off by ourselves. */
void weir_mock_tally_over(struct weir_mock_peer *peer, bool answered);
void weir_mock_tally_abort(struct weir_mock_peer *peer);
void weir_mock_tally_tokens(struct weir_mock_peer *peer, uint64_t n);
void weir_mock_tally_reset(struct weir_mock_vendor *vendor);
void weir_mock_tally_fini(struct weir_mock_vendor *vendor);

/* peer.c */
void weir_mock_peer_accept(struct weir_mock *mock, struct weir_mock_vendor *vendor,
			   struct weir_listener *listener);
/* Goes on with the answer when the loop has been round. */
void weir_mock_next_turn(struct weir_mock_peer *peer);
/* Its turn has come. */
void weir_mock_peer_go_on(struct weir_mock_peer *peer);
/* The answer is written: on with the next request, or the end. */
void weir_mock_peer_answered(struct weir_mock_peer *peer, bool keep);
/* Bytes of an answer that is no step of a script. */
void weir_mock_peer_reply(struct weir_mock_peer *peer, unsigned status, const char *content_type,
			  struct weir_slice body);

/* control.c */
void weir_mock_control_answer(struct weir_mock_peer *peer);

/* shade.c: TLS in all its shades */
WEIR_MUST_CHECK int weir_mock_shade_ca(struct weir_mock *mock, struct weir_error *err);
WEIR_MUST_CHECK int weir_mock_shade_set(struct weir_mock_vendor *vendor, const char *tls,
					struct weir_error *err);
/* A connection whose handshake will break: bytes came. */
void weir_mock_shade_feed(struct weir_mock_peer *peer, const char *bytes, size_t len);

/* mock.c */
void weir_mock_closed_one(struct weir_mock *mock);
struct weir_mock_vendor *weir_mock_vendor_named(const struct weir_mock *mock,
						struct weir_slice name);

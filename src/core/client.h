/* One caller's connection: reads its requests one after the other, has each answered, and
 * writes the answers in order. */
#pragma once

#include "core/gateway.h"
#include "core/request.h"
#include "net/conn.h"
#include "wire/http_read.h"

enum {
	WEIR_CLIENT_HEAD_MS = 10 * 1000, /* from accept, or the first byte of a request */
	WEIR_CLIENT_IDLE_MS = 75 * 1000, /* between requests */
	WEIR_CLIENT_BODY_IDLE_MS = 30 * 1000,
	WEIR_CLIENT_BODY_GRACE_MS = 5 * 1000, /* after it, at least so many bytes a second: */
	WEIR_CLIENT_BODY_RATE_MIN = 1024,
	WEIR_CLIENT_STALL_MS = 60 * 1000, /* the caller takes nothing of what is queued */
	WEIR_CLIENT_LINGER_MS = 2 * 1000,
	WEIR_CLIENT_HANDSHAKES_MAX = 256,    /* under way; who comes then waits in the kernel… */
	WEIR_CLIENT_MUTE_MS = 2 * 1000,      /* …unless one has said nothing for so long… */
	WEIR_CLIENT_GREETING_MS = 4 * 1000,  /* …or keeps weir waiting since it came, so long ago */
	WEIR_CLIENT_PENDING_MAX = 16 * 1024, /* of a next request, while one is answered */
	WEIR_CLIENT_DISCARD_MAX = 64 * 1024, /* of a body nobody wants */
	WEIR_CLIENT_STOP = 1,                /* what was read is answered: read no more */
	WEIR_CLIENT_MORE_MAX = 512           /* header lines of a refusal, with a NUL */
};

enum weir_client_phase {
	WEIR_CLIENT_IDLE, /* nothing of a request has come */
	WEIR_CLIENT_HEAD,
	WEIR_CLIENT_BODY,
	WEIR_CLIENT_ANSWERING, /* a request is under way */
	WEIR_CLIENT_ENDING     /* the connection will end once what is queued is sent */
};

/* What this request is, from its head. */
enum weir_client_work { WEIR_WORK_REQUEST, WEIR_WORK_DIRECT };

struct weir_client {
	struct weir_list node;          /* gateway->clients */
	struct weir_list greeting;      /* gateway->greeting */
	struct weir_list reading;       /* of an audience's readers, or in none */
	struct weir_audience *audience; /* reads its stream; NULL: none */
	struct weir_recent_since told;  /* …of /status/live, up to here… */
	unsigned missed;                /* …but for so many events */
	struct weir_gateway *gateway;
	struct weir_crowd_address *crowd; /* where it is counted; NULL: nowhere */
	struct weir_conn conn;
	bool admin;     /* came by the admin listener */
	bool outside;   /* came by one that other machines reach */
	bool certified; /* has shown a certificate of client_ca */
	enum weir_client_phase phase;
	struct weir_http_reader reader;
	struct weir_request *request;
	struct weir_request_input input; /* gathered while the body comes */
	struct weir_buf pending;
	enum weir_client_work work;
	const struct weir_page *page; /* WEIR_WORK_DIRECT */
	struct weir_slice page_rest;  /* of its path, into the reader's head */
	struct weir_slice path;       /* likewise, without the query; not while answering */
	bool wants_open_metrics;
	bool is_head, keep_alive, minor0, anthropic_shape;
	bool chunked;   /* the present answer */
	bool unframed;  /* …ends with the connection, and has no words of its own for a cut */
	size_t dropped; /* of a body nobody wants */
	uint64_t body_began_ms;
	uint64_t idle_since_ms;
	size_t unacked_seen; /* of what is queued, at the last look at a slow caller */
};

/* Takes the next connection of a listener. */
void weir_client_accept(struct weir_gateway *gateway, struct weir_listener *listener, bool admin);
/* Ends it now, hanging up its request. */
void weir_client_close(struct weir_client *client);
/* It has more to take than may be queued: it goes on taking, or is reset. */
void weir_client_watch(struct weir_client *client);
/* Ends it if it has asked for nothing since a moment: did it? */
bool weir_client_part(struct weir_client *client, uint64_t since_ms);

/* Every request is answered with an id, logged and counted, also one that weir refuses before it
 * can be planned. Ends the connection. more: finished header lines. */
void weir_client_refuse(struct weir_client *client, unsigned status, const char *code,
			const char *message, const char *more);
/* The same for who reads one: what it returns stops the reader. */
int weir_client_refuse_head(struct weir_client *client, unsigned status, const char *code,
			    const char *message);
/* client_tls.c: do callers by this listener speak TLS? May one more begin a handshake? It begins;
 * it is over, well or not. */
bool weir_client_needs_tls(const struct weir_gateway *gateway, const struct weir_listener *listener,
			   bool admin);
bool weir_client_may_greet(struct weir_gateway *gateway);
void weir_client_greet(struct weir_client *client);
void weir_client_greeted(struct weir_client *client);
/* Its certificate is of another client_ca than the one in force. */
bool weir_client_is_outdated(const struct weir_client *client);
/* Another client_ca may be in force: those ask nothing more. */
void weir_client_heed_trust(struct weir_gateway *gateway);
/* client_head.c: of the reader; arg: the client. */
int weir_client_on_head(void *arg, const struct weir_http_head *head);

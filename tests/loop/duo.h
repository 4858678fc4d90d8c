/* Two TLS sessions that talk over memory, byte by byte if need be. */
#ifndef WEIR_TEST_DUO_H
#define WEIR_TEST_DUO_H

#include "base/alloc.h"
#include "trust.h"

struct end {
	struct weir_tls_session *session;
	enum weir_tls_state state;
	struct weir_buf in; /* plaintext */
	unsigned steps;
};

struct duo {
	struct end client, server;
};

static inline void end_pump(struct end *end)
{
	char bytes[2048];
	bool more = true;

	while (more) {
		size_t n = 0;

		end->state = weir_tls_pump(end->session, bytes, sizeof bytes, &n, &more);
		end->steps++;
		CHECK(n <= sizeof bytes);
		CHECK(!(more && end->state >= WEIR_TLS_CLOSED));
		CHECK_INT(weir_buf_append(&end->in, bytes, n), 0);
	}
}

/* All that from has to say goes to to, chunk bytes at a time. */
static inline size_t duo_move(struct end *from, struct end *to, size_t chunk)
{
	struct weir_buf *out = weir_tls_outgoing(from->session);
	size_t moved = 0;

	while (out->len) {
		size_t n = out->len < chunk ? out->len : chunk;

		if (weir_tls_feed(to->session, out->base, n))
			CHECK_INT(to->state, WEIR_TLS_FAILED);
		weir_buf_consume(out, n);
		end_pump(to);
		moved += n;
	}
	return moved;
}

static inline void duo_run(struct duo *duo, size_t chunk)
{
	size_t moved = 1;

	end_pump(&duo->client);
	end_pump(&duo->server);
	while (moved) {
		moved = duo_move(&duo->client, &duo->server, chunk);
		moved += duo_move(&duo->server, &duo->client, chunk);
	}
}

static inline bool duo_init(struct duo *duo, struct trust *trust, struct weir_tls_ticket **ticket)
{
	*duo = (struct duo){ 0 };
	weir_buf_init(&duo->client.in, 64 * 1024 * 1024);
	weir_buf_init(&duo->server.in, 64 * 1024 * 1024);
	duo->client.session = weir_tls_session_create(trust->client, "localhost", ticket);
	duo->server.session = weir_tls_session_create(trust->server, NULL, NULL);
	return duo->client.session && duo->server.session;
}

static inline void duo_fini(struct duo *duo)
{
	weir_tls_session_destroy(duo->client.session);
	weir_tls_session_destroy(duo->server.session);
	weir_buf_fini(&duo->client.in);
	weir_buf_fini(&duo->server.in);
}

#endif

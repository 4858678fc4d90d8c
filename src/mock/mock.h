/* Simulated providers that speak the OpenAI API and, by the path asked, Anthropic's or Gemini's; on
 * loopback, failing on demand: for `weir mock`, `weir demo`, the tests and the bench.
 *
 * A mock lives on a loop its caller owns and runs, beside a proxy or alone. It has
 * vendors (a name, a listener, optionally TLS) and each of them plays scripts, one step
 * per request. The language of scripts is told in mock/script.h and by `weir mock
 * --help`. Everything random comes from the seed; two runs that are asked the same
 * questions in the same order answer the same bytes.
 *
 * Answers name their vendor and echo the caller's nonce, so that a test can tell who
 * answered whom: a prompt that contains "nonce=XYZ" is answered by vendor alpha with
 * "alpha XYZ: tok0 tok1 tok2 …", one stream event per tok. One that ends with such an
 * answer, or with a turn behind it that has no nonce, is gone on with: " tok3 tok4 …". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/slice.h"

enum {
	WEIR_MOCK_VENDORS_MAX = 64,
	WEIR_MOCK_MODELS_MAX = 64, /* counted apart, per vendor; later ones only in the sum */
	WEIR_MOCK_RULES_MAX = 64,  /* scripts for a model or key, per vendor */
	WEIR_MOCK_BODY_MAX = 64 * 1024 * 1024
};

struct weir_mock;

/* No vendor yet. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_mock_create(struct weir_mock **mock, uv_loop_t *loop, uint64_t seed);
/* Ends every connection and listener; on_closed (may be NULL) comes once, when no handle
 * is left on the loop and the memory is gone. */
void weir_mock_close(struct weir_mock *mock, void (*on_closed)(void *arg), void *arg);

/* Adds a vendor, named [A-Za-z0-9._-]+, and listens at "127.0.0.1:0" or as
 * net/listen.h says. tls is NULL for plain HTTP, or:
 *
 *   valid expired not-yet self-signed wrong-host unknown-ca sha1
 *                       the certificate it shows. Parameters: only=1.2 or only=1.3, rsa=BITS,
 *                       host=NAME (one more name; alone with wrong-host), as in
 *                       "valid;only=1.2"
 *   stall;after=N       sends N bytes of its handshake (default 0), then is silent
 *   reset;after=N       … then RST
 *   close;after=N       … then FIN
 *   plaintext           answers HTTP in plaintext on a port that is thought to speak TLS
 *
 * Certificates are for localhost, 127.0.0.1 and ::1, by the CA of weir_mock_ca_pem(). 0, or
 * WEIR_EBIND, WEIR_ETLS, WEIR_ECONFIG, WEIR_ENOMEM and a sentence. */
WEIR_MUST_CHECK int weir_mock_add(struct weir_mock *mock, const char *name, const char *listen,
				  const char *tls, struct weir_error *err);

/* "http://127.0.0.1:PORT" or "https://…", without /v1; NULL: no such vendor. Lives as long
 * as the mock. The port stays the vendor's while it refuses connections. */
const char *weir_mock_url(const struct weir_mock *mock, const char *name);
unsigned weir_mock_port(const struct weir_mock *mock, const char *name);

/* Changes what a target does, from the next request on (requests under way go on as they
 * began). target: "alpha", "alpha/gpt-4o", "alpha#KEY", "alpha/gpt-4o#KEY" (KEY: the
 * caller's bearer token or x-api-key), with "*" for every vendor: "*", "*" "/gpt-4o".
 * The nearest rule wins: model and key, key, model, vendor. An empty script removes a
 * model's or key's rule and makes a vendor's "200". 0, or WEIR_ECONFIG and a sentence,
 * WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_mock_script(struct weir_mock *mock, const char *target, const char *script,
				     struct weir_error *err);
/* The same as one text, "alpha/gpt-4o=503,200". */
WEIR_MUST_CHECK int weir_mock_assign(struct weir_mock *mock, const char *text,
				     struct weir_error *err);

/* Counters to zero, last requests forgotten, every script back to its first step. */
void weir_mock_reset(struct weir_mock *mock);

struct weir_mock_stats {
	uint64_t hits;     /* requests that took a step; GETs and refused nonsense take none */
	unsigned inflight; /* received, not yet answered to the end */
	uint64_t answered; /* answers sent to their end, errors included */
	uint64_t aborts;   /* the peer closed inside a request or an answer */
	const char *abort_phase; /* the last: "request", "waiting", "answering"; NULL: none */
	uint64_t abort_ms;       /* the last: from the request's first byte to its close */
	uint64_t abort_at_ms;    /* the last: uv_hrtime() / 1e6, to compare between processes */
	uint64_t tokens;         /* content events sent, or tokens in whole answers */
	/* Vendors only: */
	uint64_t accepted; /* connections, in all */
	unsigned open;     /* at present */
};

/* target: "alpha" or "alpha/gpt-4o". false: never seen; *stats is zero. */
bool weir_mock_stats(const struct weir_mock *mock, const char *target,
		     struct weir_mock_stats *stats);

/* What was sent upstream last. Valid until the loop runs on. */
struct weir_mock_request {
	struct weir_slice method;
	struct weir_slice target; /* path and query */
	struct weir_slice fields; /* "name: value\r\n" lines, as sent, values trimmed */
	struct weir_slice body;
	uint64_t at_ms; /* uv_hrtime() / 1e6 when it was complete */
};

/* target as above. NULL: none yet. */
const struct weir_mock_request *weir_mock_last(const struct weir_mock *mock, const char *target);
/* base NULL: no such field. Any case. */
struct weir_slice weir_mock_field(const struct weir_mock_request *request, const char *name);

/* The CA that vouches for all vendors but self-signed and unknown-ca ones, made on first
 * use. Empty: out of memory or entropy, see err. */
struct weir_slice weir_mock_ca_pem(struct weir_mock *mock, struct weir_error *err);

/* Opens the one control listener, which stays reachable whatever the vendors do:
 *
 *   GET  /mock/stats     all counters as JSON
 *   GET  /mock/last      ?vendor=alpha&model=gpt-4o: {method,target,headers,body}
 *   POST /mock/script    {"vendor":"alpha","model":"gpt-4o","script":"503,200"} (both "*"
 *                        when absent), or text: "alpha/gpt-4o=503,200" lines
 *   POST /mock/reset     weir_mock_reset()
 *   GET  /mock/ca        the CA certificate, PEM
 *
 * Errors as for weir_mock_add(). */
WEIR_MUST_CHECK int weir_mock_control(struct weir_mock *mock, const char *listen,
				      struct weir_error *err);
const char *weir_mock_control_url(const struct weir_mock *mock); /* NULL: none */

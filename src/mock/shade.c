#include <string.h>

#include "base/alloc.h"
#include "mock/server.h"

enum { DAY_S = 24 * 3600, RSA_MAX = 4096 };

/* What a vendor's TLS was asked to be. */
struct shade {
	struct weir_slice word;
	struct weir_throwaway_spec spec;
	bool other_ca;
	unsigned only; /* minor version; 0: any */
	uint64_t after;
	char host[WEIR_TLS_HOST_MAX + 1];
};

int weir_mock_shade_ca(struct weir_mock *mock, struct weir_error *err)
{
	return mock->ca ? 0 : weir_throwaway_ca_create(&mock->ca, err);
}

static bool read_word(struct shade *s)
{
	static const char *const plain[] = { "valid", "plaintext", "stall", "reset", "close" };
	struct weir_throwaway_spec *spec = &s->spec;

	if (weir_slice_is(s->word, "expired")) {
		spec->from_s = -2 * DAY_S;
		spec->until_s = -DAY_S;
	} else if (weir_slice_is(s->word, "not-yet")) {
		spec->from_s = DAY_S;
		spec->until_s = 2 * DAY_S;
	} else if (weir_slice_is(s->word, "self-signed")) {
		spec->self_signed = true;
	} else if (weir_slice_is(s->word, "unknown-ca")) {
		s->other_ca = true;
	} else if (weir_slice_is(s->word, "sha1")) {
		spec->sha1 = true;
	} else if (!weir_slice_is(s->word, "wrong-host")) {
		for (size_t i = 0; i < WEIR_COUNT_OF(plain); i++)
			if (weir_slice_is(s->word, plain[i]))
				return true;
		return false;
	}
	return true;
}

static bool read_param(struct shade *s, struct weir_slice name, struct weir_slice value)
{
	uint64_t number = 0;

	if (weir_slice_is(name, "only")) {
		s->only = weir_slice_is(value, "1.2") ? 2 : 3;
		return s->only == 2 || weir_slice_is(value, "1.3");
	}
	if (weir_slice_is(name, "host")) {
		if (value.len == 0 || value.len >= sizeof s->host)
			return false;
		memcpy(s->host, value.base, value.len);
		s->host[value.len] = '\0';
		return true;
	}
	if (!weir_slice_to_u64(value, &number))
		return false;
	if (weir_slice_is(name, "after"))
		s->after = number;
	else if (weir_slice_is(name, "rsa") && number >= 1024 && number <= RSA_MAX)
		s->spec.rsa_bits = (unsigned)number;
	else
		return false;
	return true;
}

static struct weir_slice take_until(struct weir_slice *text, char sign)
{
	const char *at = text->len ? memchr(text->base, sign, text->len) : NULL;
	size_t n = at ? (size_t)(at - text->base) : text->len;
	struct weir_slice taken = weir_slice(text->base, n);

	text->base += at ? n + 1 : n;
	text->len -= at ? n + 1 : n;
	return taken;
}

static int read_shade(struct shade *s, const char *tls, struct weir_error *err)
{
	struct weir_slice rest = weir_slice_of(tls);

	*s = (struct shade){ .word = { NULL, 0 } };
	s->word = take_until(&rest, ';');
	if (!read_word(s))
		return weir_fail(err, WEIR_ECONFIG,
				 "unknown TLS word \"%.*s\"; write valid, expired, not-yet, "
				 "self-signed, wrong-host, unknown-ca, sha1, stall, "
				 "reset, close or plaintext",
				 (int)s->word.len, s->word.base);
	while (rest.len) {
		struct weir_slice value = take_until(&rest, ';');
		struct weir_slice name = take_until(&value, '=');

		if (!read_param(s, name, value))
			return weir_fail(err, WEIR_ECONFIG,
					 "TLS parameter \"%.*s\" cannot be \"%.*s\"; write "
					 "only=1.2, only=1.3, host=NAME, rsa=2048 or after=BYTES",
					 (int)name.len, name.base, (int)value.len, value.base);
	}
	return 0;
}

static void name_hosts(struct shade *s)
{
	const char **host = s->spec.hosts;

	if (weir_slice_is(s->word, "wrong-host")) {
		*host = s->host[0] ? s->host : "elsewhere.example";
		return;
	}
	*host++ = "localhost";
	*host++ = "127.0.0.1";
	*host++ = "::1";
	if (s->host[0])
		*host = s->host;
}

static int certify(struct weir_mock_vendor *v, struct shade *s, struct weir_error *err)
{
	struct weir_throwaway_ca *ca = NULL;
	struct weir_throwaway made;
	int rc = s->other_ca ? weir_throwaway_ca_create(&ca, err)
			     : weir_mock_shade_ca(v->mock, err);

	if (rc)
		return rc;
	name_hosts(s);
	rc = weir_throwaway_issue(s->other_ca ? ca : v->mock->ca, &s->spec, &made, err);
	if (rc == 0) {
		rc = weir_tls_server_config_create(&v->tls, made.cert_pem, made.key_pem, s->only,
						   s->only, err);
		weir_throwaway_fini(&made);
	}
	weir_throwaway_ca_destroy(ca);
	return rc;
}

int weir_mock_shade_set(struct weir_mock_vendor *v, const char *tls, struct weir_error *err)
{
	struct shade s;
	int rc = read_shade(&s, tls, err);

	if (rc)
		return rc;
	v->tls_after = s.after;
	v->tls_kind = WEIR_MOCK_TLS_BROKEN;
	if (weir_slice_is(s.word, "plaintext"))
		v->tls_kind = WEIR_MOCK_TLS_PLAIN;
	else if (weir_slice_is(s.word, "stall"))
		v->tls_ending = WEIR_MOCK_HANG;
	else if (weir_slice_is(s.word, "reset"))
		v->tls_ending = WEIR_MOCK_RESET;
	else if (weir_slice_is(s.word, "close"))
		v->tls_ending = WEIR_MOCK_CLOSE;
	else
		v->tls_kind = WEIR_MOCK_TLS_WELL;
	return v->tls_kind == WEIR_MOCK_TLS_PLAIN ? 0 : certify(v, &s, err);
}

static void feed_plaintext(struct weir_mock_peer *peer)
{
	static const struct weir_slice answer = WEIR_SLICE(
		"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n"
		"connection: close\r\n\r\nThis port speaks plain HTTP.\n");

	if (weir_conn_write(&peer->conn, &answer, 1))
		weir_conn_close(&peer->conn);
	else
		weir_conn_finish(&peer->conn, WEIR_MOCK_LINGER_MS);
}

/* As much of the handshake as may be sent. */
static int send_some(struct weir_mock_peer *peer)
{
	struct weir_buf *out = weir_tls_outgoing(peer->bait);
	uint64_t left = peer->vendor->tls_after - peer->play.sent;
	struct weir_slice piece = weir_buf_slice(out);
	int rc;

	if (piece.len > left)
		piece.len = (size_t)left;
	rc = weir_conn_write(&peer->conn, &piece, 1);
	peer->play.sent += piece.len;
	weir_buf_consume(out, piece.len);
	return rc;
}

void weir_mock_shade_feed(struct weir_mock_peer *peer, const char *bytes, size_t len)
{
	struct weir_mock_vendor *v = peer->vendor;
	bool more = true;
	size_t n;
	int rc;

	if (peer->deaf)
		return;
	if (v->tls_kind == WEIR_MOCK_TLS_PLAIN) {
		feed_plaintext(peer);
		return;
	}
	rc = weir_tls_feed(peer->bait, bytes, len);
	while (rc == 0 && more && v->tls_after > peer->play.sent) {
		char plain[256];

		if (weir_tls_pump(peer->bait, plain, sizeof plain, &n, &more) == WEIR_TLS_FAILED)
			break;
		rc = send_some(peer);
	}
	if (rc)
		weir_conn_close(&peer->conn);
	else if (v->tls_after <= peer->play.sent)
		weir_mock_play_ending(peer, v->tls_ending, true);
}

#include "core/snapshot.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "core/attempt_head.h"
#include "core/gateway.h"
#include "net/tls.h"

static bool same_trust(const struct weir_provider *a, const struct weir_provider *b)
{
	if (a->http2 != b->http2)
		return false;
	return a->ca_file && b->ca_file ? strcmp(a->ca_file, b->ca_file) == 0
					: a->ca_file == b->ca_file;
}

/* A CA file is read once per snapshot, and again only when it has changed since. */
static struct weir_tls_config *known_trust(const struct weir_snapshot *s,
					   const struct weir_provider *provider,
					   const struct weir_snapshot *before)
{
	for (unsigned i = 0; i < provider->index; i++)
		if (s->trusts[i] && same_trust(s->config->providers[i], provider))
			return s->trusts[i];
	for (unsigned i = 0; before && i < before->config->providers_n; i++)
		if (before->trusts[i] && before->config->providers[i]->http2 == provider->http2 &&
		    weir_tls_client_config_is(before->trusts[i], provider->ca_file))
			return before->trusts[i];
	return NULL;
}

static int trust_for(struct weir_snapshot *s, const struct weir_provider *provider,
		     const struct weir_snapshot *before, struct weir_error *err)
{
	struct weir_tls_config *known = known_trust(s, provider, before);
	int unparsed = 0, rc;

	if (known) {
		weir_tls_config_share(known);
		s->trusts[provider->index] = known;
		return 0;
	}
	rc = weir_tls_client_config_create(&s->trusts[provider->index], provider->ca_file,
					   &unparsed, err);
	if (rc == 0 && provider->http2)
		weir_tls_config_http2(s->trusts[provider->index]);
	if (rc == 0 && unparsed > 0)
		weir_log_note(&s->gateway->log, WEIR_LOG_WARN, "warning",
			      "%d certificates of %s could not be read", unparsed,
			      provider->ca_file ? provider->ca_file : "the CA bundle");
	return rc;
}

static int make_origins(struct weir_snapshot *s, const struct weir_snapshot *before,
			struct weir_error *err)
{
	const struct weir_config *config = s->config;

	s->trusts = weir_calloc(config->providers_n, sizeof *s->trusts);
	s->origins = weir_calloc(config->providers_n, sizeof *s->origins);
	if (!s->trusts || !s->origins)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	for (unsigned i = 0; i < config->providers_n; i++) {
		const struct weir_provider *p = config->providers[i];
		struct weir_origin_config origin = {
			.host = p->host,
			.port = p->port,
			.public_vendor = p->public_vendor,
			.http2 = p->tls && p->http2,
			.proxy = { p->proxy.host, p->proxy.port, p->proxy.authorization.text },
		};
		int rc = p->tls ? trust_for(s, p, before, err) : 0;

		if (rc)
			return rc;
		origin.tls = s->trusts[i];
		s->origins[i] = weir_pool_origin(s->gateway->pool, &origin);
		if (!s->origins[i])
			return weir_fail(err, WEIR_ENOMEM, "out of memory");
	}
	return 0;
}

/* Zero-config begins without targets. */
static int make_prefixes(struct weir_snapshot *s, struct weir_error *err)
{
	size_t n = (size_t)s->config->targets_n * WEIR_PREFIXES_EACH;

	s->prefixes = n ? weir_calloc(n, sizeof *s->prefixes) : NULL;
	if (n && !s->prefixes)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	s->prefixed_n = s->config->targets_n;
	return 0;
}

struct weir_prefix *weir_snapshot_prefixes(const struct weir_snapshot *s,
					   const struct weir_target *target)
{
	return target->index < s->prefixed_n ? &s->prefixes[target->index * WEIR_PREFIXES_EACH]
					     : NULL;
}

static bool same_identity(const struct weir_config *a, const struct weir_config *b)
{
	bool same = a->identities_n == b->identities_n && !a->client_ca == !b->client_ca &&
		    (!a->client_ca || strcmp(a->client_ca, b->client_ca) == 0);

	for (unsigned i = 0; same && i < a->identities_n; i++)
		same = strcmp(a->identities[i].cert, b->identities[i].cert) == 0 &&
		       strcmp(a->identities[i].key, b->identities[i].key) == 0;
	return same;
}

/* Files that have not changed are not read again: who comes back goes on with his ticket, and a
 * certificate that has expired meanwhile keeps no other change out. */
static int make_identity(struct weir_snapshot *s, const struct weir_snapshot *before,
			 struct weir_error *err)
{
	const struct weir_config *config = s->config;
	int rc = 0;

	if (!config->identities_n)
		return 0;
	if (before && before->identity && same_identity(config, before->config) &&
	    weir_tls_listener_config_is_fresh(before->identity)) {
		s->identity = before->identity;
		weir_tls_config_share(s->identity);
		return 0;
	}
	rc = weir_tls_listener_config_create(&s->identity, config->identities[0].cert,
					     config->identities[0].key, err);
	for (unsigned i = 1; rc == 0 && i < config->identities_n; i++)
		rc = weir_tls_listener_config_add(s->identity, config->identities[i].cert,
						  config->identities[i].key, err);
	if (rc == 0 && config->client_ca)
		rc = weir_tls_listener_config_trust(s->identity, config->client_ca, err);
	return rc;
}

void weir_snapshot_leave_pool(struct weir_snapshot *s)
{
	for (unsigned i = 0; s->origins && i < s->config->providers_n; i++)
		if (s->origins[i])
			weir_origin_release(s->origins[i]);
	weir_free(s->origins);
	s->origins = NULL;
}

static void destroy(struct weir_snapshot *s)
{
	weir_snapshot_leave_pool(s);
	for (unsigned i = 0; s->trusts && i < s->config->providers_n; i++)
		weir_tls_config_destroy(s->trusts[i]);
	weir_free(s->trusts);
	weir_tls_config_destroy(s->identity);
	weir_prefixes_free(s->prefixes, (size_t)s->prefixed_n * WEIR_PREFIXES_EACH);
	weir_metrics_snapshots(s->gateway->metrics, -1);
	weir_callers_leave(&s->gateway->callers, s->books, s->config);
	weir_ledger_destroy(s->ledger);
	weir_board_destroy(s->board);
	weir_config_unref(s->config);
	weir_free(s);
}

int weir_snapshot_create(struct weir_snapshot **snapshot, struct weir_gateway *gateway,
			 struct weir_config *config, const struct weir_snapshot *before,
			 struct weir_error *err)
{
	struct weir_snapshot *s = weir_calloc(1, sizeof *s);
	int rc;

	*snapshot = NULL;
	if (!s) {
		weir_config_unref(config);
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	}
	s->references = 1;
	s->generation = before ? before->generation + 1 : 1;
	s->gateway = gateway;
	s->config = config;
	weir_metrics_snapshots(gateway->metrics, 1);
	rc = weir_board_create_after(&s->board, config, before ? before->board : NULL,
				     gateway->shm);
	if (rc == 0)
		s->ledger = weir_ledger_create(gateway->metrics, config);
	if (s->ledger)
		s->books = weir_callers_enrol(&gateway->callers, config);
	if (!s->books)
		rc = weir_fail(err, WEIR_ENOMEM, "out of memory");
	if (rc == 0)
		rc = make_origins(s, before, err);
	if (rc == 0)
		rc = make_prefixes(s, err);
	if (rc == 0)
		rc = make_identity(s, before, err);
	if (rc)
		destroy(s);
	else
		*snapshot = s;
	return rc;
}

void weir_snapshot_cool(const struct weir_snapshot *s)
{
	for (unsigned i = 0; i < s->config->providers_n; i++)
		weir_origin_cool(s->origins[i]);
}

static bool is_in(const struct weir_step *step, const struct weir_provider *provider)
{
	for (unsigned i = 0; i < step->targets_n; i++)
		if (step->targets[i].target->provider == provider)
			return true;
	return false;
}

static bool is_fallback(const struct weir_config *config, const struct weir_provider *provider)
{
	for (unsigned i = 0; i < config->chains_n; i++)
		for (unsigned k = 1; k < config->chains[i]->steps_n; k++)
			if (is_in(&config->chains[i]->steps[k], provider))
				return true;
	return false;
}

/* Where one connection serves a whole step that moves, one is kept; of HTTP/1.1, which takes one
 * for each request, only what was asked for. Several providers may be one origin. */
static void keep_warm(struct weir_snapshot *s, const struct weir_snapshot *before)
{
	if (before)
		weir_snapshot_cool(before);
	for (unsigned i = 0; !s->gateway->draining && i < s->config->providers_n; i++) {
		const struct weir_provider *p = s->config->providers[i];

		if (p->warm != WEIR_WARM_AUTO)
			weir_origin_warm(s->origins[i], p->warm);
		else if (p->tls && p->http2 && is_fallback(s->config, p))
			weir_origin_warm_shared(s->origins[i], 1);
	}
}

void weir_snapshot_settle(struct weir_snapshot *s, const struct weir_snapshot *before)
{
	weir_board_settle(s->board, before ? before->board : NULL);
	weir_callers_settle(&s->gateway->callers, s->books, s->config);
	keep_warm(s, before);
}

struct weir_snapshot *weir_snapshot_ref(struct weir_snapshot *s)
{
	WEIR_ASSERT(s->references > 0);
	s->references++;
	return s;
}

void weir_snapshot_unref(struct weir_snapshot *s)
{
	if (!s)
		return;
	WEIR_ASSERT(s->references > 0);
	if (--s->references == 0)
		destroy(s);
}

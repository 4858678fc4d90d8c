#include "core/access.h"

#include "config/reader.h"

/* Every byte of the expected key is looked at, whatever was given. */
static bool same(const struct weir_secret *key, struct weir_slice given)
{
	unsigned diff = key->len != given.len;

	for (size_t i = 0; i < key->len; i++) {
		char c = given.len ? given.base[i % given.len] : '\0';

		diff |= (unsigned)(unsigned char)key->text[i] ^ (unsigned)(unsigned char)c;
	}
	return diff == 0;
}

static struct weir_slice given_key(const struct weir_http_head *head)
{
	struct weir_slice bearer = weir_http_field(head, "authorization");

	if (bearer.len > 7 && weir_equal_nocase(bearer.base, "bearer ", 7))
		return weir_slice_trim(weir_slice(bearer.base + 7, bearer.len - 7));
	return weir_http_field(head, "x-api-key");
}

/* Of a key longer than any can be, enough to be none: hashing is work. */
static struct weir_slice front(struct weir_slice key)
{
	return weir_slice(key.base, key.len > WEIR_SECRET_MAX ? WEIR_SECRET_MAX + 1 : key.len);
}

/* Whose key has this hash; NULL: nobody's. All of them are looked at, whichever it is. */
static const struct weir_caller *caller_of(const struct weir_config *config,
					   const struct weir_digest *digest)
{
	unsigned caller = config->callers_n;

	for (unsigned i = config->access_keys_n; i-- > 0;) {
		const struct weir_access_key *key = &config->access_keys[i];
		unsigned mask = 0u - (unsigned)weir_digest_eq(&key->digest, digest);

		caller = (key->caller & mask) | (caller & ~mask);
	}
	return caller < config->callers_n ? &config->callers[caller] : NULL;
}

/* What is wrong, missing or too old takes the same way as what is right. */
const struct weir_caller *weir_access_find(const struct weir_config *config,
					   const struct weir_http_head *head, uint64_t unix_s)
{
	/* Portkey's clients send the provider's as authorization, where they have one. */
	struct weir_slice given[] = { given_key(head), weir_http_field(head, "x-portkey-api-key") };
	const struct weir_caller *found = NULL;

	for (size_t k = 0; k < (config->compat_portkey ? 2u : 1u); k++) {
		struct weir_digest digest = weir_sha256(front(given[k]));
		const struct weir_caller *caller = caller_of(config, &digest);

		if (caller && unix_s < caller->expires_s && !found)
			found = caller;
	}
	return found;
}

bool weir_access_admin(const struct weir_config *config, const struct weir_http_head *head)
{
	return config->admin_key.len == 0 || same(&config->admin_key, given_key(head));
}

bool weir_access_cross_site(const struct weir_http_head *head)
{
	struct weir_slice site = weir_http_field(head, "sec-fetch-site");
	struct weir_slice origin = weir_http_field(head, "origin");
	struct weir_slice host;
	const char *name;

	if (site.len)
		return !weir_slice_is_nocase(site, "same-origin") &&
		       !weir_slice_is_nocase(site, "none");
	if (!origin.len)
		return false;
	name = memmem(origin.base, origin.len, "://", 3);
	if (!name)
		return true; /* "null": a page that does not say whose it is */
	name += 3;
	host = weir_http_field(head, "host");
	return (size_t)(origin.base + origin.len - name) != host.len ||
	       !weir_equal_nocase(name, host.base, host.len);
}

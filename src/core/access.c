#include "core/access.h"

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

bool weir_access_allowed(const struct weir_config *config, const struct weir_http_head *head)
{
	static const struct weir_slice none = { NULL, 0 };
	/* Portkey's clients send the provider's as authorization, where they have one. */
	struct weir_slice given[] = {
		given_key(head),
		config->compat_portkey ? weir_http_field(head, "x-portkey-api-key") : none,
	};
	bool allowed = config->access_keys_n == 0;

	for (unsigned i = 0; i < config->access_keys_n; i++)
		for (size_t k = 0; k < WEIR_COUNT_OF(given); k++)
			allowed |= same(&config->access_keys[i].key, given[k]);
	return allowed;
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

#include "dialect/dialect.h"

#include "base/error.h"

/* WEIR_DIALECTS is R(openai) R(anthropic) …: the list in meson.build. */
#define R(name) extern const struct weir_dialect weir_##name;
WEIR_DIALECTS
#undef R

#define R(name) &weir_##name,
static const struct weir_dialect *const dialects[] = { WEIR_DIALECTS };
#undef R

const struct weir_dialect *weir_dialect_of(enum weir_route route)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(dialects); i++)
		if (dialects[i]->routes[route])
			return weir_dialect_words(dialects[i], route);
	return NULL;
}

const struct weir_dialect *weir_dialect_find(struct weir_slice name)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(dialects); i++)
		if (weir_slice_is(name, dialects[i]->name))
			return dialects[i];
	return NULL;
}

const char *weir_dialect_names(void)
{
	return WEIR_DIALECT_NAMES;
}

const struct weir_dialect *weir_dialect_at(unsigned index)
{
	return index < WEIR_COUNT_OF(dialects) ? dialects[index] : NULL;
}

static bool is_token(struct weir_slice key)
{
	return weir_slice_starts(key, "eyJ") && memchr(key.base, '.', key.len);
}

int weir_dialect_put_key(const struct weir_dialect *dialect, struct weir_buf *head,
			 struct weir_slice key)
{
	bool token = dialect->token_field && is_token(key);
	size_t before = head->len;
	int rc;

	for (size_t i = 0; i < key.len; i++)
		if (key.base[i] <= ' ' || key.base[i] > '~')
			return WEIR_ELIMIT;
	rc = weir_buf_puts(head, token ? dialect->token_field : dialect->key_field);
	if (rc == 0)
		rc = weir_buf_append(head, key.base, key.len);
	if (rc == 0)
		rc = weir_buf_puts(head, "\r\n");
	if (rc)
		head->len = before;
	return rc;
}

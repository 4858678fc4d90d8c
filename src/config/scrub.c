#include "base/alloc.h"
#include "base/assert.h"
#include "base/attr.h"
#include "base/error.h"
#include "config/loaded.h"

/* Finds secrets in what other people say, without ever writing a secret down in another
 * form: each byte of it is looked for as itself, %-encoded, or JSON-escaped, in any mix;
 * and, since base64 shifts with what stands before, at its three possible offsets. */

enum { SECRET_MIN = 8, FORMS_N = 4, ESCAPES_MAX = 7, STARTS_SIZE = 65536 / 8 };

static const char mask[] = "[redacted]";
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct scan {
	const struct weir_config *config;
	const char *base;
	size_t len;
	/* Every three bytes some form of some secret can begin with, hashed: most places of
	 * a text are passed by one look into it. */
	unsigned char *starts;
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_hex_byte(const char *at, char c)
{
	int high = hex_value(at[0]), low = high < 0 ? -1 : hex_value(at[1]);

	return low >= 0 && high * 16 + low == (unsigned char)c;
}

/* An escape of JSON's, or of JSON within JSON, where its backslash is escaped in turn. */
static size_t match_escape(const char *at, size_t len, char c)
{
	size_t n = 1;

	if (at[1] == c && c == '\\')
		return 2;
	while (n < len && n < ESCAPES_MAX && at[n] == '\\')
		n++;
	if (n < len && at[n] == c && (c == '/' || c == '"'))
		return n + 1;
	if (len - n >= 5 && at[n] == 'u' && at[n + 1] == '0' && at[n + 2] == '0' &&
	    is_hex_byte(at + n + 3, c))
		return n + 5;
	return 0;
}

/* How many bytes at `at` say c; 0: they say something else. */
static size_t match_byte(const char *at, size_t len, char c)
{
	size_t n;

	if (len && *at == c && c != '\\')
		return 1;
	if (len >= 3 && *at == '%' && is_hex_byte(at + 1, c))
		return 3;
	if (len >= 2 && *at == '\\' && (n = match_escape(at, len, c)))
		return n;
	return len && *at == c ? 1 : 0;
}

static size_t match_text(const char *at, size_t len, const struct weir_secret *secret)
{
	size_t used = 0;

	while (used < len && used < secret->len && at[used] == secret->text[used] &&
	       at[used] != '\\')
		used++;
	if (used < secret->len && (used == len || (at[used] != '%' && at[used] != '\\')))
		return 0;
	for (size_t i = used; i < secret->len; i++) {
		size_t n = match_byte(at + used, len - used, secret->text[i]);

		if (n == 0)
			return 0;
		used += n;
	}
	return used;
}

/* The index-th base64 digit of the secret standing `shift` bytes after the beginning of a
 * group; only digits made of bits of the secret alone. */
static char digit_of(const struct weir_secret *secret, size_t shift, size_t index)
{
	size_t bit = index * 6 - shift * 8, byte = bit / 8;
	unsigned window = (unsigned)(unsigned char)secret->text[byte] << 8;

	if (byte + 1 < secret->len)
		window |= (unsigned char)secret->text[byte + 1];
	return base64[window >> (10 - bit % 8) & 63];
}

static size_t match_digit(const char *at, size_t len, char c)
{
	size_t n = match_byte(at, len, c);

	if (n == 0 && (c == '+' || c == '/')) /* the URL-safe alphabet */
		n = match_byte(at, len, c == '+' ? '-' : '_');
	return n;
}

static size_t first_digit(size_t shift)
{
	static const unsigned char whole[3] = { 0, 2, 3 }; /* (shift * 8 + 5) / 6 */

	return whole[shift];
}

static size_t match_base64(const char *at, size_t len, const struct weir_secret *secret,
			   size_t shift)
{
	size_t i = first_digit(shift), end, used = 0;
	char first = digit_of(secret, shift, i);

	/* nearly always no: at once */
	if (*at != first && *at != '%' && *at != '\\' && first != '+' && first != '/')
		return 0;
	end = (shift + secret->len) * 8 / 6;
	for (; i < end; i++) {
		size_t n = match_digit(at + used, len - used, digit_of(secret, shift, i));

		if (n == 0)
			return 0;
		used += n;
	}
	return used;
}

static size_t match(const char *at, size_t len, const struct weir_secret *secret)
{
	size_t best = match_text(at, len, secret);

	for (size_t shift = 0; shift < 3; shift++) {
		size_t n = match_base64(at, len, secret, shift);

		best = n > best ? n : best;
	}
	return best;
}

typedef void visit_fn(struct scan *scan, const struct weir_secret *secret, void *arg);

static void visit_one(struct scan *scan, const struct weir_secret *secret, visit_fn *visit,
		      void *arg)
{
	if (secret->len >= SECRET_MIN)
		visit(scan, secret, arg);
}

/* What follows a scheme such as "Bearer". */
static struct weir_secret last_word(const char *value)
{
	const char *space = strrchr(value, ' ');
	const char *word = space ? space + 1 : value;

	return (struct weir_secret){ (char *)word, strlen(word) };
}

static void visit_provider(struct scan *scan, const struct weir_provider *provider, visit_fn *visit,
			   void *arg)
{
	for (unsigned i = 0; i < provider->keys_n; i++)
		visit_one(scan, &provider->keys[i], visit, arg);
	visit_one(scan, &provider->proxy.password, visit, arg);
	for (unsigned i = 0; i < provider->headers_n; i++) {
		struct weir_secret secret = last_word(provider->headers[i].value);

		if (provider->headers[i].secret)
			visit_one(scan, &secret, visit, arg);
	}
}

static void for_each(struct scan *scan, visit_fn *visit, void *arg)
{
	const struct weir_config *config = scan->config;

	for (unsigned i = 0; i < config->providers_n; i++)
		visit_provider(scan, config->providers[i], visit, arg);
	visit_one(scan, &config->admin_key, visit, arg);
	visit_one(scan, &config->state.password, visit, arg);
}

static unsigned start_hash(char a, char b, char c)
{
	unsigned bytes = (unsigned)(unsigned char)a << 16 | (unsigned)(unsigned char)b << 8 |
			 (unsigned char)c;

	return bytes * 2654435761u >> 16; /* Knuth, TAOCP 3 §6.4 */
}

static void mark(struct scan *scan, char a, char b, char c)
{
	unsigned at = start_hash(a, b, c);

	scan->starts[at / 8] |= (unsigned char)(1u << at % 8);
}

static bool is_marked(const struct scan *scan, const char *at)
{
	unsigned start = start_hash(at[0], at[1], at[2]);

	return scan->starts[start / 8] >> start % 8 & 1;
}

static char hex_digit(unsigned value, bool upper)
{
	return (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value & 15];
}

/* All ways three bytes of a text can begin to say a, b, c. */
static void mark_start(struct scan *scan, char a, char b, char c)
{
	mark(scan, a, b, c);
	mark(scan, a, b, '%');
	mark(scan, a, b, '\\');
	mark(scan, a, '\\', b);
	mark(scan, a, '\\', 'u');
	mark(scan, '\\', a, b);
	mark(scan, '\\', a, '%');
	mark(scan, '\\', a, '\\');
	mark(scan, '\\', 'u', '0');
	mark(scan, a, '\\', '\\');
	mark(scan, '\\', '\\', '\\');
	mark(scan, '\\', '\\', a);
	mark(scan, '\\', '\\', 'u');
	for (unsigned i = 0; i < 4; i++) {
		mark(scan, a, '%', hex_digit((unsigned char)b >> 4, i & 1));
		mark(scan, '%', hex_digit((unsigned char)a >> 4, i & 1),
		     hex_digit((unsigned char)a, i & 2));
	}
}

static char other_alphabet(char c)
{
	return c == '+' ? '-' : c == '/' ? '_' : c;
}

static void mark_secret(struct scan *scan, const struct weir_secret *secret, void *arg)
{
	(void)arg;
	mark_start(scan, secret->text[0], secret->text[1], secret->text[2]);
	for (size_t shift = 0; shift < 3; shift++) {
		size_t i = first_digit(shift);
		char a = digit_of(secret, shift, i), b = digit_of(secret, shift, i + 1),
		     c = digit_of(secret, shift, i + 2);

		mark_start(scan, a, b, c);
		mark_start(scan, other_alphabet(a), other_alphabet(b), other_alphabet(c));
	}
}

/* \u4e2d and the like: no key begins so, and some texts are full of them. */
static bool is_wide_escape(const char *at)
{
	return at[0] == '\\' && at[1] == 'u' && (at[2] != '0' || at[3] != '0');
}

struct search {
	size_t at, longest;
};

static void try_secret(struct scan *scan, const struct weir_secret *secret, void *arg)
{
	struct search *search = arg;
	size_t n = match(scan->base + search->at, scan->len - search->at, secret);

	if (n > search->longest)
		search->longest = n;
}

/* The next secret at or after from; its length, 0 when there is none. */
static size_t find(struct scan *scan, size_t from, size_t *at)
{
	for (size_t i = from; i + SECRET_MIN <= scan->len; i++) {
		struct search search = { i, 0 };

		if (!is_marked(scan, scan->base + i) || is_wide_escape(scan->base + i))
			continue;
		for_each(scan, try_secret, &search);
		*at = i;
		if (search.longest)
			return search.longest;
	}
	return 0;
}

int weir_config_seal(struct weir_config *config)
{
	struct scan scan = { .config = config, .starts = weir_calloc(1, STARTS_SIZE) };

	if (!scan.starts)
		return WEIR_ENOMEM;
	for_each(&scan, mark_secret, NULL);
	config->secret_starts = scan.starts;
	return 0;
}

void weir_config_unseal(struct weir_config *config)
{
	weir_free_secret((char *)config->secret_starts, STARTS_SIZE);
	config->secret_starts = NULL;
}

int weir_config_scrub(const struct weir_config *config, struct weir_buf *buf)
{
	struct scan scan = {
		.config = config,
		.base = buf->base,
		.len = buf->len,
		.starts = config->secret_starts,
	};
	struct weir_buf clean;
	size_t from = 0, at = 0, n;
	int rc = 0;

	if (buf->len == 0)
		return 0;
	WEIR_ASSERT(scan.starts);
	n = find(&scan, 0, &at);
	if (n == 0)
		return 0;
	weir_buf_init(&clean, SIZE_MAX / 2); /* the mask may be longer than the secret */
	for (; n && rc == 0; n = find(&scan, from, &at)) {
		rc = weir_buf_append(&clean, buf->base + from, at - from);
		if (rc == 0)
			rc = weir_buf_append(&clean, mask, sizeof mask - 1);
		from = at + n;
	}
	if (rc == 0)
		rc = weir_buf_append(&clean, buf->base + from, buf->len - from);
	if (rc) {
		weir_buf_fini(&clean);
		return rc;
	}
	clean.max = buf->max;
	explicit_bzero(buf->base, buf->len);
	weir_buf_fini(buf);
	*buf = clean;
	return 0;
}

#include "dialect/pattern.h"

#include "base/plain.h"

void weir_pattern_init(struct weir_pattern *p)
{
	*p = (struct weir_pattern){ .holes_n = 0 };
	weir_buf_init(&p->bytes, 2 * WEIR_PATTERN_MAX);
}

void weir_pattern_fini(struct weir_pattern *p)
{
	weir_buf_fini(&p->bytes);
}

static bool stands_in(struct weir_slice words, struct weir_slice text)
{
	return words.base >= text.base && words.base + words.len <= text.base + text.len;
}

/* The inside of the only string in text that is these words; base NULL: there is none, or there
 * are several. */
static struct weir_slice find_only(struct weir_slice text, struct weir_slice words)
{
	struct weir_slice found = { NULL, words.len };
	const char *at = text.base, *end = at + text.len;

	while (at && (at = memmem(at, (size_t)(end - at), words.base, words.len))) {
		if (at > text.base && at[-1] == '"' && at + words.len < end &&
		    at[words.len] == '"') {
			if (found.base)
				return weir_slice(NULL, 0);
			found.base = at;
		}
		at++;
	}
	return found;
}

/* Keeps a text without its holes. */
static int keep(struct weir_pattern *p, struct weir_slice text, const struct weir_slice *holes,
		unsigned holes_n, size_t *pieces)
{
	const char *at = text.base;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < holes_n; i++) {
		pieces[i] = (size_t)(holes[i].base - at);
		rc = weir_buf_append(&p->bytes, at, pieces[i]);
		at = holes[i].base + holes[i].len;
	}
	pieces[holes_n] = (size_t)(text.base + text.len - at);
	return rc ? rc : weir_buf_append(&p->bytes, at, pieces[holes_n]);
}

static int keep_shown(struct weir_pattern *p, struct weir_slice shown,
		      const struct weir_slice *holes, unsigned holes_n)
{
	struct weir_slice found[WEIR_PATTERN_HOLES_MAX];
	const char *from = shown.base;

	for (unsigned i = 0; i < holes_n; i++) {
		found[i] = find_only(shown, holes[i]);
		if (!found[i].base || found[i].base < from)
			return -1;
		from = found[i].base + found[i].len;
	}
	return keep(p, shown, found, holes_n, p->shown);
}

/* The bytes a BOM begins with would be read otherwise in the middle of a stream, and what a lone
 * CR ends may not be over. */
static bool is_plain(struct weir_slice raw)
{
	return raw.base[0] != '\xef' && raw.base[raw.len - 1] == '\n';
}

void weir_pattern_learn(struct weir_pattern *p, struct weir_slice raw, const struct weir_reading *r,
			struct weir_slice shown)
{
	struct weir_slice holes[WEIR_PATTERN_HOLES_MAX] = { r->text, r->padding };
	unsigned holes_n = r->padding.len ? 2 : 1;

	p->holes_n = 0;
	weir_buf_clear(&p->bytes);
	if (r->text.len == 0 || raw.len > WEIR_PATTERN_MAX || !is_plain(raw))
		return;
	if (holes_n == 2 && r->padding.base < r->text.base) {
		holes[0] = r->padding;
		holes[1] = r->text;
	}
	if (!stands_in(holes[0], raw) || !stands_in(holes[holes_n - 1], raw) ||
	    keep(p, raw, holes, holes_n, p->came))
		return;
	p->as_it_came = weir_slice_eq(raw, shown);
	if (!p->as_it_came && keep_shown(p, shown, holes, holes_n))
		return;
	p->crlf = raw.len > 1 && raw.base[raw.len - 2] == '\r';
	p->holes_n = holes_n;
}

/* The closing quote of a string whose first byte is p; NULL when it is empty, or not
 * valid, or needs a closer look. */
static const char *skip_words(const char *p, const char *end)
{
	const char *begin = p;
	size_t n;

	for (p = weir_skip_plain(p, end); p < end; p = weir_skip_plain(p + n, end)) {
		if (*p == '"')
			return p > begin ? p : NULL;
		n = 0;
		if ((unsigned char)*p >= 0x80)
			n = weir_utf8_len(p, (size_t)(end - p));
		else if (*p == '\\')
			n = end - p > 2 && p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
		if (n == 0)
			return NULL;
	}
	return NULL;
}

size_t weir_pattern_match(const struct weir_pattern *p, struct weir_slice bytes,
			  struct weir_pattern_words *words)
{
	const char *at = bytes.base, *end = at + bytes.len, *same = p->bytes.base;

	if (p->holes_n == 0)
		return 0;
	for (unsigned i = 0;; i++) {
		size_t n = p->came[i];

		if ((size_t)(end - at) < n || memcmp(at, same, n) != 0)
			return 0;
		at += n;
		same += n;
		if (i == p->holes_n)
			return (size_t)(at - bytes.base);
		words->at[i].base = at;
		at = skip_words(at, end);
		if (!at)
			return 0;
		words->at[i].len = (size_t)(at - words->at[i].base);
	}
}

static size_t sum(const size_t *pieces, unsigned n)
{
	size_t all = 0;

	for (unsigned i = 0; i < n; i++)
		all += pieces[i];
	return all;
}

int weir_pattern_tell(const struct weir_pattern *p, const struct weir_pattern_words *words,
		      struct weir_buf *out)
{
	const char *same = p->bytes.base + sum(p->came, p->holes_n + 1);
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i <= p->holes_n; i++) {
		rc = weir_buf_append(out, same, p->shown[i]);
		if (rc == 0 && i < p->holes_n)
			rc = weir_buf_append(out, words->at[i].base, words->at[i].len);
		same += p->shown[i];
	}
	return rc;
}

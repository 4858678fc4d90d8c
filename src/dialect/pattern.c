#include "dialect/pattern.h"

void weir_pattern_init(struct weir_pattern *p)
{
	*p = (struct weir_pattern){ 0 };
	weir_buf_init(&p->text, WEIR_PATTERN_MAX);
}

void weir_pattern_fini(struct weir_pattern *p)
{
	weir_buf_fini(&p->text);
}

static void add_hole(struct weir_pattern *p, struct weir_slice data, struct weir_slice hole)
{
	if (hole.len == 0)
		return;
	p->holes[p->holes_n].at = (size_t)(hole.base - data.base);
	p->holes[p->holes_n].len = hole.len;
	p->holes_n++;
}

void weir_pattern_learn(struct weir_pattern *p, struct weir_slice data,
			const struct weir_reading *r)
{
	bool padding_first = r->padding.len && r->padding.base < r->text.base;

	p->holes_n = 0;
	weir_buf_clear(&p->text);
	if (r->text.len == 0 || weir_buf_append(&p->text, data.base, data.len))
		return;
	add_hole(p, data, padding_first ? r->padding : r->text);
	add_hole(p, data, padding_first ? r->text : r->padding);
}

/* The closing quote of a string whose first byte is p; NULL when it is empty, or not
 * valid, or needs a closer look. */
static const char *skip_words(const char *p, const char *end)
{
	const char *begin = p;
	size_t n;

	while (p < end && *p != '"') {
		n = 1;
		if ((unsigned char)*p >= 0x80)
			n = weir_utf8_len(p, (size_t)(end - p));
		else if (*p == '\\')
			n = end - p > 2 && p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
		else if (*p < ' ')
			n = 0;
		if (n == 0)
			return NULL;
		p += n;
	}
	return p < end && p > begin ? p : NULL;
}

bool weir_pattern_match(const struct weir_pattern *p, struct weir_slice data)
{
	const char *at = data.base, *end = at + data.len;
	const char *text = p->text.base, *text_end = text + p->text.len;

	if (p->holes_n == 0)
		return false;
	for (unsigned i = 0; i < p->holes_n; i++) {
		size_t n = (size_t)(p->text.base + p->holes[i].at - text);

		if ((size_t)(end - at) < n || memcmp(at, text, n) != 0)
			return false;
		at = skip_words(at + n, end);
		if (!at)
			return false;
		text += n + p->holes[i].len;
	}
	return weir_slice_eq(weir_slice(at, (size_t)(end - at)),
			     weir_slice(text, (size_t)(text_end - text)));
}

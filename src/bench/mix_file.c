#include "bench/mix.h"

#include "bench/words.h"
#include "wire/json.h"

/* A line of the file. */
struct line {
	struct weir_bench_kind *kind;
	unsigned number;
	struct weir_error *err;
};

static int refuse(const struct line *line, const char *key, const char *what)
{
	return weir_fail(line->err, WEIR_ECONFIG, "line %u: %s: %s", line->number, key, what);
}

/* Without its quotes, if it has them. */
static struct weir_slice bare(const struct weir_json_member *m)
{
	if (m->type != WEIR_JSON_STRING)
		return m->value;
	return weir_slice(m->value.base + 1, m->value.len - 2);
}

static int read_size(const struct line *line, const struct weir_json_member *m, const char *key,
		     struct weir_bench_dist *dist)
{
	struct weir_error why;

	if (weir_bench_dist_parse(dist, bare(m), &why))
		return refuse(line, key, why.text);
	return 0;
}

static int read_share(const struct line *line, const struct weir_json_member *m, const char *key,
		      double *share)
{
	if (m->type == WEIR_JSON_BOOL)
		*share = weir_slice_is(m->value, "true");
	else if (!weir_bench_share(bare(m), share))
		return refuse(line, key, "a share is true, 0.25 or \"25%\"");
	return 0;
}

static int read_member(const struct line *line, const struct weir_json_member *m)
{
	struct weir_bench_kind *kind = line->kind;

	if (weir_slice_is(m->key, "weight")) {
		if (!weir_slice_to_double(m->value, &kind->weight) || kind->weight <= 0)
			return refuse(line, "weight", "a number above 0");
		return 0;
	}
	if (weir_slice_is(m->key, "prompt_tokens"))
		return read_size(line, m, "prompt_tokens", &kind->prompt);
	if (weir_slice_is(m->key, "answer_tokens")) {
		kind->has_answer = true;
		return read_size(line, m, "answer_tokens", &kind->answer);
	}
	if (weir_slice_is(m->key, "stream"))
		return read_share(line, m, "stream", &kind->stream);
	if (weir_slice_is(m->key, "tools"))
		return read_share(line, m, "tools", &kind->tools);
	if (weir_slice_is(m->key, "body")) {
		kind->body = m->value;
		return m->type == WEIR_JSON_OBJECT ? 0 : refuse(line, "body", "an object");
	}
	return weir_fail(line->err, WEIR_ECONFIG,
			 "line %u: \"%.*s\" is unknown; a kind has weight, prompt_tokens, "
			 "answer_tokens, stream, tools, or body",
			 line->number, (int)(m->key.len < 40 ? m->key.len : 40), m->key.base);
}

static int read_kind(const struct line *line, struct weir_slice text)
{
	struct weir_json_cursor cursor;
	struct weir_json_member member;
	int got, rc;

	if (weir_json_check(text, &cursor.offset) || text.base[0] != '{')
		return refuse(line, "not a JSON object", "each line is one");
	if (weir_json_get(text, "messages", &member) || weir_json_get(text, "prompt", &member)) {
		line->kind->body = text;
		return 0;
	}
	rc = weir_json_open(&cursor, text);
	while (rc == 0 && (got = weir_json_next(&cursor, &member)) == 1)
		rc = read_member(line, &member);
	return rc;
}

int weir_bench_kinds_read(struct weir_bench_kind *kinds, unsigned *n,
			  const struct weir_bench_kind *base, struct weir_slice text,
			  struct weir_error *err)
{
	struct line line = { .number = 0, .err = err };

	*n = 0;
	while (text.len) {
		const char *end = memchr(text.base, '\n', text.len);
		size_t len = end ? (size_t)(end - text.base) : text.len;
		struct weir_slice words = weir_slice(text.base, len);
		int rc;

		text = weir_slice(text.base + len + (end != NULL), text.len - len - (end != NULL));
		line.number++;
		if (words.len && words.base[words.len - 1] == '\r')
			words.len--;
		words = weir_slice_trim(words);
		if (!words.len)
			continue;
		if (*n == WEIR_BENCH_KINDS_MAX)
			return weir_fail(err, WEIR_ECONFIG, "more than %d kinds of request",
					 WEIR_BENCH_KINDS_MAX);
		line.kind = &kinds[*n];
		*line.kind = *base;
		line.kind->weight = 1;
		rc = read_kind(&line, words);
		if (rc)
			return rc;
		++*n;
	}
	return *n ? 0 : weir_fail(err, WEIR_ECONFIG, "there is no request in it");
}

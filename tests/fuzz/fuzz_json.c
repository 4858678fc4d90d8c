/* The scanner agrees with yyjson on what is JSON, and with itself on where things are. */
#include "fuzz.h"

#include <yyjson.h>

#include "base/alloc.h"
#include "wire/json.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\","
		  "\"content\":\"Hello, w\xc3\xb6rld \\ud83d\\ude00 \\\"x\\\"\\n\"}],\"n\":1}"),
	FUZZ_SEED("[-0,1.5e+10,1E-2,0.0,123456789012345678901234567890,null,true,false]"),
	FUZZ_SEED("{\"a\":{\"b\":[{},[],{\"c\":[]}]},\"d\":[[[[]]]],\"\":\"\"}"),
	FUZZ_SEED(" [ \"\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf\" , \"\\u0000\" "
		  "]\r\n\t"),
	FUZZ_SEED("{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
		  "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}}}]}"),
	FUZZ_SEED("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
};

static bool has(struct weir_slice text, const char *word)
{
	return weir_slice_has_nocase(text, word);
}

static int check_member(struct weir_slice text, const struct weir_json_member *m, bool is_array)
{
	const char *begin = is_array ? m->value.base : m->key.base - 1;
	struct weir_json_cursor inner;
	struct weir_json_member found;
	struct weir_buf out;
	size_t at;
	int n = 0, rc;

	FUZZ_CHECK(m->end <= text.len && m->begin < m->end);
	FUZZ_CHECK(text.base + m->begin == begin);
	FUZZ_CHECK(text.base + m->end == m->value.base + m->value.len);
	FUZZ_CHECK(weir_json_check(m->value, &at) == 0);
	weir_buf_init(&out, 3 * text.len);
	rc = weir_json_unescape(&out, m->key);
	FUZZ_CHECK(rc == 0 && out.len <= m->key.len);
	weir_buf_fini(&out);
	if (m->type == WEIR_JSON_OBJECT || m->type == WEIR_JSON_ARRAY) {
		FUZZ_CHECK(weir_json_open(&inner, m->value) == 0);
		while ((rc = weir_json_next(&inner, &found)) == 1)
			n++;
		FUZZ_CHECK(rc == 0);
	}
	return n;
}

/* 1: valid; 0: not. */
static int walk(struct weir_slice text)
{
	struct weir_json_cursor c;
	struct weir_json_member m;
	int rc = weir_json_open(&c, text);

	if (rc == 0)
		while ((rc = weir_json_next(&c, &m)) == 1)
			check_member(text, &m, c.is_array);
	FUZZ_CHECK(c.offset <= text.len);
	FUZZ_CHECK((rc == 0) == (c.error == NULL));
	return rc == 0;
}

static void check_peer(struct weir_slice text, bool valid)
{
	yyjson_read_err err;
	yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.base, text.len,
					   YYJSON_READ_NUMBER_AS_RAW, NULL, &err);
	bool same = valid == (doc != NULL);

	/* It refuses lone surrogate escapes, and knows no depth. */
	FUZZ_CHECK(same || has(text, "\\ud") || (doc && text.len > WEIR_JSON_DEPTH_MAX));
	yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_slice text = weir_slice((const char *)data, size);
	struct weir_buf out;
	size_t at = 0;
	bool valid = weir_json_check(text, &at) == 0;

	FUZZ_CHECK(at <= size);
	if (walk(text))
		FUZZ_CHECK(valid);
	check_peer(text, valid);

	/* These also take what was never checked. */
	weir_json_text_is(text, "model");
	weir_buf_init(&out, 3 * size + 1);
	FUZZ_CHECK(weir_json_unescape(&out, text) == 0);
	weir_buf_fini(&out);
	FUZZ_CHECK(weir_alloc_live() == 0);
	return 0;
}

FUZZ_MAIN(seeds, 100000)

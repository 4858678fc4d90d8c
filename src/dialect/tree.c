#include "dialect/tree.h"

#include "base/alloc.h"
#include "wire/json.h"

typedef unsigned char block __attribute__((vector_size(16)));

enum { BLOCKS_MAX = 255 }; /* that many matches fit into a byte */

/* How many brackets open, those in strings included: never less than the depth. */
static size_t count_brackets(struct weir_slice text)
{
	const char *p = text.base, *end = p + text.len;
	size_t count = 0;

	while (end - p >= (ptrdiff_t)sizeof(block)) {
		block sum = { 0 }, b;

		for (int i = 0; i < BLOCKS_MAX && end - p >= (ptrdiff_t)sizeof b; i++) {
			memcpy(&b, p, sizeof b);
			sum -= (block)((b | 0x20) == '{'); /* '[' | 0x20 is '{' */
			p += sizeof b;
		}
		for (size_t i = 0; i < sizeof sum; i++)
			count += sum[i];
	}
	for (; p < end; p++)
		count += (*p | 0x20) == '{';
	return count;
}

static void *take(void *ctx, size_t size)
{
	(void)ctx;
	return weir_alloc(size);
}

static void *resize(void *ctx, void *ptr, size_t old_size, size_t size)
{
	(void)ctx;
	(void)old_size;
	return weir_realloc(ptr, size);
}

static void give(void *ctx, void *ptr)
{
	(void)ctx;
	weir_free(ptr);
}

static void read_text(struct weir_tree *tree, struct weir_slice text, yyjson_read_flag flags)
{
	yyjson_read_err err;

	if (yyjson_read_max_memory_usage(text.len, flags) <= sizeof tree->pool)
		yyjson_alc_pool_init(&tree->alc, tree->pool, sizeof tree->pool);
	else
		tree->alc = (yyjson_alc){ .malloc = take, .realloc = resize, .free = give };
	/* Without INSITU the text is not written to. */
	tree->doc = yyjson_read_opts((char *)text.base, text.len, flags, &tree->alc, &err);
	tree->root = yyjson_doc_get_root(tree->doc);
	tree->no_memory = !tree->doc && err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION;
}

/* Escaped halves of surrogate pairs, paired or not, become U+FFFD. */
static void blunt(char *text, size_t len)
{
	for (size_t i = 0; i + 5 < len; i++) {
		if (text[i] != '\\')
			continue;
		if (text[i + 1] == 'u' && (text[i + 2] | 0x20) == 'd' && text[i + 3] >= '8')
			memcpy(text + i + 2, "fffd", 4);
		i++;
	}
}

/* A tokenizer may split an emoji between two events, so that each has half of a pair;
 * and a number may be past any double. Both are JSON, and neither is read as such. */
static void read_odd(struct weir_tree *tree, struct weir_slice text)
{
	char *copy = weir_strndup(text.base, text.len);

	tree->no_memory = !copy;
	if (!copy)
		return;
	blunt(copy, text.len);
	read_text(tree, weir_slice(copy, text.len), YYJSON_READ_BIGNUM_AS_RAW);
	weir_free(copy);
}

void weir_tree_read(struct weir_tree *tree, struct weir_slice text)
{
	size_t offset;

	tree->doc = NULL;
	tree->root = NULL;
	tree->no_memory = false;
	if (text.len == 0 ||
	    (count_brackets(text) > WEIR_JSON_DEPTH_MAX && weir_json_check(text, &offset)))
		return;
	read_text(tree, text, YYJSON_READ_NOFLAG);
	if (!tree->doc && !tree->no_memory && weir_json_check(text, &offset) == 0)
		read_odd(tree, text);
}

void weir_tree_fini(struct weir_tree *tree)
{
	yyjson_doc_free(tree->doc);
	tree->doc = NULL;
	tree->root = NULL;
}

struct weir_slice weir_tree_place(const struct weir_tree *tree, struct weir_slice text,
				  yyjson_val *value)
{
	struct weir_slice word = weir_tree_text(value), none = WEIR_SLICE("");
	size_t at;

	if (word.len == 0 || !tree->doc->str_pool)
		return none;
	/* Strings are decoded in place in a copy of the text; but that is yyjson's own affair. */
	at = (size_t)(word.base - tree->doc->str_pool);
	if (at == 0 || at >= text.len || text.len - at <= word.len || text.base[at - 1] != '"' ||
	    text.base[at + word.len] != '"' || memcmp(text.base + at, word.base, word.len) != 0)
		return none;
	return weir_slice(text.base + at, word.len);
}

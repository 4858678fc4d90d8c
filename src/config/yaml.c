#include "config/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/assert.h"

struct frame {
	struct weir_node *node;
	struct weir_node *key; /* read, its value is not */
};

struct anchor {
	char *name;
	struct weir_node *node;
};

struct builder {
	struct weir_yaml *tree;
	struct weir_findings *findings;
	struct weir_slice source;
	struct frame stack[WEIR_YAML_DEPTH_MAX];
	unsigned depth;
	struct anchor anchors[WEIR_YAML_ANCHORS_MAX];
	unsigned anchors_n;
	unsigned documents;
};

void weir_yaml_init(struct weir_yaml *tree)
{
	*tree = (struct weir_yaml){ 0 };
	tree->end = &tree->first;
}

void weir_yaml_fini(struct weir_yaml *tree)
{
	struct weir_node *next;

	for (struct weir_node *node = tree->first; node; node = next) {
		next = node->next;
		if (node->text_base)
			weir_free_secret(node->text_base, node->text.len + 1);
		if (node->raw_base)
			weir_free_secret(node->raw_base, node->raw.len + 1);
		weir_free(node->pairs);
		weir_free(node);
	}
	weir_yaml_init(tree);
}

static void write_path(const struct weir_node *node, char *path, size_t size)
{
	const struct weir_node *key = node->is_key ? node : node->key;
	size_t at;

	if (!node->parent)
		return;
	write_path(node->parent, path, size);
	at = strlen(path);
	if (key)
		snprintf(path + at, size - at, "%s%.*s", at ? "." : "", (int)key->raw.len,
			 key->raw.base);
	else
		snprintf(path + at, size - at, "[%u]", node->position);
}

void weir_node_path(const struct weir_node *node, char *path, size_t size)
{
	WEIR_ASSERT(size > 1);
	path[0] = '\0';
	write_path(node, path, size);
	if (!path[0])
		snprintf(path, size, ".");
	for (unsigned char *c = (unsigned char *)path; *c; c++)
		if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
			*c = '?'; /* also the second byte's partner: no longer a sequence */
}

bool weir_node_is_null(const struct weir_node *node)
{
	return node->type == WEIR_NODE_SCALAR && node->plain &&
	       (node->raw.len == 0 || weir_slice_is(node->raw, "~") ||
		weir_slice_is(node->raw, "null"));
}

struct weir_node *weir_node_get(const struct weir_node *map, const char *key)
{
	for (unsigned i = 0; i < map->pairs_n; i++)
		if (weir_slice_is(map->pairs[i].key->raw, key))
			return map->pairs[i].value;
	return NULL;
}

WEIR_PRINTF(4, 5)
static int refuse(struct builder *b, const struct weir_node *node, const char *rule,
		  const char *format, ...)
{
	char path[WEIR_PATH_MAX];
	va_list ap;

	weir_node_path(node, path, sizeof path);
	va_start(ap, format);
	weir_findings_vadd(b->findings, WEIR_FINDING_ERROR, node->line, node->column, rule, path,
			   format, ap);
	va_end(ap);
	return WEIR_ECONFIG;
}

static int add_pair(struct weir_node *node, struct weir_node *key, struct weir_node *value)
{
	if (node->pairs_n == node->pairs_cap) {
		unsigned cap = node->pairs_cap ? node->pairs_cap * 2 : 4;
		struct weir_pair *pairs = weir_realloc(node->pairs, cap * sizeof *pairs);

		if (!pairs)
			return WEIR_ENOMEM;
		node->pairs = pairs;
		node->pairs_cap = cap;
	}
	node->pairs[node->pairs_n++] = (struct weir_pair){ key, value };
	return 0;
}

/* A finished node joins the one it stands in. */
static int count_in(struct builder *b, struct weir_node *parent, const struct weir_node *child)
{
	parent->weight += child->weight;
	if (parent->height < child->height + 1)
		parent->height = child->height + 1;
	if (parent->weight > WEIR_YAML_NODES_MAX)
		return refuse(b, parent, "too-large",
			      "more than %d values, aliases counted in full\n"
			      "use fewer aliases, or split the file",
			      WEIR_YAML_NODES_MAX);
	return 0;
}

static int attach_key(struct builder *b, struct frame *top, struct weir_node *node, bool alias)
{
	if (node->type != WEIR_NODE_SCALAR)
		return refuse(b, top->node, "yaml-syntax",
			      "a key must be a plain text\nput texts that begin with { or [ in "
			      "quotes");
	if (!alias)
		node->is_key = true;
	top->key = node;
	return 0;
}

static int attach(struct builder *b, struct weir_node *node, bool alias)
{
	struct frame *top = b->depth ? &b->stack[b->depth - 1] : NULL;
	struct weir_node *key;

	if (!top) {
		b->tree->root = node;
		return 0;
	}
	if (!alias)
		node->parent = top->node;
	if (top->node->type == WEIR_NODE_MAP && !top->key)
		return attach_key(b, top, node, alias);
	key = top->key;
	top->key = NULL;
	if (!alias) {
		node->key = key;
		node->position = top->node->pairs_n;
	}
	return add_pair(top->node, key, node);
}

static struct weir_node *new_node(struct builder *b, enum weir_node_type type, yaml_mark_t at)
{
	struct weir_node *node = weir_calloc(1, sizeof *node);

	if (!node)
		return NULL;
	node->type = type;
	node->line = (unsigned)at.line + 1;
	node->column = (unsigned)at.column + 1;
	node->weight = 1;
	*b->tree->end = node;
	b->tree->end = &node->next;
	b->tree->nodes_n++;
	return node;
}

static int set_anchor(struct builder *b, struct weir_node *node, const yaml_char_t *name)
{
	struct anchor *anchor = &b->anchors[b->anchors_n];

	if (!name)
		return 0;
	if (b->anchors_n == WEIR_YAML_ANCHORS_MAX)
		return refuse(b, node, "too-large",
			      "more than %d anchors\nuse fewer, or put what is shared "
			      "under `defaults`",
			      WEIR_YAML_ANCHORS_MAX);
	anchor->name = weir_strndup((const char *)name, strlen((const char *)name));
	if (!anchor->name)
		return WEIR_ENOMEM;
	anchor->node = node;
	b->anchors_n++;
	return 0;
}

static int check_tag(struct builder *b, const struct weir_node *node, const yaml_char_t *tag)
{
	const char *text = (const char *)tag;

	if (!tag || strcmp(text, "!") == 0 || strncmp(text, "tag:yaml.org,2002:", 18) == 0)
		return 0;
	return refuse(b, node, "yaml-tag", "tags such as %s are not understood\nremove the tag",
		      weir_quote(weir_slice_of(text)).text);
}

static int begin(struct builder *b, struct weir_node *node, const yaml_char_t *anchor,
		 const yaml_char_t *tag)
{
	int rc = node ? attach(b, node, false) : WEIR_ENOMEM;

	if (rc == 0)
		rc = check_tag(b, node, tag);
	if (rc == 0)
		rc = set_anchor(b, node, anchor);
	if (rc || node->type == WEIR_NODE_SCALAR)
		return rc;
	if (b->depth == WEIR_YAML_DEPTH_MAX)
		return refuse(b, node, "too-deep",
			      "nested more than %d levels deep\n"
			      "see the example in the manual: six levels are enough",
			      WEIR_YAML_DEPTH_MAX);
	b->stack[b->depth++] = (struct frame){ node, NULL };
	return 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	struct weir_node *node = new_node(b, WEIR_NODE_SCALAR, event->start_mark);
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	if (!node)
		return WEIR_ENOMEM;
	node->raw_base = weir_strndup(value, len);
	if (!node->raw_base)
		return WEIR_ENOMEM;
	node->raw = node->text = weir_slice(node->raw_base, len);
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->done = true;
	if (memchr(value, '\0', len))
		return refuse(b, node, "bad-character", "contains a NUL character\nremove it");
	return begin(b, node, event->data.scalar.anchor, event->data.scalar.tag);
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
	struct weir_node here = { .line = (unsigned)event->start_mark.line + 1,
				  .column = (unsigned)event->start_mark.column + 1,
				  .parent = b->depth ? b->stack[b->depth - 1].node : NULL,
				  .key = b->depth ? b->stack[b->depth - 1].key : NULL };
	const char *name = (const char *)event->data.alias.anchor;
	struct weir_node *node = NULL;

	for (unsigned i = 0; i < b->anchors_n; i++)
		if (strcmp(b->anchors[i].name, name) == 0)
			node = b->anchors[i].node;
	if (!node)
		return refuse(b, &here, "yaml-alias",
			      "no anchor named %s\nwrite &NAME before the value that *NAME repeats",
			      weir_quote(weir_slice_of(name)).text);
	if (!node->done)
		return refuse(
			b, &here, "yaml-alias",
			"the alias %s stands inside the value it repeats\nwrite the value out",
			weir_quote(weir_slice_of(name)).text);
	if (b->depth + node->height > WEIR_YAML_DEPTH_MAX)
		return refuse(b, &here, "too-deep",
			      "nested more than %d levels deep\nuse fewer aliases",
			      WEIR_YAML_DEPTH_MAX);
	return attach(b, node, true);
}

static int compare_keys(const void *a, const void *b)
{
	const struct weir_pair *x = a, *y = b;
	size_t len = x->key->raw.len < y->key->raw.len ? x->key->raw.len : y->key->raw.len;
	int order = len ? memcmp(x->key->raw.base, y->key->raw.base, len) : 0;

	if (order == 0)
		order = (x->key->raw.len > y->key->raw.len) - (x->key->raw.len < y->key->raw.len);
	if (order == 0)
		order = (x->key->line > y->key->line) - (x->key->line < y->key->line);
	return order ? order
		     : (x->key->column > y->key->column) - (x->key->column < y->key->column);
}

static int check_duplicates(struct builder *b, const struct weir_node *map)
{
	size_t bytes = map->pairs_n * sizeof *map->pairs;
	struct weir_pair *sorted;

	if (map->pairs_n < 2)
		return 0;
	sorted = weir_alloc(bytes);
	if (!sorted)
		return WEIR_ENOMEM;
	memcpy(sorted, map->pairs, bytes);
	qsort(sorted, map->pairs_n, sizeof *sorted, compare_keys);
	for (unsigned i = 1; i < map->pairs_n; i++) {
		const struct weir_node *first = sorted[i - 1].key, *second = sorted[i].key;

		if (!weir_slice_eq(first->raw, second->raw))
			continue;
		sorted[i].key->broken = true;
		(void)refuse(b, second, "duplicate-key",
			     "%s is here already, in line %u\nremove one of them",
			     weir_quote(second->raw).text, first->line);
	}
	weir_free(sorted);
	return 0;
}

static int on_end(struct builder *b)
{
	struct weir_node *node = b->stack[--b->depth].node;
	int rc = 0;

	node->done = true;
	for (unsigned i = 0; rc == 0 && i < node->pairs_n; i++) {
		if (node->pairs[i].key)
			rc = count_in(b, node, node->pairs[i].key);
		if (rc == 0)
			rc = count_in(b, node, node->pairs[i].value);
	}
	return rc || node->type != WEIR_NODE_MAP ? rc : check_duplicates(b, node);
}

static int on_document(struct builder *b, const yaml_event_t *event)
{
	struct weir_node here = { .line = (unsigned)event->start_mark.line + 1,
				  .column = (unsigned)event->start_mark.column + 1 };

	if (b->documents++ == 0)
		return 0;
	return refuse(
		b, &here, "yaml-documents",
		"a second document begins here\nremove the --- line: one file is one document");
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	if (b->tree->nodes_n > WEIR_YAML_NODES_MAX)
		return refuse(b, b->tree->root, "too-large", "more than %d values\nsplit the file",
			      WEIR_YAML_NODES_MAX);
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, event);
	case YAML_ALIAS_EVENT:
		return on_alias(b, event);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return begin(b, new_node(b, WEIR_NODE_LIST, event->start_mark),
			     event->data.sequence_start.anchor, event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return begin(b, new_node(b, WEIR_NODE_MAP, event->start_mark),
			     event->data.mapping_start.anchor, event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(b);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

/* The rest of this file: what libyaml says when it gives up. */

static struct weir_slice line_at(struct weir_slice source, size_t line)
{
	const char *at = source.base, *end = source.base + source.len, *stop;

	while (line-- && at < end) {
		stop = memchr(at, '\n', (size_t)(end - at));
		at = stop ? stop + 1 : end;
	}
	if (at == end)
		return weir_slice(end, 0);
	stop = memchr(at, '\n', (size_t)(end - at));
	return weir_slice(at, (size_t)((stop ? stop : end) - at));
}

static bool tab_indents(struct weir_slice line)
{
	for (size_t i = 0; i < line.len && (line.base[i] == ' ' || line.base[i] == '\t'); i++)
		if (line.base[i] == '\t')
			return true;
	return false;
}

static int report_bytes(struct builder *b, const yaml_parser_t *parser)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < parser->problem_offset && i < b->source.len; i++) {
		column++;
		if (b->source.base[i] == '\n') {
			line++;
			column = 1;
		}
	}
	weir_findings_add(b->findings, WEIR_FINDING_ERROR, line, column, "bad-character", ".",
			  "%s\nsave the file as UTF-8 text, without control characters",
			  parser->problem);
	return WEIR_ECONFIG;
}

static int report_syntax(struct builder *b, const yaml_parser_t *parser)
{
	size_t line = parser->problem_mark.line;
	const char *context = parser->context ? parser->context : "";

	if (parser->error == YAML_MEMORY_ERROR)
		return WEIR_ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		return report_bytes(b, parser);
	if (tab_indents(line_at(b->source, line))) {
		weir_findings_add(b->findings, WEIR_FINDING_ERROR, (unsigned)line + 1, 1,
				  "yaml-tab", ".", "a tab in the indentation\nindent with spaces");
		return WEIR_ECONFIG;
	}
	weir_findings_add(b->findings, WEIR_FINDING_ERROR, (unsigned)line + 1,
			  (unsigned)parser->problem_mark.column + 1, "yaml-syntax", ".",
			  "%s%s%s\ncheck the indentation here and in the lines above, and put "
			  "quotes around texts with : # { [ or * in them",
			  context, context[0] ? ": " : "", parser->problem);
	return WEIR_ECONFIG;
}

static int run(struct builder *b, yaml_parser_t *parser)
{
	bool ended = false;
	int rc = 0;

	while (rc == 0 && !ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return report_syntax(b, parser);
		ended = event.type == YAML_STREAM_END_EVENT;
		rc = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return rc;
}

int weir_yaml_parse(struct weir_yaml *tree, struct weir_slice text, struct weir_findings *findings)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct builder b = { .tree = tree, .findings = findings };
	yaml_parser_t parser;
	int rc;

	/* libyaml takes it for a column, and what follows for indented. */
	if (weir_slice_starts(text, bom))
		text = weir_slice(text.base + sizeof bom - 1, text.len - sizeof bom + 1);
	b.source = text;

	if (!yaml_parser_initialize(&parser))
		return WEIR_ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.base, text.len);
	rc = run(&b, &parser);
	yaml_parser_delete(&parser);
	for (unsigned i = 0; i < b.anchors_n; i++)
		weir_free(b.anchors[i].name);
	return rc;
}

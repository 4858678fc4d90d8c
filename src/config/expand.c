#include "base/alloc.h"
#include "base/assert.h"
#include "config/reader.h"

enum { VARIABLE_MAX = 128 };

struct text {
	char *base; /* NULL: only measuring */
	size_t len, cap;
};

static void put(struct text *out, struct weir_slice s)
{
	WEIR_ASSERT(!out->base || s.len <= out->cap - out->len);
	if (out->base && s.len)
		memcpy(out->base + out->len, s.base, s.len);
	out->len += s.len;
}

/* What stands between ${ and }. */
struct variable {
	char name[VARIABLE_MAX];
	struct weir_slice operator_; /* "", "-", ":-", "?" or ":?" */
	struct weir_slice operand;
};

static bool is_name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static bool split(struct weir_slice inside, struct variable *variable)
{
	size_t n = 0, op;

	while (n < inside.len && is_name_char(inside.base[n], n == 0))
		n++;
	if (n == 0 || n >= sizeof variable->name)
		return false;
	memcpy(variable->name, inside.base, n);
	variable->name[n] = '\0';
	op = n + (n < inside.len && inside.base[n] == ':');
	if (op < inside.len && (inside.base[op] == '-' || inside.base[op] == '?'))
		op++;
	else if (op > n || n < inside.len)
		return false;
	variable->operator_ = weir_slice(inside.base + n, op - n);
	variable->operand = weir_slice(inside.base + op, inside.len - op);
	return true;
}

static void unset(struct weir_reader *reader, struct weir_node *node,
		  const struct variable *variable)
{
	const char *name = variable->name;

	if (variable->operand.len)
		weir_reader_error(reader, node, "unset-variable",
				  "the variable %s is not set: %s\nset it", name,
				  weir_quote(variable->operand).text);
	else
		weir_reader_error(reader, node, "unset-variable",
				  "the variable %s is not set\nset it, or write ${%s:-DEFAULT}",
				  name, name);
}

/* One ${…}. False: reported. */
static bool put_variable(struct weir_reader *reader, struct weir_node *node,
			 struct weir_slice inside, struct text *out)
{
	struct variable variable = { .operand = { NULL, 0 } };
	const char *value;
	bool colon, missing;

	if (!split(inside, &variable) || memmem(inside.base, inside.len, "${", 2)) {
		weir_reader_error(reader, node, "bad-variable",
				  "not a variable: ${…} holds a name and perhaps a default\nwrite "
				  "${NAME} or ${NAME:-DEFAULT}, and $${ for the characters "
				  "themselves");
		return false;
	}
	value = weir_reader_env(reader, variable.name);
	colon = variable.operator_.len && variable.operator_.base[0] == ':';
	missing = !value || (colon && !*value);
	if (!missing) {
		put(out, weir_slice_of(value));
		return true;
	}
	if (variable.operator_.len && variable.operator_.base[variable.operator_.len - 1] == '-') {
		put(out, variable.operand);
		return true;
	}
	unset(reader, node, &variable);
	return false;
}

static bool put_all(struct weir_reader *reader, struct weir_node *node, struct text *out)
{
	struct weir_slice rest = node->raw;
	bool ok = true;

	while (rest.len) {
		const char *dollar = memmem(rest.base, rest.len, "${", 2);
		size_t before = dollar ? (size_t)(dollar - rest.base) : rest.len;
		const char *brace;

		if (before && dollar && dollar[-1] == '$') {
			put(out, weir_slice(rest.base, before - 1));
			put(out, WEIR_SLICE("${"));
			rest = weir_slice(dollar + 2, rest.len - before - 2);
			continue;
		}
		put(out, weir_slice(rest.base, before));
		if (!dollar)
			break;
		rest = weir_slice(dollar + 2, rest.len - before - 2);
		brace = rest.len ? memchr(rest.base, '}', rest.len) : NULL;
		if (!brace) {
			weir_reader_error(reader, node, "bad-variable",
					  "${ without }\nwrite ${NAME}, or $${ for the characters "
					  "themselves");
			return false;
		}
		ok = put_variable(reader, node, weir_slice(rest.base, (size_t)(brace - rest.base)),
				  out) &&
		     ok;
		rest = weir_slice(brace + 1, rest.len - (size_t)(brace - rest.base) - 1);
	}
	return ok;
}

/* Measured first and copied once, so that no half-grown copy of a secret is left behind. */
static void expand(struct weir_reader *reader, struct weir_node *node)
{
	struct text out = { 0 };
	bool ok = put_all(reader, node, &out);
	char *base;

	if (!ok) {
		node->broken = true;
		return;
	}
	if (out.len > WEIR_CONFIG_TEXT_MAX) {
		weir_reader_error(reader, node, "too-large",
				  "is longer than %d bytes with its variables\nshorten it",
				  WEIR_CONFIG_TEXT_MAX);
		node->broken = true;
		return;
	}
	base = weir_reader_alloc(reader, out.len + 1);
	if (!base)
		return;
	out = (struct text){ base, 0, out.len };
	(void)put_all(reader, node, &out);
	node->text_base = base;
	node->text = weir_slice(base, out.len);
}

void weir_reader_expand(struct weir_reader *reader)
{
	for (struct weir_node *node = reader->tree.first; node; node = node->next)
		if (node->type == WEIR_NODE_SCALAR && !node->is_key && node->raw.len &&
		    memmem(node->raw.base, node->raw.len, "${", 2))
			expand(reader, node);
}

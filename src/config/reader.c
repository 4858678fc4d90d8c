#include "config/form.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "config/value.h"

const char *weir_reader_env(const struct weir_reader *reader, const char *name)
{
	return reader->env ? reader->env(reader->env_arg, name) : getenv(name);
}

const char *weir_reader_vendor_key(const struct weir_reader *reader,
				   const struct weir_vendor *vendor)
{
	const char *const names[] = { vendor->key_var, vendor->other_key_var };

	for (size_t i = 0; i < WEIR_COUNT_OF(names); i++) {
		const char *value = names[i] ? weir_reader_env(reader, names[i]) : NULL;

		if (value && *value)
			return value;
	}
	return NULL;
}

const char *weir_reader_vendor_base(const struct weir_reader *reader,
				    const struct weir_vendor *vendor)
{
	const char *value = vendor->base_var ? weir_reader_env(reader, vendor->base_var) : NULL;

	return value && *value ? value : NULL;
}

WEIR_PRINTF(5, 0)
static void report(struct weir_reader *reader, const struct weir_node *node,
		   enum weir_finding_level level, const char *rule, const char *format, va_list ap)
{
	char path[WEIR_PATH_MAX];

	weir_node_path(node, path, sizeof path);
	weir_findings_vadd(reader->findings, level, node->line, node->column, rule, path, format,
			   ap);
}

void weir_reader_error(struct weir_reader *reader, const struct weir_node *node, const char *rule,
		       const char *format, ...)
{
	va_list ap;

	if (node->broken)
		return;
	va_start(ap, format);
	report(reader, node, WEIR_FINDING_ERROR, rule, format, ap);
	va_end(ap);
}

void weir_reader_warn(struct weir_reader *reader, const struct weir_node *node, const char *rule,
		      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	report(reader, node, WEIR_FINDING_WARNING, rule, format, ap);
	va_end(ap);
}

char *weir_reader_copy(struct weir_reader *reader, struct weir_slice text)
{
	char *copy = weir_strndup(text.base, text.len);

	if (!copy)
		reader->out_of_memory = true;
	return copy;
}

void *weir_reader_alloc(struct weir_reader *reader, size_t size)
{
	void *made = weir_calloc(1, size);

	if (!made)
		reader->out_of_memory = true;
	return made;
}

bool weir_reader_grow(struct weir_reader *reader, void *array, unsigned n, unsigned *cap,
		      size_t size)
{
	unsigned more = *cap ? *cap * 2 : 8;
	void *old, *grown;

	if (n < *cap)
		return true;
	memcpy(&old, array, sizeof old);
	grown = weir_realloc(old, more * size);
	if (!grown) {
		reader->out_of_memory = true;
		return false;
	}
	memcpy(array, &grown, sizeof grown);
	*cap = more;
	return true;
}

bool weir_reader_text(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      struct weir_slice *text)
{
	if (node->broken)
		return false;
	if (node->type != WEIR_NODE_SCALAR) {
		weir_reader_error(reader, node, "wrong-type",
				  "a %s where %s is wanted\nwrite a single "
				  "text",
				  node->type == WEIR_NODE_LIST ? "list" : "map", what);
		return false;
	}
	if (weir_node_is_null(node) || node->text.len == 0) {
		weir_reader_error(reader, node, "empty-value",
				  "is empty where %s is wanted%s\nwrite a value, or remove the key",
				  what,
				  node->raw.len && !weir_node_is_null(node)
					  ? ", because its variable is set but empty"
					  : "");
		return false;
	}
	*text = node->text;
	return true;
}

int weir_reader_word(struct weir_reader *reader, const struct weir_node *node,
		     const char *const *words)
{
	char all[128] = "";
	struct weir_slice text;
	size_t at = 0;

	if (!weir_reader_text(reader, node, "a word", &text))
		return -1;
	for (int i = 0; words[i]; i++) {
		if (weir_slice_is(text, words[i]))
			return i;
		at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", i ? " | " : "", words[i]);
	}
	weir_reader_error(reader, node, "bad-value", "%s is not one of the words here\nwrite %s",
			  weir_quote(node->raw).text, all);
	return -1;
}

const char *const weir_switch_words[] = { "off", "on", NULL };
static const char *const bool_words[] = { "false", "true", NULL };

const struct weir_form weir_form_switch = { .takes = WEIR_TAKES_WORD, .words = weir_switch_words };
const struct weir_form weir_form_bool = { .takes = WEIR_TAKES_WORD, .words = bool_words };
const struct weir_form weir_form_text = { .takes = WEIR_TAKES_TEXT };

bool weir_reader_bool(struct weir_reader *reader, const struct weir_node *node, bool *value)
{
	int word = weir_reader_word(reader, node, bool_words);

	if (word >= 0)
		*value = word == 1;
	return word >= 0;
}

/* clang-format off */
static const struct kind {
	const char *rule, *what;
	enum weir_value (*read)(struct weir_slice text, uint64_t *value);
	void (*print)(uint64_t value, char *text, size_t size);
	const char *unit; /* the likeliest one, for a bare number */
	const char *example;
} kinds[] = {
	[WEIR_NUMBER_DURATION] = {
		"bad-duration", "a duration", weir_value_duration, weir_value_print_duration,
		"s", "a number with its unit, as 250ms, 20s, 2m or 1h" },
	[WEIR_NUMBER_SIZE] = {
		"bad-size", "a size", weir_value_size, weir_value_print_size,
		"MiB", "a number with its unit, as 64KiB, 32MiB or 1GiB" },
	[WEIR_NUMBER_COUNT] = {
		"bad-number", "a whole number", weir_value_count, weir_value_print_count,
		"", "digits, as 4" },
	[WEIR_NUMBER_PERCENT] = {
		"bad-number", "a percentage", weir_value_percent, weir_value_print_percent,
		"%", "a number with its sign, as 300%" },
	[WEIR_NUMBER_DOLLARS] = {
		"bad-number", "an amount of dollars", weir_value_dollars, weir_value_print_dollars,
		"", "digits, as 2.5" },
};
/* clang-format on */

const char *weir_number_what(enum weir_number number)
{
	return kinds[number].what;
}

void weir_number_print(enum weir_number number, uint64_t value, char *text, size_t size)
{
	kinds[number].print(value, text, size);
}

static void out_of_range(struct weir_reader *reader, const struct weir_node *node,
			 const struct kind *kind, const struct weir_range *range)
{
	char least[32], most[32];

	kind->print(range->min, least, sizeof least);
	kind->print(range->max, most, sizeof most);
	weir_reader_error(reader, node, "out-of-range",
			  "%s is out of range\nwrite %s%s from %s to %s",
			  weir_quote(node->raw).text, range->or_else ? range->or_else : "",
			  kind->what, least, most);
}

bool weir_reader_number(struct weir_reader *reader, const struct weir_node *node,
			enum weir_number number, const struct weir_range *range, uint64_t *value)
{
	const struct kind *kind = &kinds[number];
	const char *or_else = range->or_else ? range->or_else : "";
	enum weir_value rc;
	struct weir_slice text;
	uint64_t read;

	if (!weir_reader_text(reader, node, kind->what, &text))
		return false;
	rc = kind->read(text, &read);
	if (rc == WEIR_VALUE_BAD)
		weir_reader_error(reader, node, kind->rule, "%s is not %s\nwrite %s%s",
				  weir_quote(node->raw).text, kind->what, or_else, kind->example);
	else if (rc == WEIR_VALUE_NO_UNIT)
		weir_reader_error(reader, node, kind->rule, "%s has no unit\nwrite %.*s%s",
				  weir_quote(node->raw).text,
				  text.len > 20 || node->text_base ? 0 : (int)text.len, text.base,
				  text.len > 20 || node->text_base ? kind->example : kind->unit);
	else if (rc == WEIR_VALUE_HUGE || read < range->min || read > range->max)
		out_of_range(reader, node, kind, range);
	else
		*value = read;
	return rc == WEIR_VALUE_OK && read >= range->min && read <= range->max;
}

bool weir_reader_duration(struct weir_reader *reader, const struct weir_node *node, uint64_t min,
			  uint64_t max, uint64_t *value)
{
	return weir_reader_number(reader, node, WEIR_NUMBER_DURATION,
				  &(struct weir_range){ min, max, NULL }, value);
}

bool weir_reader_size(struct weir_reader *reader, const struct weir_node *node, uint64_t min,
		      uint64_t max, uint64_t *value)
{
	return weir_reader_number(reader, node, WEIR_NUMBER_SIZE,
				  &(struct weir_range){ min, max, NULL }, value);
}

bool weir_reader_count(struct weir_reader *reader, const struct weir_node *node, uint64_t min,
		       uint64_t max, uint64_t *value)
{
	return weir_reader_number(reader, node, WEIR_NUMBER_COUNT,
				  &(struct weir_range){ min, max, NULL }, value);
}

unsigned weir_reader_items(struct weir_node *node)
{
	return node->type == WEIR_NODE_LIST ? node->pairs_n : 1;
}

struct weir_node *weir_reader_item(struct weir_node *node, unsigned index)
{
	return node->type == WEIR_NODE_LIST ? node->pairs[index].value : node;
}

bool weir_reader_name(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      struct weir_slice name)
{
	bool ok = name.len > 0 && name.len <= WEIR_NAME_MAX;

	for (size_t i = 0; ok && i < name.len; i++)
		ok = (name.base[i] >= 'a' && name.base[i] <= 'z') ||
		     (name.base[i] >= 'A' && name.base[i] <= 'Z') ||
		     (name.base[i] >= '0' && name.base[i] <= '9') ||
		     (name.base[i] && strchr("._-", name.base[i]));
	if (!ok)
		weir_reader_error(reader, node, "bad-name",
				  "%s cannot be the name of %s\nuse letters, digits, dots, "
				  "underscores and dashes, at most %d of them",
				  weir_quote(node->raw).text, what, WEIR_NAME_MAX);
	return ok;
}

bool weir_is_token(struct weir_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.base[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    (!c || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return text.len > 0 && text.len <= WEIR_NAME_MAX;
}

bool weir_is_printable(struct weir_slice text)
{
	size_t i = 0;

	if (text.len == 0 || text.base[0] == ' ' || text.base[text.len - 1] == ' ')
		return false;
	while (i < text.len) {
		const unsigned char *c = (const unsigned char *)text.base + i;
		size_t n = weir_utf8_len(text.base + i, text.len - i);

		if (n == 0 || c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
			return false;
		i += n;
	}
	return true;
}

bool weir_reader_path(const struct weir_reader *reader, struct weir_slice path, char *out,
		      size_t size)
{
	const char *slash = strrchr(reader->file, '/');
	int folder = slash && path.len && path.base[0] != '/' ? (int)(slash - reader->file) + 1 : 0;

	return snprintf(out, size, "%.*s%.*s", folder, reader->file, (int)path.len, path.base) <
	       (int)size;
}

/* TLS reads it later; here it is only looked at. */
static bool is_readable_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	bool ok;

	if (fd < 0)
		return false;
	ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
	close(fd);
	return ok;
}

bool weir_reader_file(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      char **path)
{
	char whole[WEIR_FILE_PATH_MAX];
	struct weir_slice text;

	if (!weir_reader_text(reader, node, "a path", &text))
		return false;
	if (!weir_reader_path(reader, text, whole, sizeof whole) || !is_readable_file(whole)) {
		weir_reader_error(reader, node, "missing-file",
				  "cannot read %s\nname a file with %s, in PEM form",
				  weir_quote(node->raw).text, what);
		return false;
	}
	*path = weir_reader_copy(reader, weir_slice_of(whole));
	return *path != NULL;
}

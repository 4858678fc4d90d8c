/* A configuration made by calls: they are kept as said, and told as YAML. */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "weir.h"

enum { SETUP_TEXT_MAX = 16 * 1024 * 1024, ENTRIES_MIN = 16 };

enum kind { NAME, OPTION, ITEM };

/* section: { name: { key: value } }, or less of it. */
struct entry {
	enum kind kind;
	char *section, *name; /* NULL: none */
	char *key;            /* NULL: the name alone */
	char *value;          /* YAML */
	bool told;
};

struct weir_setup {
	struct entry *list;
	unsigned n, cap;
	int failed;
	struct weir_buf text;
};

struct weir_setup *weir_setup_create(void)
{
	struct weir_setup *setup = weir_calloc(1, sizeof *setup);

	if (setup)
		weir_buf_init(&setup->text, SETUP_TEXT_MAX);
	return setup;
}

static void wipe(char *text)
{
	if (text)
		weir_free_secret(text, strlen(text));
}

static void entry_fini(struct entry *entry)
{
	weir_free(entry->section);
	weir_free(entry->name);
	weir_free(entry->key);
	wipe(entry->value);
}

static void forget_text(struct weir_setup *setup)
{
	weir_free_secret(setup->text.base, setup->text.cap);
	weir_buf_init(&setup->text, SETUP_TEXT_MAX);
}

void weir_setup_destroy(struct weir_setup *setup)
{
	if (!setup)
		return;
	for (unsigned i = 0; i < setup->n; i++)
		entry_fini(&setup->list[i]);
	weir_free(setup->list);
	forget_text(setup);
	weir_free(setup);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_place(const struct entry *a, const struct entry *b)
{
	return same(a->section, b->section) && same(a->name, b->name);
}

/* ---- what is said ---- */

static bool is_text(const char *text)
{
	return text && *text;
}

static char *copy(const char *text)
{
	return weir_strndup(text, strlen(text));
}

/* As a YAML scalar that means the text itself; JSON's escapes are YAML's, too. */
static char *quoted(const char *text)
{
	struct weir_buf buf;
	char *value = NULL;

	weir_buf_init(&buf, SETUP_TEXT_MAX);
	if (weir_buf_json(&buf, weir_slice_of(text)) == 0)
		value = weir_strndup(buf.base, buf.len);
	weir_free_secret(buf.base, buf.cap);
	return value;
}

static bool make_room(struct weir_setup *setup)
{
	unsigned cap = setup->cap ? setup->cap * 2 : ENTRIES_MIN;
	struct entry *list = setup->list;

	if (setup->n < setup->cap)
		return true;
	list = weir_realloc(list, cap * sizeof *list);
	if (!list)
		return false;
	setup->list = list;
	setup->cap = cap;
	return true;
}

static bool replaced(struct weir_setup *setup, const struct entry *entry)
{
	for (unsigned i = 0; i < setup->n; i++) {
		struct entry *old = &setup->list[i];

		if (old->kind != OPTION || !same_place(old, entry) || !same(old->key, entry->key))
			continue;
		wipe(old->value);
		old->value = entry->value;
		return true;
	}
	return false;
}

/* No setup at all is one for which there was no memory. */
static int fail(struct weir_setup *setup, int rc)
{
	return setup ? (setup->failed = rc) : WEIR_ENOMEM;
}

static int refuse(struct weir_setup *setup)
{
	return fail(setup, UV_EINVAL);
}

/* value is taken over; NULL only with a NAME, or when there was no memory for it. */
static int say(struct weir_setup *setup, const struct entry *said)
{
	struct entry entry = {
		.kind = said->kind,
		.section = said->section ? copy(said->section) : NULL,
		.name = said->name ? quoted(said->name) : NULL,
		.key = said->key ? copy(said->key) : NULL,
		.value = said->value,
	};
	bool whole = !entry.section == !said->section && !entry.name == !said->name &&
		     !entry.key == !said->key && (entry.value || entry.kind == NAME);

	if (setup)
		forget_text(setup);
	if (!setup || !whole || !make_room(setup)) {
		entry_fini(&entry);
		return fail(setup, WEIR_ENOMEM);
	}
	if (entry.kind != OPTION || !replaced(setup, &entry)) {
		setup->list[setup->n++] = entry;
		return 0;
	}
	entry.value = NULL;
	entry_fini(&entry);
	return 0;
}

int weir_setup_provider(struct weir_setup *setup, const char *provider, const char *dialect,
			const char *base_url)
{
	const struct {
		const char *key, *text;
	} rows[] = { { "dialect", dialect }, { "base_url", base_url } };
	struct entry entry = { .kind = NAME, .section = "providers", .name = (char *)provider };
	int rc;

	if (!is_text(provider))
		return refuse(setup);
	rc = say(setup, &entry);
	entry.kind = OPTION;
	for (size_t i = 0; i < WEIR_COUNT_OF(rows) && rc == 0; i++) {
		entry.key = (char *)rows[i].key;
		entry.value = rows[i].text ? quoted(rows[i].text) : NULL;
		rc = rows[i].text ? say(setup, &entry) : 0;
	}
	return rc;
}

int weir_setup_key(struct weir_setup *setup, const char *provider, const char *key)
{
	if (!is_text(provider) || !is_text(key))
		return refuse(setup);
	return say(setup, &(struct entry){ .kind = ITEM,
					   .section = "providers",
					   .name = (char *)provider,
					   .key = "keys",
					   .value = quoted(key) });
}

int weir_setup_chain(struct weir_setup *setup, const char *chain)
{
	if (!is_text(chain))
		return refuse(setup);
	return say(setup,
		   &(struct entry){ .kind = NAME, .section = "chains", .name = (char *)chain });
}

static bool is_line(const char *value)
{
	return is_text(value) && !strpbrk(value, "\r\n");
}

int weir_setup_step(struct weir_setup *setup, const char *chain, const char *step)
{
	if (!is_text(chain) || !is_line(step))
		return refuse(setup);
	return say(setup, &(struct entry){ .kind = ITEM,
					   .section = "chains",
					   .name = (char *)chain,
					   .key = "steps",
					   .value = copy(step) });
}

int weir_setup_option(struct weir_setup *setup, const char *section, const char *name,
		      const char *option, const char *value)
{
	if ((name && (!section || !*name)) || (section && !is_line(section)) || !is_line(option) ||
	    !is_line(value))
		return refuse(setup);
	return say(setup, &(struct entry){ .kind = OPTION,
					   .section = (char *)section,
					   .name = (char *)name,
					   .key = (char *)option,
					   .value = copy(value) });
}

/* ---- what it comes to ---- */

static int put_line(struct weir_buf *text, unsigned depth, const char *before, const char *what,
		    const char *value)
{
	const char *colon = !value ? "" : *value ? ": " : ":";

	return weir_buf_printf(text, "%*s%s%s%s%s\n", (int)depth * 2, "", before, what, colon,
			       value ? value : "");
}

/* All that was said of this key, from the first on. */
static int put_key(struct weir_setup *setup, unsigned from, unsigned depth)
{
	const struct entry *first = &setup->list[from];
	int rc;

	if (first->kind == OPTION) {
		setup->list[from].told = true;
		return put_line(&setup->text, depth, "", first->key, first->value);
	}
	rc = put_line(&setup->text, depth, "", first->key, "");
	for (unsigned i = from; i < setup->n && rc == 0; i++) {
		struct entry *item = &setup->list[i];

		if (item->kind != ITEM || !same_place(item, first) || !same(item->key, first->key))
			continue;
		item->told = true;
		rc = put_line(&setup->text, depth + 1, "- ", item->value, NULL);
	}
	return rc;
}

static int put_place(struct weir_setup *setup, unsigned from, unsigned depth)
{
	const struct entry *first = &setup->list[from];
	int rc = 0;

	if (first->name)
		rc = put_line(&setup->text, depth++, "", first->name, "");
	for (unsigned i = from; i < setup->n && rc == 0; i++) {
		struct entry *entry = &setup->list[i];

		if (entry->told || !same_place(entry, first))
			continue;
		if (entry->kind == NAME)
			entry->told = true;
		else
			rc = put_key(setup, i, depth);
	}
	return rc;
}

static int put_section(struct weir_setup *setup, unsigned from)
{
	const char *section = setup->list[from].section;
	unsigned depth = section ? 1 : 0;
	int rc = section ? put_line(&setup->text, 0, "", section, "") : 0;

	for (unsigned i = from; i < setup->n && rc == 0; i++)
		if (!setup->list[i].told && same(setup->list[i].section, section))
			rc = put_place(setup, i, depth);
	return rc;
}

int weir_setup_text(struct weir_setup *setup, const char **text, size_t *len)
{
	int rc;

	*text = NULL;
	*len = 0;
	if (!setup)
		return WEIR_ENOMEM;
	rc = setup->failed;
	forget_text(setup);
	for (unsigned i = 0; i < setup->n; i++)
		setup->list[i].told = false;
	for (unsigned i = 0; i < setup->n && rc == 0; i++)
		if (!setup->list[i].told)
			rc = put_section(setup, i);
	if (rc == 0)
		rc = weir_buf_append(&setup->text, "", 1);
	if (rc)
		return rc == UV_EINVAL ? rc : WEIR_ENOMEM;
	*text = setup->text.base;
	*len = setup->text.len - 1;
	return 0;
}

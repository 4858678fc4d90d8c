#include "config/schema.h"

#include "config/schema_number.h"
#include "config/section.h"

static void put_form(struct weir_pen *pen, const struct weir_form *form);

/* ---- scalars ---- */

static void put_words(struct weir_pen *pen, const struct weir_form *form)
{
	const char *between = "\"enum\":[", *word;

	for (unsigned i = 0; (word = form->words ? form->words[i] : form->word_at(i)); i++) {
		weir_put_text(pen, between, word);
		between = ",";
	}
	weir_put(pen, form->words == weir_form_bool.words ? ",false,true]" : "]");
}

/* Without quotes, as YAML reads it. */
static void put_digits(struct weir_pen *pen, const struct weir_form *form)
{
	char least[32], most[32];

	if (form->number == WEIR_NUMBER_COUNT) {
		weir_put_number(pen, "\"type\":\"integer\",\"minimum\":", form->min);
		weir_put_number(pen, ",\"maximum\":", form->max);
	} else {
		weir_number_print(form->number, form->min, least, sizeof least);
		weir_number_print(form->number, form->max, most, sizeof most);
		weir_put(pen, "\"type\":\"number\",\"minimum\":");
		weir_put(pen, least);
		weir_put(pen, ",\"maximum\":");
		weir_put(pen, most);
	}
}

static void put_number(struct weir_pen *pen, const struct weir_form *form)
{
	char least[32], most[32];

	weir_number_print(form->number, form->min, least, sizeof least);
	weir_number_print(form->number, form->max, most, sizeof most);
	weir_put(pen, "\"title\":\"");
	weir_put(pen, weir_number_what(form->number));
	weir_put(pen, " from ");
	weir_put(pen, least);
	weir_put(pen, " to ");
	weir_put(pen, most);
	weir_put(pen, "\",\"type\":\"string\",\"pattern\":\"");
	weir_put_number_pattern(pen, form);
	weir_put(pen, "\"");
}

static void put_string(struct weir_pen *pen, const struct weir_form *form)
{
	bool bare = !form->pattern || form->takes & WEIR_TAKES_BARE;

	weir_put(pen, "\"type\":");
	weir_put(pen, bare ? "[\"string\",\"number\",\"boolean\"]" : "\"string\"");
	weir_put(pen, form->pattern ? ",\"pattern\":\"" : ",\"minLength\":1");
	weir_put(pen, form->pattern ? form->pattern : "");
	weir_put(pen, form->pattern ? "\"" : "");
}

/* Any text may hold variables, and what they hold is not known here. */
static void put_variable(struct weir_pen *pen, const struct weir_form *form)
{
	(void)form;
	weir_put(pen, "\"$ref\":\"#/$defs/variable\"");
}

static void put_nothing(struct weir_pen *pen, const struct weir_form *form)
{
	(void)form;
	weir_put(pen, "\"type\":\"null\"");
}

/* ---- maps and lists ---- */

/* Before the form. */
static void put_about(struct weir_pen *pen, const char *says, const char *otherwise)
{
	weir_put_text(pen, "\"description\":", says);
	if (otherwise && *otherwise)
		weir_put_text(pen, ",\"default\":", otherwise);
	weir_put(pen, ",");
}

static void put_keys(struct weir_pen *pen, const struct weir_shape *shape)
{
	const char *between = ",\"properties\":{";

	for (unsigned i = 0; i < shape->keys_n; i++) {
		const struct weir_key *key = &shape->keys[i];

		if (key->refused)
			continue;
		weir_put_text(pen, between, key->name);
		weir_put(pen, ":{");
		put_about(pen, key->says, key->otherwise);
		put_form(pen, key->form);
		weir_put(pen, "}");
		between = ",";
	}
	for (int i = 0; i < WEIR_SET_N; i++) {
		if (!(weir_setting_places((enum weir_setting)i) & shape->places))
			continue;
		weir_put_text(pen, between, weir_setting_name((enum weir_setting)i));
		weir_put(pen, ":{\"$ref\":\"#/$defs/");
		weir_put(pen, weir_setting_name((enum weir_setting)i));
		weir_put(pen, "\"}");
		between = ",";
	}
	weir_put(pen, "},\"additionalProperties\":false");
}

static void put_shape(struct weir_pen *pen, const struct weir_shape *shape)
{
	const char *between = ",\"required\":[";
	bool needs = false;

	weir_put_text(pen, "\"title\":", shape->what);
	put_keys(pen, shape);
	for (unsigned i = 0; i < shape->keys_n; i++) {
		if (!shape->keys[i].needed)
			continue;
		weir_put_text(pen, between, shape->keys[i].name);
		between = ",";
		needs = true;
	}
	weir_put(pen, needs ? "],\"type\":\"object\"" : ",\"type\":[\"object\",\"null\"]");
}

static void put_map(struct weir_pen *pen, const struct weir_form *form)
{
	if (!form->by) {
		put_shape(pen, form->shapes[0]);
		return;
	}
	weir_put_text(pen, "\"if\":{\"type\":\"object\",\"required\":[", form->by);
	weir_put(pen, "]},\"then\":{");
	put_shape(pen, form->shapes[1]);
	weir_put(pen, "},\"else\":{");
	put_shape(pen, form->shapes[0]);
	weir_put(pen, "}");
}

static void put_bounds(struct weir_pen *pen, const struct weir_form *form, const char *least,
		       const char *most)
{
	if (form->least)
		weir_put_number(pen, least, form->least);
	if (form->most)
		weir_put_number(pen, most, form->most);
}

static void put_names(struct weir_pen *pen, const struct weir_form *form)
{
	weir_put(pen, "\"type\":\"object\",\"propertyNames\":{\"pattern\":\"");
	weir_put(pen, form->pattern);
	weir_put(pen, "\"},\"additionalProperties\":{");
	put_form(pen, form->each);
	weir_put(pen, "}");
	put_bounds(pen, form, ",\"minProperties\":", ",\"maxProperties\":");
}

static void put_list(struct weir_pen *pen, const struct weir_form *form)
{
	weir_put(pen, "\"type\":\"array\",\"items\":{");
	put_form(pen, form->each);
	weir_put(pen, "}");
	put_bounds(pen, form, ",\"minItems\":", ",\"maxItems\":");
}

static void put_each(struct weir_pen *pen, const struct weir_form *form)
{
	put_form(pen, form->each);
}

/* ---- all together ---- */

static bool has_variable(const struct weir_form *form)
{
	return form->takes & (WEIR_TAKES_WORD | WEIR_TAKES_NUMBER) ||
	       (form->takes & WEIR_TAKES_TEXT && form->pattern);
}

static bool has_digits(const struct weir_form *form)
{
	return form->takes & WEIR_TAKES_NUMBER &&
	       (form->number == WEIR_NUMBER_COUNT || form->number == WEIR_NUMBER_DOLLARS);
}

/* The members of a schema, without its braces. */
static void put_form(struct weir_pen *pen, const struct weir_form *form)
{
	const struct {
		bool is;
		void (*put)(struct weir_pen *pen, const struct weir_form *form);
	} ways[] = {
		{ form->takes & WEIR_TAKES_WORD, put_words },
		{ has_digits(form), put_digits },
		{ form->takes & WEIR_TAKES_NUMBER, put_number },
		{ form->takes & WEIR_TAKES_TEXT, put_string },
		{ has_variable(form), put_variable },
		{ form->takes & WEIR_TAKES_MAP, put_map },
		{ form->takes & WEIR_TAKES_NAMES, put_names },
		{ form->takes & WEIR_TAKES_LIST, put_list },
		{ form->takes & WEIR_TAKES_ONE, put_each },
		{ form->takes & WEIR_TAKES_NOTHING, put_nothing },
	};
	unsigned n = 0;

	for (size_t i = 0; i < WEIR_COUNT_OF(ways); i++)
		n += ways[i].is;
	weir_put(pen, n > 1 ? "\"anyOf\":[{" : "");
	for (size_t i = 0, at = 0; i < WEIR_COUNT_OF(ways); i++) {
		if (!ways[i].is)
			continue;
		weir_put(pen, at++ ? "},{" : "");
		ways[i].put(pen, form);
	}
	weir_put(pen, n > 1 ? "}]" : "");
}

static void put_setting(struct weir_pen *pen, enum weir_setting setting)
{
	struct weir_form form = weir_setting_form(setting);
	char otherwise[32];

	weir_setting_otherwise(setting, otherwise, sizeof otherwise);
	weir_put_text(pen, ",", weir_setting_name(setting));
	weir_put(pen, ":{");
	put_about(pen, weir_setting_says(setting), otherwise);
	put_form(pen, &form);
	weir_put(pen, "}");
}

int weir_schema_write(struct weir_buf *buf)
{
	struct weir_pen pen = { .buf = buf };

	weir_put(&pen,
		 "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
		 "\"$defs\":{\"variable\":{\"type\":\"string\",\"pattern\":\"[$][{]\","
		 "\"description\":\"${VARIABLE} or ${VARIABLE:-DEFAULT}, of the environment.\"}");
	for (int i = 0; i < WEIR_SET_N; i++)
		put_setting(&pen, (enum weir_setting)i);
	weir_put(&pen, "},");
	put_shape(&pen, &weir_config_shape);
	weir_put(&pen, "}\n");
	return pen.rc;
}

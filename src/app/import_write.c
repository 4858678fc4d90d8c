#include <inttypes.h>
#include <stdio.h>

#include "app/import_write_private.h"

static void list_variable(struct weir_import_pen *pen, struct weir_buf *list,
			  const struct weir_import_value *value)
{
	struct weir_slice name = value->from == WEIR_IMPORT_VARIABLE
					 ? value->text
					 : weir_slice_of(value->variable);
	char quoted[160];

	if (!name.base || pen->rc)
		return;
	snprintf(quoted, sizeof quoted, " %.*s,", (int)name.len, name.base);
	if (!list->len || !memmem(list->base, list->len, quoted, strlen(quoted)))
		pen->rc = weir_buf_puts(list, quoted);
}

/* What has to be set where it is started. */
static void write_variables(struct weir_import_pen *pen)
{
	const struct weir_import *im = pen->im;
	struct weir_buf list;

	weir_buf_init(&list, WEIR_IMPORT_LINE_MAX);
	list_variable(pen, &list, &im->access);
	for (unsigned i = 0; i < im->providers_n; i++) {
		const struct weir_import_provider *provider = im->providers[i];

		if (!provider->used)
			continue;
		list_variable(pen, &list, &provider->base);
		list_variable(pen, &list, &provider->api_version);
		list_variable(pen, &list, &provider->key);
		for (unsigned k = 0; k < provider->headers_n; k++)
			list_variable(pen, &list, &provider->headers[k].value);
	}
	for (unsigned i = 0; i < im->targets_n; i++)
		if (im->targets[i]->model_is_variable) {
			const struct weir_import_value value = {
				WEIR_IMPORT_VARIABLE, im->targets[i]->model, NULL, NULL, NULL, NULL
			};
			list_variable(pen, &list, &value);
		}
	if (list.len && pen->rc == 0) {
		list.base[list.len - 1] = '\0';
		weir_import_pen_comment(pen, "# Variables it reads:", "#  ", list.base);
	}
	weir_buf_fini(&list);
}

static void write_head(struct weir_import_pen *pen, const char *command)
{
	weir_import_pen_comment(pen, "# ", "# ", command);
	weir_import_pen_blank(pen);
	if (pen->im->differs && *pen->im->differs)
		weir_import_pen_comment(pen, "# ", "# ", "What weir does otherwise:");
	for (const char *const *line = pen->im->differs; line && *line; line++)
		weir_import_pen_comment(pen, "# * ", "#   ", *line);
	write_variables(pen);
	weir_import_pen_blank(pen);
}

static void write_top(struct weir_import_pen *pen)
{
	const struct weir_import *im = pen->im;

	if (im->access.from != WEIR_IMPORT_NOTHING) {
		weir_import_pen_begin(pen, 0, false);
		weir_import_pen_add(pen, "access:");
		weir_import_pen_end(pen, NULL);
		weir_import_pen_begin(pen, 2, false);
		weir_import_pen_add(pen, "keys: [ { name: master, key: ");
		weir_import_pen_add_variable(pen, &im->access, "");
		weir_import_pen_add(pen, " } ]");
		weir_import_pen_end(pen, im->access_note);
	}
	if (im->body_mib) {
		weir_import_pen_begin(pen, 0, false);
		weir_import_pen_add(pen, "max_body: %" PRIu64 "MiB", im->body_mib);
		weir_import_pen_end(pen, NULL);
	}
	if (im->body_mib || im->access.from != WEIR_IMPORT_NOTHING)
		weir_import_pen_blank(pen);
}

/* "a, b": the separator before the next field of a map. */
static const char *next(bool *first)
{
	const char *separator = *first ? " " : ", ";

	*first = false;
	return separator;
}

static void add_address(struct weir_import_pen *pen, const struct weir_import_provider *provider,
			bool *first)
{
	if (provider->vendor && strcmp(provider->name, provider->vendor->name) == 0)
		return;
	weir_import_pen_add(pen, "%sdialect: %s, base_url: ", next(first), provider->dialect);
	if (provider->vendor)
		weir_import_pen_add(pen, "%s", provider->vendor->base_url);
	else if (provider->base.from == WEIR_IMPORT_TEXT)
		weir_import_pen_add_escaped(pen, provider->base.text);
	else
		weir_import_pen_add_variable(pen, &provider->base,
					     provider->base_tail ? provider->base_tail : "");
	if (provider->api_version.from != WEIR_IMPORT_NOTHING)
		weir_import_pen_add(pen, "%sapi_version: ", next(first));
	if (provider->api_version.from == WEIR_IMPORT_TEXT && pen->rc == 0)
		pen->rc = weir_buf_json(&pen->line, provider->api_version.text);
	else if (provider->api_version.from == WEIR_IMPORT_VARIABLE)
		weir_import_pen_add_variable(pen, &provider->api_version, "");
}

static void write_provider(struct weir_import_pen *pen, const struct weir_import_provider *provider)
{
	bool first = true;
	char note[80];

	weir_import_pen_begin(pen, 2, !provider->used);
	weir_import_pen_add(pen, "%s: {", provider->name);
	add_address(pen, provider, &first);
	if (provider->key.from != WEIR_IMPORT_NOTHING) {
		weir_import_pen_add(pen, "%skeys: [ ", next(&first));
		weir_import_pen_add_variable(pen, &provider->key, "");
		weir_import_pen_add(pen, " ]");
	}
	for (unsigned i = 0; i < provider->headers_n; i++) {
		weir_import_pen_add(pen, "%s", i ? ", " : next(&first));
		weir_import_pen_add(pen, "%s", i ? "" : "headers: { ");
		weir_import_pen_add_scalar(pen, provider->headers[i].name);
		weir_import_pen_add(pen, ": ");
		weir_import_pen_add_variable(pen, &provider->headers[i].value, "");
	}
	if (provider->headers_n)
		weir_import_pen_add(pen, " }");
	weir_import_pen_add(pen, first ? "}" : " }");
	snprintf(note, sizeof note, "line %u%s%s", provider->line, provider->why ? "; " : "",
		 provider->why ? provider->why : "");
	weir_import_pen_end(pen, note);
}

static void write_providers(struct weir_import_pen *pen)
{
	bool any = false, used = false;

	for (unsigned i = 0; i < pen->im->providers_n; i++) {
		any = any || pen->im->providers[i]->stands;
		used = used || pen->im->providers[i]->used;
	}
	if (!any)
		return;
	weir_import_pen_begin(pen, 0, !used);
	weir_import_pen_add(pen, "providers:");
	weir_import_pen_end(pen, NULL);
	for (unsigned i = 0; i < pen->im->providers_n; i++)
		if (pen->im->providers[i]->stands)
			write_provider(pen, pen->im->providers[i]);
	weir_import_pen_blank(pen);
}

static bool has_facts(const struct weir_import_target *target)
{
	const struct weir_import_facts *facts = &target->facts;

	if (!target->stands)
		return false;
	return facts->context || facts->output || facts->input_price >= 0 ||
	       facts->output_price >= 0 || facts->images >= 0 || facts->tools >= 0 ||
	       facts->schema >= 0;
}

static void add_price(struct weir_import_pen *pen, const char *key, double price, bool *first)
{
	char text[40];
	size_t n;

	if (price < 0)
		return;
	n = (size_t)snprintf(text, sizeof text, "%.9f", price);
	while (n && text[n - 1] == '0')
		text[--n] = '\0';
	if (n && text[n - 1] == '.')
		text[--n] = '\0';
	weir_import_pen_add(pen, "%s%s: %s", next(first), key, text);
}

static void add_ability(struct weir_import_pen *pen, const char *key, int able, bool *first)
{
	if (able >= 0)
		weir_import_pen_add(pen, "%s%s: %s", next(first), key, able ? "on" : "off");
}

static void write_model(struct weir_import_pen *pen, const struct weir_import_target *target)
{
	const struct weir_import_facts *facts = &target->facts;
	bool first = true;

	weir_import_pen_begin(pen, 2, !weir_import_usable(target));
	weir_import_pen_add_target(pen, target, true);
	weir_import_pen_add(pen, ": {");
	if (facts->context)
		weir_import_pen_add(pen, "%scontext: %" PRIu64, next(&first), facts->context);
	if (facts->output)
		weir_import_pen_add(pen, "%soutput: %" PRIu64, next(&first), facts->output);
	add_price(pen, "input_price", facts->input_price, &first);
	add_price(pen, "output_price", facts->output_price, &first);
	add_ability(pen, "images", facts->images, &first);
	add_ability(pen, "tools", facts->tools, &first);
	add_ability(pen, "json_schema", facts->schema, &first);
	weir_import_pen_add(pen, " }");
	weir_import_pen_end(pen, NULL);
}

static void write_models(struct weir_import_pen *pen)
{
	bool any = false, usable = false;

	for (unsigned i = 0; i < pen->im->targets_n; i++) {
		const struct weir_import_target *target = pen->im->targets[i];

		if (!has_facts(target))
			continue;
		any = true;
		usable = usable || weir_import_usable(target);
	}
	if (!any)
		return;
	weir_import_pen_begin(pen, 0, !usable);
	weir_import_pen_add(pen, "models:");
	weir_import_pen_end(pen, "model_info; prices in dollars for a million tokens");
	for (unsigned i = 0; i < pen->im->targets_n; i++)
		if (has_facts(pen->im->targets[i]))
			write_model(pen, pen->im->targets[i]);
	weir_import_pen_blank(pen);
}

static void write_defaults(struct weir_import_pen *pen)
{
	const struct weir_import *im = pen->im;

	if (im->retries < 0 && !im->attempt_ms && !im->first_token_ms && im->repair < 0)
		return;
	weir_import_pen_begin(pen, 0, false);
	weir_import_pen_add(pen, "defaults:");
	weir_import_pen_end(pen, NULL);
	if (im->retries >= 0)
		weir_import_write_number(pen, 2, false, "retries", (unsigned)im->retries,
					 im->retries_note);
	weir_import_write_duration(pen, 2, false, "attempt_timeout", im->attempt_ms,
				   im->attempt_note);
	weir_import_write_duration(pen, 2, false, "first_token_timeout", im->first_token_ms,
				   im->first_token_note);
	if (im->repair >= 0) {
		weir_import_pen_begin(pen, 2, false);
		weir_import_pen_add(pen, "repair: %s", im->repair ? "on" : "off");
		weir_import_pen_end(pen, im->repair_note);
	}
	weir_import_pen_blank(pen);
}

int weir_import_write(const struct weir_import *im, const char *command, struct weir_buf *out)
{
	struct weir_import_pen pen = { .im = im, .out = out };

	weir_buf_init(&pen.line, WEIR_IMPORT_LINE_MAX);
	write_head(&pen, command);
	write_top(&pen);
	write_providers(&pen);
	write_models(&pen);
	write_defaults(&pen);
	weir_import_write_chains(&pen);
	weir_buf_fini(&pen.line);
	return pen.rc;
}

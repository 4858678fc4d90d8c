#include "app/import_pen.h"

#include <stdio.h>

#include "config/value.h"

enum { NOTE_COLUMN = 56, WIDTH = 96 };

void weir_import_pen_begin(struct weir_import_pen *pen, unsigned indent, bool off)
{
	weir_buf_clear(&pen->line);
	pen->indent = indent;
	pen->off = off;
}

void weir_import_pen_add(struct weir_import_pen *pen, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (pen->rc == 0)
		pen->rc = weir_buf_puts(&pen->line, text);
}

static void add_bytes(struct weir_import_pen *pen, struct weir_slice text)
{
	if (pen->rc == 0)
		pen->rc = weir_buf_append(&pen->line, text.base, text.len);
}

void weir_import_pen_end(struct weir_import_pen *pen, const char *note)
{
	size_t width = pen->indent + (pen->off ? 2 : 0) + pen->line.len;
	int pad = width < NOTE_COLUMN ? (int)(NOTE_COLUMN - width) : 1;

	if (pen->rc == 0)
		pen->rc = weir_buf_printf(pen->out, "%*s%s", (int)pen->indent, "",
					  pen->off ? "# " : "");
	if (pen->rc == 0)
		pen->rc = weir_buf_append(pen->out, pen->line.base, pen->line.len);
	if (pen->rc == 0 && note)
		pen->rc = weir_buf_printf(pen->out, "%*s# %s", pad, "", note);
	if (pen->rc == 0)
		pen->rc = weir_buf_puts(pen->out, "\n");
}

void weir_import_pen_blank(struct weir_import_pen *pen)
{
	if (pen->rc == 0)
		pen->rc = weir_buf_puts(pen->out, "\n");
}

void weir_import_pen_comment(struct weir_import_pen *pen, const char *first, const char *further,
			     const char *text)
{
	const char *lead = first;

	while (*text) {
		size_t room = WIDTH - strlen(lead), n = strlen(text);

		if (n > room) {
			n = room;
			while (n > 1 && text[n] != ' ')
				n--;
		}
		if (pen->rc == 0)
			pen->rc = weir_buf_printf(pen->out, "%s%.*s\n", lead, (int)n, text);
		text += n;
		text += *text == ' ';
		lead = further;
	}
}

static bool is_plain(struct weir_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.base[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && (i == 0 || ((c < '0' || c > '9') && !(c && strchr("._/-", c)))))
			return false;
	}
	return text.len > 0 && !weir_slice_is(text, "null");
}

void weir_import_pen_add_scalar(struct weir_import_pen *pen, struct weir_slice text)
{
	if (is_plain(text))
		add_bytes(pen, text);
	else if (pen->rc == 0)
		pen->rc = weir_buf_json(&pen->line, text);
}

/* ${ of the source's own is no variable here. */
static int escape(struct weir_buf *out, struct weir_slice text)
{
	int rc = 0;

	for (size_t i = 0; i < text.len && rc == 0; i++) {
		if (text.base[i] == '$' && i + 1 < text.len && text.base[i + 1] == '{')
			rc = weir_buf_puts(out, "$");
		if (rc == 0)
			rc = weir_buf_append(out, &text.base[i], 1);
	}
	return rc;
}

void weir_import_pen_add_escaped(struct weir_import_pen *pen, struct weir_slice text)
{
	struct weir_buf whole;

	weir_buf_init(&whole, WEIR_IMPORT_LINE_MAX);
	if (pen->rc == 0)
		pen->rc = escape(&whole, text);
	if (pen->rc == 0)
		weir_import_pen_add_scalar(pen, weir_buf_slice(&whole));
	weir_buf_fini(&whole);
}

void weir_import_pen_add_variable(struct weir_import_pen *pen,
				  const struct weir_import_value *value, const char *tail)
{
	if (value->from == WEIR_IMPORT_VARIABLE)
		weir_import_pen_add(pen, "\"${%.*s}%s\"", (int)value->text.len, value->text.base,
				    tail);
	else
		weir_import_pen_add(pen, "\"${%s}%s\"", value->variable, tail);
}

void weir_import_pen_add_target(struct weir_import_pen *pen,
				const struct weir_import_target *target, bool key)
{
	struct weir_buf whole;
	int rc;

	weir_buf_init(&whole, WEIR_IMPORT_LINE_MAX);
	rc = weir_buf_printf(&whole, "%s/", target->provider->name);
	if (rc == 0 && target->model_is_variable)
		rc = weir_buf_printf(&whole, "${%.*s}", (int)target->model.len, target->model.base);
	else if (rc == 0 && key)
		rc = weir_buf_append(&whole, target->model.base, target->model.len);
	else if (rc == 0)
		rc = escape(&whole, target->model);
	if (pen->rc == 0)
		pen->rc = rc;
	if (pen->rc == 0)
		weir_import_pen_add_scalar(pen, weir_buf_slice(&whole));
	weir_buf_fini(&whole);
}

void weir_import_pen_add_duration(struct weir_import_pen *pen, const char *key, uint64_t ms)
{
	char text[32];

	weir_value_print_duration(ms, text, sizeof text);
	weir_import_pen_add(pen, "%s: %s", key, text);
}

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "config/report.h"

enum { MESSAGE_MAX = 1024, QUOTED_CUT = 80 };

void weir_findings_init(struct weir_findings *findings, const char *file)
{
	*findings = (struct weir_findings){ 0 };
	findings->file = weir_strndup(file, strlen(file));
	if (!findings->file)
		findings->out_of_memory = true;
}

static void fini_one(struct weir_finding *finding)
{
	weir_free(finding->rule);
	weir_free(finding->key);
	weir_free(finding->message);
	weir_free(finding->fix);
}

void weir_findings_fini(struct weir_findings *findings)
{
	for (unsigned i = 0; i < findings->n; i++)
		fini_one(&findings->list[i]);
	weir_free(findings->list);
	weir_free(findings->file);
	*findings = (struct weir_findings){ 0 };
}

static bool is_control(struct weir_slice s)
{
	unsigned char c = (unsigned char)s.base[0];

	/* U+0080 to U+009F are controls, too */
	return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s.base[1] < 0xa0);
}

struct weir_quoted weir_quote(struct weir_slice text)
{
	struct weir_quoted quoted = { "\"" };
	size_t at = 1, i = 0;

	while (i < text.len && at < QUOTED_CUT) {
		struct weir_slice rest = { text.base + i, text.len - i };
		size_t n = weir_utf8_len(rest.base, rest.len);

		if (n == 0 || is_control(rest)) {
			at += (size_t)snprintf(quoted.text + at, 5, "\\x%02x",
					       (unsigned char)rest.base[0]);
			n = 1;
		} else {
			memcpy(quoted.text + at, rest.base, n);
			at += n;
		}
		i += n;
	}
	snprintf(quoted.text + at, sizeof quoted.text - at, "%s\"", i < text.len ? "…" : "");
	return quoted;
}

static bool make_room(struct weir_findings *findings)
{
	unsigned cap = findings->cap ? findings->cap * 2 : 16;
	struct weir_finding *list;

	if (findings->n < findings->cap)
		return true;
	list = weir_realloc(findings->list, cap * sizeof *list);
	if (!list)
		return false;
	findings->list = list;
	findings->cap = cap;
	return true;
}

static bool same(const struct weir_finding *a, const struct weir_finding *b)
{
	return a->line == b->line && a->column == b->column && a->level == b->level &&
	       strcmp(a->rule, b->rule) == 0 && strcmp(a->key, b->key) == 0 &&
	       strcmp(a->message, b->message) == 0;
}

static bool is_known(const struct weir_findings *findings, const struct weir_finding *finding)
{
	for (unsigned i = 0; i < findings->n; i++)
		if (same(&findings->list[i], finding))
			return true;
	return false;
}

/* Takes a finding whose texts are borrowed. */
static void keep(struct weir_findings *findings, struct weir_finding finding)
{
	if (is_known(findings, &finding))
		return;
	finding.rule = weir_strndup(finding.rule, strlen(finding.rule));
	finding.key = weir_strndup(finding.key, strlen(finding.key));
	finding.message = weir_strndup(finding.message, strlen(finding.message));
	finding.fix = weir_strndup(finding.fix, strlen(finding.fix));
	if (!finding.rule || !finding.key || !finding.message || !finding.fix ||
	    !make_room(findings)) {
		findings->out_of_memory = true;
		fini_one(&finding);
		return;
	}
	findings->list[findings->n++] = finding;
	if (finding.level == WEIR_FINDING_ERROR)
		findings->errors++;
	else
		findings->warnings++;
}

void weir_findings_vadd(struct weir_findings *findings, enum weir_finding_level level,
			unsigned line, unsigned column, const char *rule, const char *key,
			const char *format, va_list ap)
{
	char text[MESSAGE_MAX], path[WEIR_PATH_MAX];
	char *fix;

	snprintf(path, sizeof path, "%s", key);
	vsnprintf(text, sizeof text, format, ap);
	fix = strchr(text, '\n');
	if (fix)
		*fix++ = '\0';
	if (findings->n < WEIR_FINDINGS_MAX) {
		keep(findings, (struct weir_finding){ level, line, column, (char *)rule, path, text,
						      fix ? fix : (char *)"" });
		return;
	}
	if (level == WEIR_FINDING_ERROR)
		findings->errors++;
	else
		findings->warnings++;
}

void weir_findings_add(struct weir_findings *findings, enum weir_finding_level level, unsigned line,
		       unsigned column, const char *rule, const char *key, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	weir_findings_vadd(findings, level, line, column, rule, key, format, ap);
	va_end(ap);
}

static bool comes_after(const struct weir_finding *a, const struct weir_finding *b)
{
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

void weir_findings_sort(struct weir_findings *findings)
{
	for (unsigned i = 1; i < findings->n; i++) {
		struct weir_finding moving = findings->list[i];
		unsigned at = i;

		for (; at > 0 && comes_after(&findings->list[at - 1], &moving); at--)
			findings->list[at] = findings->list[at - 1];
		findings->list[at] = moving;
	}
}

static const char *level_name(enum weir_finding_level level)
{
	return level == WEIR_FINDING_ERROR ? "error" : "warning";
}

int weir_finding_print(const struct weir_findings *findings, unsigned index, struct weir_buf *out)
{
	const struct weir_finding *f = &findings->list[index];
	size_t before = out->len;
	int rc = weir_buf_puts(out, findings->file ? findings->file : "");

	if (rc == 0 && f->line)
		rc = weir_buf_printf(out, ":%u:%u", f->line, f->column);
	if (rc == 0)
		rc = weir_buf_printf(out, ": %s[%s] %s: %s", level_name(f->level), f->rule, f->key,
				     f->message);
	if (rc == 0 && f->fix[0])
		rc = weir_buf_printf(out, "; fix: %s", f->fix);
	if (rc == 0)
		rc = weir_buf_puts(out, "\n");
	if (rc)
		out->len = before;
	return rc;
}

static int put_member(struct weir_buf *out, const char *name, const char *text)
{
	int rc = weir_buf_printf(out, ",\"%s\":", name);

	return rc ? rc : weir_buf_json(out, weir_slice_of(text));
}

static int put_object(struct weir_buf *out, const char *file, const struct weir_finding *f)
{
	int rc = weir_buf_puts(out, "{\"file\":");

	if (rc == 0)
		rc = weir_buf_json(out, weir_slice_of(file));
	if (rc == 0)
		rc = weir_buf_printf(out, ",\"line\":%u,\"column\":%u", f->line, f->column);
	if (rc == 0)
		rc = put_member(out, "level", level_name(f->level));
	if (rc == 0)
		rc = put_member(out, "rule", f->rule);
	if (rc == 0)
		rc = put_member(out, "key", f->key);
	if (rc == 0)
		rc = put_member(out, "message", f->message);
	if (rc == 0)
		rc = put_member(out, "fix", f->fix);
	return rc ? rc : weir_buf_puts(out, "}");
}

int weir_findings_json(const struct weir_findings *findings, struct weir_buf *out)
{
	size_t before = out->len;
	int rc = weir_buf_puts(out, "[");

	for (unsigned i = 0; rc == 0 && i < findings->n; i++) {
		if (i)
			rc = weir_buf_puts(out, ",");
		if (rc == 0)
			rc = put_object(out, findings->file ? findings->file : "",
					&findings->list[i]);
	}
	if (rc == 0)
		rc = weir_buf_puts(out, "]\n");
	if (rc)
		out->len = before;
	return rc;
}

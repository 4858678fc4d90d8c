#include "app/try_print.h"

#include <inttypes.h>
#include <stdio.h>

enum { TARGET_MIN = 6, GAP = 3, COLUMN_MIN = 24, FIGURES = 62 /* columns of all but the target */ };

static unsigned target_width(const struct weir_try_table *t, unsigned columns)
{
	size_t most = columns > FIGURES + TARGET_MIN ? columns - FIGURES : TARGET_MIN, width = 0;

	for (unsigned i = 0; i < t->targets_n; i++)
		if (strlen(t->targets[i]) > width)
			width = strlen(t->targets[i]);
	if (width < TARGET_MIN)
		width = TARGET_MIN;
	return (unsigned)(width < most ? width : most);
}

/* "640 ms", or "-". */
struct word {
	char text[WEIR_TRY_WORD_MAX];
};

static struct word number(bool known, uint64_t n, const char *unit)
{
	struct word w = { "-" };

	if (known)
		snprintf(w.text, sizeof w.text, "%" PRIu64 "%s", n, unit);
	return w;
}

/* What a provider writes must not speak to the terminal: from `from` on, spaces
 * take the place of control characters, U+0080 to U+009F among them. */
static void tame(struct weir_buf *out, size_t from)
{
	bool latin = false; /* after the lead byte of U+0080 to U+00BF */

	for (size_t i = from; i < out->len; i++) {
		unsigned char c = (unsigned char)out->base[i];

		if (c < ' ' || c == 0x7f)
			out->base[i] = ' ';
		else if (latin && c >= 0x80 && c < 0xa0)
			out->base[i] = (char)0xa0; /* a space, too */
		latin = c == 0xc2;
	}
}

/* The line that begins at `from` ends here. */
static int end_line(struct weir_buf *out, size_t from, int rc)
{
	if (rc)
		return rc;
	tame(out, from);
	return weir_buf_puts(out, "\n");
}

static int put_row(struct weir_buf *out, unsigned width, const char *target,
		   const struct weir_try_result *r)
{
	struct word first = number(r->timed, r->first_token_ms, " ms");
	struct word whole = number(true, r->ms, " ms");
	struct word in = number(r->counted, r->tokens_in, "");
	struct word tokens = number(r->counted, r->tokens_out, "");
	char cost[40] = "-";
	size_t from = out->len;
	int rc;

	if (r->cost[0])
		snprintf(cost, sizeof cost, "$%s", r->cost);
	rc = weir_buf_printf(out, "%-*.*s  %3s %10s %10s %6s %6s  %-11s %s", (int)width, (int)width,
			     target, r->status, first.text, whole.text, in.text, tokens.text, cost,
			     r->answered ? r->finish[0] ? r->finish : "-" : r->reason);
	return end_line(out, from, rc);
}

static size_t letters_in(const char *bytes, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += (bytes[i] & 0xc0) != 0x80;
	return n;
}

/* The next line of at most width letters, broken at a space where there is one. */
static struct weir_slice take_line(struct weir_slice *rest, unsigned width)
{
	size_t i = 0, letters = 0, space = 0;
	struct weir_slice line;

	while (i < rest->len && rest->base[i] != '\n') {
		bool begins = (rest->base[i] & 0xc0) != 0x80;

		if (begins && letters == width)
			break;
		letters += begins;
		if (rest->base[i] == ' ')
			space = i;
		i++;
	}
	if (i < rest->len && rest->base[i] != '\n' && rest->base[i] != ' ' && space)
		i = space;
	line = weir_slice(rest->base, i);
	i += i < rest->len && (rest->base[i] == '\n' || rest->base[i] == ' ');
	*rest = weir_slice(rest->base + i, rest->len - i);
	return line;
}

static int put_cell(struct weir_buf *out, struct weir_slice line, unsigned width, bool last)
{
	size_t letters = letters_in(line.base, line.len), from = out->len;
	int rc = weir_buf_append(out, line.base, line.len);

	tame(out, from);
	return rc || last ? rc : weir_buf_printf(out, "%*s", (int)(width - letters + GAP), "");
}

/* What a target's cell holds: its words, then the tools it calls. */
static struct weir_slice words_of(const struct weir_try_result *r)
{
	return weir_buf_slice(r->text.len || !r->tools.len ? &r->text : &r->calls);
}

/* The answers of up to cells_n targets, side by side. */
static int put_beside(const struct weir_try_table *t, unsigned first, unsigned cells_n,
		      unsigned width, struct weir_buf *out)
{
	struct weir_slice rest[16];
	bool more = true;
	int rc = weir_buf_puts(out, "\n");

	for (unsigned i = 0; i < cells_n && rc == 0; i++) {
		struct weir_slice name = weir_slice_of(t->targets[first + i]);

		name.len = name.len < width ? name.len : width;
		rest[i] = words_of(&t->results[first + i]);
		rc = put_cell(out, name, width, i + 1 == cells_n);
	}
	while (more && rc == 0) {
		rc = weir_buf_puts(out, "\n");
		more = false;
		for (unsigned i = 0; i < cells_n && rc == 0; i++) {
			rc = put_cell(out, take_line(&rest[i], width), width, i + 1 == cells_n);
			more |= rest[i].len > 0;
		}
	}
	return rc ? rc : weir_buf_puts(out, "\n");
}

static int put_answers(const struct weir_try_table *t, unsigned columns, struct weir_buf *out)
{
	unsigned fit = (columns + GAP) / (COLUMN_MIN + GAP), n, width;
	int rc = 0;

	n = fit < t->targets_n ? fit : t->targets_n;
	n = n > 16 ? 16 : n ? n : 1;
	width = (columns + GAP) / n - GAP;
	for (unsigned i = 0; i < t->targets_n && rc == 0; i += n)
		rc = put_beside(t, i, i + n < t->targets_n ? n : t->targets_n - i, width, out);
	return rc;
}

static int put_one(const struct weir_try_table *t, unsigned columns, struct weir_buf *out)
{
	unsigned width = target_width(t, columns);
	int rc = weir_buf_printf(out, "%-*s  %3s %10s %10s %6s %6s  %-11s %s\n", (int)width,
				 "target", "", "first", "total", "in", "out", "cost", "finish");

	for (unsigned i = 0; i < t->targets_n && rc == 0; i++)
		rc = put_row(out, width, t->targets[i], &t->results[i]);
	return rc ? rc : put_answers(t, columns, out);
}

static struct word share(unsigned part, unsigned whole)
{
	struct word w = { "-" };

	if (whole)
		snprintf(w.text, sizeof w.text, "%u %%", (unsigned)((uint64_t)part * 100 / whole));
	return w;
}

static int put_summary(const struct weir_try_table *t, unsigned columns, struct weir_buf *out)
{
	unsigned width = target_width(t, columns);
	int rc = weir_buf_printf(out, "%-*s  %9s  %7s  %6s  %6s  %8s  %6s\n", (int)width, "target",
				 "answered", "length", "JSON", "calls", "refusals", "agrees");

	for (unsigned i = 0; i < t->targets_n && rc == 0; i++) {
		struct weir_try_summary s = weir_try_sum(t->prompts->list, t->prompts->n,
							 t->results, t->targets_n, i);
		struct word answered = { "" };

		snprintf(answered.text, sizeof answered.text, "%u/%u", s.answered, s.prompts);
		rc = weir_buf_printf(out, "%-*.*s  %9s  %7" PRIu64 "  %6s  %6u  %8u  %6s\n",
				     (int)width, (int)width, t->targets[i], answered.text,
				     s.mean_length, share(s.json_valid, s.json_wanted).text,
				     s.called, s.refused, share(s.agreed, s.compared).text);
	}
	return rc;
}

static int put_failures(const struct weir_try_table *t, struct weir_buf *out)
{
	int rc = 0;

	for (unsigned i = 0; i < t->prompts->n * t->targets_n && rc == 0; i++) {
		const struct weir_try_result *r = &t->results[i];
		size_t from = out->len;

		if (r->answered)
			continue;
		rc = weir_buf_printf(out, "line %u: %s: %s %s",
				     t->prompts->list[i / t->targets_n].line,
				     t->targets[i % t->targets_n], r->class_name, r->reason);
		rc = end_line(out, from, rc);
	}
	return rc;
}

int weir_try_text(const struct weir_try_table *t, unsigned columns, struct weir_buf *out)
{
	int rc;

	if (!t->many)
		return put_one(t, columns, out);
	rc = put_failures(t, out);
	return rc ? rc : put_summary(t, columns, out);
}

/* ---- JSON ---- */

static int put_key(struct weir_buf *out, const char *key, struct weir_slice value)
{
	int rc = weir_buf_printf(out, ",\"%s\":", key);

	if (rc)
		return rc;
	return value.len ? weir_buf_json(out, value) : weir_buf_puts(out, "null");
}

static int put_number(struct weir_buf *out, const char *key, bool known, uint64_t n)
{
	return known ? weir_buf_printf(out, ",\"%s\":%" PRIu64, key, n)
		     : weir_buf_printf(out, ",\"%s\":null", key);
}

static int put_result(struct weir_buf *out, const char *target, const struct weir_try_result *r)
{
	int rc;

	if ((rc = weir_buf_puts(out, "{\"target\":")) ||
	    (rc = weir_buf_json(out, weir_slice_of(target))) ||
	    (rc = weir_buf_printf(out, ",\"answered\":%s,\"status\":%s",
				  r->answered ? "true" : "false",
				  r->status[0] == '-' ? "null" : r->status)) ||
	    (rc = put_key(out, "class", weir_slice_of(r->class_name))) ||
	    (rc = put_key(out, "reason", weir_slice_of(r->reason))) ||
	    (rc = put_number(out, "first_token_ms", r->timed, r->first_token_ms)) ||
	    (rc = put_number(out, "ms", true, r->ms)) ||
	    (rc = put_number(out, "tokens_in", r->counted, r->tokens_in)) ||
	    (rc = put_number(out, "tokens_out", r->counted, r->tokens_out)) ||
	    (rc = weir_buf_printf(out, ",\"cost_usd\":%s", r->cost[0] ? r->cost : "null")) ||
	    (rc = put_key(out, "finish_reason", weir_slice_of(r->finish))) ||
	    (rc = weir_buf_printf(out, ",\"refused\":%s,\"tool_calls\":[",
				  r->refused ? "true" : "false")) ||
	    (rc = weir_buf_append(out, r->calls.base, r->calls.len)) ||
	    (rc = weir_buf_puts(out, "]")))
		return rc;
	rc = put_key(out, r->answered ? "answer" : "error", weir_buf_slice(&r->text));
	return rc ? rc : weir_buf_puts(out, "}");
}

static int put_results(const struct weir_try_table *t, unsigned prompt, struct weir_buf *out)
{
	int rc = weir_buf_puts(out, "\"targets\":[");

	for (unsigned i = 0; i < t->targets_n && rc == 0; i++)
		if (i == 0 || (rc = weir_buf_puts(out, ",")) == 0)
			rc = put_result(out, t->targets[i], &t->results[prompt * t->targets_n + i]);
	return rc ? rc : weir_buf_puts(out, "]");
}

static int put_sum(const struct weir_try_table *t, unsigned target, struct weir_buf *out)
{
	struct weir_try_summary s = weir_try_sum(t->prompts->list, t->prompts->n, t->results,
						 t->targets_n, target);
	int rc = weir_buf_puts(out, target ? ",{\"target\":" : "{\"target\":");

	if (rc == 0)
		rc = weir_buf_json(out, weir_slice_of(t->targets[target]));
	return rc ? rc
		  : weir_buf_printf(out,
				    ",\"prompts\":%u,\"answered\":%u,\"mean_length\":%" PRIu64
				    ",\"json_wanted\":%u,\"json_valid\":%u,\"called_tools\":%u,"
				    "\"refused\":%u,\"compared\":%u,\"agreed\":%u}",
				    s.prompts, s.answered, s.mean_length, s.json_wanted,
				    s.json_valid, s.called, s.refused, s.compared, s.agreed);
}

static int put_many(const struct weir_try_table *t, struct weir_buf *out)
{
	int rc = weir_buf_puts(out, "\"summary\":[");

	for (unsigned i = 0; i < t->targets_n && rc == 0; i++)
		rc = put_sum(t, i, out);
	if (rc == 0)
		rc = weir_buf_puts(out, "],\"prompts\":[");
	for (unsigned i = 0; i < t->prompts->n && rc == 0; i++) {
		rc = weir_buf_printf(out, "%s{\"line\":%u,", i ? "," : "",
				     t->prompts->list[i].line);
		if (rc == 0)
			rc = put_results(t, i, out);
		if (rc == 0)
			rc = weir_buf_puts(out, "}");
	}
	return rc ? rc : weir_buf_puts(out, "]");
}

int weir_try_json(const struct weir_try_table *t, struct weir_buf *out)
{
	int rc = weir_buf_puts(out, "{\"chain\":");

	if ((rc = rc ? rc : weir_buf_json(out, weir_slice_of(t->chain))) ||
	    (rc = weir_buf_puts(out, ",")) ||
	    (rc = t->many ? put_many(t, out) : put_results(t, 0, out)))
		return rc;
	return weir_buf_puts(out, "}\n");
}

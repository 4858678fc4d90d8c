#include "sim/traffic_svg.h"

#include <inttypes.h>

enum {
	WIDTH = 960,
	LEFT = 56, /* room for the axis */
	RIGHT = 16,
	PLOT = WIDTH - LEFT - RIGHT,
	PANEL = 150,
	PANEL_GAP = 46,
	HEAD = 64,
	LEGEND = 28,
	POINTS_MAX = 960,
	COLOURS = 8,
	SECONDS_APART = 10 /* gridlines at most this many */
};

static const char style[] =
	"<style>\n"
	"svg{background:#fff;color:#1f2328;font:12px system-ui,sans-serif}\n"
	"text{fill:currentColor}.t{font-size:15px;font-weight:600}.q{opacity:.65}\n"
	".l{fill:none;stroke-width:1.5}.x{stroke:currentColor;opacity:.15}\n"
	".f{fill:#d29922;opacity:.14}\n"
	".offered{stroke:#8b949e}.good{stroke:#1a7f37}.errors{stroke:#cf222e}\n"
	".c0{stroke:#0969da}.c1{stroke:#bf8700}.c2{stroke:#8250df}.c3{stroke:#1b7c83}\n"
	".c4{stroke:#bc4c00}.c5{stroke:#bf3989}.c6{stroke:#57606a}.c7{stroke:#4d7c0f}\n"
	"@media(prefers-color-scheme:dark){svg{background:#0d1117;color:#e6edf3}\n"
	".good{stroke:#3fb950}.errors{stroke:#f85149}.c0{stroke:#58a6ff}.c1{stroke:#d29922}\n"
	".c2{stroke:#bc8cff}.c3{stroke:#39c5cf}.c4{stroke:#f0883e}.c5{stroke:#f778ba}\n"
	".c6{stroke:#8b949e}.c7{stroke:#a3e635}}\n"
	"</style>\n";

/* What a line shows; from TARGETS on, the calls at each of them. */
enum line { OFFERED, GOOD, ERRORS, TARGETS };

struct picture {
	const struct weir_traffic_report *report;
	struct weir_buf *out;
	unsigned group; /* buckets in one point */
	unsigned points_n;
};

static uint64_t value_in(const struct weir_bucket *bucket, unsigned line)
{
	switch (line) {
	case OFFERED:
		return bucket->offered;
	case GOOD:
		return bucket->good;
	case ERRORS:
		return bucket->errors;
	default:
		return bucket->calls[line - TARGETS];
	}
}

/* Per second. */
static uint64_t value_at(const struct picture *p, const struct weir_book *book, unsigned line,
			 unsigned point)
{
	uint64_t sum = 0, ms = 0;

	for (unsigned i = point * p->group; i < (point + 1) * p->group && i < book->buckets_n;
	     i++) {
		sum += value_in(&book->buckets[i], line);
		ms += WEIR_BOOK_BUCKET_MS;
	}
	return ms ? sum * 1000 / ms : 0;
}

static uint64_t highest(const struct picture *p, unsigned from, unsigned to)
{
	uint64_t most = 1;

	for (unsigned b = 0; b < p->report->books_n; b++)
		for (unsigned line = from; line < to; line++)
			for (unsigned i = 0; i < p->points_n; i++) {
				uint64_t value = value_at(p, p->report->books[b], line, i);

				most = value > most ? value : most;
			}
	return most;
}

static unsigned x_of(const struct picture *p, uint64_t at_ms)
{
	uint64_t ms = p->report->traffic->ms;

	return LEFT + (unsigned)((at_ms < ms ? at_ms : ms) * PLOT / ms);
}

/* Text that may hold anything: names come from files. */
static int put_text(struct weir_buf *out, const char *text)
{
	int rc = 0;

	for (; *text && rc == 0; text++) {
		if (*text == '<' || *text == '&' || *text == '>')
			rc = weir_buf_printf(out, "&#%d;", *text);
		else
			rc = weir_buf_append(out, text, 1);
	}
	return rc;
}

/* How many have this fault at this time; 0 for all of them but the first. */
static unsigned alike(const struct weir_traffic *traffic, unsigned index)
{
	const struct weir_fault *one = &traffic->faults[index];
	unsigned n = 0;

	for (unsigned i = 0; i < traffic->faults_n; i++) {
		const struct weir_fault *other = &traffic->faults[i];

		if (other->from_ms != one->from_ms || other->to_ms != one->to_ms ||
		    strcmp(other->what, one->what) != 0)
			continue;
		if (i < index)
			return 0;
		n++;
	}
	return n;
}

/* Shaded, with its words on top. */
static int put_faults(const struct picture *p, unsigned top)
{
	const struct weir_traffic *traffic = p->report->traffic;
	int rc = 0;

	for (unsigned i = 0; i < traffic->faults_n && rc == 0; i++) {
		const struct weir_fault *fault = &traffic->faults[i];
		unsigned x = x_of(p, fault->from_ms), end = x_of(p, fault->to_ms);
		unsigned n = alike(traffic, i);

		if (!n)
			continue;
		if ((rc = weir_buf_printf(p->out,
					  "<rect class=\"f\" x=\"%u\" y=\"%u\" width=\"%u\" "
					  "height=\"%d\"/><text class=\"q\" x=\"%u\" y=\"%u\">",
					  x, top, end > x ? end - x : 1, PANEL, x + 4, top + 13)))
			break;
		rc = n > 1 ? weir_buf_printf(p->out, "%u targets", n)
			   : put_text(p->out, fault->name);
		if (rc || (rc = weir_buf_puts(p->out, " ")) || (rc = put_text(p->out, fault->what)))
			break;
		rc = weir_buf_puts(p->out, "</text>\n");
	}
	return rc;
}

static int put_axes(const struct picture *p, unsigned top, uint64_t most)
{
	uint64_t ms = p->report->traffic->ms;
	uint64_t apart_ms = (ms / SECONDS_APART + 999) / 1000 * 1000;
	int rc = weir_buf_printf(p->out,
				 "<text class=\"q\" x=\"%d\" y=\"%u\" text-anchor=\"end\">%" PRIu64
				 "/s</text><text class=\"q\" x=\"%d\" y=\"%u\" "
				 "text-anchor=\"end\">0</text>\n",
				 LEFT - 6, top + 10, most, LEFT - 6, top + PANEL);

	for (uint64_t at_ms = 0; at_ms <= ms && rc == 0; at_ms += apart_ms)
		rc = weir_buf_printf(
			p->out,
			"<path class=\"x\" d=\"M%u %uv%d\"/><text class=\"q\" "
			"x=\"%u\" y=\"%u\" text-anchor=\"middle\">%" PRIu64 " s</text>\n",
			x_of(p, at_ms), top, PANEL, x_of(p, at_ms), top + PANEL + 15, at_ms / 1000);
	return rc;
}

static int put_class(const struct picture *p, unsigned line)
{
	static const char *const names[] = { "offered", "good", "errors" };

	if (line < TARGETS)
		return weir_buf_puts(p->out, names[line]);
	return weir_buf_printf(p->out, "c%u", (line - TARGETS) % COLOURS);
}

static int put_line(const struct picture *p, const struct weir_book *book, unsigned line,
		    unsigned top, uint64_t most)
{
	int rc;

	if ((rc = weir_buf_puts(p->out, "<polyline class=\"l ")) || (rc = put_class(p, line)) ||
	    (rc = weir_buf_puts(p->out, "\" points=\"")))
		return rc;
	for (unsigned i = 0; i < p->points_n && rc == 0; i++) {
		uint64_t y = value_at(p, book, line, i) * PANEL / most;

		rc = weir_buf_printf(p->out, "%s%u,%u", i ? " " : "",
				     x_of(p, (uint64_t)i * p->group * WEIR_BOOK_BUCKET_MS),
				     top + PANEL - (unsigned)y);
	}
	return rc ? rc : weir_buf_puts(p->out, "\"/>\n");
}

static int put_legend(const struct picture *p, unsigned from, unsigned to, unsigned y)
{
	static const char *const names[] = { "offered", "answered well", "error answers" };
	const struct weir_traffic *traffic = p->report->traffic;
	unsigned x = LEFT;
	int rc = 0;

	for (unsigned line = from; line < to && x < WIDTH - RIGHT && rc == 0; line++) {
		const char *name = line < TARGETS ? names[line]
						  : traffic->targets[line - TARGETS].name;

		if ((rc = weir_buf_puts(p->out, "<path class=\"l ")) || (rc = put_class(p, line)) ||
		    (rc = weir_buf_printf(p->out, "\" d=\"M%u %uh18\"/><text x=\"%u\" y=\"%u\">", x,
					  y - 4, x + 23, y)) ||
		    (rc = put_text(p->out, name)))
			break;
		rc = weir_buf_puts(p->out, "</text>\n");
		x += 40 + 7 * (unsigned)strlen(name);
	}
	return rc;
}

static int put_panel(const struct picture *p, const struct weir_book *book, unsigned from,
		     unsigned to, unsigned top)
{
	uint64_t most = highest(p, from, to);
	int rc;

	if ((rc = put_faults(p, top)) || (rc = put_axes(p, top, most)) ||
	    (rc = put_legend(p, from, to, top - 8)))
		return rc;
	for (unsigned line = from; line < to && rc == 0; line++)
		rc = put_line(p, book, line, top, most);
	return rc;
}

static int put_policy(const struct picture *p, unsigned i, unsigned top)
{
	const struct weir_book *book = p->report->books[i];
	int rc = weir_buf_printf(p->out,
				 "<text class=\"t\" x=\"%d\" y=\"%u\">%s</text>"
				 "<text class=\"q\" x=\"%d\" y=\"%u\" text-anchor=\"end\">"
				 "%" PRIu64 " of %" PRIu64 " answered well, %" PRIu64
				 " upstream calls</text>\n",
				 LEFT, top, weir_traffic_policy_name(p->report->policies[i]),
				 WIDTH - RIGHT, top, book->good, book->offered, book->calls);

	if (rc == 0)
		rc = put_panel(p, book, OFFERED, TARGETS, top + LEGEND);
	if (rc == 0)
		rc = put_panel(p, book, TARGETS, TARGETS + p->report->traffic->targets_n,
			       top + LEGEND + PANEL + PANEL_GAP);
	return rc;
}

int weir_traffic_svg(const struct weir_traffic_report *report, struct weir_buf *out)
{
	unsigned buckets_n = report->books[0]->buckets_n, tall;
	struct picture p = { .report = report, .out = out };
	int rc;

	p.group = (buckets_n + POINTS_MAX - 1) / POINTS_MAX;
	p.points_n = (buckets_n + p.group - 1) / p.group;
	tall = LEGEND + 2 * (PANEL + PANEL_GAP);
	if ((rc = weir_buf_printf(out,
				  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
				  "height=\"%u\" viewBox=\"0 0 %d %u\" role=\"img\">\n%s<title>",
				  WIDTH, HEAD + tall * report->books_n, WIDTH,
				  HEAD + tall * report->books_n, style)) ||
	    (rc = put_text(out, report->name)) ||
	    (rc = weir_buf_printf(out, "</title>\n<text class=\"t\" x=\"%d\" y=\"22\">", LEFT)) ||
	    (rc = put_text(out, report->name)) ||
	    (rc = weir_buf_printf(out,
				  "</text><text class=\"q\" x=\"%d\" y=\"22\" "
				  "text-anchor=\"end\">",
				  WIDTH - RIGHT)) ||
	    (rc = put_text(out, report->chain)) || (rc = weir_buf_puts(out, "</text>\n")))
		return rc;
	for (unsigned i = 0; i < report->books_n && rc == 0; i++)
		rc = put_policy(&p, i, HEAD - 14 + tall * i);
	return rc ? rc : weir_buf_puts(out, "</svg>\n");
}

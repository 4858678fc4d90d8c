#include "core/metrics_pen.h"

#include <stdarg.h>
#include <stdio.h>

/* Three labels of names, each byte escaped, and what is around them. */
enum { LABEL_MAX = 2 * (2 * WEIR_NAME_MAX + 16) + 1, LINE_MAX_BYTES = 3 * LABEL_MAX + 512 };

void weir_metrics_put(struct weir_metrics_pen *pen, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (pen->rc == 0 && n > 0)
		pen->rc = weir_buf_append(pen->out, line,
					  (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* OpenMetrics names the family, not its samples. */
static int family_len(const struct weir_metrics_pen *pen, const char *name, const char *type)
{
	const char *suffix = strcmp(type, "counter") == 0 ? "_total"
			     : strcmp(type, "info") == 0  ? "_info"
							  : "";
	size_t n = strlen(name);

	return (int)(pen->open_metrics ? n - strlen(suffix) : n);
}

void weir_metrics_put_family(struct weir_metrics_pen *pen, const char *name, const char *type,
			     const char *help)
{
	int n = family_len(pen, name, type);

	if (!pen->open_metrics && strcmp(type, "info") == 0)
		type = "gauge";
	weir_metrics_put(pen, "# HELP %.*s %s\n# TYPE %.*s %s\n", n, name, help, n, name, type);
}

const char *weir_metrics_label(const char *value)
{
	static _Thread_local char ring[4][LABEL_MAX];
	static _Thread_local unsigned next;
	char *out = ring[next++ % WEIR_COUNT_OF(ring)];
	size_t n = 0;

	for (; *value && n + 3 < LABEL_MAX; value++) {
		if (*value == '"' || *value == '\\' || *value == '\n')
			out[n++] = '\\';
		out[n++] = *value == '\n' ? 'n' : *value;
	}
	out[n] = '\0';
	return out;
}

static void put_exemplar(struct weir_metrics_pen *pen, const struct weir_exemplar *e)
{
	if (pen->open_metrics && e->id[0])
		weir_metrics_put(pen, " # {request_id=\"%s\"} %.9g %llu\n", e->id, e->seconds,
				 (unsigned long long)e->unix_s);
	else
		weir_metrics_put(pen, "\n");
}

/* OpenMetrics wants to see that a bound is no integer. */
static void put_bucket(struct weir_metrics_pen *pen, const char *name, const char *labels,
		       double bound_s, uint64_t below)
{
	char bound[32];
	int n = snprintf(bound, sizeof bound, "%g", bound_s);

	if (pen->open_metrics && !strpbrk(bound, ".e"))
		snprintf(bound + n, sizeof bound - (size_t)n, ".0");
	weir_metrics_put(pen, "%s_bucket{%s%sle=\"%s\"} %llu", name, labels, *labels ? "," : "",
			 bound, (unsigned long long)below);
}

void weir_metrics_put_histogram(struct weir_metrics_pen *pen, const char *name, const char *labels,
				const struct weir_histogram *h)
{
	const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
	uint64_t below = 0;

	for (unsigned i = 0; i < h->bounds_n; i++) {
		below += h->counts[i];
		put_bucket(pen, name, labels, h->bounds_s[i], below);
		put_exemplar(pen, &h->exemplars[i]);
	}
	weir_metrics_put(pen, "%s_bucket{%s%sle=\"+Inf\"} %llu", name, labels, *labels ? "," : "",
			 (unsigned long long)h->count);
	put_exemplar(pen, &h->exemplars[h->bounds_n]);
	weir_metrics_put(pen, "%s_sum%s%s%s %.9g\n", name, open, labels, close, h->sum_s);
	weir_metrics_put(pen, "%s_count%s%s%s %llu\n", name, open, labels, close,
			 (unsigned long long)h->count);
}

void weir_metrics_put_counter(struct weir_metrics_pen *pen, const char *name, const char *help,
			      uint64_t value)
{
	weir_metrics_put_family(pen, name, "counter", help);
	weir_metrics_put(pen, "%s %llu\n", name, (unsigned long long)value);
}

void weir_metrics_put_gauge(struct weir_metrics_pen *pen, const char *name, const char *help,
			    uint64_t value)
{
	weir_metrics_put_family(pen, name, "gauge", help);
	weir_metrics_put(pen, "%s %llu\n", name, (unsigned long long)value);
}

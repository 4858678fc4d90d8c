#include "bench/pen.h"

#include <stdio.h>

#include "base/attr.h"

void weir_bench_put(struct weir_bench_pen *pen, const char *format, ...)
{
	char text[1024];
	va_list args;
	int n;

	if (pen->rc)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	pen->rc = weir_buf_append(pen->buf, text,
				  (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void weir_bench_put_json(struct weir_bench_pen *pen, const char *text)
{
	if (!pen->rc)
		pen->rc = weir_buf_json(pen->buf, weir_slice_of(text));
}

void weir_bench_put_html(struct weir_bench_pen *pen, const char *text)
{
	for (; *text && !pen->rc; text++) {
		if (*text == '&')
			pen->rc = weir_buf_puts(pen->buf, "&amp;");
		else if (*text == '<')
			pen->rc = weir_buf_puts(pen->buf, "&lt;");
		else if (*text == '>')
			pen->rc = weir_buf_puts(pen->buf, "&gt;");
		else if (*text == '"')
			pen->rc = weir_buf_puts(pen->buf, "&quot;");
		else
			pen->rc = weir_buf_append(pen->buf, text, 1);
	}
}

const char *weir_bench_time(uint64_t ns, char text[WEIR_BENCH_TIME_TEXT])
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = { { 1, "ns" }, { 1e3, "us" }, { 1e6, "ms" }, { 1e9, "s" } };
	size_t i = 0;
	double value;

	while (i + 1 < WEIR_COUNT_OF(units) && (double)ns >= 0.9995 * units[i + 1].ns)
		i++;
	value = (double)ns / units[i].ns;
	snprintf(text, WEIR_BENCH_TIME_TEXT, "%.*f %s",
		 i == 0 || value >= 99.95 ? 0 : (value >= 9.995 ? 1 : 2), value, units[i].unit);
	return text;
}

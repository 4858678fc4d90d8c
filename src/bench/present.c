#include "bench/present.h"

#include <stdio.h>

#include "bench/report_compare.h"

enum { REPORT_MAX = 64 * 1024 * 1024 };

static void put_text(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	struct weir_bench_report each = *r;

	if (!r->comparison) {
		weir_bench_report_text(pen, r);
		return;
	}
	for (unsigned i = 0; i < r->comparison->contestants_n; i++) {
		each.url = r->comparison->contestants[i].name;
		each.tally = r->tallies[i];
		weir_bench_report_text(pen, &each);
		weir_bench_put(pen, "\n");
	}
	weir_bench_compare_text(pen, r->comparison);
}

static void put_json(struct weir_bench_pen *pen, const struct weir_bench_report *r)
{
	struct weir_bench_report each = *r;

	if (!r->comparison) {
		weir_bench_report_json(pen, r);
		weir_bench_put(pen, "\n");
		return;
	}
	weir_bench_put(pen, "{\"comparison\":");
	weir_bench_compare_json(pen, r->comparison);
	weir_bench_put(pen, ",\n\"runs\":[");
	for (unsigned i = 0; i < r->comparison->contestants_n; i++) {
		each.url = r->comparison->contestants[i].name;
		each.tally = r->tallies[i];
		weir_bench_put(pen, i ? ",\n" : "\n");
		weir_bench_report_json(pen, &each);
	}
	weir_bench_put(pen, "]}\n");
}

static bool write_to(FILE *file, const struct weir_bench_report *r,
		     void (*put)(struct weir_bench_pen *pen, const struct weir_bench_report *r))
{
	struct weir_buf buf;
	struct weir_bench_pen pen = { &buf, 0 };
	bool ok;

	weir_buf_init(&buf, REPORT_MAX);
	put(&pen, r);
	ok = pen.rc == 0 && fwrite(buf.base, 1, buf.len, file) == buf.len && fflush(file) == 0;
	weir_buf_fini(&buf);
	return ok;
}

static bool write_html(const struct weir_bench_report *r)
{
	FILE *file = fopen(r->options->html, "w");
	bool ok = file && write_to(file, r, weir_bench_report_html);

	if (file && fclose(file))
		ok = false;
	if (!ok)
		fprintf(stderr, "weir-bench: --html %s: cannot be written\n", r->options->html);
	return ok;
}

static bool is_success(const struct weir_bench_report *r)
{
	if (!r->comparison)
		return r->tally->outcomes[WEIR_BENCH_OK] > 0;
	return r->comparison->rounds_n > 0 && weir_bench_compare_holds(r->comparison);
}

bool weir_bench_present(const struct weir_bench_report *r)
{
	bool ok = write_to(stdout, r, r->options->json ? put_json : put_text);

	if (r->options->html)
		ok &= write_html(r);
	return ok && is_success(r);
}

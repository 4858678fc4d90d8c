/* Writes counters in the formats that scrapers read: Prometheus text 0.0.4 and OpenMetrics 1.0.
 * One failure spoils the whole text; so it is kept, and looked at once, at the end. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "core/metrics.h"

struct weir_metrics_pen {
	struct weir_buf *out;
	bool open_metrics;
	int rc;
};

WEIR_PRINTF(2, 3)
void weir_metrics_put(struct weir_metrics_pen *pen, const char *format, ...);
/* What the lines that follow are: name as they bear it. type: "counter" (…_total), "gauge",
 * "histogram" or "info" (…_info). */
void weir_metrics_put_family(struct weir_metrics_pen *pen, const char *name, const char *type,
			     const char *help);
/* A label's value, escaped; lives until the next three. */
const char *weir_metrics_label(const char *value);
/* labels: "" or `name="value"`, comma between. */
void weir_metrics_put_histogram(struct weir_metrics_pen *pen, const char *name, const char *labels,
				const struct weir_histogram *histogram);
/* A family of one series without labels. */
void weir_metrics_put_counter(struct weir_metrics_pen *pen, const char *name, const char *help,
			      uint64_t value);
void weir_metrics_put_gauge(struct weir_metrics_pen *pen, const char *name, const char *help,
			    uint64_t value);

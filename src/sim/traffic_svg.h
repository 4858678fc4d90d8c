/* The same run as a picture: a self-contained SVG with the time on its axis. */
#pragma once

#include "sim/traffic_report.h"

/* 0, WEIR_ENOMEM or WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_traffic_svg(const struct weir_traffic_report *report,
				     struct weir_buf *out);

/* What a run amounted to, for people and for scripts; several policies side by side. */
#pragma once

#include "base/buf.h"
#include "sim/traffic.h"

struct weir_traffic_report {
	const char *name;  /* of the scenario */
	const char *chain; /* its steps, in words */
	const struct weir_traffic *traffic;
	const struct weir_book *books[WEIR_POLICY_N];
	enum weir_traffic_policy policies[WEIR_POLICY_N];
	unsigned books_n;
};

/* 0, WEIR_ENOMEM or WEIR_ELIMIT. colour: for a terminal. */
WEIR_MUST_CHECK int weir_traffic_table(const struct weir_traffic_report *report, bool colour,
				       struct weir_buf *out);
WEIR_MUST_CHECK int weir_traffic_json(const struct weir_traffic_report *report,
				      struct weir_buf *out);

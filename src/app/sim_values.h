/* Values that only scenarios have. Each: false with a finding. */
#pragma once

#include "config/reader.h"
#include "sim/traffic.h"

/* A map that has keys of this list and no others. */
bool weir_sim_map(struct weir_reader *reader, struct weir_node *node, const char *what,
		  const char *const *names, unsigned names_n, struct weir_node **values);

/* "20%", in parts per million. */
bool weir_sim_share(struct weir_reader *reader, const struct weir_node *node, uint32_t *ppm);
/* "12.5", in thousandths; bounds likewise. */
bool weir_sim_decimal(struct weir_reader *reader, const struct weir_node *node, const char *what,
		      uint64_t min, uint64_t max, uint64_t *thousandths);
/* "x10", in percent. */
bool weir_sim_times(struct weir_reader *reader, const struct weir_node *node, unsigned *percent);
/* "2s/3s" */
bool weir_sim_up_down(struct weir_reader *reader, const struct weir_node *node, uint64_t *up_ms,
		      uint64_t *down_ms);
/* One duration, or { p50: 300ms, p99: 2s }; of counts, numbers. */
bool weir_sim_spread(struct weir_reader *reader, struct weir_node *node, bool durations,
		     struct weir_spread *spread);

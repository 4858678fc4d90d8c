/* What a chain can cost its callers at worst, and the proof that its policy holds. */
#pragma once

#include "config/config.h"
#include "sim/prove.h"

/* One line per chain to lines; an error finding for each chain whose policy breaks a promise.
 * step NULL: that of the failover machine. 0, WEIR_ENOMEM or WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_worst(const struct weir_config *config, weir_prove_step *step,
			       struct weir_findings *findings, struct weir_buf *lines);

/* The JSON of /status. */
#pragma once

#include "core/recent.h"

/* Of what was lately, only what is newer. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_status_put(const struct weir_metrics *metrics,
				    const struct weir_recent *recent,
				    const struct weir_standing *standing,
				    struct weir_recent_since since, struct weir_buf *out);

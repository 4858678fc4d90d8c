/* What is told of the whole proxy, whichever of its processes is asked. */
#pragma once

#include "core/gateway.h"

WEIR_MUST_CHECK int weir_view_metrics(struct weir_gateway *gateway, struct weir_metrics_wish wish,
				      struct weir_buf *out);
/* What was lately is this process's own. */
WEIR_MUST_CHECK int weir_view_status(struct weir_gateway *gateway, struct weir_recent_since since,
				     struct weir_buf *out);
/* What this process knows of itself, for the others' views. */
void weir_view_note(struct weir_gateway *gateway);

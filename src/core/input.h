/* From the head of a caller's request to what the request is opened with. */
#pragma once

#include "core/request.h"
#include "core/snapshot.h"
#include "wire/http_head.h"

/* Without the query. */
struct weir_slice weir_input_path(struct weir_slice target);
/* application/json, and in UTF-8 as far as it says. */
bool weir_input_is_json(struct weir_slice content_type);

/* Who asks, and the configuration it goes by. */
void weir_input_begin(struct weir_request_input *input, struct weir_snapshot *snapshot,
		      const struct weir_caller *caller);
/* After that: all but the body, for which room is made. 0, WEIR_ENOMEM, WEIR_ELIMIT;
 * weir_input_fini() is due in any case. */
WEIR_MUST_CHECK int weir_input_take(struct weir_request_input *input,
				    const struct weir_http_head *head, enum weir_route route);
/* What nobody has taken over. */
void weir_input_fini(struct weir_request_input *input);
/* It is refused: what it took of its caller's limits is given back before it is gone. */
void weir_input_unclaim(struct weir_request_input *input);

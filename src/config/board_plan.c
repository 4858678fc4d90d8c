/* What a request's plan has from the configuration and the board. */
#include "config/board.h"

static enum weir_overflow overflow_of(enum weir_choice choice)
{
	switch (choice) {
	case WEIR_CHOICE_AUTO:
		return WEIR_OVERFLOW_AUTO;
	case WEIR_CHOICE_NEXT:
		return WEIR_OVERFLOW_NEXT;
	case WEIR_CHOICE_RETURN:
		break;
	}
	return WEIR_OVERFLOW_RETURN;
}

void weir_board_policy(struct weir_board *board, const struct weir_chain *chain, bool stream,
		       struct weir_plan *plan)
{
	unsigned retries = 0;

	for (unsigned i = 0; i < plan->steps_n; i++)
		if (plan->steps[i].retries > retries)
			retries = plan->steps[i].retries;
	plan->max_attempts = chain->max_attempts_set ? chain->max_attempts
						     : weir_plan_attempts(retries, plan->steps_n);
	plan->stream = stream;
	plan->policy_next = chain->content_policy == WEIR_CHOICE_NEXT;
	plan->repair_first = chain->repair == WEIR_REPAIR_ON;
	plan->repair_later = chain->repair != WEIR_REPAIR_OFF;
	plan->resume = stream && chain->midstream_continue;
	plan->hedge = chain->hedge;
	plan->overflow = overflow_of(chain->context_overflow);
	plan->deadline_ms = chain->deadline_ms;
	plan->stream_ms = chain->stream_timeout_ms;
	plan->drift_percent = chain->drift_percent;
	plan->hedges = weir_board_hedges(board, chain);
	plan->queue = weir_board_queue(board, chain);
}

void weir_board_plan(struct weir_board *board, const struct weir_chain *chain, bool stream,
		     struct weir_plan *plan)
{
	*plan = (struct weir_plan){ .steps_n = chain->steps_n };
	for (unsigned i = 0; i < chain->steps_n; i++)
		plan->steps[i] = (struct weir_plan_step){
			.pool = weir_board_step(board, chain, i),
			.retries = chain->steps[i].retries,
		};
	weir_board_policy(board, chain, stream, plan);
}

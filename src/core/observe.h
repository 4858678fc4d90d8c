/* Telling the embedding program what becomes of requests: its on_notice. */
#pragma once

#include "core/gateway.h"
#include "core/report.h"

/* The nth call of a request, from 1, is over. */
void weir_observe_attempt(struct weir_gateway *gateway, const char *request_id,
			  const struct weir_chain *chain, const struct weir_record *record,
			  unsigned n);
void weir_observe_move(struct weir_gateway *gateway, enum weir_notice_kind kind,
		       const struct weir_move *move);

struct weir_request_ending {
	const char *request_id;
	const struct weir_chain *chain;   /* NULL: none */
	const struct weir_record *server; /* NULL: nobody answered */
	enum weir_request_outcome outcome;
	unsigned status, attempts;
	uint64_t ms;
};
void weir_observe_end(struct weir_gateway *gateway, const struct weir_request_ending *ending);

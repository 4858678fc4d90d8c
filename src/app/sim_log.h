/* A log of `weir serve`, read as what its requests were and what targets did when. */
#pragma once

#include "app/sim_chain.h"

/* What a target did, on the log's own clock: of whole answers, of streams. */
struct weir_sim_past {
	struct weir_recorded *list[2];
	size_t n[2], cap[2];
};

struct weir_sim_log {
	struct weir_arrival *arrivals; /* in order; of those who stayed and were not wrong */
	size_t arrivals_n, arrivals_cap;
	struct weir_sim_past *pasts; /* of the configuration's targets */
	unsigned pasts_n;
	uint64_t ms;        /* from the first request to the last */
	uint64_t left_out;  /* requests whose caller left, or was wrong */
	uint64_t unread;    /* lines that are no JSON, or too long */
	uint64_t attempts;  /* that are used */
	uint64_t strangers; /* at targets that the configuration does not have */
	uint64_t tokens_known;
	/* As it was. */
	uint64_t good, calls;
	struct weir_tally first_ms;
};

/* of: only requests of this chain; NULL: all. 0; WEIR_ENOMEM, WEIR_ELIMIT; WEIR_ECONFIG: it
 * cannot be read. Give it to weir_sim_log_fini() in any case. */
WEIR_MUST_CHECK int weir_sim_log_read(struct weir_sim_log *log, const char *path, const char *of,
				      const struct weir_config *config);
void weir_sim_log_fini(struct weir_sim_log *log);

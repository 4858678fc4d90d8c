/* A scenario file: callers, providers and what goes wrong with them, over a chain. */
#pragma once

#include "app/sim_chain.h"
#include "config/reader.h"

enum {
	WEIR_SCENARIO_PHASES_MAX = 64,
	WEIR_SCENARIO_TEXTS_MAX = 2 * WEIR_BOOK_FAULTS_MAX,
	WEIR_SCENARIO_MS_MAX = 4 * 3600 * 1000
};

struct weir_scenario {
	char *name; /* of the file, without folder and ending */
	struct weir_config *config;
	struct weir_sim_chain chain;
	struct weir_traffic traffic; /* all but plans and policy */
	struct weir_phase phases[WEIR_SCENARIO_PHASES_MAX];
	struct weir_traffic_target targets[WEIR_BOOK_TARGETS_MAX];
	struct weir_site sites[WEIR_BOOK_TARGETS_MAX];
	struct weir_fault faults[WEIR_BOOK_FAULTS_MAX];
	char *texts[WEIR_SCENARIO_TEXTS_MAX]; /* of the faults */
	unsigned texts_n;
};

struct weir_scenario_order {
	const char *path;
	const char *config_path; /* NULL: the one inside, else the usual places */
	const char *chain;       /* NULL: the one it names, else the first */
	bool seed_given;
	uint64_t seed;
};

/* 0; WEIR_ECONFIG with all that is wrong in findings, whose file may have become that of the
 * configuration; WEIR_ENOMEM. Give it to weir_scenario_fini(), also on failure. */
WEIR_MUST_CHECK int weir_scenario_load(struct weir_scenario *scenario,
				       const struct weir_scenario_order *order,
				       struct weir_findings *findings);
void weir_scenario_fini(struct weir_scenario *scenario);

/* Each NULL: not there. */
struct weir_scenario_crowd {
	struct weir_node *rate, *arrivals, *burst, *callers;
};

void weir_scenario_callers(struct weir_scenario *s, struct weir_reader *reader,
			   const struct weir_scenario_crowd *crowd);
/* The rest is over the chain, which is known by then. node NULL: not there. */
void weir_scenario_sites(struct weir_scenario *s, struct weir_reader *reader,
			 struct weir_node *node);
void weir_scenario_faults(struct weir_scenario *s, struct weir_reader *reader,
			  struct weir_node *node);

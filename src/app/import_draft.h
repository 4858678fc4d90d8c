/* What an importer has found, in weir's own terms: providers, targets, chains. Everything lives
 * as long as the import; texts may be slices of the source's tree.
 *
 * A secret of the source is compared with others and never written: the configuration names a
 * variable instead. */
#pragma once

#include "config/reader.h"

enum {
	WEIR_IMPORT_TARGETS_MAX = 4096,
	WEIR_IMPORT_HEADERS_MAX = 8, /* per provider */
	WEIR_IMPORT_NAME_MAX = 64,   /* bytes of a provider's name that is made up */
	WEIR_IMPORT_WEIGHT_MAX = 1000,
	WEIR_IMPORT_MS_MAX = 24 * 3600 * 1000 /* of a timer */
};

enum weir_import_from {
	WEIR_IMPORT_NOTHING,
	WEIR_IMPORT_VARIABLE, /* text is its name */
	WEIR_IMPORT_SECRET,   /* text is the secret itself; settling finds a variable */
	WEIR_IMPORT_ABSENT,   /* a variable has to be found, too */
	WEIR_IMPORT_TEXT      /* may be written as it is */
};

struct weir_import_value {
	enum weir_import_from from;
	struct weir_slice text;
	const struct weir_node *node; /* where it stands, or should */
	const char *rule, *what;      /* of the finding that names the variable; NULL: none */
	const char *variable;         /* that was found for it, when settled */
};

struct weir_import_header {
	struct weir_slice name;
	struct weir_import_value value;
};

struct weir_import_provider {
	const struct weir_vendor *vendor; /* at whose built-in address it is; NULL: base says */
	const char *dialect;
	const char *why;  /* no target of it can be used, for a comment; NULL: they can */
	const char *hint; /* the name it should have */
	const char *name; /* when settled */
	struct weir_import_value base, key;
	const char *base_tail;                /* after the variable in base, as "/v1" */
	struct weir_import_value api_version; /* TEXT, VARIABLE or NOTHING */
	struct weir_import_header headers[WEIR_IMPORT_HEADERS_MAX];
	unsigned headers_n;
	unsigned line; /* where it is first named */
	bool stands;   /* in a chain; when settled */
	bool used;     /* likewise, by a target that can be used */
};

/* What the source says of a model. */
struct weir_import_facts {
	uint64_t context, output;         /* tokens; 0: not said */
	double input_price, output_price; /* dollars for a million tokens; below 0: not said */
	int images, tools, schema;        /* 1 yes, 0 no, -1 not said */
};

struct weir_import_target {
	struct weir_import_provider *provider;
	struct weir_slice model;
	bool model_is_variable;          /* model is the name of a variable that holds it */
	const char *why;                 /* as a provider's, of this one */
	uint64_t rpm, tpm, max_inflight; /* 0: not said */
	struct weir_import_facts facts;
	bool stands; /* in a chain; when settled */
};

struct weir_import_member {
	struct weir_import_target *target;
	double share;    /* of the step's requests, in any unit; 0: only when no other is left */
	unsigned weight; /* when settled */
	uint64_t attempt_ms, first_token_ms; /* 0: as the defaults */
	const struct weir_node *node;
};

struct weir_import_step {
	struct weir_import_member *members;
	unsigned members_n, members_cap;
	enum weir_balance balance;
	int retries;      /* -1: as the defaults */
	const char *note; /* for a comment; NULL: none */
};

struct weir_import_chain {
	struct weir_slice name;
	struct weir_import_step steps[WEIR_STEPS_MAX];
	unsigned steps_n;
	int retries;                         /* -1: as the defaults */
	uint64_t attempt_ms, first_token_ms; /* 0: as the defaults */
	uint64_t deadline_ms;                /* 0: weir's own */
	unsigned max_attempts;               /* 0: weir's own */
	bool content_policy_next, overflow_next;
	const char *note;
};

struct weir_import {
	struct weir_findings *findings;
	struct weir_yaml tree;
	const char *from; /* "LiteLLM" */
	bool camel;       /* keys may be written in camelCase */
	bool out_of_memory;
	struct weir_import_block *blocks;
	struct weir_import_provider *providers[WEIR_PROVIDERS_MAX];
	unsigned providers_n;
	struct weir_import_target **targets;
	unsigned targets_n, targets_cap;
	struct weir_import_chain **chains;
	unsigned chains_n, chains_cap;
	struct weir_import_value access;
	const char *access_note;
	uint64_t body_mib; /* 0: weir's own */
	int retries;       /* of `defaults`; -1: weir's own */
	const char *retries_note;
	uint64_t attempt_ms, first_token_ms; /* of `defaults`; 0: weir's own */
	const char *attempt_note, *first_token_note;
	int repair; /* 1 on, 0 off, -1 weir's own */
	const char *repair_note;
	const char *const *differs; /* sentences for the head; ends with NULL */
};

/* Makes a text of a node's path, as "router_settings.timeout". */
const char *weir_import_path(struct weir_import *im, const struct weir_node *node);

void weir_import_init(struct weir_import *im, const char *from, struct weir_findings *findings);
void weir_import_fini(struct weir_import *im);

/* Zeroed, freed with the import; NULL sets out_of_memory. */
void *weir_import_alloc(struct weir_import *im, size_t size);
WEIR_PRINTF(2, 3) const char *weir_import_text(struct weir_import *im, const char *format, ...);
/* Room for one more in an array of n of cap elements; the old one stays when false. */
bool weir_import_grow(struct weir_import *im, void *array, unsigned n, unsigned *cap, size_t size);

/* A finding; format: what is wrong, a newline, how to fix it. */
WEIR_PRINTF(4, 5)
void weir_import_warn(struct weir_import *im, const struct weir_node *node, const char *rule,
		      const char *format, ...);
WEIR_PRINTF(4, 5)
void weir_import_fail(struct weir_import *im, const struct weir_node *node, const char *rule,
		      const char *format, ...);

/* The one that is the same as wish, or a new one. NULL: no memory, or too many, which is a
 * finding at node. */
struct weir_import_provider *weir_import_provider(struct weir_import *im,
						  const struct weir_import_provider *wish,
						  const struct weir_node *node);
struct weir_import_target *weir_import_target(struct weir_import *im,
					      struct weir_import_provider *provider,
					      struct weir_slice model,
					      const struct weir_node *node);
/* A limit of a target that is there already with another one is a finding. */
void weir_import_limit(struct weir_import *im, const struct weir_node *node, uint64_t *limit,
		       uint64_t value);

/* A name that chains may have, and that none has yet; what had to change is a finding. */
struct weir_import_chain *weir_import_chain(struct weir_import *im, struct weir_slice name,
					    const struct weir_node *node);
/* A further step, empty; NULL: there are too many, which is a finding at node. */
struct weir_import_step *weir_import_step(struct weir_import *im, struct weir_import_chain *chain,
					  const struct weir_node *node);
/* Into the last step of chain; a target that stands in the chain already is a finding. */
void weir_import_member(struct weir_import *im, struct weir_import_chain *chain,
			const struct weir_import_member *member);
/* Takes the last step away again when nothing is in it. */
void weir_import_prune(struct weir_import_chain *chain);

bool weir_import_usable(const struct weir_import_target *target);
/* The number of targets that can be used, in a step or a whole chain. */
unsigned weir_import_usable_n(const struct weir_import_step *step);
unsigned weir_import_chain_usable_n(const struct weir_import_chain *chain);

/* Gives everything its name, its variable and its weight. False: no chain has a target that
 * can be used, which is an error among the findings. */
bool weir_import_settle(struct weir_import *im);

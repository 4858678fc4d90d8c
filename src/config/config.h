/* The configuration: one YAML file (or text) turned into something that can be run, or
 * into all the reasons why not. Reads files at load time only; immutable afterwards and
 * counted, so that requests in flight keep the one they began with. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/sha256.h"
#include "dialect/catalogue.h"
#include "dialect/dialect.h"
#include "dialect/models.h"
#include "policy/balance.h"
#include "policy/quota.h"

enum {
	WEIR_STEPS_MAX = 16,   /* per chain */
	WEIR_KEYS_MAX = 32,    /* per provider */
	WEIR_MEMBERS_MAX = 64, /* target × key, per chain */
	WEIR_CHAINS_MAX = 1024,
	WEIR_PROVIDERS_MAX = 256,
	WEIR_LISTEN_MAX = 16,
	WEIR_WORKERS_MAX = 64,
	WEIR_WORKERS_AUTO = 0,                         /* one per CPU that may be used */
	WEIR_TRUSTED_MAX = 32,                         /* networks of proxies before weir */
	WEIR_PEER_MAX = 46,                            /* an address as text, with a NUL */
	WEIR_IDENTITIES_MAX = 16,                      /* certificates of the listeners */
	WEIR_ATTEMPTS_MAX = 32,                        /* what max_attempts may be set to */
	WEIR_NAME_MAX = 256,                           /* a chain or model name, bytes */
	WEIR_GROUP_NAMES_MAX = 2 * WEIR_PROVIDERS_MAX, /* their own names, and as many given */
	WEIR_AFFINITY_HEADERS_MAX = 8                  /* distinct ones in a configuration */
};

enum weir_choice { WEIR_CHOICE_RETURN, WEIR_CHOICE_NEXT, WEIR_CHOICE_AUTO };
enum weir_repair { WEIR_REPAIR_FALLBACKS, WEIR_REPAIR_ON, WEIR_REPAIR_OFF };

/* Requests that go to the same member of a pool: those of one user, or with the same value
 * of a header field. */
enum weir_affinity { WEIR_AFFINITY_NONE, WEIR_AFFINITY_USER, WEIR_AFFINITY_HEADER };

struct weir_secret {
	char *text; /* wiped when freed */
	size_t len;
};

struct weir_header {
	char *name;
	char *value;
	bool secret; /* the value comes from a variable: its last word is never shown */
};

/* As many as weir sees fit: see core/snapshot.c. */
enum { WEIR_WARM_MAX = 64, WEIR_WARM_AUTO };

/* On the way to a provider. */
struct weir_proxy {
	char *host; /* without brackets; NULL: there is none */
	uint16_t port;
	struct weir_secret authorization; /* "Basic …"; len 0: it wants none */
	struct weir_secret password;      /* what of it is secret */
};

struct weir_provider {
	char *name;
	const struct weir_dialect *dialect;
	const struct weir_vendor *vendor; /* whose models these are; NULL: not well known */
	bool tls;
	char *host; /* without brackets */
	uint16_t port;
	char *host_field; /* value of the Host header: host, and port when not the scheme's own */
	char *base_path;  /* "/v1", without a trailing slash; "" for none */
	char *query;      /* of every request's address; NULL: none */
	char *ca_file;    /* NULL: the system's */
	struct weir_proxy proxy;
	bool public_vendor; /* its built-in address: never on a private network */
	struct weir_secret keys[WEIR_KEYS_MAX];
	unsigned keys_n; /* 0: sends no credential */
	struct weir_header *headers;
	unsigned headers_n;
	bool http2;                       /* is spoken, where TLS agrees on it */
	bool traceparent;                 /* is told which trace a request belongs to */
	unsigned max_inflight;            /* 0: no cap */
	unsigned warm;                    /* connections that are always open, or WEIR_WARM_AUTO */
	uint64_t rpm, tpm;                /* of each of its keys; 0: no limit */
	unsigned groups[WEIR_GROUPS_MAX]; /* that share its fate, in config->groups; [0]: its own */
	unsigned groups_n;
	unsigned index; /* position in config->providers */
};

/* provider + model; shared by every chain that names it. */
struct weir_target {
	struct weir_provider *provider;
	char *model;
	char *id;              /* "provider/model", as the configuration says it */
	char *trail_id;        /* the same, %-encoded for trails */
	unsigned max_inflight; /* over all keys; 0: no cap */
	uint64_t rpm, tpm;     /* with each key; 0: no limit */
	struct weir_model_facts facts;
	unsigned index; /* position in config->targets */
};

struct weir_step_target {
	struct weir_target *target;
	unsigned weight; /* 0: only when no other is left */
	struct weir_timers timers;
	unsigned line;
};

/* Equal targets, one of which serves a request. */
struct weir_step {
	struct weir_step_target *targets; /* no target twice */
	unsigned targets_n;               /* at least one */
	enum weir_balance balance;
	unsigned retries;          /* in place, over all its targets */
	bool retries_set;          /* said in this step: not overridden by the chain */
	struct weir_timers timers; /* its own; those of its targets may be nearer */
	unsigned line;
};

struct weir_chain {
	char *name;
	struct weir_step steps[WEIR_STEPS_MAX];
	unsigned steps_n;
	uint64_t deadline_ms;
	uint64_t stream_timeout_ms;
	unsigned max_attempts; /* derived when not set: max(4, retries + steps), at most 8 */
	bool max_attempts_set;
	unsigned retries;          /* the chain's own default, for fallbacks named by a caller */
	struct weir_timers timers; /* likewise */
	struct weir_timers long_timers; /* likewise, of models that think long */
	enum weir_choice content_policy;
	enum weir_choice context_overflow;
	enum weir_repair repair;
	bool translate_strict; /* a target that would not get some field cannot carry the request */
	bool midstream_continue;
	bool stream_usage; /* streams are counted, also for callers who do not ask */
	bool hedge;
	uint64_t early_keepalive_ms; /* 0: off */
	unsigned drift_percent;      /* slower than so much of its usual: stepped over; 0: off */
	enum weir_affinity affinity;
	unsigned affinity_header; /* position in config->affinity_headers */
	unsigned index;           /* position in config->chains */
	unsigned line;
};

/* Who may call, and what. */
struct weir_caller {
	char *name;
	const struct weir_chain **chains; /* that it may ask for; NULL: any */
	unsigned chains_n;
	bool targets;       /* may name targets itself, too, as fallbacks */
	uint64_t expires_s; /* Unix time; UINT64_MAX: never */
	struct weir_quota_bounds bounds;
	unsigned index; /* position in config->callers */
};

/* One of a caller's keys, of which only this is kept. */
struct weir_access_key {
	struct weir_digest digest;
	unsigned caller;
};

/* Addresses that begin alike. */
struct weir_network {
	unsigned char bytes[16];
	unsigned size; /* of its addresses: 4 or 16 */
	unsigned bits; /* that count */
};

/* The files of what weir shows to its callers. */
struct weir_identity {
	char *cert, *key;
	unsigned line, column;
};

/* AUTO: JSON, and text for who looks at it. */
enum weir_log_format { WEIR_LOG_AUTO, WEIR_LOG_JSON, WEIR_LOG_TEXT };

struct weir_logging {
	enum weir_log_level least;
	enum weir_log_format format;
	char *file;     /* NULL: not to a file */
	char *attempts; /* a file of every attempt and request; NULL: none */
};

/* A Redis or Valkey, where weirs keep what they know in common. */
struct weir_state_at {
	char *host; /* without brackets; NULL: there is none */
	uint16_t port;
	bool tls;
	char *user; /* NULL: the default one */
	struct weir_secret password;
	unsigned database;
	char *shown; /* as it may be shown */
};

struct weir_config {
	unsigned references;
	char *listen[WEIR_LISTEN_MAX];
	unsigned listen_n;
	char *admin;      /* NULL: off */
	unsigned workers; /* or WEIR_WORKERS_AUTO */
	struct weir_state_at state;
	struct weir_identity identities[WEIR_IDENTITIES_MAX]; /* [0]: where none has the name */
	unsigned identities_n;                                /* 0: callers come without TLS */
	char *client_ca; /* whose certificates callers need; NULL: none */
	struct weir_network
		trusted_proxies[WEIR_TRUSTED_MAX]; /* whose x-forwarded-for is believed */
	unsigned trusted_proxies_n;
	bool access_open;
	struct weir_caller *callers;
	unsigned callers_n;
	struct weir_access_key *access_keys; /* at least one for each of them */
	unsigned access_keys_n;
	struct weir_secret admin_key;     /* len 0: none */
	uint64_t body_max;                /* bytes; 32 MiB */
	uint64_t bodies_max;              /* bytes of all together; 512 MiB */
	uint64_t connections_per_address; /* 0: any number */
	struct weir_provider **providers;
	unsigned providers_n;
	struct weir_target **targets;
	unsigned targets_n;
	struct weir_chain **chains;
	unsigned chains_n;
	char **groups; /* distinct names */
	unsigned groups_n;
	char *affinity_headers[WEIR_AFFINITY_HEADERS_MAX]; /* distinct, in small letters */
	unsigned affinity_headers_n;
	bool zero; /* zero-config: models resolve to their vendor by name */
	bool half_close_serve;
	bool compat_portkey, compat_litellm; /* their words are understood, too */
	bool ready_needs_chains;
	uint64_t drain_delay_ms, drain_timeout_ms;
	struct weir_logging log;
	bool any_traceparent;         /* some provider is told */
	struct weir_chain *defaults;  /* a chain without steps: its timers are the defaults */
	unsigned char *secret_starts; /* scrub.c */
};

enum weir_finding_level { WEIR_FINDING_ERROR, WEIR_FINDING_WARNING };

/* FILE:LINE:COL: error|warning[rule-id] key.path: what; fix: how */
struct weir_finding {
	enum weir_finding_level level;
	unsigned line, column; /* 1-based; 0 when it has no place */
	char *rule;            /* "unknown-key", "unset-variable"… */
	char *key;             /* "chains.gpt-4o.steps[1]" */
	char *message;
	char *fix;
};

struct weir_findings {
	char *file; /* as the user named it */
	struct weir_finding *list;
	unsigned n, cap;
	unsigned errors, warnings;
	bool out_of_memory;
};

void weir_findings_init(struct weir_findings *findings, const char *file);
void weir_findings_fini(struct weir_findings *findings);
/* One finding as its line, newline included. 0, WEIR_ENOMEM, WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_finding_print(const struct weir_findings *findings, unsigned index,
				       struct weir_buf *out);
/* All of them as a JSON array of {file,line,column,level,rule,key,message,fix}. */
WEIR_MUST_CHECK int weir_findings_json(const struct weir_findings *findings, struct weir_buf *out);

/* Looks up an environment variable; NULL when unset. */
typedef const char *weir_env(void *arg, const char *name);

/* 0 and *config with one reference, warnings possibly in findings; WEIR_ECONFIG with all
 * errors in findings; WEIR_ENOMEM. text is the file's content, file its name (for messages
 * and, by its folder, relative paths). env NULL: getenv. */
WEIR_MUST_CHECK int weir_config_parse(struct weir_config **config, struct weir_slice text,
				      const char *file, weir_env *env, void *arg,
				      struct weir_findings *findings);
WEIR_MUST_CHECK int weir_config_load(struct weir_config **config, const char *path,
				     struct weir_findings *findings);
/* Zero-config: providers from the API keys in the environment. WEIR_ECONFIG, with a finding
 * that lists the variables, when there is none of a dialect that is built. */
WEIR_MUST_CHECK int weir_config_zero(struct weir_config **config, weir_env *env, void *arg,
				     struct weir_findings *findings);
/* For an address that is not in the file (--listen): the provider whose requests would
 * arrive there, and go round in circles; NULL: none. */
const struct weir_provider *weir_config_loop(const struct weir_config *config, const char *address);
void weir_config_ref(struct weir_config *config);
void weir_config_unref(struct weir_config *config); /* NULL is fine */

struct weir_chain *weir_config_chain(const struct weir_config *config, struct weir_slice name);
/* May it ask for the chain? caller NULL: anybody. */
bool weir_caller_may(const struct weir_caller *caller, const struct weir_chain *chain);
/* A target that stands in some chain, by "provider/model"; NULL: none. */
struct weir_target *weir_config_target(const struct weir_config *config, struct weir_slice id);

/* As people read it: "provider/model", or "provider/model#N" for the Nth of several keys. */
void weir_target_name(const struct weir_target *target, unsigned key, char *text, size_t size);

/* Zero-config only: a known vendor's model, or vendor/model, as a target made on demand and
 * kept by the configuration (at most WEIR_CHAINS_MAX of them). NULL: not known. */
struct weir_target *weir_config_zero_target(struct weir_config *config, struct weir_slice model);

/* Replaces every configured secret in buf, in its raw, URL-encoded, JSON-escaped and base64
 * form, by "[redacted]". True when something was replaced. 0 or WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_config_scrub(const struct weir_config *config, struct weir_buf *buf);

/* Of the libyaml it runs with. */
const char *weir_config_yaml_version(void);

/* Its dialect has the route, and it is not known to be without. */
bool weir_provider_has_route(const struct weir_provider *provider, enum weir_route route);

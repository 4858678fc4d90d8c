/* A certificate authority that lives in memory only, for simulated providers, `weir demo`
 * and tests: nobody else trusts it, and its key is gone when the program ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

enum { WEIR_THROWAWAY_HOSTS_MAX = 8 };

struct weir_throwaway_ca;

/* What to certify. All zero: EC P-256, from an hour ago until tomorrow. */
struct weir_throwaway_spec {
	const char *hosts[WEIR_THROWAWAY_HOSTS_MAX]; /* names and addresses, NULL ends them */
	const char *common_name;                     /* NULL: a word nobody asks for */
	int64_t from_s, until_s;                     /* seconds from now; negative: the past */
	unsigned rsa_bits;                           /* an RSA key (slow) instead of EC */
	bool self_signed;                            /* not by the authority */
	bool sha1;                                   /* a hash that is not accepted any more */
	bool for_clients;                            /* of no use to a server */
};

/* PEM texts; free with weir_throwaway_fini(). */
struct weir_throwaway {
	struct weir_slice cert_pem;
	struct weir_slice key_pem;
};

WEIR_MUST_CHECK int weir_throwaway_ca_create(struct weir_throwaway_ca **ca, struct weir_error *err);
void weir_throwaway_ca_destroy(struct weir_throwaway_ca *ca);
/* For weir_tls_client_config_create_pem(); valid as long as ca. */
struct weir_slice weir_throwaway_ca_pem(const struct weir_throwaway_ca *ca);

/* Makes a key and its certificate. 0, WEIR_ENOMEM, or WEIR_ETLS and a sentence. */
WEIR_MUST_CHECK int weir_throwaway_issue(const struct weir_throwaway_ca *ca,
					 const struct weir_throwaway_spec *spec,
					 struct weir_throwaway *made, struct weir_error *err);
void weir_throwaway_fini(struct weir_throwaway *made);

/* Between mbedTLS's ecdsa.c, as weir_insert.py changes it, and weir_ecdsa.c. */
#ifndef WEIR_ECDSA_H
#define WEIR_ECDSA_H

#include <stddef.h>

#include "mbedtls/ecp.h"

/* Was this very signature of this very hash by this very key found to be good lately? */
int weir_ecdsa_known(const mbedtls_ecp_group *group, const unsigned char *hash, size_t hash_len,
		     const mbedtls_ecp_point *key, const mbedtls_mpi *r, const mbedtls_mpi *s);
/* It was, just now. */
void weir_ecdsa_learn(const mbedtls_ecp_group *group, const unsigned char *hash, size_t hash_len,
		      const mbedtls_ecp_point *key, const mbedtls_mpi *r, const mbedtls_mpi *s);

#endif

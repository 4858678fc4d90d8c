/* Between mbedTLS's gcm.c, as weir_gcm.py changes it, and weir_gcm.c. */
#ifndef WEIR_GCM_H
#define WEIR_GCM_H

#include <stdbool.h>
#include <stddef.h>

#include "mbedtls/gcm.h"

/* The key is set. */
void weir_gcm_prepare(mbedtls_gcm_context *ctx);
/* Does the whole blocks of len bytes, where it can, at a block's border of the message. How many
 * bytes it did; the rest is mbedTLS's to do. */
size_t weir_gcm_blocks(mbedtls_gcm_context *ctx, const unsigned char *in, unsigned char *out,
		       size_t len);
/* x times H; what is no whole block of text is hashed by it. False: mbedTLS has to. */
bool weir_gcm_mult(const mbedtls_gcm_context *ctx, const unsigned char *x, unsigned char *out);

#endif

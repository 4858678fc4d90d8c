"""weir_insert.py SOURCE TO: a file of mbedTLS's with calls to ours added. Fails where the places for
them are not found, once each, as in mbedTLS 3.6."""

import pathlib
import sys

# What is added after what.
ADDED = {
    "gcm.c": [
        ('#include "mbedtls/gcm.h"\n', '#include "weir_gcm.h"\n'),
        ("""\
    if ((ret = gcm_gen_table(ctx)) != 0) {
        return ret;
    }
""", "    weir_gcm_prepare(ctx);\n"),
        ("""\
static void gcm_mult(mbedtls_gcm_context *ctx, const unsigned char x[16],
                     unsigned char output[16])
{
""", """\
    if (weir_gcm_mult(ctx, x, output)) {
        return;
    }
"""),
        ("""\
    offset = ctx->len % 16;
    if (offset != 0) {
        size_t use_len = 16 - offset;
        if (use_len > input_length) {
            use_len = input_length;
        }

        if ((ret = gcm_mask(ctx, ectr, offset, use_len, p, out_p)) != 0) {
            return ret;
        }

        if (offset + use_len == 16) {
            gcm_mult(ctx, ctx->buf, ctx->buf);
        }

        ctx->len += use_len;
        input_length -= use_len;
        p += use_len;
        out_p += use_len;
    }

    ctx->len += input_length;

""", """\
    {
        size_t done = weir_gcm_blocks(ctx, p, out_p, input_length);
        input_length -= done;
        p += done;
        out_p += done;
    }

"""),
    ],
    "ecdsa.c": [
        ('#include "mbedtls/ecdsa.h"\n', '#include "weir_ecdsa.h"\n'),
        ("""\
    if (mbedtls_mpi_cmp_int(r, 1) < 0 || mbedtls_mpi_cmp_mpi(r, &grp->N) >= 0 ||
        mbedtls_mpi_cmp_int(s, 1) < 0 || mbedtls_mpi_cmp_mpi(s, &grp->N) >= 0) {
        ret = MBEDTLS_ERR_ECP_VERIFY_FAILED;
        goto cleanup;
    }
""", """\
    if (weir_ecdsa_known(grp, buf, blen, Q, r, s)) {
        ret = 0;
        goto cleanup;
    }
"""),
        ("""\
    if (mbedtls_mpi_cmp_mpi(&R.X, r) != 0) {
        ret = MBEDTLS_ERR_ECP_VERIFY_FAILED;
        goto cleanup;
    }
""", "    weir_ecdsa_learn(grp, buf, blen, Q, r, s);\n"),
    ],
    # 3.6.6 offers RSA-PSS and refuses it where the server speaks TLS 1.2 (RFC 8446 §4.2.3 allows
    # it there), as any with an RSA key does: Mbed-TLS/mbedtls#10674, in no release yet.
    "ssl_tls12_client.c": [
        ("""\
     * TLS versions. Make sure that the received sig_alg extension is valid in TLS 1.2.
     */
""", "    if (*pk_alg != MBEDTLS_PK_RSASSA_PSS)\n"),
    ],
}

source, to = map(pathlib.Path, sys.argv[1:])
text = source.read_text()
for place, new in ADDED[source.name]:
    if text.count(place) != 1:
        sys.exit(f"{source}: found {text.count(place)} times, not once:\n{place}")
    text = text.replace(place, place + new)
to.write_text(text)

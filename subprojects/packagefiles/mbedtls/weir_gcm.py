"""weir_gcm.py GCM_C TO: mbedTLS's gcm.c with two calls to weir_gcm.c added. Fails where the
places for them are not found, once each, as in mbedTLS 3.6."""

import pathlib
import sys

INCLUDE = '#include "mbedtls/gcm.h"\n'
KEY = """\
    if ((ret = gcm_gen_table(ctx)) != 0) {
        return ret;
    }
"""
LOOP = """\
    while (input_length >= 16) {
        gcm_incr(ctx->y);
"""
BLOCKS = """\
    {
        size_t done = weir_gcm_blocks(ctx, p, out_p, input_length);
        input_length -= done;
        p += done;
        out_p += done;
    }

"""

source, to = map(pathlib.Path, sys.argv[1:])
text = source.read_text()
for place, new in ((INCLUDE, INCLUDE + '#include "weir_gcm.h"\n'),
                   (KEY, KEY + "    weir_gcm_prepare(ctx);\n"),
                   (LOOP, BLOCKS + LOOP)):
    if text.count(place) != 1:
        sys.exit(f"{source}: found {text.count(place)} times, not once:\n{place}")
    text = text.replace(place, new)
to.write_text(text)

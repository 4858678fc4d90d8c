/* Of the libraries this layer is built with. */
#pragma once

const char *weir_wire_llhttp_version(void);
const char *weir_wire_nghttp2_version(void);
const char *weir_wire_yyjson_version(void);

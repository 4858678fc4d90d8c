/* Of the libraries this layer runs with. */
#pragma once

const char *weir_net_mbedtls_version(void);
const char *weir_net_cares_version(void);

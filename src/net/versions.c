#include "net/versions.h"

#include <ares.h>
#include <mbedtls/build_info.h>
#include <stddef.h>

const char *weir_net_mbedtls_version(void)
{
	return MBEDTLS_VERSION_STRING;
}

const char *weir_net_cares_version(void)
{
	return ares_version(NULL);
}

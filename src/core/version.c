#include "config/config.h"
#include "net/versions.h"
#include "weir.h"
#include "wire/versions.h"

const char *weir_version(void)
{
	return WEIR_VERSION;
}

void weir_library_versions(void (*on_line)(void *arg, const char *name, const char *version),
			   void *arg)
{
	on_line(arg, "libuv", uv_version_string());
	on_line(arg, "llhttp", weir_wire_llhttp_version());
	on_line(arg, "mbedtls", weir_net_mbedtls_version());
	on_line(arg, "yyjson", weir_wire_yyjson_version());
	on_line(arg, "c-ares", weir_net_cares_version());
	on_line(arg, "libyaml", weir_config_yaml_version());
}

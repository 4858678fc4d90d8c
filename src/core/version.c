#include "base/error.h"
#include "config/config.h"
#include "net/versions.h"
#include "weir.h"
#include "wire/resp.h"
#include "wire/versions.h"

const char *weir_version(void)
{
	return WEIR_VERSION;
}

unsigned weir_version_hex(void)
{
	return WEIR_VERSION_HEX;
}

const char *weir_strerror(int rc)
{
	switch (rc) {
	case 0:
		return "no error";
	case WEIR_ENOMEM:
		return "out of memory";
	case WEIR_ELIMIT:
		return "a limit would be exceeded";
	case WEIR_ECONFIG:
		return "the configuration is wrong";
	case WEIR_ETLS:
		return "TLS cannot be set up";
	case WEIR_EBIND:
		return "an address cannot be listened on";
	default:
		return uv_strerror(rc);
	}
}

void weir_library_versions(void (*on_line)(void *arg, const char *name, const char *version),
			   void *arg)
{
	on_line(arg, "libuv", uv_version_string());
	on_line(arg, "llhttp", weir_wire_llhttp_version());
	on_line(arg, "nghttp2", weir_wire_nghttp2_version());
	on_line(arg, "mbedtls", weir_net_mbedtls_version());
	on_line(arg, "yyjson", weir_wire_yyjson_version());
	on_line(arg, "c-ares", weir_net_cares_version());
	on_line(arg, "libyaml", weir_config_yaml_version());
	if (weir_resp_version())
		on_line(arg, "hiredis", weir_resp_version());
}

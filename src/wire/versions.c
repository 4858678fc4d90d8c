#include "wire/versions.h"

#include <llhttp.h>
#include <nghttp2/nghttp2ver.h>
#include <yyjson.h>

#define TEXT(number)                #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *weir_wire_llhttp_version(void)
{
	return DOTTED(LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}

const char *weir_wire_nghttp2_version(void)
{
	return NGHTTP2_VERSION;
}

const char *weir_wire_yyjson_version(void)
{
	return YYJSON_VERSION_STRING;
}

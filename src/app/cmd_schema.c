#include <stdio.h>

#include "app/app.h"
#include "config/schema.h"

enum { SCHEMA_MAX = 1024 * 1024 };

static const char usage[] =
	"usage: weir schema\n\n"
	"Prints the JSON Schema (2020-12) of a configuration, for editors: names, kinds, bounds "
	"and\n"
	"what each key is for. What depends on more than one key only `weir check` sees.\n\n"
	"  weir schema > weir.schema.json\n"
	"  # yaml-language-server: $schema=weir.schema.json     the first line of weir.yaml";

int weir_cmd_schema(int argc, char **argv)
{
	struct weir_buf out;
	bool ok;

	if (argc > 1) {
		bool help = weir_slice_is(weir_slice_of(argv[1]), "--help") ||
			    weir_slice_is(weir_slice_of(argv[1]), "-h");

		if (!help)
			return weir_app_usage("schema", "takes no argument");
		puts(usage);
		return WEIR_EXIT_DONE;
	}
	weir_buf_init(&out, SCHEMA_MAX);
	ok = weir_schema_write(&out) == 0;
	if (!ok)
		fputs("weir schema: out of memory\n", stderr);
	else
		ok = fwrite(out.base, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
	weir_buf_fini(&out);
	return ok ? WEIR_EXIT_DONE : WEIR_EXIT_BAD;
}

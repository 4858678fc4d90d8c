#include <stdio.h>

#include "app/app.h"
#include "weir.h"

static void on_line(void *arg, const char *name, const char *version)
{
	(void)arg;
	printf("%s %s\n", name, version);
}

int weir_cmd_version(int argc, char **argv)
{
	if (argc > 1) {
		bool help = weir_slice_is(weir_slice_of(argv[1]), "--help") ||
			    weir_slice_is(weir_slice_of(argv[1]), "-h");

		if (!help)
			return weir_app_usage("version", "takes no argument");
		puts("usage: weir version\n\n"
		     "Prints the version of weir and of every library in it.");
		return WEIR_EXIT_DONE;
	}
	printf("weir %s\n", weir_version());
	weir_library_versions(on_line, NULL);
	return WEIR_EXIT_DONE;
}

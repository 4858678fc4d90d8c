#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void weir_assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "weir: bug: %s:%d: %s\n", file, line, condition);
	abort();
}

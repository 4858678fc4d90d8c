/* The scanner as it is on a processor without AVX2. */
#define WEIR_PLAIN_BASELINE
#include "wire/json.c"

#include "test_json.c"

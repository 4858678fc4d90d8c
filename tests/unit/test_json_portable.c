/* The scanner as it is built where there is no SSE2. */
#undef __SSE2__
#include "wire/json.c"

#include "test_json.c"

#pragma once

#include <stddef.h>

#define WEIR_MUST_CHECK                      __attribute__((warn_unused_result))
#define WEIR_PRINTF(string, first)           __attribute__((format(printf, string, first)))
#define WEIR_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define WEIR_COUNT_OF(array)                 (sizeof(array) / sizeof *(array))

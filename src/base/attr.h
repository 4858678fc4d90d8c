#pragma once

#include <stddef.h>

#define WEIR_MUST_CHECK                      __attribute__((warn_unused_result))
#define WEIR_PRINTF(string, first)           __attribute__((format(printf, string, first)))
#define WEIR_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define WEIR_COUNT_OF(array)                 (sizeof(array) / sizeof *(array))

/* Of a large local: it is written before it is read, and need not be cleared. */
#ifdef __has_attribute
#if __has_attribute(uninitialized)
#define WEIR_UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef WEIR_UNINITIALIZED
#define WEIR_UNINITIALIZED
#endif

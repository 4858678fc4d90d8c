/* The only door to the heap. Every call can fail, and tests can make the k-th
 * call fail to prove that nothing leaks and nobody else is harmed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* NULL when out of memory. Free with weir_free(). */
WEIR_MUST_CHECK void *weir_alloc(size_t size);
WEIR_MUST_CHECK void *weir_calloc(size_t count, size_t size);
WEIR_MUST_CHECK void *weir_realloc(void *ptr, size_t size);
void weir_free(void *ptr);

/* A copy with a NUL after it. */
WEIR_MUST_CHECK char *weir_strndup(const char *text, size_t len);

/* Overwrites the memory first; for keys and other secrets. */
void weir_free_secret(void *ptr, size_t size);

/* Where all of the above take it from, in the whole process. Before the first of them, as what
 * one heap gave another cannot free. */
struct weir_heap {
	void *(*alloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *ptr, size_t size);
	void (*free)(void *ptr);
};
void weir_alloc_replace(const struct weir_heap *heap);
/* Has any thread got a block from it, freed or not? Then it is too late. */
bool weir_alloc_used(void);

/* The nth allocation of this thread from now (1 = the next) fails, once; 0 switches it off. */
void weir_alloc_fail_after(uint64_t nth);
/* The nth and all that follow, until weir_alloc_fail_after(0). */
void weir_alloc_fail_from(uint64_t nth);

/* Blocks that this thread has allocated and not yet freed. */
size_t weir_alloc_live(void);
/* How often this thread has asked for memory. */
uint64_t weir_alloc_calls(void);

#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct weir_heap heap = { malloc, calloc, realloc, free };

/* Of this thread: a gateway lives in one, and several may live in several. */
static _Thread_local uint64_t countdown, calls;
static _Thread_local bool for_good;
static _Thread_local size_t live;

/* Has any thread got memory? */
static _Atomic bool used;

void weir_alloc_replace(const struct weir_heap *with)
{
	heap = *with;
}

static int must_fail(void)
{
	calls++;
	if (countdown != 1 || !for_good)
		return countdown && --countdown == 0;
	return 1;
}

static void *counted(void *ptr)
{
	if (!ptr)
		return NULL;
	live++;
	if (!atomic_load_explicit(&used, memory_order_relaxed))
		atomic_store_explicit(&used, true, memory_order_relaxed);
	return ptr;
}

void *weir_alloc(size_t size)
{
	return must_fail() ? NULL : counted(heap.alloc(size ? size : 1));
}

void *weir_calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : counted(heap.calloc(count ? count : 1, size ? size : 1));
}

void *weir_realloc(void *ptr, size_t size)
{
	if (!ptr)
		return weir_alloc(size);
	return must_fail() ? NULL : heap.realloc(ptr, size ? size : 1);
}

void weir_free(void *ptr)
{
	if (!ptr)
		return;
	live--;
	heap.free(ptr);
}

char *weir_strndup(const char *text, size_t len)
{
	char *copy = weir_alloc(len + 1);

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void weir_free_secret(void *ptr, size_t size)
{
	if (!ptr)
		return;
	explicit_bzero(ptr, size);
	weir_free(ptr);
}

void weir_alloc_fail_after(uint64_t nth)
{
	countdown = nth;
	for_good = false;
}

void weir_alloc_fail_from(uint64_t nth)
{
	countdown = nth;
	for_good = true;
}

size_t weir_alloc_live(void)
{
	return live;
}

bool weir_alloc_used(void)
{
	return atomic_load_explicit(&used, memory_order_relaxed);
}

uint64_t weir_alloc_calls(void)
{
	return calls;
}

#include "base/shm.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/error.h"

enum { CLASSES = 32, CLASS_LEAST = 6, INDEX = 4096, SPINS = 100 };

#define MIB ((size_t)1024 * 1024)

/* Before each block, which is a power of two with it. */
struct block {
	size_t class;
	struct block *next; /* while it is free */
};

struct record {
	struct record *next_here; /* in its row of the index */
	struct record *next_all;  /* of its kind */
	struct weir_digest identity;
	unsigned kind;
	size_t size;
	max_align_t bytes[];
};

struct segment {
	pthread_mutex_t lock;
	unsigned holders;
	size_t used, cap;
	struct block *free[CLASSES];
	struct record *index[INDEX];
	struct record *first[WEIR_SHM_KINDS], *last[WEIR_SHM_KINDS];
	void *places[WEIR_SHM_HOLDERS_MAX];
};

/* Each process has its own of these. */
struct weir_shm {
	struct segment *segment;
	void (*mend)(struct weir_shm *shm);
	unsigned holder, depth;
};

static bool make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	bool ok = pthread_mutexattr_init(&attr) == 0;

	if (!ok)
		return false;
	ok = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
	     pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
	     pthread_mutex_init(lock, &attr) == 0;
	pthread_mutexattr_destroy(&attr);
	return ok;
}

int weir_shm_create(struct weir_shm **made, unsigned holders)
{
	struct weir_shm *shm = weir_calloc(1, sizeof *shm);
	void *memory;

	*made = NULL;
	WEIR_ASSERT(holders > 0 && holders <= WEIR_SHM_HOLDERS_MAX);
	if (!shm)
		return WEIR_ENOMEM;
	memory = mmap(NULL, WEIR_SHM_MIB * MIB, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		weir_free(shm);
		return WEIR_ENOMEM;
	}
	shm->segment = memory;
	shm->segment->holders = holders;
	shm->segment->used = (sizeof *shm->segment + 63) / 64 * 64;
	shm->segment->cap = WEIR_SHM_MIB * MIB;
	if (!make_lock(&shm->segment->lock)) {
		weir_shm_destroy(shm);
		return WEIR_ENOMEM;
	}
	*made = shm;
	return 0;
}

void weir_shm_destroy(struct weir_shm *shm)
{
	if (!shm)
		return;
	munmap(shm->segment, WEIR_SHM_MIB * MIB);
	weir_free(shm);
}

void weir_shm_join(struct weir_shm *shm, unsigned holder)
{
	WEIR_ASSERT(holder < shm->segment->holders);
	shm->holder = holder;
}

unsigned weir_shm_holder(const struct weir_shm *shm)
{
	return shm ? shm->holder : 0;
}

unsigned weir_shm_holders(const struct weir_shm *shm)
{
	return shm->segment->holders;
}

void weir_shm_on_spoiled(struct weir_shm *shm, void (*mend)(struct weir_shm *shm))
{
	shm->mend = mend;
}

/* Who has it gives it back in a moment, so a moment is waited before the kernel is asked. */
static int lock(pthread_mutex_t *mutex)
{
	int rc = EBUSY;

	for (unsigned i = 0; i < SPINS && rc == EBUSY; i++)
		rc = pthread_mutex_trylock(mutex);
	return rc == EBUSY ? pthread_mutex_lock(mutex) : rc;
}

void weir_shm_enter(struct weir_shm *shm)
{
	int rc;

	if (!shm || shm->depth++)
		return;
	rc = lock(&shm->segment->lock);
	WEIR_ASSERT(rc == 0 || rc == EOWNERDEAD);
	if (rc == 0)
		return;
	/* Who is killed while he mends leaves it to the next. */
	if (shm->mend)
		shm->mend(shm);
	rc = pthread_mutex_consistent(&shm->segment->lock);
	WEIR_ASSERT(rc == 0);
}

void weir_shm_leave(struct weir_shm *shm)
{
	int rc;

	if (!shm)
		return;
	WEIR_ASSERT(shm->depth > 0);
	if (--shm->depth)
		return;
	rc = pthread_mutex_unlock(&shm->segment->lock);
	WEIR_ASSERT(rc == 0);
}

/* ---- memory ---- */

static unsigned class_of(size_t size)
{
	unsigned class = CLASS_LEAST;

	while (class < CLASSES && (size_t)1 << class < size)
		class ++;
	return class;
}

/* Killed at any point, a block is lost at worst. */
static struct block *take(struct segment *s, unsigned class)
{
	struct block *block = s->free[class];
	size_t size = (size_t)1 << class;

	if (block) {
		s->free[class] = block->next;
		return block;
	}
	if (size > s->cap - s->used)
		return NULL;
	block = (struct block *)((char *)s + s->used);
	s->used += size;
	block->class = class;
	return block;
}

void *weir_shm_calloc(struct weir_shm *shm, size_t count, size_t size)
{
	struct block *block = NULL;
	size_t bytes;

	if (!shm)
		return weir_calloc(count, size);
	if (__builtin_mul_overflow(count, size, &bytes) || bytes > WEIR_SHM_BLOCK_MIB_MAX * MIB)
		return NULL;
	weir_shm_enter(shm);
	block = take(shm->segment, class_of(bytes + sizeof *block));
	weir_shm_leave(shm);
	return block ? memset(block + 1, 0, bytes) : NULL;
}

char *weir_shm_strndup(struct weir_shm *shm, const char *text, size_t len)
{
	char *copy = weir_shm_calloc(shm, 1, len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

void weir_shm_free(struct weir_shm *shm, void *ptr)
{
	struct block *block;

	if (!shm || !ptr) {
		weir_free(ptr);
		return;
	}
	block = (struct block *)ptr - 1;
	weir_shm_enter(shm);
	block->next = shm->segment->free[block->class];
	__atomic_store_n(&shm->segment->free[block->class], block, __ATOMIC_RELEASE);
	weir_shm_leave(shm);
}

/* ---- records ---- */

static struct record **row_of(struct segment *s, const struct weir_digest *identity)
{
	return &s->index[identity->part[0] % INDEX];
}

static bool is_it(const struct record *r, unsigned kind, const struct weir_digest *identity)
{
	return r->kind == kind && weir_digest_eq(&r->identity, identity);
}

/* The index comes last: what is found there is whole. */
static void file(struct segment *s, struct record *r)
{
	struct record **row = row_of(s, &r->identity), *last = s->last[r->kind];

	r->next_here = *row;
	if (last)
		last->next_all = r;
	else
		s->first[r->kind] = r;
	s->last[r->kind] = r;
	__atomic_store_n(row, r, __ATOMIC_RELEASE);
}

void *weir_shm_record(struct weir_shm *shm, unsigned kind, const struct weir_digest *identity,
		      size_t size)
{
	struct record *r;

	WEIR_ASSERT(shm->depth > 0 && kind < WEIR_SHM_KINDS);
	for (r = *row_of(shm->segment, identity); r; r = r->next_here) {
		if (!is_it(r, kind, identity))
			continue;
		WEIR_ASSERT(r->size == size);
		return r->bytes;
	}
	r = weir_shm_calloc(shm, 1, sizeof *r + size);
	if (!r)
		return NULL;
	r->kind = kind;
	r->identity = *identity;
	r->size = size;
	file(shm->segment, r);
	return r->bytes;
}

void *weir_shm_next(const struct weir_shm *shm, unsigned kind, const void *record)
{
	const char *bytes = record;
	const struct record *before =
		bytes ? (const struct record *)(bytes - offsetof(struct record, bytes)) : NULL;
	struct record *next = before ? before->next_all : shm->segment->first[kind];

	return next ? next->bytes : NULL;
}

void **weir_shm_place(struct weir_shm *shm, unsigned holder)
{
	WEIR_ASSERT(holder < shm->segment->holders);
	return &shm->segment->places[holder];
}

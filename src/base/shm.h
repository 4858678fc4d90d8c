/* Memory that several processes have in common, at the same address in each, behind one lock. It
 * is made before they fork; pointers from it into it are good in all of them. What it has given
 * for an identity is never taken back, so they may keep such pointers without a count.
 *
 * A process that is killed inside the lock leaves what it was writing half written: the next one
 * to enter has it mended first. A struct weir_shm NULL is a process of its own: nothing is locked,
 * and memory is the heap's. */
#pragma once

#include "base/attr.h"
#include "base/sha256.h"

enum {
	WEIR_SHM_HOLDERS_MAX = 64,  /* processes, each with its number from 0 */
	WEIR_SHM_KINDS = 8,         /* of records */
	WEIR_SHM_MIB = 512,         /* of addresses; memory is what has been used */
	WEIR_SHM_BLOCK_MIB_MAX = 64 /* the largest block */
};

struct weir_shm;

/* For so many processes. 0, WEIR_ENOMEM. */
WEIR_MUST_CHECK int weir_shm_create(struct weir_shm **shm, unsigned holders);
/* Of this process; the others go on with theirs. */
void weir_shm_destroy(struct weir_shm *shm);

/* In a child: which of them it is. */
void weir_shm_join(struct weir_shm *shm, unsigned holder);
unsigned weir_shm_holder(const struct weir_shm *shm); /* NULL: 0 */
unsigned weir_shm_holders(const struct weir_shm *shm);

/* Makes whole what may be half written; called inside. */
void weir_shm_on_spoiled(struct weir_shm *shm, void (*mend)(struct weir_shm *shm));
/* May be nested. Hold it for a few microseconds: the others wait. */
void weir_shm_enter(struct weir_shm *shm);
void weir_shm_leave(struct weir_shm *shm);

/* Zeroed; NULL: out of memory. Not for identities. */
WEIR_MUST_CHECK void *weir_shm_calloc(struct weir_shm *shm, size_t count, size_t size);
WEIR_MUST_CHECK char *weir_shm_strndup(struct weir_shm *shm, const char *text, size_t len);
void weir_shm_free(struct weir_shm *shm, void *ptr);

/* The record of that kind that has this identity, of the same size each time; a new one is zeroed.
 * NULL: out of memory. Call it inside. */
WEIR_MUST_CHECK void *weir_shm_record(struct weir_shm *shm, unsigned kind,
				      const struct weir_digest *identity, size_t size);
/* All records of a kind: the one after this; NULL before the first and after the last. Among them
 * are those whose maker was killed before he had more than zeroed them. */
void *weir_shm_next(const struct weir_shm *shm, unsigned kind, const void *record);

/* A pointer for each process, for whatever it keeps in here. NULL to begin with. */
void **weir_shm_place(struct weir_shm *shm, unsigned holder);

/* Which account gave which answer, so that what goes on from it goes there. Bounded: what
 * is overwritten is forgotten. */
#pragma once

#include "base/shm.h"
#include "config/config.h"

enum { WEIR_BONDS_MAX = 4096 }; /* answers remembered */

struct weir_bond {
	uint64_t answer, account; /* hashes; 0: none */
};

struct weir_bonds {
	struct weir_bond slots[WEIR_BONDS_MAX];
};

/* One for all processes that have shm in common. NULL: out of memory. */
WEIR_MUST_CHECK struct weir_bonds *weir_bonds_create(struct weir_shm *shm);
void weir_bonds_destroy(struct weir_bonds *bonds, struct weir_shm *shm);

/* A key at a host: providers that share both are one. Never 0. */
uint64_t weir_bonds_account(const struct weir_provider *provider, unsigned key);

void weir_bonds_keep(struct weir_bonds *bonds, uint64_t answer, uint64_t account);
/* 0: not known. */
uint64_t weir_bonds_find(const struct weir_bonds *bonds, uint64_t answer);

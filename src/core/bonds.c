#include "core/bonds.h"

#include "base/alloc.h"
#include "config/known.h"

struct weir_bonds *weir_bonds_create(struct weir_shm *shm)
{
	struct weir_bonds *bonds;

	if (!shm)
		return weir_calloc(1, sizeof *bonds);
	weir_shm_enter(shm);
	bonds = weir_known_record(shm, WEIR_KNOWN_OTHER, weir_slice_of("bonds"), sizeof *bonds);
	weir_shm_leave(shm);
	return bonds;
}

void weir_bonds_destroy(struct weir_bonds *bonds, struct weir_shm *shm)
{
	if (!shm)
		weir_free(bonds);
}

uint64_t weir_bonds_account(const struct weir_provider *provider, unsigned key)
{
	uint64_t account = weir_slice_hash(weir_slice_of(provider->host)) ^ provider->port;

	if (key < provider->keys_n)
		account ^= weir_slice_hash(
			weir_slice(provider->keys[key].text, provider->keys[key].len));
	return account ? account : 1;
}

void weir_bonds_keep(struct weir_bonds *bonds, uint64_t answer, uint64_t account)
{
	if (answer)
		bonds->slots[answer % WEIR_BONDS_MAX] = (struct weir_bond){ answer, account };
}

uint64_t weir_bonds_find(const struct weir_bonds *bonds, uint64_t answer)
{
	const struct weir_bond *bond = &bonds->slots[answer % WEIR_BONDS_MAX];

	return answer && bond->answer == answer ? bond->account : 0;
}

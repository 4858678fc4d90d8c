#include "config/index.h"

#include "base/alloc.h"
#include "base/error.h"

/* Only configured names are ever put in, so nobody can choose collisions. */
static unsigned hash(struct weir_slice name)
{
	uint64_t h = weir_slice_hash(name);

	return (unsigned)(h ^ h >> 32);
}

static struct weir_index_slot *find(const struct weir_index *index, struct weir_slice name)
{
	unsigned at = hash(name) & (index->cap - 1);

	while (index->slots[at].item && !weir_slice_eq(index->slots[at].name, name))
		at = (at + 1) & (index->cap - 1);
	return &index->slots[at];
}

static int grow(struct weir_index *index)
{
	struct weir_index old = *index;

	index->cap = old.cap ? old.cap * 2 : 16;
	index->slots = weir_calloc(index->cap, sizeof *index->slots);
	if (!index->slots) {
		*index = old;
		return WEIR_ENOMEM;
	}
	for (unsigned i = 0; i < old.cap; i++)
		if (old.slots[i].item)
			*find(index, old.slots[i].name) = old.slots[i];
	weir_free(old.slots);
	return 0;
}

int weir_index_put(struct weir_index *index, struct weir_slice name, void *item)
{
	if ((index->n + 1) * 2 > index->cap) {
		int rc = grow(index);

		if (rc)
			return rc;
	}
	*find(index, name) = (struct weir_index_slot){ name, item };
	index->n++;
	return 0;
}

void *weir_index_get(const struct weir_index *index, struct weir_slice name)
{
	return index->cap ? find(index, name)->item : NULL;
}

void weir_index_fini(struct weir_index *index)
{
	weir_free(index->slots);
	*index = (struct weir_index){ 0 };
}

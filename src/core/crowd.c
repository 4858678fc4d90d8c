#include "core/crowd.h"

#include "base/alloc.h"
#include "base/slice.h"

enum { KEY = 8 }; /* bytes that tell one caller from another */

struct weir_crowd_address {
	struct weir_list node;
	unsigned char key[KEY];
	unsigned size;
	uint64_t n;
};

void weir_crowd_init(struct weir_crowd *crowd, uint64_t seed)
{
	crowd->seed = seed;
	for (unsigned i = 0; i < WEIR_CROWD_BUCKETS; i++)
		weir_list_init(&crowd->buckets[i]);
}

static struct weir_list *bucket_of(struct weir_crowd *crowd, const unsigned char key[KEY])
{
	char text[sizeof crowd->seed + KEY];

	memcpy(text, &crowd->seed, sizeof crowd->seed);
	memcpy(text + sizeof crowd->seed, key, KEY);
	return &crowd->buckets[weir_slice_hash(weir_slice(text, sizeof text)) % WEIR_CROWD_BUCKETS];
}

struct weir_crowd_address *weir_crowd_join(struct weir_crowd *crowd, const unsigned char *bytes,
					   unsigned size, uint64_t most)
{
	struct weir_crowd_address *address;
	unsigned char key[KEY] = { 0 };
	struct weir_list *bucket;

	memcpy(key, bytes, size < KEY ? size : KEY);
	bucket = bucket_of(crowd, key);
	WEIR_LIST_FOR(node, bucket)
	{
		address = WEIR_CONTAINER_OF(node, struct weir_crowd_address, node);
		if (address->size != size || memcmp(address->key, key, KEY) != 0)
			continue;
		if (address->n >= most)
			return NULL;
		address->n++;
		return address;
	}
	address = weir_calloc(1, sizeof *address);
	if (!address)
		return NULL;
	memcpy(address->key, key, KEY);
	address->size = size;
	address->n = 1;
	weir_list_push(bucket, &address->node);
	return address;
}

void weir_crowd_leave(struct weir_crowd_address *address)
{
	if (!address || --address->n)
		return;
	weir_list_remove(&address->node);
	weir_free(address);
}

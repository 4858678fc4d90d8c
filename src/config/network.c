#include "config/network.h"

#include <arpa/inet.h>

unsigned weir_address_read(struct weir_slice text, unsigned char bytes[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char whole[INET6_ADDRSTRLEN + 1] = "";

	if (text.len > 1 && text.base[0] == '[' && text.base[text.len - 1] == ']')
		text = weir_slice(text.base + 1, text.len - 2);
	if (text.len >= sizeof whole || memchr(text.base, '\0', text.len))
		return 0;
	memcpy(whole, text.base, text.len);
	if (inet_pton(AF_INET, whole, bytes) == 1)
		return 4;
	if (inet_pton(AF_INET6, whole, bytes) != 1)
		return 0;
	if (memcmp(bytes, mapped, sizeof mapped) != 0)
		return 16;
	memmove(bytes, bytes + 12, 4);
	return 4;
}

bool weir_network_read(struct weir_slice text, struct weir_network *network)
{
	const char *slash = text.len ? memchr(text.base, '/', text.len) : NULL;
	size_t n = slash ? (size_t)(slash - text.base) : text.len;
	uint64_t bits;

	network->size = text.len ? weir_address_read(weir_slice(text.base, n), network->bytes) : 0;
	bits = 8 * (uint64_t)network->size;
	if (network->size == 0)
		return false;
	if (slash && (!weir_slice_to_u64(weir_slice(slash + 1, text.len - n - 1), &bits) ||
		      bits > 8 * (uint64_t)network->size))
		return false;
	network->bits = (unsigned)bits;
	return true;
}

bool weir_network_has(const struct weir_network *network, const unsigned char *bytes, unsigned size)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	return size == network->size && memcmp(network->bytes, bytes, whole) == 0 &&
	       (rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

#include "net/address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/slice.h"

enum verdict {
	PUBLIC,
	PRIVATE, /* for providers somebody configured himself */
	NEVER,
	EMBEDDED, /* the IPv4 address inside decides */
};

struct range {
	uint8_t prefix[16];
	uint8_t bits;
	uint8_t embedded_at; /* where the IPv4 address begins */
	enum verdict verdict;
};

/* The first match wins. RFC 6890 and the IANA special-purpose registries; the metadata
 * services are those of Alibaba, Azure and Oracle, the others live in 169.254/16. */
static const struct range v4_ranges[] = {
	{ { 0 }, 8, 0, NEVER },                   /* "this network": Linux takes it for loopback */
	{ { 169, 254 }, 16, 0, NEVER },           /* link-local, most metadata services */
	{ { 100, 100, 100, 200 }, 32, 0, NEVER }, /* metadata */
	{ { 168, 63, 129, 16 }, 32, 0, NEVER },   /* metadata */
	{ { 192, 0, 0, 192 }, 32, 0, NEVER },     /* metadata */
	{ { 224 }, 4, 0, NEVER },                 /* multicast */
	{ { 240 }, 4, 0, NEVER },                 /* reserved, broadcast */
	{ { 10 }, 8, 0, PRIVATE },                /* RFC 1918 */
	{ { 100, 64 }, 10, 0, PRIVATE },          /* carrier-grade NAT, RFC 6598 */
	{ { 127 }, 8, 0, PRIVATE },               /* loopback */
	{ { 172, 16 }, 12, 0, PRIVATE },          /* RFC 1918 */
	{ { 192, 0, 0 }, 24, 0, PRIVATE },        /* protocol assignments */
	{ { 192, 0, 2 }, 24, 0, PRIVATE },        /* documentation */
	{ { 192, 168 }, 16, 0, PRIVATE },         /* RFC 1918 */
	{ { 198, 18 }, 15, 0, PRIVATE },          /* benchmarking */
	{ { 198, 51, 100 }, 24, 0, PRIVATE },     /* documentation */
	{ { 203, 0, 113 }, 24, 0, PRIVATE },      /* documentation */
};

static const struct range v6_ranges[] = {
	{ { [15] = 1 }, 128, 0, PRIVATE },                          /* loopback */
	{ { 0 }, 128, 0, NEVER },                                   /* unspecified */
	{ { [10] = 0xff, [11] = 0xff }, 96, 12, EMBEDDED },         /* v4-mapped */
	{ { 0 }, 96, 12, EMBEDDED },                                /* v4-compatible */
	{ { [8] = 0xff, [9] = 0xff }, 96, 12, EMBEDDED },           /* v4-translated */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, 12, EMBEDDED },           /* NAT64, RFC 6052 */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, 0, PRIVATE }, /* local NAT64, RFC 8215 */
	{ { 0x01 }, 64, 0, NEVER },                                 /* discard, RFC 6666 */
	{ { 0x20, 0x02 }, 16, 2, EMBEDDED },                        /* 6to4 */
	{ { 0x20, 0x01, 0x00, 0x00 }, 32, 0, PRIVATE },             /* Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, 0, PRIVATE },             /* documentation */
	{ { 0xfd, 0x00, 0x0e, 0xc2 }, 32, 0, NEVER },               /* metadata, AWS */
	{ { 0xfd, 0x20, 0x00, 0xce }, 32, 0, NEVER },               /* metadata, Google */
	{ { 0xfc }, 7, 0, PRIVATE },                                /* unique local */
	{ { 0xfe, 0x80 }, 10, 0, NEVER },                           /* link-local */
	{ { 0xfe, 0xc0 }, 10, 0, PRIVATE },                         /* site-local, once */
	{ { 0xff }, 8, 0, NEVER },                                  /* multicast */
};

static bool in_range(const uint8_t *bytes, const struct range *range)
{
	size_t whole = range->bits / 8;
	unsigned rest = range->bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	return memcmp(bytes, range->prefix, whole) == 0 &&
	       (rest == 0 || (bytes[whole] & mask) == (range->prefix[whole] & mask));
}

static const struct range *find(const uint8_t *bytes, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_range(bytes, &ranges[i]))
			return &ranges[i];
	return NULL;
}

static enum verdict judge_v4(const uint8_t *bytes)
{
	const struct range *range = find(bytes, v4_ranges, WEIR_COUNT_OF(v4_ranges));

	return range ? range->verdict : PUBLIC;
}

static enum verdict judge_v6(const uint8_t *bytes)
{
	const struct range *range = find(bytes, v6_ranges, WEIR_COUNT_OF(v6_ranges));

	if (!range)
		return PUBLIC;
	return range->verdict == EMBEDDED ? judge_v4(bytes + range->embedded_at) : range->verdict;
}

bool weir_address_allowed(const struct sockaddr *addr, bool public_vendor)
{
	const union weir_address *address = (const union weir_address *)addr;
	enum verdict verdict = NEVER;

	if (addr->sa_family == AF_INET)
		verdict = judge_v4((const uint8_t *)&address->v4.sin_addr);
	else if (addr->sa_family == AF_INET6)
		verdict = judge_v6(address->v6.sin6_addr.s6_addr);
	return verdict == PUBLIC || (verdict == PRIVATE && !public_vendor);
}

void weir_addresses_add(struct weir_addresses *addresses, const struct sockaddr *addr)
{
	union weir_address *to;

	if (addresses->n == WEIR_RESOLVE_ADDRESSES_MAX)
		return;
	to = &addresses->list[addresses->n];
	memset(to, 0, sizeof *to);
	if (addr->sa_family == AF_INET) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_addr = ((const union weir_address *)addr)->v4.sin_addr;
	} else if (addr->sa_family == AF_INET6) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_addr = ((const union weir_address *)addr)->v6.sin6_addr;
	} else {
		return;
	}
	addresses->n++;
}

void weir_addresses_rotate(struct weir_addresses *to, const struct weir_addresses *from,
			   unsigned start)
{
	WEIR_ASSERT(to != from);
	to->n = from->n;
	for (unsigned i = 0; i < from->n; i++)
		to->list[i] = from->list[(start + i) % from->n];
}

bool weir_address_literal(const char *host, struct weir_addresses *addresses)
{
	char bare[INET6_ADDRSTRLEN];
	union weir_address address = { .v4.sin_family = AF_INET };
	size_t len = strlen(host);

	addresses->n = 0;
	if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
		weir_addresses_add(addresses, &address.any);
		return true;
	}
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= sizeof bare)
		return false;
	memcpy(bare, host, len);
	bare[len] = '\0';
	address = (union weir_address){ .v6.sin6_family = AF_INET6 };
	if (inet_pton(AF_INET6, bare, &address.v6.sin6_addr) != 1)
		return false;
	weir_addresses_add(addresses, &address.any);
	return true;
}

static bool is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t len = strlen(host), name_len = sizeof name - 1;

	if (len > 0 && host[len - 1] == '.')
		len--;
	return len >= name_len && weir_equal_nocase(host + len - name_len, name, name_len) &&
	       (len == name_len || host[len - name_len - 1] == '.');
}

bool weir_address_localhost(const char *host, struct weir_addresses *addresses)
{
	const union weir_address v4 = { .v4 = { .sin_family = AF_INET,
						.sin_addr = { htonl(INADDR_LOOPBACK) } } };
	const union weir_address v6 = { .v6 = { .sin6_family = AF_INET6,
						.sin6_addr = IN6ADDR_LOOPBACK_INIT } };

	addresses->n = 0;
	if (!is_localhost(host))
		return false;
	weir_addresses_add(addresses, &v4.any);
	weir_addresses_add(addresses, &v6.any);
	return true;
}

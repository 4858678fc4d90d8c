#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static bool parse(const char *text, union weir_address *address)
{
	struct weir_addresses addresses;

	if (!weir_address_literal(text, &addresses))
		return false;
	*address = addresses.list[0];
	return true;
}

/* verdict: 'p'ublic, 'l'ocal networks (not for vendors), 'n'ever */
static const struct {
	const char *text;
	char verdict;
} policy[] = {
	{ "1.1.1.1", 'p' },
	{ "9.255.255.255", 'p' },
	{ "11.0.0.0", 'p' },
	{ "100.63.255.255", 'p' },
	{ "100.128.0.0", 'p' },
	{ "126.255.255.255", 'p' },
	{ "128.0.0.0", 'p' },
	{ "169.253.255.255", 'p' },
	{ "169.255.0.0", 'p' },
	{ "172.15.255.255", 'p' },
	{ "172.32.0.0", 'p' },
	{ "192.167.255.255", 'p' },
	{ "192.169.0.0", 'p' },
	{ "198.17.255.255", 'p' },
	{ "198.20.0.0", 'p' },
	{ "223.255.255.255", 'p' },
	{ "2606:4700::1111", 'p' },
	{ "2001:4860:4860::8888", 'p' },
	{ "fbff::1", 'p' },

	{ "10.0.0.0", 'l' },
	{ "10.255.255.255", 'l' },
	{ "100.64.0.0", 'l' },
	{ "100.127.255.255", 'l' },
	{ "127.0.0.1", 'l' },
	{ "127.255.255.255", 'l' },
	{ "172.16.0.0", 'l' },
	{ "172.31.255.255", 'l' },
	{ "192.168.0.1", 'l' },
	{ "192.168.255.255", 'l' },
	{ "192.0.2.1", 'l' },
	{ "198.18.0.0", 'l' },
	{ "198.19.255.255", 'l' },
	{ "::1", 'l' },
	{ "fc00::", 'l' },
	{ "fdff::1", 'l' },
	{ "fec0::1", 'l' },
	{ "2001:db8::1", 'l' },
	{ "64:ff9b:1::1", 'l' },

	{ "0.0.0.0", 'n' },
	{ "0.1.2.3", 'n' },
	{ "169.254.0.0", 'n' },
	{ "169.254.169.254", 'n' },
	{ "169.254.255.255", 'n' },
	{ "100.100.100.200", 'n' },
	{ "168.63.129.16", 'n' },
	{ "192.0.0.192", 'n' },
	{ "224.0.0.1", 'n' },
	{ "240.0.0.1", 'n' },
	{ "255.255.255.255", 'n' },
	{ "::", 'n' },
	{ "fe80::1", 'n' },
	{ "febf::1", 'n' },
	{ "ff02::1", 'n' },
	{ "fd00:ec2::254", 'n' },
	{ "fd20:ce::254", 'n' },

	/* an IPv4 address inside of another */
	{ "::ffff:1.1.1.1", 'p' },
	{ "::ffff:10.0.0.1", 'l' },
	{ "::ffff:127.0.0.1", 'l' },
	{ "::ffff:0.0.0.0", 'n' },
	{ "::ffff:169.254.169.254", 'n' },
	{ "::ffff:a9fe:a9fe", 'n' },
	{ "::169.254.169.254", 'n' },
	{ "::127.0.0.1", 'l' },
	{ "::ffff:0:169.254.169.254", 'n' },
	{ "64:ff9b::169.254.169.254", 'n' },
	{ "64:ff9b::10.0.0.1", 'l' },
	{ "64:ff9b::8.8.8.8", 'p' },
	{ "2002:a9fe:a9fe::", 'n' },
	{ "2002:7f00:1::1", 'l' },
	{ "2002:808:808::1", 'p' },
};

TEST(policy_table)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(policy); i++) {
		union weir_address address;
		bool any, vendor;

		REQUIRE(parse(policy[i].text, &address));
		any = weir_address_allowed(&address.any, false);
		vendor = weir_address_allowed(&address.any, true);
		if (any != (policy[i].verdict != 'n') || vendor != (policy[i].verdict == 'p'))
			NOTE("%s", policy[i].text);
		CHECK_INT(any, policy[i].verdict != 'n');
		CHECK_INT(vendor, policy[i].verdict == 'p');
	}
}

TEST(other_families_are_refused)
{
	struct sockaddr_storage unix_addr = { .ss_family = AF_UNIX };

	CHECK(!weir_address_allowed((const struct sockaddr *)&unix_addr, false));
}

TEST(literals)
{
	static const char *const good[] = { "1.2.3.4", "::1", "[::1]", "[2001:db8::7]",
					    "::ffff:1.2.3.4" };
	static const char *const bad[] = { "",
					   "localhost",
					   "1.2.3",
					   "127.1",
					   "0x7f.1",
					   "2130706433",
					   "1.2.3.4.",
					   "[1.2.3.4]",
					   "[]",
					   "[::1",
					   "fe80::1%eth0",
					   "1.2.3.4:80",
					   "[::1]:80",
					   "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	struct weir_addresses addresses;

	for (size_t i = 0; i < WEIR_COUNT_OF(good); i++) {
		CHECK(weir_address_literal(good[i], &addresses));
		CHECK_INT(addresses.n, 1);
	}
	for (size_t i = 0; i < WEIR_COUNT_OF(bad); i++) {
		if (weir_address_literal(bad[i], &addresses))
			NOTE("%s", bad[i]);
		CHECK(!weir_address_literal(bad[i], &addresses));
		CHECK_INT(addresses.n, 0);
	}
}

TEST(localhost_is_here)
{
	static const char *const yes[] = { "localhost", "LocalHost", "localhost.", "a.localhost",
					   "a.b.LOCALHOST." };
	static const char *const no[] = {
		"", ".", "notlocalhost", "localhost.example", "localhos", "a-localhost"
	};
	struct weir_addresses addresses;

	for (size_t i = 0; i < WEIR_COUNT_OF(yes); i++) {
		CHECK(weir_address_localhost(yes[i], &addresses));
		CHECK_INT(addresses.n, 2);
		CHECK_INT(addresses.list[0].v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
		CHECK_INT(addresses.list[1].any.sa_family, AF_INET6);
	}
	for (size_t i = 0; i < WEIR_COUNT_OF(no); i++)
		CHECK(!weir_address_localhost(no[i], &addresses));
}

TEST(at_most_eight_and_rotated)
{
	struct weir_addresses all = { 0 }, turned;

	for (unsigned i = 0; i < 12; i++) {
		const struct sockaddr_in one = { .sin_family = AF_INET,
						 .sin_port = htons(99),
						 .sin_addr = { htonl(i) } };

		weir_addresses_add(&all, (const struct sockaddr *)&one);
	}
	CHECK_INT(all.n, WEIR_RESOLVE_ADDRESSES_MAX);
	CHECK_INT(all.list[7].v4.sin_port, 0);
	for (unsigned start = 0; start < 20; start++) {
		weir_addresses_rotate(&turned, &all, start);
		CHECK_INT(turned.n, all.n);
		for (unsigned i = 0; i < all.n; i++)
			CHECK_INT(ntohl(turned.list[i].v4.sin_addr.s_addr), (start + i) % all.n);
	}
	weir_addresses_rotate(&turned, &(struct weir_addresses){ 0 }, 5);
	CHECK_INT(turned.n, 0);
}

TEST_MAIN

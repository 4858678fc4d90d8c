#include "config/proxy.h"
#include "test.h"

TEST(no_proxy_names_hosts_suffixes_and_networks)
{
	static const struct {
		const char *list, *host;
		bool named;
	} rows[] = {
		{ "", "a.example", false },
		{ "*", "a.example", true },
		{ "a.example", "a.example", true },
		{ "A.Example", "a.example", true },
		{ "a.example", "b.a.example", true },
		{ ".a.example", "b.a.example", true },
		{ ".a.example", "a.example", true },
		{ "*.a.example", "b.a.example", true },
		{ "a.example", "ba.example", false },
		{ "example", "a.example", true },
		{ "b.a.example", "a.example", false },
		{ ",, ,x , a.example", "a.example", true },
		{ "a.example:443", "a.example", true },
		{ "a.example:444", "a.example", false },
		{ ".", "a.example", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.11", false },
		{ "10.0.0.0/8", "10.200.3.4", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.128.0.0/9", "10.127.0.1", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "10.0.0.0/33", "10.0.0.1", false },
		{ "10.0.0.0/x", "10.0.0.1", false },
		{ "10.0.0.0/8", "a.example", false },
		{ "10.0.0.1:443", "10.0.0.1", true },
		{ "fd00::/8", "fd12::1", true },
		{ "fd00::/8", "fe80::1", false },
		{ "::1", "::1", true },
		{ "[::1]", "::1", true },
		{ "[fd00::1]:443", "fd00::1", true },
		{ "[fd00::1]:444", "fd00::1", false },
		{ "::/0", "10.0.0.1", false },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		bool named = weir_proxy_excepts(weir_slice_of(rows[i].list),
						weir_slice_of(rows[i].host), 443);

		if (named != rows[i].named)
			NOTE("%s, %s", rows[i].list, rows[i].host);
		CHECK_INT(named, rows[i].named);
	}
}

TEST_MAIN

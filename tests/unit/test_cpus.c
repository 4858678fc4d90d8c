#include "app/cpus.h"

#include "base/attr.h"

#include "test.h"

TEST(a_quota_is_whole_cpus)
{
	static const struct {
		const char *text;
		unsigned cpus;
	} cases[] = {
		{ "max 100000\n", 0 },
		{ "200000 100000\n", 2 },
		{ "150000 100000\n", 2 },
		{ "1000 100000\n", 1 },
		{ "400000 100000", 4 },
		{ "-1 100000\n", 0 },
		{ "100000 0\n", 0 },
		{ "100000\n", 0 },
		{ "", 0 },
		{ "18446744073709551615 1", 0 },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(cases); i++)
		CHECK_INT(weir_cpus_of_quota(weir_slice_of(cases[i].text)), cases[i].cpus);
}

TEST(there_is_one_at_least)
{
	CHECK(weir_cpus_usable() >= 1);
}

TEST_MAIN

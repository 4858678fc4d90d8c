#include "test.h"

TEST(checks_that_hold_pass)
{
	CHECK(1 + 1 == 2);
	CHECK_INT(-1, -1);
	CHECK_STR("abc", "abc");
	CHECK_STR(NULL, NULL);
	CHECK_MEM("abc", "abd", 2);
}

TEST_MAIN

#include "test.h"

#include "policy/calendar.h"

TEST(days)
{
	static const struct {
		uint64_t year, month, day, days;
	} rows[] = {
		{ 1970, 1, 1, 0 },      { 1970, 12, 31, 364 },  { 1972, 2, 29, 789 },
		{ 2000, 2, 29, 11016 }, { 2026, 12, 1, 20788 }, { 2100, 2, 28, 47540 },
		{ 2100, 3, 1, 47541 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_INT(weir_days_since_epoch(rows[i].year, rows[i].month, rows[i].day),
			  rows[i].days);
}

/* Of every day of 400 years. */
TEST(each_day_is_of_the_month_that_has_begun)
{
	uint64_t month = 0;

	for (uint64_t day = 0; day < 146097; day++) {
		if (day == weir_day_of_month(month + 1))
			month++;
		if (weir_month_of_day(day) != month) {
			CHECK_INT(weir_month_of_day(day), month);
			return;
		}
	}
	CHECK_INT(month, 4799);
}

TEST_MAIN

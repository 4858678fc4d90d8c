#include "policy/calendar.h"

/* Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
uint64_t weir_days_since_epoch(uint64_t year, uint64_t month, uint64_t day)
{
	uint64_t y = month <= 2 ? year - 1 : year;
	uint64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	uint64_t of_era = y % 400 * 365 + y % 400 / 4 - y % 400 / 100 + of_year;

	return y / 400 * 146097 + of_era - 719468;
}

uint64_t weir_day_of_month(uint64_t month)
{
	return weir_days_since_epoch(1970 + month / 12, month % 12 + 1, 1);
}

/* 400 years have 4800 months and 146097 days: that is near. */
uint64_t weir_month_of_day(uint64_t day)
{
	uint64_t month = day * 4800 / 146097;

	while (weir_day_of_month(month + 1) <= day)
		month++;
	while (weir_day_of_month(month) > day)
		month--;
	return month;
}

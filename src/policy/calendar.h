/* The proleptic Gregorian calendar, in UTC, from 1970 on. */
#pragma once

#include <stdint.h>

enum { WEIR_DAY_S = 86400 };

/* Days since 1970-01-01; month and day from 1. */
uint64_t weir_days_since_epoch(uint64_t year, uint64_t month, uint64_t day);
/* Of a day: months since January 1970. And of a month its first day. */
uint64_t weir_month_of_day(uint64_t day);
uint64_t weir_day_of_month(uint64_t month);

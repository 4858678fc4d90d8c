/* A timer finer than the loop's, which counts whole milliseconds: an open loop of 5,000
 * requests a second has one due every 200 us. Without timerfd it is the loop's own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/attr.h"

struct weir_bench_alarm {
	void *user;
	void (*on_alarm)(struct weir_bench_alarm *alarm);
	void (*on_closed)(struct weir_bench_alarm *alarm);
	/* Private. */
	uv_poll_t poll;
	uv_timer_t timer;
	int fd; /* -1: the timer */
	bool armed;
};

/* 0 or UV_E*. */
WEIR_MUST_CHECK int weir_bench_alarm_open(struct weir_bench_alarm *alarm, uv_loop_t *loop);
/* Once, not before this moment of uv_hrtime(); replaces the one before. */
void weir_bench_alarm_set(struct weir_bench_alarm *alarm, uint64_t at_ns);
void weir_bench_alarm_stop(struct weir_bench_alarm *alarm);
void weir_bench_alarm_close(struct weir_bench_alarm *alarm);

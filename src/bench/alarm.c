#include "bench/alarm.h"

#if defined(__linux__)
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#endif

enum { NS_PER_MS = 1000 * 1000 };

static void on_timer(uv_timer_t *timer)
{
	struct weir_bench_alarm *alarm = timer->data;

	alarm->on_alarm(alarm);
}

#if defined(__linux__)

/* uv_hrtime() is CLOCK_MONOTONIC. */
static void arm(struct weir_bench_alarm *alarm, uint64_t at_ns)
{
	const uint64_t second = UINT64_C(1000000000);
	struct itimerspec spec = { .it_value = { .tv_sec = (time_t)(at_ns / second),
						 .tv_nsec = (long)(at_ns % second) } };

	(void)timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Set anew or disarmed, it is no longer readable: what it counted need not be read. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct weir_bench_alarm *alarm = poll->data;

	(void)status;
	(void)events;
	alarm->armed = false;
	alarm->on_alarm(alarm);
	if (!alarm->armed && alarm->fd >= 0)
		arm(alarm, 0);
}

static int open_fd(struct weir_bench_alarm *alarm, uv_loop_t *loop)
{
	int rc;

	alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (alarm->fd < 0)
		return 0;
	alarm->poll.data = alarm;
	rc = uv_poll_init(loop, &alarm->poll, alarm->fd);
	if (rc == 0)
		rc = uv_poll_start(&alarm->poll, UV_READABLE, on_poll);
	return rc;
}

static void close_fd(struct weir_bench_alarm *alarm)
{
	close(alarm->fd);
	alarm->fd = -1;
}

#else

static void arm(struct weir_bench_alarm *alarm, uint64_t at_ns)
{
	(void)alarm;
	(void)at_ns;
}

static int open_fd(struct weir_bench_alarm *alarm, uv_loop_t *loop)
{
	(void)loop;
	alarm->fd = -1;
	return 0;
}

static void close_fd(struct weir_bench_alarm *alarm)
{
	alarm->fd = -1;
}

#endif

int weir_bench_alarm_open(struct weir_bench_alarm *alarm, uv_loop_t *loop)
{
	alarm->timer.data = alarm;
	(void)uv_timer_init(loop, &alarm->timer);
	return open_fd(alarm, loop);
}

void weir_bench_alarm_set(struct weir_bench_alarm *alarm, uint64_t at_ns)
{
	uint64_t now = uv_hrtime();

	if (alarm->fd >= 0) {
		alarm->armed = true;
		arm(alarm, at_ns ? at_ns : 1);
		return;
	}
	uv_update_time(alarm->timer.loop);
	(void)uv_timer_start(&alarm->timer, on_timer,
			     at_ns > now ? (at_ns - now + NS_PER_MS - 1) / NS_PER_MS : 0, 0);
}

void weir_bench_alarm_stop(struct weir_bench_alarm *alarm)
{
	if (alarm->fd >= 0)
		arm(alarm, 0);
	else
		uv_timer_stop(&alarm->timer);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct weir_bench_alarm *alarm = handle->data;

	if (alarm->on_closed)
		alarm->on_closed(alarm);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct weir_bench_alarm *alarm = handle->data;

	close_fd(alarm);
	uv_close((uv_handle_t *)&alarm->timer, on_timer_closed);
}

void weir_bench_alarm_close(struct weir_bench_alarm *alarm)
{
	if (alarm->fd >= 0)
		uv_close((uv_handle_t *)&alarm->poll, on_poll_closed);
	else
		uv_close((uv_handle_t *)&alarm->timer, on_timer_closed);
}

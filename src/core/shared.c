#include "core/shared.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/known.h"
#include "core/shared_private.h"

#define NUMBER_MAX (1LL << 53)
#define CLOCK_MIN  UINT64_C(1500000000000) /* of 2017, and of 2096: else it is no clock */
#define CLOCK_MAX  UINT64_C(4000000000000)

enum {
	OUT_MAX = 4 * 1024 * 1024,
	DIGITS_MAX = 20,
	FLUSH_ROUNDS = 2, /* of these one has begun after it was asked for */
};

static uint64_t now_of(const struct weir_shared *s)
{
	return weir_gateway_now_ms(s->gateway);
}

static void enter(const struct weir_shared *s)
{
	weir_shm_enter(s->gateway->shm);
}

static void leave(const struct weir_shared *s)
{
	weir_shm_leave(s->gateway->shm);
}

/* ---- what all of it is written with ---- */

struct weir_shared_id weir_shared_id(struct weir_slice name)
{
	struct weir_digest digest = weir_sha256(name);
	struct weir_shared_id id;

	snprintf(id.text, sizeof id.text, "%016llx%016llx", (unsigned long long)digest.part[0],
		 (unsigned long long)digest.part[1]);
	return id;
}

bool weir_shared_number(struct weir_slice text, long long *number)
{
	bool negative = text.len && text.base[0] == '-';
	uint64_t n;

	if (text.len > DIGITS_MAX ||
	    !weir_slice_to_u64(weir_slice(text.base + negative, text.len - negative), &n) ||
	    n > (uint64_t)NUMBER_MAX)
		return false;
	*number = negative ? -(long long)n : (long long)n;
	return true;
}

/* ---- how it stands ---- */

struct weir_shared_status weir_shared_status(const struct weir_shared *s)
{
	struct weir_shared_status status = { 0 };

	if (!s)
		return status;
	enter(s);
	status = s->common->status;
	leave(s);
	status.address = s->config->state.shown;
	return status;
}

/* Said once for each change. */
static void set_up(struct weir_shared *s, bool up, const char *why)
{
	struct weir_shared_status *status = &s->common->status;

	if (status->known && status->up == up)
		return;
	status->known = true;
	status->up = up;
	status->changed_ms = now_of(s);
	if (up)
		weir_log_note(&s->gateway->log, WEIR_LOG_INFO, "state",
			      "what weirs have in common is at %s", s->config->state.shown);
	else
		weir_log_note(&s->gateway->log, WEIR_LOG_WARN, "state",
			      "%s is away: %s; this weir goes on alone", s->config->state.shown,
			      why);
}

static void end_flush(struct weir_shared *s)
{
	s->flushed = true;
	weir_gateway_settle(s->gateway);
}

/* ---- rounds ---- */

static void ask(struct weir_shared *s, int rc, unsigned replies)
{
	if (rc == 0) {
		weir_redis_ask(&s->redis, weir_buf_slice(&s->out), replies);
		return;
	}
	/* No memory for it: nothing has been said, and what was to be told is told again. */
	weir_redis_close(&s->redis);
	s->redis.events->on_failed(&s->redis, "there is no memory");
}

static int put_questions(struct weir_shared *s)
{
	int rc = weir_resp_put(&s->out, (const char *const[]){ "TIME", NULL });

	if (rc == 0)
		rc = weir_resp_begin(&s->out, 2 + weir_tallies_keys(s));
	if (rc == 0)
		rc = weir_resp_word(&s->out, WEIR_SLICE("MGET"));
	if (rc == 0)
		rc = weir_resp_word(&s->out, WEIR_SLICE(WEIR_SHARED_PREFIX "changes"));
	return rc ? rc : weir_tallies_ask(s);
}

static void begin_round(struct weir_shared *s)
{
	unsigned told = 0;
	int rc;

	weir_buf_clear(&s->out);
	s->asking_items = s->changed = false;
	s->flushes = s->flushing;
	s->began_ms = now_of(s);
	enter(s);
	rc = weir_items_put(s, &s->told);
	if (rc == 0)
		rc = weir_tallies_put(s, &told);
	s->told += told;
	if (rc == 0)
		rc = put_questions(s);
	leave(s);
	ask(s, rc, s->told + 2);
}

static void ask_items(struct weir_shared *s)
{
	weir_buf_clear(&s->out);
	s->asking_items = true;
	ask(s, weir_items_ask(s), 1);
}

static void end_round(struct weir_shared *s)
{
	struct weir_shared_status *status = &s->common->status;

	enter(s);
	status->rounds++;
	status->round_ms = now_of(s) - s->began_ms;
	set_up(s, true, NULL);
	leave(s);
	if (s->flushes && !s->flushed)
		end_flush(s);
}

static void on_round(struct weir_redis *redis)
{
	struct weir_shared *s = WEIR_CONTAINER_OF(redis, struct weir_shared, redis);

	if (s->asking_items) {
		s->from += s->asked;
		s->unread -= s->asked < s->unread ? s->asked : s->unread;
	}
	if (s->unread)
		ask_items(s);
	else
		end_round(s);
}

/* Seconds, then microseconds. */
static void hear_clock(struct weir_shared *s, int place, const struct weir_resp_value *value)
{
	long long n = 0;

	if (place > 1 || value->kind != WEIR_RESP_TEXT || !weir_shared_number(value->text, &n) ||
	    n < 0) {
		s->clock_ms = 0;
	} else if (place == 0) {
		s->clock_ms = (uint64_t)n * 1000;
	} else if (s->clock_ms > CLOCK_MIN && s->clock_ms < CLOCK_MAX && n < 1000000) {
		s->common->ahead_ms = (int64_t)(s->clock_ms + (uint64_t)n / 1000 - now_of(s));
		return;
	}
	if (place != 0)
		weir_shared_ignore(s);
}

/* Has anybody else changed anything? */
static void hear_changes(struct weir_shared *s, const struct weir_resp_value *value)
{
	long long n = 0;
	bool known = value->kind == WEIR_RESP_NIL ||
		     (value->kind == WEIR_RESP_TEXT && weir_shared_number(value->text, &n));

	s->bad_seen = !known;
	if (!known)
		weir_shared_ignore(s);
	if (!known || !s->seen_known || n != s->seen + s->changed)
		s->unread = s->items_n;
	s->seen = n;
	s->seen_known = known;
}

static void on_value(struct weir_redis *redis, unsigned reply, int place,
		     const struct weir_resp_value *value)
{
	struct weir_shared *s = WEIR_CONTAINER_OF(redis, struct weir_shared, redis);

	enter(s);
	if (place < 0 && (s->asking_items || reply >= s->told)) {
		weir_redis_refuse(redis);
	} else if (s->asking_items) {
		weir_items_hear(s, (unsigned)place, value);
	} else if (reply < s->told) {
		if (value->kind == WEIR_RESP_ERROR)
			weir_shared_ignore(s);
	} else if (reply == s->told) {
		hear_clock(s, place, value);
	} else if (place == 0) {
		hear_changes(s, value);
	} else {
		weir_tallies_hear(s, (unsigned)place - 1, value);
	}
	leave(s);
}

/* The connection is another: what it knows is to be read first. */
static void lose(struct weir_shared *s)
{
	s->seen_known = false;
	s->window_n = 0;
	s->common->epoch++;
	s->common->epoch += s->common->epoch == 0;
}

static void on_failed(struct weir_redis *redis, const char *why)
{
	struct weir_shared *s = WEIR_CONTAINER_OF(redis, struct weir_shared, redis);

	enter(s);
	s->common->status.failures++;
	set_up(s, false, why);
	lose(s);
	leave(s);
	if (s->flushing && !s->flushed)
		end_flush(s);
}

static const struct weir_redis_events redis_events = {
	.on_value = on_value,
	.on_round = on_round,
	.on_failed = on_failed,
};

/* ---- who speaks ---- */

static bool is_speaker(struct weir_shared *s)
{
	struct weir_shared_common *c = s->common;
	unsigned self = weir_shm_holder(s->gateway->shm) + 1;
	uint64_t now_ms = now_of(s);

	/* Its clock may be a moment ahead of ours. */
	if (c->speaker && c->speaker != self && now_ms <= c->spoke_ms + WEIR_SHARED_LEASE_MS)
		return false;
	c->speaker = self;
	c->spoke_ms = now_ms;
	return true;
}

static void begin_to_speak(struct weir_shared *s)
{
	s->speaks = true;
	lose(s);
	s->redis.again_ms = 0;
	weir_items_make(s);
}

static void end_to_speak(struct weir_shared *s)
{
	s->speaks = false;
	weir_redis_close(&s->redis);
	weir_items_free(s);
}

static void tick(struct weir_shared *s)
{
	bool speaker;

	enter(s);
	speaker = is_speaker(s);
	if (speaker && !s->speaks)
		begin_to_speak(s);
	if (speaker)
		weir_items_look(s, now_of(s));
	if (!speaker && s->flushing && !s->flushed && s->common->status.rounds >= s->flush_rounds)
		s->flush_by_ms = 0;
	leave(s);
	if (!speaker && s->speaks)
		end_to_speak(s);
	if (speaker) {
		weir_redis_tick(&s->redis);
		if (s->redis.phase == WEIR_REDIS_IDLE)
			begin_round(s);
	}
	if (s->flushing && !s->flushed && now_of(s) >= s->flush_by_ms)
		end_flush(s);
}

static void on_timer(uv_timer_t *timer)
{
	tick(timer->data);
}

/* ---- life ---- */

void weir_shared_heed(struct weir_shared *s)
{
	if (!s || !s->speaks)
		return;
	enter(s);
	weir_items_make(s);
	s->asked = s->window_n = 0; /* what comes yet is of others */
	leave(s);
}

void weir_shared_flush(struct weir_shared *s)
{
	if (!s || s->flushing)
		return;
	s->flushing = true;
	enter(s);
	s->flush_by_ms = s->common->status.up ? now_of(s) + WEIR_SHARED_FLUSH_MS : 0;
	s->flush_rounds = s->common->status.rounds + FLUSH_ROUNDS;
	leave(s);
}

bool weir_shared_is_flushed(const struct weir_shared *s)
{
	return !s || s->flushed;
}

static struct weir_shared_common *common_of(struct weir_shared *s)
{
	struct weir_shm *shm = s->gateway->shm;

	if (!shm)
		return &s->own;
	return weir_known_record(shm, WEIR_KNOWN_OTHER, WEIR_SLICE("state in common"),
				 sizeof s->own);
}

static bool join(struct weir_shared *s)
{
	enter(s);
	s->common = common_of(s);
	if (s->common && !s->common->id) {
		s->common->id = weir_rng_next(&s->gateway->rng) | 1;
		s->common->ahead_ms = (int64_t)(weir_gateway_standing(s->gateway).unix_ms -
						now_of(s));
	}
	leave(s);
	return s->common != NULL;
}

int weir_shared_create(struct weir_shared **shared, struct weir_gateway *gateway,
		       struct weir_error *err)
{
	struct weir_shared *s = weir_calloc(1, sizeof *s);
	int rc = 0;

	if (!s)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	s->gateway = gateway;
	s->config = gateway->now->config;
	weir_buf_init(&s->out, OUT_MAX);
	if (!join(s))
		rc = weir_fail(err, WEIR_ENOMEM, "out of memory");
	if (rc == 0)
		rc = weir_redis_init(&s->redis, gateway, &s->config->state, &redis_events, err);
	if (rc) {
		weir_free(s);
		return rc;
	}
	weir_config_ref(s->config);
	uv_timer_init(gateway->loop, &s->timer);
	s->timer.data = s;
	uv_timer_start(&s->timer, on_timer, 0, WEIR_SHARED_TICK_MS);
	uv_unref((uv_handle_t *)&s->timer);
	*shared = s;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct weir_shared *s = handle->data;
	void (*on_closed)(struct weir_gateway *) = s->on_closed;
	struct weir_gateway *gateway = s->gateway;

	weir_redis_fini(&s->redis);
	weir_buf_fini(&s->out);
	weir_config_unref(s->config);
	weir_free(s);
	on_closed(gateway);
}

void weir_shared_close(struct weir_shared *s, void (*on_closed)(struct weir_gateway *gateway))
{
	s->on_closed = on_closed;
	if (s->speaks) {
		end_to_speak(s);
		enter(s);
		s->common->speaker = 0;
		leave(s);
	}
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

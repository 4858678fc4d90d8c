#include "policy/quota.h"

#include "base/sum.h"
#include "policy/calendar.h"

/* Of requests under way nobody knows when the first ends. */
enum { SOON_MS = 1000, MS_PER_S = 1000 };

const char *weir_quota_limit_name(enum weir_quota_limit limit)
{
	static const char *const names[WEIR_QUOTA_LIMITS_N] = {
		[WEIR_QUOTA_RPM] = "rpm",
		[WEIR_QUOTA_TPM] = "tpm",
		[WEIR_QUOTA_INFLIGHT] = "max_inflight",
		[WEIR_QUOTA_DAY] = "daily_budget",
		[WEIR_QUOTA_MONTH] = "monthly_budget",
	};

	return names[limit];
}

void weir_quota_set(struct weir_quota *q, const struct weir_quota_bounds *bounds)
{
	q->bounds = *bounds;
	weir_minute_set(&q->requests, bounds->rpm);
	weir_minute_set(&q->tokens, bounds->tpm);
}

/* ---- dollars ---- */

/* A clock that was far ahead once has left a purse which no later period would ever empty; one
 * that goes back by less, over midnight, empties none. */
static bool is_over(const struct weir_purse *purse, uint64_t period)
{
	return period > purse->period || purse->period > period + 1;
}

static uint64_t spent_in(const struct weir_purse *purse, uint64_t period)
{
	return is_over(purse, period) ? 0 : weir_sum(purse->nano, purse->elsewhere_nano);
}

static void turn(struct weir_purse *purse, uint64_t period)
{
	if (!is_over(purse, period))
		return;
	purse->dearest_before_nano = period == purse->period + 1 ? purse->dearest_nano : 0;
	purse->dearest_nano = 0;
	purse->nano = purse->elsewhere_nano = 0;
	purse->period = period;
}

uint64_t weir_purse_own(const struct weir_purse *purse, uint64_t period)
{
	return is_over(purse, period) ? 0 : purse->nano;
}

/* What was spent is not unspent because somebody has forgotten it. */
void weir_purse_hear(struct weir_purse *purse, uint64_t period, uint64_t nano)
{
	turn(purse, period);
	if (nano > purse->elsewhere_nano)
		purse->elsewhere_nano = nano;
}

static void spend(struct weir_purse *purse, uint64_t period, uint64_t nano)
{
	turn(purse, period);
	purse->nano = weir_sum(purse->nano, nano);
	if (nano > purse->dearest_nano)
		purse->dearest_nano = nano;
}

/* Would those under way leave anything, if each cost as much as the dearest? With nobody under
 * way whatever is left lets one more begin. */
static bool has_room(const struct weir_quota *q, const struct weir_purse *purse, uint64_t period,
		     uint64_t most_nano)
{
	uint64_t spent = spent_in(purse, period), each = purse->dearest_nano;

	if (purse->dearest_before_nano > each)
		each = purse->dearest_before_nano;
	if (each && q->inflight > (UINT64_MAX - spent) / each)
		return false;
	return spent + each * q->inflight < most_nano;
}

static uint64_t day_of(uint64_t unix_s)
{
	return unix_s / WEIR_DAY_S;
}

uint64_t weir_quota_period(enum weir_quota_limit limit, uint64_t unix_s)
{
	return limit == WEIR_QUOTA_MONTH ? weir_month_of_day(day_of(unix_s)) : day_of(unix_s);
}

uint64_t weir_quota_day_nano(const struct weir_quota *q, uint64_t unix_s)
{
	return spent_in(&q->day, day_of(unix_s));
}

uint64_t weir_quota_month_nano(const struct weir_quota *q, uint64_t unix_s)
{
	return spent_in(&q->month, weir_month_of_day(day_of(unix_s)));
}

/* ---- all limits ---- */

static void refuse(struct weir_quota_refusal *refusal, enum weir_quota_limit limit,
		   uint64_t retry_ms)
{
	if (retry_ms < refusal->retry_ms)
		return;
	refusal->limit = limit;
	refusal->retry_ms = retry_ms;
}

static void ask_minute(const struct weir_minute *minute, enum weir_quota_limit limit,
		       uint64_t amount, uint64_t now_ms, struct weir_quota_refusal *refusal)
{
	uint64_t return_ms = 0;

	if (!weir_minute_admits(minute, amount, now_ms, &return_ms))
		refuse(refusal, limit, return_ms - now_ms);
}

/* What is reserved may be given back soon; what is spent comes back with the next period. */
static void ask_purse(const struct weir_quota *q, const struct weir_purse *purse,
		      enum weir_quota_limit limit, uint64_t period, uint64_t reset_s,
		      const struct weir_quota_time *now, struct weir_quota_refusal *refusal)
{
	uint64_t most = limit == WEIR_QUOTA_DAY ? q->bounds.day_nano : q->bounds.month_nano;

	if (!most || has_room(q, purse, period, most))
		return;
	refuse(refusal, limit,
	       spent_in(purse, period) < most ? SOON_MS : (reset_s - now->unix_s) * MS_PER_S);
}

bool weir_quota_admits(const struct weir_quota *q, uint64_t tokens,
		       const struct weir_quota_time *now, struct weir_quota_refusal *refusal)
{
	uint64_t day = day_of(now->unix_s), month;

	*refusal = (struct weir_quota_refusal){ 0 };
	ask_minute(&q->requests, WEIR_QUOTA_RPM, 1, now->ms, refusal);
	ask_minute(&q->tokens, WEIR_QUOTA_TPM, tokens ? tokens : 1, now->ms, refusal);
	if (q->bounds.max_inflight && q->inflight >= q->bounds.max_inflight)
		refuse(refusal, WEIR_QUOTA_INFLIGHT, SOON_MS);
	ask_purse(q, &q->day, WEIR_QUOTA_DAY, day, (day + 1) * WEIR_DAY_S, now, refusal);
	if (q->bounds.month_nano) {
		month = weir_month_of_day(day);
		ask_purse(q, &q->month, WEIR_QUOTA_MONTH, month,
			  weir_day_of_month(month + 1) * WEIR_DAY_S, now, refusal);
	}
	return refusal->retry_ms == 0;
}

void weir_quota_begin(struct weir_quota *q, uint64_t tokens, const struct weir_quota_time *now,
		      struct weir_quota_share *share)
{
	*share = (struct weir_quota_share){ 0, now->ms };
	weir_minute_take(&q->requests, 1, now->ms);
	weir_quota_grow(q, tokens, now, share);
	q->inflight++;
}

void weir_quota_grow(struct weir_quota *q, uint64_t tokens, const struct weir_quota_time *now,
		     struct weir_quota_share *share)
{
	if (!q->tokens.most || tokens <= share->tokens)
		return; /* what no limit counted is not given back to a later one */
	weir_minute_take(&q->tokens, tokens - share->tokens, now->ms);
	*share = (struct weir_quota_share){ tokens, now->ms };
}

void weir_quota_end(struct weir_quota *q, const struct weir_quota_share *share, uint64_t tokens,
		    uint64_t nano, const struct weir_quota_time *now)
{
	uint64_t day = day_of(now->unix_s);

	q->inflight--;
	if (tokens < share->tokens)
		weir_minute_give(&q->tokens, share->tokens - tokens, share->at_ms);
	else
		weir_minute_take(&q->tokens, tokens - share->tokens, now->ms);
	if (!nano)
		return;
	spend(&q->day, day, nano);
	spend(&q->month, weir_month_of_day(day), nano);
}

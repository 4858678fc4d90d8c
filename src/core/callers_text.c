#include "config/value.h"
#include "core/callers.h"
#include "core/metrics_pen.h"

#define put        weir_metrics_put
#define put_family weir_metrics_put_family
#define label      weir_metrics_label

static const char *dollars(uint64_t nano)
{
	static char text[32];

	weir_value_print_dollars(nano, text, sizeof text);
	return text;
}

static void put_requests(struct weir_metrics_pen *pen, const struct weir_standing *now)
{
	const unsigned n = now->config->callers_n;

	put_family(pen, "weir_caller_requests_total", "counter",
		   "Requests that ended, by caller and outcome.");
	for (unsigned i = 0; i < n; i++)
		for (unsigned o = 0; o < WEIR_REQUEST_OUTCOME_N; o++)
			put(pen, "weir_caller_requests_total{caller=\"%s\",outcome=\"%s\"} %llu\n",
			    label(now->books[i]->name),
			    weir_request_outcome_name((enum weir_request_outcome)o),
			    (unsigned long long)now->books[i]->requests[o]);
	put_family(pen, "weir_caller_limited_total", "counter",
		   "Requests that were refused, by the limit of their caller.");
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < WEIR_QUOTA_LIMITS_N; k++)
			put(pen, "weir_caller_limited_total{caller=\"%s\",limit=\"%s\"} %llu\n",
			    label(now->books[i]->name),
			    weir_quota_limit_name((enum weir_quota_limit)k),
			    (unsigned long long)now->books[i]->limited[k]);
	put_family(pen, "weir_caller_inflight_requests", "gauge", "Requests under way, by caller.");
	for (unsigned i = 0; i < n; i++)
		put(pen, "weir_caller_inflight_requests{caller=\"%s\"} %u\n",
		    label(now->books[i]->name), now->books[i]->quota.inflight);
}

static void put_usage(struct weir_metrics_pen *pen, const struct weir_standing *now)
{
	const unsigned n = now->config->callers_n;

	put_family(pen, "weir_caller_tokens_total", "counter", "Tokens of answers, by caller.");
	for (unsigned i = 0; i < n; i++) {
		const char *name = label(now->books[i]->name);

		put(pen, "weir_caller_tokens_total{caller=\"%s\",type=\"input\"} %llu\n", name,
		    (unsigned long long)now->books[i]->tokens_in);
		put(pen, "weir_caller_tokens_total{caller=\"%s\",type=\"output\"} %llu\n", name,
		    (unsigned long long)now->books[i]->tokens_out);
	}
	put_family(pen, "weir_caller_cost_usd_total", "counter",
		   "Dollars of answers, by caller, as far as they are known.");
	for (unsigned i = 0; i < n; i++)
		put(pen, "weir_caller_cost_usd_total{caller=\"%s\"} %s\n",
		    label(now->books[i]->name), dollars(now->books[i]->nano));
}

static void put_period(struct weir_metrics_pen *pen, const char *family, const char *name,
		       const char *period, uint64_t nano)
{
	put(pen, "%s{caller=\"%s\",period=\"%s\"} %s\n", family, label(name), period,
	    dollars(nano));
}

static void put_budgets(struct weir_metrics_pen *pen, const struct weir_standing *now)
{
	static const char spent[] = "weir_caller_spent_usd", budget[] = "weir_caller_budget_usd";
	uint64_t unix_s = now->unix_ms / 1000;

	put_family(pen, spent, "gauge", "Dollars of this day and this month, in UTC.");
	for (unsigned i = 0; i < now->config->callers_n; i++) {
		const struct weir_quota *quota = &now->books[i]->quota;
		const char *name = now->books[i]->name;

		put_period(pen, spent, name, "day", weir_quota_day_nano(quota, unix_s));
		put_period(pen, spent, name, "month", weir_quota_month_nano(quota, unix_s));
	}
	put_family(pen, budget, "gauge", "What these may be, where there is a budget.");
	for (unsigned i = 0; i < now->config->callers_n; i++) {
		const struct weir_quota_bounds *bounds = &now->books[i]->quota.bounds;

		if (bounds->day_nano)
			put_period(pen, budget, now->books[i]->name, "day", bounds->day_nano);
		if (bounds->month_nano)
			put_period(pen, budget, now->books[i]->name, "month", bounds->month_nano);
	}
}

void weir_callers_put_metrics(struct weir_metrics_pen *pen, const struct weir_standing *now)
{
	if (!now->config->callers_n)
		return;
	put_requests(pen, now);
	put_usage(pen, now);
	put_budgets(pen, now);
}

/* ---- /status ---- */

static void put_minute(struct weir_pen *pen, const char *key, const struct weir_minute *minute,
		       uint64_t now_ms)
{
	weir_put(pen, key);
	if (!minute->most) {
		weir_put(pen, "null");
		return;
	}
	weir_put_number(pen, "{\"limit\":", minute->most);
	weir_put_number(pen, ",\"left\":", weir_minute_left(minute, now_ms));
	weir_put(pen, "}");
}

static void put_purse(struct weir_pen *pen, const char *key, uint64_t spent, uint64_t budget)
{
	weir_put(pen, key);
	weir_put(pen, "{\"spent_usd\":");
	weir_put(pen, dollars(spent));
	weir_put(pen, ",\"budget_usd\":");
	weir_put(pen, budget ? dollars(budget) : "null");
	weir_put(pen, "}");
}

static void put_caller(struct weir_pen *pen, const struct weir_books *books,
		       const struct weir_standing *now)
{
	const struct weir_quota *quota = &books->quota;
	uint64_t requests = 0, limited = 0, unix_s = now->unix_ms / 1000;

	for (unsigned i = 0; i < WEIR_REQUEST_OUTCOME_N; i++)
		requests += books->requests[i];
	for (unsigned i = 0; i < WEIR_QUOTA_LIMITS_N; i++)
		limited += books->limited[i];
	weir_put_text(pen, "{\"name\":", books->name);
	weir_put_number(pen, ",\"requests\":", requests);
	weir_put_number(pen, ",\"limited\":", limited);
	weir_put_number(pen, ",\"inflight\":", quota->inflight);
	weir_put_number(pen, ",\"tokens_in\":", books->tokens_in);
	weir_put_number(pen, ",\"tokens_out\":", books->tokens_out);
	weir_put(pen, ",\"cost_usd\":");
	weir_put(pen, dollars(books->nano));
	put_minute(pen, ",\"rpm\":", &quota->requests, now->now_ms);
	put_minute(pen, ",\"tpm\":", &quota->tokens, now->now_ms);
	if (quota->bounds.max_inflight)
		weir_put_number(pen, ",\"max_inflight\":", quota->bounds.max_inflight);
	else
		weir_put(pen, ",\"max_inflight\":null");
	put_purse(pen, ",\"day\":", weir_quota_day_nano(quota, unix_s), quota->bounds.day_nano);
	put_purse(pen, ",\"month\":", weir_quota_month_nano(quota, unix_s),
		  quota->bounds.month_nano);
	weir_put(pen, "}");
}

void weir_callers_put_status(struct weir_pen *pen, const struct weir_standing *now)
{
	weir_put(pen, ",\"callers\":[");
	for (unsigned i = 0; i < now->config->callers_n; i++) {
		weir_put(pen, i ? "," : "");
		put_caller(pen, now->books[i], now);
	}
	weir_put(pen, "]");
}

#include "app/sim_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/alloc.h"
#include "base/log.h"

enum {
	LINE_MAX_BYTES = 2 * WEIR_LOG_LINE_MAX,
	POOL = 16 * LINE_MAX_BYTES,
	REQUESTS_MAX = 2000000,
	ATTEMPTS_MAX = 4000000, /* per target and kind */
	FIRST_CAP = 64
};

/* One event=request. Times in milliseconds, absolute. */
struct request {
	uint64_t began_ms, ms, first_token_ms;
	bool committed, stream, tokens_known;
	uint64_t tokens_in, tokens_out;
	const char *outcome, *trail;
};

struct reading {
	struct weir_sim_log *log;
	const struct weir_config *config;
	const char *of;
	uint64_t tokens_in, tokens_out; /* sums of what is known */
	_Alignas(16) char pool[POOL];
};

static int make_room(void *list, size_t n, size_t *cap, size_t size, size_t max)
{
	size_t more = *cap ? *cap * 2 : FIRST_CAP;
	void *old, *grown;

	if (n < *cap)
		return 0;
	if (n >= max)
		return WEIR_ELIMIT;
	memcpy(&old, list, sizeof old);
	grown = weir_realloc(old, more * size);
	if (!grown)
		return WEIR_ENOMEM;
	memcpy(list, &grown, sizeof grown);
	*cap = more;
	return 0;
}

/* So many digits; -1: they are not there. */
static int64_t digits(const char **at, unsigned n, char after)
{
	int64_t value = 0;

	for (; n; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = value * 10 + (**at - '0');
	}
	if (**at != after)
		return -1;
	(*at)++;
	return value;
}

/* Days since 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level
 * Date Algorithms"). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "2026-01-31T23:59:59.999Z" */
static bool read_time(const char *text, uint64_t *ms)
{
	int64_t year = digits(&text, 4, '-'), month = digits(&text, 2, '-');
	int64_t day = digits(&text, 2, 'T'), hour = digits(&text, 2, ':');
	int64_t minute = digits(&text, 2, ':'), second = digits(&text, 2, '.');
	int64_t rest = digits(&text, 3, 'Z');

	if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || minute < 0 ||
	    second < 0 || rest < 0)
		return false;
	*ms = (uint64_t)((((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) *
				 1000 +
			 rest);
	return true;
}

static const char *text_of(yyjson_val *line, const char *key)
{
	const char *text = yyjson_get_str(yyjson_obj_get(line, key));

	return text ? text : "";
}

static bool read_request(yyjson_val *line, struct request *r)
{
	yyjson_val *first = yyjson_obj_get(line, "first_token_ms");
	yyjson_val *in = yyjson_obj_get(line, "tokens_in"),
		   *out = yyjson_obj_get(line, "tokens_out");
	uint64_t ended_ms;

	if (!read_time(text_of(line, "ts"), &ended_ms))
		return false;
	r->ms = yyjson_get_uint(yyjson_obj_get(line, "ms"));
	r->began_ms = ended_ms > r->ms ? ended_ms - r->ms : 0;
	r->committed = yyjson_is_uint(first);
	r->first_token_ms = yyjson_get_uint(first);
	r->stream = yyjson_get_bool(yyjson_obj_get(line, "stream"));
	r->tokens_known = yyjson_is_uint(in) && yyjson_is_uint(out);
	r->tokens_in = yyjson_get_uint(in);
	r->tokens_out = yyjson_get_uint(out);
	r->outcome = text_of(line, "outcome");
	r->trail = text_of(line, "trail");
	return true;
}

/* "provider/model", or "provider/model#2": keys of one target are one series. */
static const struct weir_target *target_of(const struct weir_config *config, struct weir_slice text)
{
	size_t n = text.len;

	while (n > 0 && text.base[n - 1] >= '0' && text.base[n - 1] <= '9')
		n--;
	for (unsigned i = 0; i < config->targets_n; i++) {
		const struct weir_target *target = config->targets[i];
		bool numbered = n > 1 && n < text.len && text.base[n - 1] == '#';

		if (weir_slice_is(text, target->trail_id) ||
		    (numbered && weir_slice_is(weir_slice(text.base, n - 1), target->trail_id)))
			return target;
	}
	return NULL;
}

static bool outcome_of(struct weir_slice text, enum weir_outcome *outcome)
{
	for (unsigned i = 0; i < WEIR_OUT_N; i++)
		if (weir_slice_is(text, weir_outcome_name((enum weir_outcome)i))) {
			*outcome = (enum weir_outcome)i;
			return true;
		}
	return false;
}

/* One of the fields of TARGET;STATUS;CLASS;Nms. */
static struct weir_slice field(const char **at, const char *end)
{
	const char *from = *at, *semicolon = memchr(from, ';', (size_t)(end - from));

	*at = semicolon ? semicolon + 1 : end;
	return weir_slice(from, (size_t)((semicolon ? semicolon : end) - from));
}

static int add_attempt(struct reading *reading, const struct weir_target *target, bool stream,
		       const struct weir_recorded *recorded)
{
	struct weir_sim_past *past = &reading->log->pasts[target->index];
	int rc = make_room(&past->list[stream], past->n[stream], &past->cap[stream],
			   sizeof *recorded, ATTEMPTS_MAX);

	if (rc)
		return rc;
	past->list[stream][past->n[stream]++] = *recorded;
	reading->log->attempts++;
	return 0;
}

/* Attempts follow each other; the last one ended when the first token came, or at the end. */
static int read_attempt(struct reading *reading, const struct request *r, const char *from,
			const char *end, uint64_t *elapsed_ms)
{
	struct weir_slice id = field(&from, end), status = field(&from, end);
	struct weir_slice class = field(&from, end), ms = field(&from, end);
	const struct weir_target *target = target_of(reading->config, id);
	struct weir_recorded recorded = { .at_ms = r->began_ms + *elapsed_ms };

	(void)status;
	reading->log->calls++;
	if (ms.len < 3 || !weir_slice_to_u64(weir_slice(ms.base, ms.len - 2), &recorded.ms) ||
	    !outcome_of(class, &recorded.outcome))
		return 0;
	*elapsed_ms += recorded.ms;
	if (recorded.outcome == WEIR_OUT_OK && r->committed) {
		if (r->first_token_ms > recorded.ms)
			recorded.at_ms = r->began_ms + r->first_token_ms - recorded.ms;
		recorded.rest_ms = r->stream && r->ms > r->first_token_ms
					   ? r->ms - r->first_token_ms
					   : 0;
	}
	/* What a caller's leaving or mistake cut short says nothing of the target. */
	if (recorded.outcome == WEIR_OUT_HANGUP || recorded.outcome == WEIR_OUT_CALLER)
		return 0;
	if (!target) {
		reading->log->strangers++;
		return 0;
	}
	return add_attempt(reading, target, r->stream, &recorded);
}

static int read_trail(struct reading *reading, const struct request *r)
{
	uint64_t elapsed_ms = 0;
	const char *at = r->trail;
	int rc = 0;

	while (*at && rc == 0) {
		const char *comma = strchr(at, ','), *end = comma ? comma : at + strlen(at);

		rc = read_attempt(reading, r, at, end, &elapsed_ms);
		at = *end ? end + 1 : end;
		while (*at == ' ')
			at++;
	}
	return rc;
}

static int add_request(struct reading *reading, const struct request *r)
{
	struct weir_sim_log *log = reading->log;
	struct weir_arrival arrival = { .at_ms = r->began_ms, .stream = r->stream };
	bool good = strcmp(r->outcome, "ok") == 0 || strcmp(r->outcome, "failed_over") == 0;
	int rc;

	if (!good && strcmp(r->outcome, "exhausted") != 0) {
		log->left_out++;
		return 0;
	}
	rc = make_room(&log->arrivals, log->arrivals_n, &log->arrivals_cap, sizeof arrival,
		       REQUESTS_MAX);
	if (rc)
		return rc;
	if (r->tokens_known) {
		arrival.tokens_in = r->tokens_in;
		arrival.tokens_out = r->tokens_out;
		reading->tokens_in += r->tokens_in;
		reading->tokens_out += r->tokens_out;
		log->tokens_known++;
	}
	log->arrivals[log->arrivals_n++] = arrival;
	log->good += good;
	if (r->committed)
		weir_tally_add(&log->first_ms, r->first_token_ms);
	return 0;
}

static int read_line(struct reading *reading, char *text, size_t len)
{
	yyjson_alc alc;
	yyjson_doc *doc;
	yyjson_val *line;
	struct request r;
	int rc = 0;

	yyjson_alc_pool_init(&alc, reading->pool, sizeof reading->pool);
	doc = yyjson_read_opts(text, len, 0, &alc, NULL);
	line = yyjson_doc_get_root(doc);
	if (!yyjson_is_obj(line))
		reading->log->unread++;
	else if (strcmp(text_of(line, "event"), "request") == 0 &&
		 (!reading->of || strcmp(text_of(line, "chain"), reading->of) == 0) &&
		 read_request(line, &r) && r.trail[0]) {
		rc = read_trail(reading, &r);
		if (rc == 0)
			rc = add_request(reading, &r);
	}
	yyjson_doc_free(doc);
	return rc;
}

static int by_arrival(const void *a, const void *b)
{
	const struct weir_arrival *one = a, *other = b;

	return (one->at_ms > other->at_ms) - (one->at_ms < other->at_ms);
}

static int by_attempt(const void *a, const void *b)
{
	const struct weir_recorded *one = a, *other = b;

	if (one->at_ms != other->at_ms)
		return one->at_ms < other->at_ms ? -1 : 1;
	return (one->ms > other->ms) - (one->ms < other->ms);
}

/* All in order, on a clock that begins with the first request. */
static void settle(struct reading *reading)
{
	struct weir_sim_log *log = reading->log;
	uint64_t zero_ms;

	if (!log->arrivals_n)
		return;
	qsort(log->arrivals, log->arrivals_n, sizeof *log->arrivals, by_arrival);
	zero_ms = log->arrivals[0].at_ms;
	for (size_t i = 0; i < log->arrivals_n; i++) {
		log->arrivals[i].at_ms -= zero_ms;
		if (!log->arrivals[i].tokens_out && log->tokens_known) {
			log->arrivals[i].tokens_in = reading->tokens_in / log->tokens_known;
			log->arrivals[i].tokens_out = reading->tokens_out / log->tokens_known;
		}
	}
	log->ms = log->arrivals[log->arrivals_n - 1].at_ms + 1;
	for (unsigned t = 0; t < 2 * log->pasts_n; t++) {
		struct weir_sim_past *past = &log->pasts[t / 2];

		if (past->n[t % 2])
			qsort(past->list[t % 2], past->n[t % 2], sizeof *past->list[0], by_attempt);
		for (size_t i = 0; i < past->n[t % 2]; i++)
			past->list[t % 2][i].at_ms -= past->list[t % 2][i].at_ms < zero_ms
							      ? past->list[t % 2][i].at_ms
							      : zero_ms;
	}
}

static int read_lines(struct reading *reading, FILE *file)
{
	static char text[LINE_MAX_BYTES];
	bool whole = true; /* the beginning of a line */
	int rc = 0;

	while (rc == 0 && fgets(text, sizeof text, file)) {
		size_t len = strlen(text);
		bool ends = len && text[len - 1] == '\n';

		if (whole && (ends || feof(file)) && len > 1)
			rc = read_line(reading, text, len);
		else if (ends && len > 1)
			reading->log->unread++;
		whole = ends;
	}
	return rc ? rc : ferror(file) ? WEIR_ECONFIG : 0;
}

int weir_sim_log_read(struct weir_sim_log *log, const char *path, const char *of,
		      const struct weir_config *config)
{
	struct reading *reading = weir_calloc(1, sizeof *reading);
	FILE *file = fopen(path, "re");
	int rc = WEIR_ENOMEM;

	*log = (struct weir_sim_log){ .pasts_n = config->targets_n };
	log->pasts = weir_calloc(config->targets_n + 1, sizeof *log->pasts);
	if (reading && log->pasts) {
		reading->log = log;
		reading->config = config;
		reading->of = of;
		rc = file ? read_lines(reading, file) : WEIR_ECONFIG;
	}
	if (rc == 0)
		settle(reading);
	if (file)
		fclose(file);
	weir_free(reading);
	return rc;
}

void weir_sim_log_fini(struct weir_sim_log *log)
{
	for (unsigned i = 0; log->pasts && i < log->pasts_n; i++) {
		weir_free(log->pasts[i].list[0]);
		weir_free(log->pasts[i].list[1]);
	}
	weir_free(log->pasts);
	weir_free(log->arrivals);
	*log = (struct weir_sim_log){ .arrivals = NULL };
}

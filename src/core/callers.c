#include "core/callers.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/sum.h"
#include "config/known.h"
#include "core/plan.h"

enum { MS_PER_S = 1000 };

/* ---- whose books there are ---- */

/* In common memory. */
struct shared_books {
	struct weir_books books;
	uint32_t shares[WEIR_SHM_HOLDERS_MAX];
};

static void books_free(const struct weir_callers *callers, struct weir_books *books)
{
	if (!books || callers->shm)
		return; /* others have them, too */
	weir_free(books->name);
	weir_free(books);
}

static void tidy(struct weir_callers *callers)
{
	unsigned vanished = 0, kept = 0;

	for (unsigned i = 0; i < callers->n; i++)
		vanished += callers->list[i]->references == 0;
	if (vanished <= WEIR_CALLERS_VANISHED_MAX)
		return;
	for (unsigned i = 0; i < callers->n; i++) {
		if (callers->list[i]->references)
			callers->list[kept++] = callers->list[i];
		else
			books_free(callers, callers->list[i]);
	}
	callers->n = kept;
}

static bool grow(struct weir_callers *callers)
{
	unsigned cap = callers->cap ? callers->cap * 2 : 8;
	struct weir_books **list;

	if (callers->n < callers->cap)
		return true;
	list = weir_realloc(callers->list, cap * sizeof(struct weir_books *));
	if (!list)
		return false;
	callers->list = list;
	callers->cap = cap;
	return true;
}

static struct weir_books *make_books(struct weir_shm *shm, const char *name)
{
	struct shared_books *shared;

	if (!shm)
		return weir_calloc(1, sizeof(struct weir_books));
	shared = weir_known_record(shm, WEIR_KNOWN_CALLER, weir_slice_of(name), sizeof *shared);
	if (!shared)
		return NULL;
	shared->books.shares = shared->shares;
	return &shared->books;
}

static struct weir_books *books_of(struct weir_callers *callers, const char *name)
{
	uint64_t hash = weir_slice_hash(weir_slice_of(name));
	struct weir_books *books;

	for (unsigned i = 0; i < callers->n; i++)
		if (callers->list[i]->hash == hash && strcmp(callers->list[i]->name, name) == 0)
			return callers->list[i];
	books = grow(callers) ? make_books(callers->shm, name) : NULL;
	if (!books)
		return NULL;
	books->hash = hash;
	if (!books->name)
		books->name = weir_shm_strndup(callers->shm, name, strlen(name));
	if (!books->name) {
		books_free(callers, books);
		return NULL;
	}
	callers->list[callers->n++] = books;
	return books;
}

struct weir_books **weir_callers_enrol(struct weir_callers *callers,
				       const struct weir_config *config)
{
	struct weir_books **all;

	weir_shm_enter(callers->shm);
	tidy(callers);
	all = weir_calloc(config->callers_n + 1, sizeof(struct weir_books *));
	for (unsigned i = 0; all && i < config->callers_n; i++) {
		all[i] = books_of(callers, config->callers[i].name);
		if (!all[i]) {
			weir_callers_leave(callers, all, config);
			all = NULL;
			break;
		}
		all[i]->references++;
	}
	weir_shm_leave(callers->shm);
	return all;
}

void weir_callers_settle(const struct weir_callers *callers, struct weir_books *const *books,
			 const struct weir_config *config)
{
	weir_shm_enter(callers->shm);
	for (unsigned i = 0; i < config->callers_n; i++)
		weir_quota_set(&books[i]->quota, &config->callers[i].bounds);
	weir_shm_leave(callers->shm);
}

void weir_callers_leave(const struct weir_callers *callers, struct weir_books **books,
			const struct weir_config *config)
{
	weir_shm_enter(callers->shm);
	for (unsigned i = 0; books && i < config->callers_n && books[i]; i++)
		books[i]->references--;
	weir_shm_leave(callers->shm);
	weir_free(books);
}

void weir_callers_fini(struct weir_callers *callers)
{
	for (unsigned i = 0; i < callers->n; i++) {
		WEIR_ASSERT(callers->shm || callers->list[i]->references == 0);
		books_free(callers, callers->list[i]);
	}
	weir_free(callers->list);
	*callers = (struct weir_callers){ 0 };
}

/* ---- one request ---- */

static void share(const struct weir_claim *claim, uint32_t n)
{
	if (claim->books->shares)
		claim->books->shares[weir_shm_holder(claim->shm)] += n;
}

bool weir_claim_take(struct weir_claim *claim, struct weir_shm *shm, struct weir_books *books,
		     uint64_t bytes, const struct weir_quota_time *now,
		     struct weir_quota_refusal *refusal)
{
	uint64_t tokens = weir_plan_tokens(bytes);
	bool ok;

	weir_shm_enter(shm);
	ok = weir_quota_admits(&books->quota, tokens, now, refusal);
	if (ok) {
		claim->books = books;
		claim->shm = shm;
		share(claim, 1);
		weir_quota_begin(&books->quota, tokens, now, &claim->share);
	} else {
		books->limited[refusal->limit]++;
	}
	weir_shm_leave(shm);
	return ok;
}

void weir_claim_grow(struct weir_claim *claim, uint64_t bytes, const struct weir_quota_time *now)
{
	if (!claim->books)
		return;
	weir_shm_enter(claim->shm);
	weir_quota_grow(&claim->books->quota, weir_plan_tokens(bytes), now, &claim->share);
	weir_shm_leave(claim->shm);
}

bool weir_claim_counts(const struct weir_claim *claim)
{
	const struct weir_quota_bounds *bounds = claim->books ? &claim->books->quota.bounds : NULL;

	return bounds && (bounds->tpm || bounds->day_nano || bounds->month_nano);
}

void weir_claim_end(struct weir_claim *claim, uint64_t tokens, uint64_t nano,
		    const struct weir_quota_time *now)
{
	if (!claim->books)
		return;
	weir_shm_enter(claim->shm);
	weir_quota_end(&claim->books->quota, &claim->share, tokens, nano, now);
	share(claim, UINT32_MAX);
	weir_shm_leave(claim->shm);
	claim->books = NULL;
}

void weir_claim_count(const struct weir_claim *claim, enum weir_request_outcome outcome,
		      uint64_t tokens_in, uint64_t tokens_out, uint64_t nano)
{
	struct weir_books *books = claim->books;

	weir_shm_enter(claim->shm);
	books->requests[outcome]++;
	books->tokens_in += tokens_in;
	books->tokens_out += tokens_out;
	books->nano = weir_sum(books->nano, nano);
	weir_shm_leave(claim->shm);
}

/* ---- a process is gone ---- */

void weir_callers_forfeit(struct weir_shm *shm, unsigned holder)
{
	struct shared_books *s = NULL;

	while ((s = weir_shm_next(shm, WEIR_KNOWN_CALLER, s))) {
		s->books.quota.inflight -= s->shares[holder];
		s->shares[holder] = 0;
	}
}

void weir_callers_mend(struct weir_shm *shm)
{
	struct shared_books *s = NULL;

	while ((s = weir_shm_next(shm, WEIR_KNOWN_CALLER, s))) {
		s->books.quota.inflight = 0;
		for (unsigned i = 0; i < WEIR_SHM_HOLDERS_MAX; i++)
			s->books.quota.inflight += s->shares[i];
	}
}

/* The time as "1m5s". */
static void put_limit(struct weir_pen *pen, const char *kind, const struct weir_minute *minute,
		      uint64_t now_ms)
{
	uint64_t reset_s = (weir_minute_whole_in(minute, now_ms) + MS_PER_S - 1) / MS_PER_S;
	char text[256], minutes[24] = "";

	if (!minute->most)
		return;
	if (reset_s >= 60)
		snprintf(minutes, sizeof minutes, "%llum", (unsigned long long)(reset_s / 60));
	snprintf(text, sizeof text,
		 "x-ratelimit-limit-%s: %llu\r\nx-ratelimit-remaining-%s: %llu\r\n"
		 "x-ratelimit-reset-%s: %s%llus\r\n",
		 kind, (unsigned long long)minute->most, kind,
		 (unsigned long long)weir_minute_left(minute, now_ms), kind, minutes,
		 (unsigned long long)(reset_s % 60));
	weir_put(pen, text);
}

void weir_claim_put_fields(const struct weir_books *books, uint64_t now_ms, struct weir_pen *pen)
{
	put_limit(pen, "requests", &books->quota.requests, now_ms);
	put_limit(pen, "tokens", &books->quota.tokens, now_ms);
}

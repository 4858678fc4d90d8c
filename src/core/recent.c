#include "core/recent.h"

#include "base/alloc.h"
#include "core/metrics_private.h"

struct weir_recent *weir_recent_create(struct weir_metrics *metrics, uint64_t now_ms)
{
	struct weir_recent *recent = weir_calloc(1, sizeof *recent);

	if (!recent)
		return NULL;
	recent->metrics = metrics;
	recent->began_ms = recent->filled_ms = recent->lost_ms = now_ms;
	return recent;
}

void weir_recent_destroy(struct weir_recent *recent)
{
	weir_free(recent); /* the series end with the metrics */
}

/* ---- names ---- */

static struct weir_recent_name name_of(const struct weir_ledger *ledger,
				       const struct weir_target *target, unsigned key)
{
	struct weir_recent_name name = { 0 };

	if (target->index < ledger->targets_n)
		name.target = ledger->targets[target->index];
	if (name.target)
		name.target->references++;
	if (target->provider->keys_n > 1)
		name.key = key + 1;
	return name;
}

static void drop_name(struct weir_recent_name *name)
{
	if (name->target)
		name->target->references--;
	*name = (struct weir_recent_name){ 0 };
}

/* ---- stories ---- */

static void clear_story(struct weir_story *story)
{
	for (unsigned i = 0; i < story->steps_n; i++)
		drop_name(&story->steps[i].name);
	if (story->chain)
		story->chain->references--;
	*story = (struct weir_story){ 0 };
}

static void begin_story(struct weir_story *story, const struct weir_recent_request *request)
{
	const struct weir_ledger *l = request->ledger;

	clear_story(story);
	story->chain = l->chains[request->chain ? request->chain->index : l->chains_n - 1];
	story->chain->references++;
	story->began_ms = request->began_ms;
	story->stream = request->stream;
	weir_slice_print(weir_slice_of(request->id), story->request_id, sizeof story->request_id);
}

/* The request's own, if there is still room for it among the newest. */
static struct weir_story *story_of(struct weir_recent *recent,
				   const struct weir_recent_request *request)
{
	struct weir_story *story;

	if (!*request->story) {
		*request->story = ++recent->stories_n;
		story = &recent->stories[*request->story % WEIR_RECENT_STORIES];
		begin_story(story, request);
		story->number = *request->story;
		return story;
	}
	story = &recent->stories[*request->story % WEIR_RECENT_STORIES];
	return story->number == *request->story ? story : NULL;
}

static struct weir_story_step *step_of(struct weir_story *story, unsigned attempt)
{
	for (unsigned i = 0; attempt && i < story->steps_n; i++)
		if (story->steps[i].attempt == attempt)
			return &story->steps[i];
	return story->steps_n < WEIR_RECENT_STEPS ? &story->steps[story->steps_n++] : NULL;
}

static void put_step(struct weir_story *story, const struct weir_ledger *ledger,
		     const struct weir_record *record, unsigned attempt, const char *step_class)
{
	struct weir_story_step *step = step_of(story, attempt);

	if (!step)
		return;
	drop_name(&step->name);
	*step = (struct weir_story_step){
		.name = name_of(ledger, record->target, record->key),
		.attempt = attempt,
		.status = attempt ? record->status : 0,
		.ended = record->ended || !attempt,
		.step_class = step_class,
		.reason = record->reason,
		.ms = attempt ? record->ms : 0,
	};
}

void weir_recent_step(struct weir_recent *recent, const struct weir_recent_request *request,
		      const struct weir_record *record, unsigned attempt, const char *step_class)
{
	struct weir_story *story = story_of(recent, request);

	if (!story)
		return;
	put_step(story, request->ledger, record, attempt, step_class);
	story->version = ++recent->version;
}

/* Those that nothing happened to are all alike: some are enough. */
static struct weir_story *plain_story(struct weir_recent *recent,
				      const struct weir_recent_request *request, uint64_t now_ms)
{
	struct weir_story *story;

	if (recent->plain_n && now_ms - recent->plain_ms < WEIR_RECENT_PLAIN_MS)
		return NULL;
	recent->plain_ms = now_ms;
	story = &recent->plain[++recent->plain_n % WEIR_RECENT_PLAIN];
	begin_story(story, request);
	story->number = recent->plain_n;
	return story;
}

void weir_recent_end(struct weir_recent *recent, const struct weir_recent_request *request,
		     const struct weir_recent_end *end)
{
	bool plain = !*request->story && end->outcome != WEIR_REQUEST_EXHAUSTED;
	struct weir_story *story = plain ? plain_story(recent, request, end->now_ms)
					 : story_of(recent, request);

	if (!plain && !story) { /* it took so long that its place was given away */
		*request->story = 0;
		story = story_of(recent, request);
	}
	if (!story)
		return;
	for (unsigned i = 0; i < end->records_n; i++)
		put_step(story, request->ledger, &end->records[i], i + 1,
			 weir_outcome_name(end->records[i].outcome));
	story->ended_ms = end->now_ms;
	story->outcome = end->outcome;
	story->status = end->status;
	story->attempts = end->records_n;
	story->first_token_known = end->first_token_known;
	story->first_token_ms = end->first_token_ms;
	story->version = ++recent->version;
}

/* ---- failures ---- */

/* One line, whatever it was. */
static void copy_words(char *to, size_t size, struct weir_slice words)
{
	size_t n = words.len < size - 1 ? words.len : size - 1;

	/* Not within a character of several bytes. */
	while (n < words.len && n > 0 && ((unsigned char)words.base[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)words.base[i] < ' ' ? ' ' : words.base[i];
	to[n] = '\0';
}

bool weir_recent_may_quote(struct weir_recent *recent, uint64_t now_ms)
{
	if (recent->quote_ms && now_ms - recent->quote_ms < WEIR_RECENT_WORDS_MS)
		return false;
	recent->quote_ms = now_ms;
	return true;
}

void weir_recent_failure(struct weir_recent *recent, struct weir_ledger *ledger,
			 const struct weir_record *record, const char *request_id,
			 struct weir_slice words, uint64_t now_ms)
{
	struct weir_target_metrics *target = record->target->index < ledger->targets_n
						     ? ledger->targets[record->target->index]
						     : NULL;
	struct weir_failure_note *note;

	if (target && !target->failures)
		target->failures = weir_calloc(1, sizeof *target->failures);
	if (!target || !target->failures)
		return;
	note = &target->failures->notes[target->failures->n++ % WEIR_RECENT_FAILURES];
	*note = (struct weir_failure_note){
		.version = ++recent->version,
		.at_ms = now_ms,
		.ms = record->ms,
		.key = record->target->provider->keys_n > 1 ? record->key + 1 : 0,
		.status = record->status,
		.outcome = record->outcome,
		.reason = record->reason,
	};
	weir_slice_print(weir_slice_of(request_id), note->request_id, sizeof note->request_id);
	copy_words(note->words, sizeof note->words, words);
}

/* ---- the clock's part ---- */

/* What a target that is not asked any more has failed with last. */
static void put_cause(struct weir_turn *turn, const struct weir_failures *failures)
{
	for (unsigned i = 1; failures && i <= WEIR_RECENT_FAILURES && i <= failures->n; i++) {
		const struct weir_failure_note *note =
			&failures->notes[(failures->n - i) % WEIR_RECENT_FAILURES];

		if (note->key != turn->name.key || !weir_outcome_rule(note->outcome)->counts)
			continue;
		turn->turn_class = weir_outcome_name(note->outcome);
		turn->reason = note->reason;
		return;
	}
}

/* A target that is full now and then turns nowhere. */
static enum weir_stand_state lasting(enum weir_stand_state state)
{
	return state == WEIR_STAND_AT_CAP ? WEIR_STAND_HEALTHY : state;
}

static void look_at(struct weir_recent *recent, const struct weir_standing *now,
		    const struct weir_target *target, unsigned key)
{
	struct weir_target_metrics *series = target->index < now->ledger->targets_n
						     ? now->ledger->targets[target->index]
						     : NULL;
	const struct weir_health *h = weir_board_health(now->board, target, key);
	struct weir_turn *turn;
	struct weir_stand s;

	if (!series || !h)
		return;
	weir_shm_enter(now->shm);
	s = weir_stand_of(h, 0, now->now_ms);
	weir_shm_leave(now->shm);
	s.state = lasting(s.state);
	if (series->stood[key] == s.state)
		return;
	turn = &recent->turns[recent->turns_n++ % WEIR_RECENT_TURNS];
	if (recent->turns_n > WEIR_RECENT_TURNS)
		recent->lost_ms = turn->at_ms;
	drop_name(&turn->name);
	*turn = (struct weir_turn){
		.version = ++recent->version,
		.at_ms = now->now_ms,
		.name = name_of(now->ledger, target, key),
		.from = series->stood[key],
		.to = s.state,
		.reason = s.reason,
		.until_known = s.until_known,
		.until_ms = s.until_ms,
	};
	if (s.state == WEIR_STAND_OPEN)
		put_cause(turn, series->failures);
	series->stood[key] = (uint8_t)s.state;
}

static void fill_chain(struct weir_chain_metrics *c, uint64_t n)
{
	const struct weir_histogram *h = &c->first_token_seconds;
	uint64_t requests = 0;

	for (unsigned o = 0; o < WEIR_REQUEST_OUTCOME_N; o++)
		requests += c->requests[o];
	weir_track_fill(&c->track, n, requests);
	weir_track_fill(&c->moved_track, n, c->requests[WEIR_REQUEST_FAILED_OVER]);
	weir_track_fill(&c->failed_track, n, c->requests[WEIR_REQUEST_EXHAUSTED]);
	for (unsigned i = 0; i < c->pairs_n; i++) {
		struct weir_pair *pair = &c->pairs[i];

		weir_track_fill(&pair->served_track, n, pair->attempts[WEIR_OUT_OK]);
	}
	for (unsigned i = 0; i <= h->bounds_n; i++) {
		c->token_window[n % WEIR_TOKEN_WINDOWS][i] = (uint32_t)(h->counts[i] -
									c->tokens_seen[i]);
		c->tokens_seen[i] = h->counts[i];
	}
}

void weir_recent_look(struct weir_recent *recent, const struct weir_standing *now)
{
	struct weir_metrics *m = recent->metrics;

	for (unsigned i = 0; i < now->config->targets_n; i++) {
		const struct weir_target *target = now->config->targets[i];
		unsigned keys = target->provider->keys_n ? target->provider->keys_n : 1;

		for (unsigned k = 0; k < keys; k++)
			look_at(recent, now, target, k);
	}
	while (now->now_ms - recent->filled_ms >= WEIR_TRACK_BUCKET_MS) {
		for (unsigned c = 0; c < m->chains_n; c++)
			fill_chain(m->chains[c], recent->filled);
		recent->filled++;
		recent->filled_ms += WEIR_TRACK_BUCKET_MS;
	}
}

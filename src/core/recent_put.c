/* What was lately, as JSON. */
#include <stdio.h>

#include "core/metrics_private.h"
#include "core/recent.h"
#include "dialect/pen.h"

/* The loop's clock and the world's. */
struct clocks {
	uint64_t now_ms, unix_ms;
};

static void put_time(struct weir_pen *pen, const char *key, struct clocks clocks, uint64_t at_ms)
{
	uint64_t ago = clocks.now_ms - at_ms;

	weir_put(pen, key);
	weir_put_u64(pen, clocks.unix_ms > ago ? clocks.unix_ms - ago : 0);
}

static void put_known(struct weir_pen *pen, const char *key, bool known, uint64_t number)
{
	if (known)
		weir_put_number(pen, key, number);
	else
		weir_put_text(pen, key, NULL);
}

static void put_name(struct weir_pen *pen, const char *key, const struct weir_target_metrics *of,
		     unsigned number)
{
	char text[2 * WEIR_NAME_MAX + 16];

	if (of && number)
		snprintf(text, sizeof text, "%s#%u", of->id, number);
	weir_put_text(pen, key, of && number ? text : of ? of->id : NULL);
}

static void put_step(struct weir_pen *pen, const struct weir_story_step *step)
{
	put_name(pen, "{\"target\":", step->name.target, step->name.key);
	put_known(pen, ",\"attempt\":", step->attempt != 0, step->attempt);
	weir_put_text(pen, ",\"class\":", step->ended ? step->step_class : NULL);
	weir_put_text(pen, ",\"reason\":", step->reason);
	put_known(pen, ",\"status\":", step->status != 0, step->status);
	put_known(pen, ",\"ms\":", step->attempt && step->ended, step->ms);
	weir_put(pen, "}");
}

static void put_story(struct weir_pen *pen, const struct weir_story *story, bool plain,
		      struct clocks clocks)
{
	bool over = story->ended_ms != 0;

	weir_put_text(pen, "{\"request_id\":", story->request_id);
	weir_put_text(pen, ",\"chain\":", story->chain->name);
	weir_put(pen, plain ? ",\"plain\":true" : ",\"plain\":false");
	put_time(pen, ",\"began_ms\":", clocks, story->began_ms);
	put_known(pen, ",\"ms\":", over, story->ended_ms - story->began_ms);
	weir_put_text(pen,
		      ",\"outcome\":", over ? weir_request_outcome_name(story->outcome) : NULL);
	put_known(pen, ",\"status\":", over, story->status);
	put_known(pen, ",\"attempts\":", over, story->attempts);
	weir_put(pen, story->stream ? ",\"stream\":true" : ",\"stream\":false");
	put_known(pen, ",\"first_token_ms\":", story->first_token_known, story->first_token_ms);
	weir_put(pen, ",\"steps\":[");
	for (unsigned i = 0; i < story->steps_n; i++) {
		weir_put(pen, i ? "," : "");
		put_step(pen, &story->steps[i]);
	}
	weir_put(pen, "]}");
}

/* Oldest first. */
static void put_stories(struct weir_pen *pen, const struct weir_recent *recent, uint64_t since,
			struct clocks clocks)
{
	const char *comma = "";

	weir_put(pen, "\"requests\":[");
	for (unsigned i = 1; i <= WEIR_RECENT_PLAIN; i++) {
		const struct weir_story *s =
			&recent->plain[(recent->plain_n + i) % WEIR_RECENT_PLAIN];

		if (s->version <= since)
			continue;
		weir_put(pen, comma);
		put_story(pen, s, true, clocks);
		comma = ",";
	}
	for (unsigned i = 1; i <= WEIR_RECENT_STORIES; i++) {
		const struct weir_story *s =
			&recent->stories[(recent->stories_n + i) % WEIR_RECENT_STORIES];

		if (s->version <= since)
			continue;
		weir_put(pen, comma);
		put_story(pen, s, false, clocks);
		comma = ",";
	}
	weir_put(pen, "]");
}

static void put_turns(struct weir_pen *pen, const struct weir_recent *recent, uint64_t since,
		      struct clocks clocks)
{
	const char *comma = "";

	put_time(pen, ",\"turns_since_ms\":", clocks, recent->lost_ms);
	weir_put(pen, ",\"turns\":[");
	for (unsigned i = 0; i < WEIR_RECENT_TURNS; i++) {
		const struct weir_turn *t =
			&recent->turns[(recent->turns_n + i) % WEIR_RECENT_TURNS];

		if (t->version <= since)
			continue;
		weir_put(pen, comma);
		put_name(pen, "{\"target\":", t->name.target, t->name.key);
		put_time(pen, ",\"at_ms\":", clocks, t->at_ms);
		weir_put_text(pen, ",\"from\":", weir_stand_name(t->from));
		weir_put_text(pen, ",\"to\":", weir_stand_name(t->to));
		weir_put_text(pen, ",\"class\":", t->turn_class);
		weir_put_text(pen, ",\"reason\":", t->reason);
		put_known(pen, ",\"until_ms\":", t->until_known, t->until_ms);
		weir_put(pen, "}");
		comma = ",";
	}
	weir_put(pen, "]");
}

static void put_failure(struct weir_pen *pen, const struct weir_target_metrics *target,
			const struct weir_failure_note *note, struct clocks clocks)
{
	put_name(pen, "{\"target\":", target, note->key);
	put_time(pen, ",\"at_ms\":", clocks, note->at_ms);
	weir_put_text(pen, ",\"request_id\":", note->request_id);
	weir_put_text(pen, ",\"class\":", weir_outcome_name(note->outcome));
	weir_put_text(pen, ",\"reason\":", note->reason);
	put_known(pen, ",\"status\":", note->status != 0, note->status);
	weir_put_number(pen, ",\"ms\":", note->ms);
	weir_put_text(pen, ",\"words\":", *note->words ? note->words : NULL);
	weir_put(pen, "}");
}

static void put_failures(struct weir_pen *pen, const struct weir_metrics *m, uint64_t since,
			 struct clocks clocks)
{
	const char *comma = "";

	weir_put(pen, ",\"failures\":[");
	for (unsigned i = 0; i < m->targets_n; i++) {
		const struct weir_failures *f = m->targets[i]->failures;

		for (unsigned k = 0; f && k < WEIR_RECENT_FAILURES; k++) {
			const struct weir_failure_note *note =
				&f->notes[(f->n + k) % WEIR_RECENT_FAILURES];

			if (note->version <= since)
				continue;
			weir_put(pen, comma);
			put_failure(pen, m->targets[i], note, clocks);
			comma = ",";
		}
	}
	weir_put(pen, "]");
}

static void put_track(struct weir_pen *pen, const char *key, const struct weir_track *track,
		      uint64_t from, uint64_t to)
{
	weir_put(pen, key);
	for (uint64_t n = from; n < to; n++) {
		weir_put(pen, n == from ? "[" : ",");
		weir_put_u64(pen, track->buckets[weir_track_at(n)]);
	}
	weir_put(pen, from == to ? "[]" : "]");
}

static void put_rates(struct weir_pen *pen, const struct weir_recent *recent, uint64_t from,
		      struct clocks clocks)
{
	const struct weir_metrics *m = recent->metrics;
	uint64_t to = recent->filled;

	if (from + WEIR_TRACK_BUCKETS < to)
		from = to - WEIR_TRACK_BUCKETS;
	weir_put_number(pen, ",\"bucket_ms\":", WEIR_TRACK_BUCKET_MS);
	put_time(pen, ",\"buckets_end_ms\":", clocks, recent->filled_ms);
	weir_put_number(pen, ",\"buckets\":", to);
	weir_put(pen, ",\"rates\":[");
	for (unsigned i = 0; i < m->chains_n && from < to; i++) {
		const struct weir_chain_metrics *c = m->chains[i];

		weir_put_text(pen, i ? ",{\"chain\":" : "{\"chain\":", c->name);
		put_track(pen, ",\"requests\":", &c->track, from, to);
		put_track(pen, ",\"failed_over\":", &c->moved_track, from, to);
		put_track(pen, ",\"failed\":", &c->failed_track, from, to);
		weir_put(pen, ",\"served\":[");
		for (unsigned k = 0; k < c->pairs_n; k++) {
			weir_put_text(pen,
				      k ? ",{\"target\":" : "{\"target\":", c->pairs[k].target->id);
			put_track(pen, ",\"answers\":", &c->pairs[k].served_track, from, to);
			weir_put(pen, "}");
		}
		weir_put(pen, "]}");
	}
	weir_put(pen, "]");
}

int weir_recent_put(const struct weir_recent *recent, struct weir_recent_since since,
		    uint64_t now_ms, uint64_t unix_ms, struct weir_buf *out)
{
	struct weir_pen pen = { out, 0 };
	struct clocks clocks = { now_ms, unix_ms };

	weir_put_number(&pen, "{\"version\":", recent->version);
	put_time(&pen, ",\"since_ms\":", clocks, recent->began_ms);
	weir_put(&pen, ",");
	put_stories(&pen, recent, since.version, clocks);
	put_turns(&pen, recent, since.version, clocks);
	put_failures(&pen, recent->metrics, since.version, clocks);
	put_rates(&pen, recent, since.buckets, clocks);
	weir_put(&pen, "}");
	return pen.rc;
}

/* The prover of machines that are broken, each in one way: it finds out. */
#include "proofs.h"

static struct weir_action retries_the_callers_fault(struct weir_failover *f,
						    const struct weir_event *e)
{
	struct weir_event other = *e;

	if (e->type == WEIR_EV_RESULT && e->outcome == WEIR_OUT_CALLER)
		other.outcome = WEIR_OUT_SERVER_ERROR;
	return weir_failover_step(f, &other);
}

/* Only in the second call of those that were repaired: only where the first step, which is
 * not repaired here, is passed by. */
static struct weir_action retries_the_callers_fault_rarely(struct weir_failover *f,
							   const struct weir_event *e)
{
	bool rare = f->walk.attempts == 2 && f->repaired;

	return rare ? retries_the_callers_fault(f, e) : weir_failover_step(f, e);
}

static struct weir_action forgets_to_count(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_action a = weir_failover_step(f, e);

	if (f->walk.attempts == 4)
		f->walk.attempts = 3;
	return a;
}

static struct weir_action moves_the_deadline(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_action a = weir_failover_step(f, e);

	if (e->type == WEIR_EV_START)
		f->walk.give_up_ms += 100000;
	return a;
}

static struct weir_action streams_on(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_action a = weir_failover_step(f, e);

	if (e->type == WEIR_EV_PROGRESS)
		f->clock.wake_ms = e->now_ms + 30000;
	return a;
}

static struct weir_action tries_after_commit(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_action a = weir_failover_step(f, e);

	if (a.type == WEIR_DO_FINISH && a.final == WEIR_FINAL_CUT)
		a = (struct weir_action){ .type = WEIR_DO_TRY };
	return a;
}

static struct weir_action forgets_its_clock(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_action a = weir_failover_step(f, e);

	if (a.type == WEIR_DO_WAIT)
		weir_clock_stop(&f->clock);
	return a;
}

static struct weir_action waits_for_ever(struct weir_failover *f, const struct weir_event *e)
{
	if (f->state != WEIR_ST_WAITING)
		return weir_failover_step(f, e);
	f->clock.wake_ms = e->now_ms;
	return (struct weir_action){ .type = WEIR_DO_WAIT, .spot = f->spot };
}

static struct weir_action ends_without_a_word(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_action a = weir_failover_step(f, e);

	if (a.type == WEIR_DO_FINISH && a.final == WEIR_FINAL_DEADLINE)
		a.type = WEIR_DO_NOTHING;
	return a;
}

static struct weir_action is_lost_when_turned_away(struct weir_failover *f,
						   const struct weir_event *e)
{
	bool waited = f->state == WEIR_ST_WAITING && e->now_ms < f->walk.give_up_ms;
	struct weir_action a = weir_failover_step(f, e);

	if (waited && a.type == WEIR_DO_FINISH)
		a.type = WEIR_DO_ABANDON;
	return a;
}

TEST(a_broken_machine_is_found_out)
{
#define BEGINS "at 0 ms the request begins: try step 1; "
	static const struct {
		weir_prove_step *step;
		enum weir_promise broken;
		const char *begin, *end; /* of the path */
	} rows[] = {
		{ retries_the_callers_fault, WEIR_PROMISE_CALLER, BEGINS,
		  BEGINS "at 0 ms step 1 says 400: wait for step 1" },
		{ retries_the_callers_fault_rarely, WEIR_PROMISE_CALLER, "step 1 is open; ",
		  "at 0 ms step 2 says 400: wait for step 2" },
		{ forgets_to_count, WEIR_PROMISE_CALLS, BEGINS, ": try step 3" },
		{ moves_the_deadline, WEIR_PROMISE_TIME, BEGINS, " step 3" },
		{ streams_on, WEIR_PROMISE_TIME, BEGINS,
		  ": relay it; at 629999 ms step 1 goes on and on: finish cut" },
		{ tries_after_commit, WEIR_PROMISE_COMMIT, BEGINS,
		  "at 0 ms step 1 is cut after commit: try step 1" },
		{ forgets_its_clock, WEIR_PROMISE_ENDS, BEGINS, ": wait for step 3" },
		{ waits_for_ever, WEIR_PROMISE_ENDS, BEGINS,
		  " ms the pause is over: wait for step 3" },
		{ ends_without_a_word, WEIR_PROMISE_ENDS, BEGINS, "runs into its clock: nothing" },
		{ is_lost_when_turned_away, WEIR_PROMISE_ENDS, BEGINS,
		  "the pause is over, and others were told to wait: abandon it" },
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_prover_options options = { .step = rows[i].step };
		struct weir_plan p = plan_of(3, 1, true);
		size_t len = strlen(rows[i].end);
		struct weir_proof proof;

		p.deadline_ms = 50000;
		make(&p, SOME);
		proof = prove(&options, NULL);
		NOTE("%s", proof.how);
		CHECK_INT(proof.broken, rows[i].broken);
		CHECK_INT(proof.walked,
			  rows[i].begin[0] == 'a' ? WEIR_WALKED_PART : WEIR_WALKED_IN_ORDER);
		CHECK(strncmp(proof.how, rows[i].begin, strlen(rows[i].begin)) == 0);
		REQUIRE(strlen(proof.how) >= len);
		CHECK_STR(proof.how + strlen(proof.how) - len, rows[i].end);
	}
}

/* Each thing that can happen to an attempt is walked: a machine that is lost after it, and only
 * after it, is found out. */
static struct weir_event fatal;

static struct weir_action is_lost_after_it(struct weir_failover *f, const struct weir_event *e)
{
	enum weir_state state = f->state;
	struct weir_action a = weir_failover_step(f, e);

	if (e->type != fatal.type || state != (fatal.attempt ? WEIR_ST_RELAYING : WEIR_ST_TRYING))
		return a;
	if (e->type == WEIR_EV_RESULT &&
	    (e->outcome != fatal.outcome || e->overflow != fatal.overflow ||
	     e->content_policy != fatal.content_policy || e->can_resume != fatal.can_resume ||
	     e->retry_after_stated != fatal.retry_after_stated ||
	     (e->retry_after_ms > 10000) != (fatal.retry_after_ms > 10000)))
		return a;
	weir_clock_stop(&f->clock);
	if (a.type == WEIR_DO_FINISH)
		a.type = WEIR_DO_ABANDON;
	return a;
}

#define IS(words, what, ...)                                                            \
	{                                                                               \
		words,                                                                  \
		{                                                                       \
			.type = WEIR_EV_RESULT, .outcome = WEIR_OUT_##what, __VA_ARGS__ \
		}                                                                       \
	}

TEST(each_way_an_attempt_can_end_is_walked)
{
	static const struct {
		const char *words;
		struct weir_event event; /* attempt 1: after commit */
	} rows[] = {
		{ "answers", { .type = WEIR_EV_COMMIT } },
		{ "runs into its clock", { .type = WEIR_EV_TIMEOUT } },
		{ "stalls", { .type = WEIR_EV_TIMEOUT, .attempt = 1 } },
		IS("is complete", OK, .attempt = 1),
		IS("is cut after commit", CUT, .can_resume = true, .attempt = 1),
		IS("is cut beyond repair", CUT, .attempt = 1),
		IS("says 400", CALLER),
		IS("refuses the content", CALLER, .content_policy = true),
		IS("does not know the model", NOT_HERE),
		IS("says it is too long", NOT_HERE, .overflow = true),
		IS("says 401", CREDENTIALS),
		IS("is out of quota", QUOTA),
		IS("says 429", RATE_LIMITED),
		IS("says 429 for so long", RATE_LIMITED, .retry_after_stated = true),
		IS("says 429 for ten minutes", RATE_LIMITED, AFTER(600000)),
		IS("says 503", OVERLOADED),
		IS("says 503 for so long", OVERLOADED, .retry_after_stated = true),
		IS("says 500", SERVER_ERROR),
		IS("says 500 for so long", SERVER_ERROR, .retry_after_stated = true),
		IS("cannot be reached", UNREACHABLE),
		IS("is cut", CUT),
		IS("refuses a field", REPAIRABLE),
	};
	struct weir_prover_options options = { .step = is_lost_after_it };
	struct weir_plan p = plan_of(1, 1, true);

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weir_proof proof;
		char last[64];

		fatal = rows[i].event;
		make(&p, SOME);
		proof = prove(&options, NULL);
		CHECK_INT(proof.broken, WEIR_PROMISE_ENDS);
		snprintf(last, sizeof last, " ms step 1 %s: ", rows[i].words);
		REQUIRE(strstr(proof.how, last));
		CHECK(!strchr(strstr(proof.how, last), ';'));
	}
}

TEST_MAIN

/* What a request is changed for a target, as it is known or has said, and what is learned. */
#include "base/alloc.h"
#include "base/error.h"
#include "core/request_private.h"

/* May this step's request be changed? */
static bool may_change(const struct weir_request *r, unsigned step)
{
	return step == 0 ? r->route_plan.plan.repair_first : r->route_plan.plan.repair_later;
}

static bool is_native(const struct weir_attempt_order *order)
{
	return weir_dialect_same(
		order->caller, weir_dialect_words(order->target->provider->dialect, order->route));
}

static void adapt(const struct weir_request *r, const struct weir_attempt_order *order,
		  const struct weir_adapt_to *to, struct weir_adapted *adapted)
{
	const struct weir_chat_words *chat = order->caller->chat;
	bool is_chat = chat && order->route == chat->route;

	weir_body_adapt(&r->body, order->edit->overrides, to, is_chat ? chat->adapt : NULL,
			adapted);
}

void weir_request_forget_lessons(struct weir_request *r)
{
	weir_free(r->lessons);
	r->lessons = NULL;
}

/* What is too much to change is sent as it came, and so is what needs no change. */
static int make_adapted(const struct weir_request *r, struct weir_attempt_order *order)
{
	const struct weir_vendor *vendor = order->target->provider->vendor;
	struct weir_adapt_to to = {
		.facts = order->facts,
		.lessons = order->lessons,
		.strip = vendor ? vendor->strip : NULL,
		.rename = vendor ? vendor->rename : NULL,
		.developer = vendor && vendor->developer &&
			     !weir_lessons_have(order->lessons, WEIR_LESSON_SYSTEM),
	};
	int rc;

	order->adapted = weir_alloc(sizeof *order->adapted);
	if (!order->adapted)
		return WEIR_ENOMEM;
	adapt(r, order, &to, order->adapted);
	rc = order->adapted->rc;
	if (rc || !weir_adapted_any(order->adapted)) {
		weir_adapted_fini(order->adapted);
		weir_free(order->adapted);
		order->adapted = NULL;
	}
	return rc == WEIR_ELIMIT ? 0 : rc;
}

int weir_request_fit(struct weir_request *r, const struct weir_action *action,
		     struct weir_attempt_order *order, struct weir_request_fit *fit)
{
	bool may = may_change(r, action->spot.step);
	const struct weir_lessons *told = may ? weir_board_lessons(r->route_plan.board,
								   order->target)
					      : NULL;

	fit->facts = order->target->facts;
	fit->known.n = 0;
	order->facts = &fit->facts;
	order->lessons = &fit->known;
	if (told)
		weir_lessons_recall(&fit->known, told, weir_request_now_ms(r));
	if (r->lessons && action->type == WEIR_DO_TRY)
		weir_lessons_recall(&fit->known, r->lessons, 0);
	weir_lessons_lay(&fit->known, &fit->facts);
	return may && is_native(order) ? make_adapted(r, order) : 0;
}

static bool drops(const struct weir_lessons *lessons, struct weir_slice field, uint64_t now_ms)
{
	for (unsigned i = 0; lessons && i < lessons->n; i++)
		if (lessons->list[i].kind == WEIR_LESSON_DROP &&
		    lessons->list[i].until_ms > now_ms &&
		    weir_slice_is(field, lessons->list[i].path))
			return true;
	return false;
}

bool weir_request_refused(const struct weir_request *r, const struct weir_target *target,
			  struct weir_slice field)
{
	const struct weir_vendor *vendor = target->provider->vendor;

	return drops(r->lessons, field, 0) ||
	       drops(weir_board_lessons(r->route_plan.board, target), field,
		     weir_request_now_ms(r)) ||
	       (vendor && weir_model_lists(vendor->strip, field));
}

/* Would this lesson alone change what the caller has sent? */
static bool changes(const struct weir_request *r, const struct weir_attempt_order *order,
		    const struct weir_lesson *lesson)
{
	struct weir_lessons only = { .list = { *lesson }, .n = 1 };
	struct weir_model_facts facts = { .prefill = -1 };
	struct weir_adapt_to to = {
		.facts = &facts,
		.lessons = &only,
		.developer = lesson->kind != WEIR_LESSON_SYSTEM,
	};
	struct weir_adapted adapted;
	bool any;

	weir_lessons_lay(&only, &facts);
	adapt(r, order, &to, &adapted);
	any = adapted.rc == 0 && weir_adapted_any(&adapted);
	weir_adapted_fini(&adapted);
	return any;
}

/* Some say only the last name of where it stands. */
static bool find_place(const struct weir_request *r, const struct weir_attempt_order *order,
		       struct weir_lesson *lesson)
{
	static const char *const places[] = { "", "messages[].", "tools[].function.",
					      "response_format.json_schema." };
	const struct weir_lesson said = *lesson;
	size_t n;

	for (size_t i = 0; i < WEIR_COUNT_OF(places); i++) {
		if (i && said.kind != WEIR_LESSON_DROP)
			break;
		n = strlen(places[i]);
		if (n + strlen(said.path) >= sizeof lesson->path)
			continue;
		memcpy(lesson->path, places[i], n);
		memcpy(lesson->path + n, said.path, strlen(said.path) + 1);
		if (changes(r, order, lesson))
			return true;
	}
	return false;
}

/* Would the request be another by this? */
static bool helps(const struct weir_request *r, const struct weir_attempt *attempt,
		  const struct weir_attempt_order *order, struct weir_lesson *lesson)
{
	return attempt->foreign ? weir_attempt_foreign_heeds(attempt->foreign, lesson)
				: find_place(r, order, lesson);
}

/* No more was sent than it had said before. */
static uint64_t sent_at_most(const struct weir_request *r, const struct weir_target *target)
{
	const struct weir_lessons *told = weir_board_lessons(r->route_plan.board, target);
	struct weir_model_facts facts = target->facts;

	if (told)
		weir_lessons_lay(told, &facts);
	return facts.output_tokens ? facts.output_tokens : UINT64_MAX;
}

static bool can_heed(const struct weir_request *r, const struct weir_attempt *attempt,
		     const struct weir_attempt_order *order, struct weir_lesson *lesson)
{
	uint64_t most;

	if (lesson->kind != WEIR_LESSON_LIMIT)
		return helps(r, attempt, order, lesson);
	most = attempt->adapted || attempt->foreign ? sent_at_most(r, order->target) : UINT64_MAX;
	for (unsigned i = 0; i < lesson->limits_n; i++) {
		lesson->value = lesson->limits[i];
		if (lesson->value < most && helps(r, attempt, order, lesson))
			return true;
	}
	return false;
}

static bool is_same(const struct weir_lesson *one, const struct weir_lesson *other)
{
	bool limits = one->kind == WEIR_LESSON_LIMIT || one->kind == WEIR_LESSON_RENAME;
	bool others = other->kind == WEIR_LESSON_LIMIT || other->kind == WEIR_LESSON_RENAME;

	return (limits && others) || strcmp(one->path, other->path) == 0;
}

/* For the next request: all but what the same target refused once more. */
static void remember(struct weir_request *r, const struct weir_target *target,
		     const struct weir_lesson *but)
{
	struct weir_lessons *kept;

	for (unsigned i = 0; r->lessons && i < r->lessons->n; i++) {
		const struct weir_lesson *lesson = &r->lessons->list[i];

		if (lesson->passing || (but && is_same(lesson, but)))
			continue;
		kept = weir_board_lessons_of(r->route_plan.board, target);
		if (kept)
			weir_lessons_add(kept, lesson);
	}
}

void weir_request_remember(struct weir_request *r, const struct weir_attempt *attempt)
{
	if (attempt == r->attempt)
		remember(r, r->records[attempt->number].target, NULL);
}

bool weir_request_learn(struct weir_request *r, const struct weir_attempt *attempt)
{
	const struct weir_record *record = &r->records[attempt->number];
	struct weir_spot spot = r->failover.spot;
	struct weir_body_edit edit = { .overrides = r->route_plan.overrides[spot.step] };
	struct weir_attempt_order order = {
		.target = record->target,
		.route = weir_plan_route(r->route, record->target->provider),
		.caller = weir_dialect_of(r->route),
		.edit = &edit,
	};
	struct weir_lesson lesson = attempt->exchange.lesson;

	if (lesson.kind == WEIR_LESSON_NONE)
		return false;
	if (!weir_attempt_added(attempt) &&
	    (!may_change(r, spot.step) || !can_heed(r, attempt, &order, &lesson)))
		return false;
	remember(r, record->target, &lesson);
	if (!r->lessons)
		r->lessons = weir_calloc(1, sizeof *r->lessons);
	if (!r->lessons)
		return false;
	lesson.until_ms = weir_request_now_ms(r) + WEIR_LESSON_MS;
	weir_lessons_add(r->lessons, &lesson);
	return true;
}

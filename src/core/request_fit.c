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

	order->adapted = weir_calloc(1, sizeof *order->adapted);
	if (!order->adapted)
		return WEIR_ENOMEM;
	adapt(r, order, &to, order->adapted);
	rc = order->adapted->rc;
	if (rc) {
		weir_adapted_fini(order->adapted);
		weir_free(order->adapted);
		order->adapted = NULL;
	}
	return rc;
}

int weir_request_fit(struct weir_request *r, const struct weir_action *action,
		     struct weir_attempt_order *order, struct weir_request_fit *fit)
{
	bool may = may_change(r, action->spot.step);
	const struct weir_lessons *told = may ? weir_board_lessons(r->route_plan.board,
								   order->target)
					      : NULL;

	*fit = (struct weir_request_fit){ .facts = order->target->facts };
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
	struct weir_lessons *kept;

	if (lesson.kind == WEIR_LESSON_NONE)
		return false;
	if (!weir_attempt_added(attempt) &&
	    (!may_change(r, spot.step) ||
	     !(attempt->foreign ? weir_attempt_foreign_heeds(attempt->foreign, &lesson)
				: find_place(r, &order, &lesson))))
		return false;
	if (!r->lessons)
		r->lessons = weir_calloc(1, sizeof *r->lessons);
	if (!r->lessons)
		return false;
	lesson.until_ms = weir_request_now_ms(r) + WEIR_LESSON_MS;
	weir_lessons_add(r->lessons, &lesson);
	kept = lesson.kind == WEIR_LESSON_THOUGHTS
		       ? NULL
		       : weir_board_lessons_of(r->route_plan.board, record->target);
	if (kept)
		weir_lessons_add(kept, &lesson);
	return true;
}

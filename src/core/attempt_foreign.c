#include "base/alloc.h"
#include "base/error.h"
#include "core/attempt.h"

enum { GROWTH = 4 }; /* of a body, at most: escapes of what was none, and frames */

struct weir_attempt_foreign {
	struct weir_buf body;
	struct weir_drops drops;
	bool openai; /* it is a chat completion's */
};

static int write_chat(struct weir_attempt_foreign *f, const struct weir_attempt_order *order,
		      const struct weir_chat *chat)
{
	const char *without[WEIR_LESSONS_MAX];
	struct weir_chat_target target = {
		.model = order->edit->model,
		.facts = order->facts,
		.without = without,
	};

	for (unsigned i = 0; i < order->lessons->n; i++)
		if (order->lessons->list[i].kind == WEIR_LESSON_DROP &&
		    !(chat->choice == WEIR_TOOLS_NONE &&
		      strcmp(order->lessons->list[i].path, "tool_choice") == 0))
			without[target.without_n++] = order->lessons->list[i].path;

	f->drops = chat->drops;
	return order->target->provider->dialect->chat->put_request(chat, &target, &f->body,
								   &f->drops);
}

int weir_attempt_foreign_make(struct weir_attempt *a, const struct weir_attempt_order *order)
{
	struct weir_attempt_foreign *f = weir_calloc(1, sizeof *f);
	struct weir_exchange_names names = { order->request_id,
					     weir_slice_of(order->target->model) };
	struct weir_chat chat;
	int rc;

	if (!f)
		return WEIR_ENOMEM;
	a->foreign = f;
	f->openai = order->route == WEIR_ROUTE_CHAT;
	weir_buf_init(&f->body, GROWTH * (size_t)WEIR_CHAT_BODY_MAX);
	rc = weir_body_read_chat(order->body, order->edit->overrides, order->caller, &chat);
	if (rc == 0 && chat.cannot) /* it was judged before: this can only be our own fault */
		rc = WEIR_ELIMIT;
	if (rc == 0)
		rc = write_chat(f, order, &chat);
	if (rc == 0)
		rc = weir_exchange_translate(&a->exchange, order->caller, chat.include_usage,
					     names);
	for (unsigned i = 0; i < chat.tools_n && rc == 0; i++)
		rc = weir_exchange_keep_tool(&a->exchange, weir_chat_inside(chat.tools[i].name));
	weir_chat_fini(&chat);
	return rc;
}

void weir_attempt_foreign_free(struct weir_attempt_foreign *f)
{
	if (f)
		weir_buf_fini(&f->body);
	weir_free(f);
}

struct weir_slice weir_attempt_foreign_body(const struct weir_attempt_foreign *f)
{
	return weir_buf_slice(&f->body);
}

void weir_attempt_foreign_forget(struct weir_attempt_foreign *f)
{
	weir_buf_fini(&f->body);
}

const struct weir_drops *weir_attempt_foreign_drops(const struct weir_attempt_foreign *f)
{
	return &f->drops;
}

/* Has it such a field, and can the chat do without? */
static bool has(const struct weir_attempt_foreign *f, struct weir_slice name)
{
	static const char *const needed[] = { "model", "messages", "max_tokens", "stream",
					      "tools" };
	struct weir_json_cursor cursor;
	struct weir_json_member m;

	for (size_t i = 0; i < WEIR_COUNT_OF(needed); i++)
		if (weir_slice_is(name, needed[i]))
			return false;
	if (name.len == 0 || weir_json_open(&cursor, weir_buf_slice(&f->body)))
		return false;
	while (weir_json_next(&cursor, &m) == 1)
		if (weir_slice_eq(m.key, name))
			return true;
	return false;
}

bool weir_attempt_foreign_heeds(const struct weir_attempt_foreign *f,
				const struct weir_lesson *lesson)
{
	struct weir_slice body = weir_buf_slice(&f->body);
	struct weir_json_member m;
	uint64_t tokens;

	switch (lesson->kind) {
	case WEIR_LESSON_DROP:
		return has(f, weir_slice_of(lesson->path));
	case WEIR_LESSON_RENAME:
		return f->openai && weir_json_get(body, lesson->path, &m);
	case WEIR_LESSON_LIMIT:
		return weir_json_get(body, lesson->path, &m) &&
		       weir_slice_to_u64(m.value, &tokens) && tokens > lesson->value;
	case WEIR_LESSON_EFFORTS:
		return weir_json_get(body, lesson->path, &m);
	case WEIR_LESSON_NONE:
	case WEIR_LESSON_SYSTEM:
	case WEIR_LESSON_THOUGHTS:
		break;
	}
	return false;
}

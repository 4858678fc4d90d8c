#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/prove_walk.h"

/* A text that is cut where it does not fit. */
struct text {
	char *at;
	size_t room;
};

WEIR_PRINTF(2, 3) static void put(struct text *text, const char *format, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, format);
	vsnprintf(text->at, text->room, format, ap);
	va_end(ap);
	len = strlen(text->at);
	text->at += len;
	text->room -= len;
}

static void put_spot(const struct weir_proving *p, struct text *text, struct weir_spot spot)
{
	put(text, " step %u", spot.step + 1);
	if (p->scene.pools[spot.step].members_n > 1)
		put(text, " member %u", spot.member + 1);
}

static void put_sick(const struct weir_proving *p, struct text *text)
{
	for (unsigned i = 0; i < p->scene.plan.steps_n && p->sickness; i++) {
		for (unsigned k = 0; k < p->scene.pools[i].members_n; k++) {
			const struct weir_health *health = p->scene.pools[i].members[k].health;

			if (!(p->sick >> (health->model - p->scene.models) & 1))
				continue;
			put_spot(p, text, (struct weir_spot){ i, k });
			put(text, " is %s;", p->sickness->words);
		}
	}
}

static void put_action(const struct weir_proving *p, struct text *text,
		       const struct weir_action *action)
{
	static const char *const words[] = {
		[WEIR_DO_NOTHING] = "nothing",    [WEIR_DO_TRY] = "try",
		[WEIR_DO_HEDGE] = "hedge with",   [WEIR_DO_DROP] = "drop it",
		[WEIR_DO_WAIT] = "wait for",      [WEIR_DO_QUEUE] = "queue",
		[WEIR_DO_RELAY] = "relay it",     [WEIR_DO_FINISH] = "finish",
		[WEIR_DO_ABANDON] = "abandon it",
	};

	put(text, ": %s", words[action->type]);
	if (action->type == WEIR_DO_TRY || action->type == WEIR_DO_HEDGE ||
	    action->type == WEIR_DO_WAIT)
		put_spot(p, text, action->spot);
	else if (action->type == WEIR_DO_FINISH)
		put(text, " %s", weir_final_row(action->final)->name);
}

static void put_turn(const struct weir_proving *p, struct text *text, const struct weir_turn *turn)
{
	unsigned flying = 1u << WEIR_ST_TRYING | 1u << WEIR_ST_RELAYING;

	put(text, " at %llu ms", (unsigned long long)(turn->now_ms - WEIR_WALK_BEGAN_MS));
	if (turn->row->in & flying)
		put_spot(p, text, turn->spot);
	put(text, " %s", turn->row->words);
	put_action(p, text, &turn->action);
	put(text, ";");
}

void weir_proving_tell(const struct weir_proving *p, char *begin, size_t size)
{
	struct text text = { begin, size };

	begin[0] = '\0';
	put_sick(p, &text);
	for (unsigned i = 0; i < p->broken_turns; i++)
		if (p->turns[i].row->event.type != WEIR_EV_CONNECTED)
			put_turn(p, &text, &p->turns[i]);
	if (text.at == begin)
		return;
	text.at[-1] = '\0';
	memmove(begin, begin + 1, (size_t)(text.at - begin) - 1);
}

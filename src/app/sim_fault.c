/* What goes wrong in a scenario: who, from when to when, and exactly one of the ways. */
#include <stdio.h>

#include "app/sim_scenario.h"
#include "app/sim_values.h"
#include "base/alloc.h"

enum { LIMIT_MAX = 1000000, CALLS_MAX = 1000000, NAME = 160 };

enum field {
	TARGET,
	STEP,
	FROM,
	TO,
	KIND, /* the ways begin here */
	STATUS,
	BROWNOUT,
	RATE_LIMITED,
	SLOW,
	CUT,
	CAPACITY,
	FLAPPING,
	WAYS_END,
	RETRY_AFTER = WAYS_END, /* the rest is detail */
	HEADERS,
	WINDOW,
	FIELDS_N
};

static const char *const names[FIELDS_N] = {
	[TARGET] = "target",
	[STEP] = "step",
	[FROM] = "from",
	[TO] = "to",
	[KIND] = "kind",
	[STATUS] = "status",
	[BROWNOUT] = "brownout",
	[RATE_LIMITED] = "rate_limited",
	[SLOW] = "slow",
	[CUT] = "cut",
	[CAPACITY] = "capacity",
	[FLAPPING] = "flapping",
	[RETRY_AFTER] = "retry_after",
	[HEADERS] = "headers",
	[WINDOW] = "window",
};

static const struct {
	const char *word;
	enum weir_fault_kind kind;
	unsigned status;
} kinds[] = {
	{ "dead", WEIR_FAULT_DEAD, 0 },      { "blackhole", WEIR_FAULT_BLACKHOLE, 0 },
	{ "hang", WEIR_FAULT_HANG, 0 },      { "auth", WEIR_FAULT_STATUS, 401 },
	{ "quota", WEIR_FAULT_STATUS, 402 },
};

static char *keep(struct weir_scenario *s, struct weir_reader *reader, const char *text)
{
	char *copy = weir_reader_copy(reader, weir_slice_of(text));

	if (copy)
		s->texts[s->texts_n++] = copy;
	return copy;
}

static bool read_kind(struct weir_reader *reader, const struct weir_node *node,
		      struct weir_fault *fault)
{
	const char *words[WEIR_COUNT_OF(kinds) + 1] = { NULL };
	int word;

	for (size_t i = 0; i < WEIR_COUNT_OF(kinds); i++)
		words[i] = kinds[i].word;
	word = weir_reader_word(reader, node, words);
	if (word < 0)
		return false;
	fault->kind = kinds[word].kind;
	fault->status = kinds[word].status;
	return true;
}

static bool read_number(struct weir_reader *reader, const struct weir_node *node, uint64_t min,
			uint64_t max, unsigned *value)
{
	uint64_t read;

	if (!weir_reader_count(reader, node, min, max, &read))
		return false;
	*value = (unsigned)read;
	return true;
}

static bool read_way(struct weir_reader *reader, enum field way, const struct weir_node *node,
		     struct weir_fault *fault)
{
	switch (way) {
	case KIND:
		return read_kind(reader, node, fault);
	case STATUS:
		fault->kind = WEIR_FAULT_STATUS;
		return read_number(reader, node, 400, 599, &fault->status);
	case BROWNOUT:
		fault->kind = WEIR_FAULT_BROWNOUT;
		return weir_sim_share(reader, node, &fault->share_ppm);
	case RATE_LIMITED:
		fault->kind = WEIR_FAULT_RATE_LIMITED;
		return weir_reader_count(reader, node, 0, LIMIT_MAX, &fault->most);
	case SLOW:
		fault->kind = WEIR_FAULT_SLOW;
		return weir_sim_times(reader, node, &fault->percent);
	case CUT:
		fault->kind = WEIR_FAULT_CUT;
		return weir_sim_share(reader, node, &fault->share_ppm);
	case CAPACITY:
		fault->kind = WEIR_FAULT_CAPACITY;
		return read_number(reader, node, 1, CALLS_MAX, &fault->capacity);
	case FLAPPING:
		fault->kind = WEIR_FAULT_FLAPPING;
		return weir_sim_up_down(reader, node, &fault->up_ms, &fault->down_ms);
	case TARGET:
	case STEP:
	case FROM:
	case TO:
	case WAYS_END:
	case HEADERS:
	case WINDOW:
	case FIELDS_N:
		break;
	}
	return false;
}

/* What it is, in words: "brownout 20%". */
static bool describe(struct weir_scenario *s, struct weir_reader *reader, enum field way,
		     const struct weir_node *node, struct weir_fault *fault)
{
	char text[64];

	if (way == KIND)
		snprintf(text, sizeof text, "%.*s", (int)node->text.len, node->text.base);
	else
		snprintf(text, sizeof text, "%s %.*s", names[way],
			 node->text.len > 32 ? 32 : (int)node->text.len, node->text.base);
	fault->what = keep(s, reader, text);
	return fault->what != NULL;
}

static bool read_what(struct weir_scenario *s, struct weir_reader *reader, struct weir_node *node,
		      struct weir_node *const *v, struct weir_fault *fault)
{
	unsigned ways = 0, way = 0;

	for (unsigned i = KIND; i < WAYS_END; i++)
		if (v[i]) {
			ways++;
			way = i;
		}
	if (ways != 1) {
		weir_reader_error(
			reader, node, "missing-key",
			"%s\nwrite one of kind (dead, blackhole, hang, auth, quota), "
			"status: 503, brownout: 20%%, rate_limited: 50, slow: x10, cut: 30%%, "
			"capacity: 100, flapping: 2s/3s",
			ways ? "two things go wrong in one entry"
			     : "nothing is said of what goes wrong");
		return false;
	}
	return read_way(reader, (enum field)way, v[way], fault) &&
	       describe(s, reader, (enum field)way, v[way], fault);
}

static bool read_when(const struct weir_scenario *s, struct weir_reader *reader,
		      struct weir_node *node, struct weir_node *const *v, struct weir_fault *fault)
{
	fault->from_ms = 0;
	fault->to_ms = s->traffic.ms;
	if ((v[FROM] &&
	     !weir_reader_duration(reader, v[FROM], 0, s->traffic.ms, &fault->from_ms)) ||
	    (v[TO] && !weir_reader_duration(reader, v[TO], 0, s->traffic.ms, &fault->to_ms)))
		return false;
	if (fault->to_ms > fault->from_ms)
		return true;
	weir_reader_error(reader, v[TO] ? v[TO] : node, "out-of-range",
			  "ends before it begins\nwrite a `to` after its `from`");
	return false;
}

static bool read_details(struct weir_reader *reader, struct weir_node *const *v,
			 struct weir_fault *fault)
{
	fault->says_when = fault->kind == WEIR_FAULT_RATE_LIMITED;
	fault->window_ms = WEIR_RATE_EVERY_MS;
	if (!fault->status)
		fault->status = 500;
	return (!v[RETRY_AFTER] || weir_reader_bool(reader, v[RETRY_AFTER], &fault->says_when)) &&
	       (!v[HEADERS] || weir_reader_bool(reader, v[HEADERS], &fault->says_left)) &&
	       (!v[WINDOW] || weir_reader_duration(reader, v[WINDOW], 1, WEIR_SCENARIO_MS_MAX,
						   &fault->window_ms));
}

/* Capacity is a whole site's. */
static bool add(struct weir_scenario *s, struct weir_reader *reader, const struct weir_node *node,
		const struct weir_fault *fault, uint32_t target, const char *name)
{
	struct weir_fault *made = &s->faults[s->traffic.faults_n];

	if (s->traffic.faults_n == WEIR_BOOK_FAULTS_MAX) {
		weir_reader_error(reader, node, "too-many",
				  "more than %d faults, counted for each target\nname fewer",
				  WEIR_BOOK_FAULTS_MAX);
		return false;
	}
	*made = *fault;
	made->site = s->targets[target].site;
	made->target = fault->kind == WEIR_FAULT_CAPACITY ? WEIR_ANY : target;
	made->name = name;
	s->traffic.faults_n++;
	return true;
}

/* "provider/model#2" without its end, whose number it sets. */
static struct weir_slice without_key(struct weir_slice text, uint32_t *key)
{
	size_t n = text.len;
	uint64_t number;

	*key = WEIR_ANY;
	while (n > 0 && text.base[n - 1] >= '0' && text.base[n - 1] <= '9')
		n--;
	if (n < 2 || n == text.len || text.base[n - 1] != '#' ||
	    !weir_slice_to_u64(weir_slice(text.base + n, text.len - n), &number) || number == 0 ||
	    number > WEIR_KEYS_MAX)
		return text;
	*key = (uint32_t)number - 1;
	return weir_slice(text.base, n - 1);
}

static void for_named(struct weir_scenario *s, struct weir_reader *reader, struct weir_node *node,
		      struct weir_fault *fault)
{
	struct weir_slice text, name;
	bool all, met = false;

	if (!weir_reader_text(reader, node, "a target", &text))
		return;
	name = without_key(text, &fault->key);
	all = weir_slice_is(text, "all");
	for (unsigned i = 0; i < s->chain.targets_n; i++) {
		const struct weir_target *target = s->chain.targets[i];
		char shown[NAME];

		if (!all && !weir_slice_is(name, target->id) &&
		    !weir_slice_is(name, target->provider->name))
			continue;
		met = true;
		if (fault->key == WEIR_ANY)
			snprintf(shown, sizeof shown, "%s", target->id);
		else
			snprintf(shown, sizeof shown, "%s#%u", target->id, fault->key + 1);
		if (fault->key != WEIR_ANY && fault->key >= target->provider->keys_n)
			weir_reader_error(reader, node, "unknown-target",
					  "%s has %u keys of its own\nwrite a number up to that, "
					  "or none",
					  target->provider->name, target->provider->keys_n);
		else if (!add(s, reader, node, fault, i, keep(s, reader, shown)))
			return;
	}
	if (!met)
		weir_reader_error(reader, node, "unknown-target",
				  "%s is no provider or target of the chain\nit is: %.300s",
				  weir_quote(text).text, s->chain.text.base);
}

static void for_step(struct weir_scenario *s, struct weir_reader *reader,
		     const struct weir_node *node, struct weir_fault *fault)
{
	uint64_t step;

	if (!weir_reader_count(reader, node, 1, s->chain.chain->steps_n, &step))
		return;
	fault->key = WEIR_ANY;
	for (unsigned i = 0; i < s->chain.targets_n; i++)
		if (weir_sim_chain_has(&s->chain, (unsigned)step - 1, i) &&
		    !add(s, reader, node, fault, i, s->chain.targets[i]->id))
			return;
}

static void read_fault(struct weir_scenario *s, struct weir_reader *reader, struct weir_node *node)
{
	struct weir_fault fault = { 0 };
	struct weir_node *v[FIELDS_N];

	if (!weir_sim_map(reader, node, "a fault", names, FIELDS_N, v))
		return;
	if (!v[TARGET] == !v[STEP]) {
		weir_reader_error(reader, node, "missing-key",
				  "%s\nwrite `target: PROVIDER`, `target: PROVIDER/MODEL`, with #2 "
				  "for its second key, `target: all`, or `step: 1`",
				  v[STEP] ? "two say who has it" : "nothing says who has it");
		return;
	}
	if (s->texts_n + 2 + s->chain.targets_n > WEIR_SCENARIO_TEXTS_MAX) {
		weir_reader_error(reader, node, "too-many", "too many faults\nname fewer");
		return;
	}
	if (!read_what(s, reader, node, v, &fault) || !read_when(s, reader, node, v, &fault) ||
	    !read_details(reader, v, &fault))
		return;
	if (v[STEP])
		for_step(s, reader, v[STEP], &fault);
	else
		for_named(s, reader, v[TARGET], &fault);
}

void weir_scenario_faults(struct weir_scenario *s, struct weir_reader *reader,
			  struct weir_node *node)
{
	if (!node)
		return;
	if (node->type != WEIR_NODE_LIST) {
		weir_reader_error(
			reader, node, "wrong-type",
			"faults are a list\nwrite `- { step: 1, kind: dead, from: 5s, to: "
			"20s }` below it");
		return;
	}
	for (unsigned i = 0; i < node->pairs_n; i++)
		read_fault(s, reader, node->pairs[i].value);
}

#include "policy/balance.h"

#include "base/assert.h"
#include "base/attr.h"

enum { LOG_BITS = 16 };

static const char *const names[] = { "weighted", "least_inflight", "latency", "cost" };

_Static_assert(WEIR_COUNT_OF(names) == WEIR_BALANCE_N, "one name per balance");

/* Of a set of members, a bit each: takes the lowest out. */
static unsigned take_lowest(uint64_t *set)
{
	unsigned member = (unsigned)__builtin_ctzll(*set);

	*set &= *set - 1;
	return member;
}

/* Without those of weight 0, unless all are. */
static uint64_t with_weight(const struct weir_balancer *b, uint64_t set)
{
	uint64_t rest = set, heavy = 0;

	while (rest) {
		unsigned i = take_lowest(&rest);

		WEIR_ASSERT(i < b->members_n);
		heavy |= (uint64_t)(b->members[i].weight > 0) << i;
	}
	return heavy ? heavy : set;
}

/* Members of weight 0 are only ever among themselves, and equal. */
static uint32_t weight_of(const struct weir_balancer *b, unsigned member)
{
	return b->members[member].weight ? b->members[member].weight : 1;
}

static unsigned inflight_of(const struct weir_balancer *b, unsigned member)
{
	return b->members[member].health->inflight;
}

/* Each gains its weight, the richest pays for all: no member is served in bursts. */
static unsigned pick_weighted(struct weir_balancer *b, uint64_t set)
{
	unsigned best = (unsigned)__builtin_ctzll(set);
	int64_t total = 0;

	while (set) {
		unsigned i = take_lowest(&set);

		b->members[i].credit += weight_of(b, i);
		total += weight_of(b, i);
		if (b->members[i].credit > b->members[best].credit)
			best = i;
	}
	b->members[best].credit -= total;
	return best;
}

static unsigned draw(const struct weir_balancer *b, uint64_t set, struct weir_rng *rng)
{
	uint64_t total = 0, rest = set, roll;
	unsigned i = 0;

	while (rest)
		total += weight_of(b, take_lowest(&rest));
	roll = weir_rng_upto(rng, total - 1);
	for (rest = set; rest; roll -= weight_of(b, i)) {
		i = take_lowest(&rest);
		if (roll < weight_of(b, i))
			break;
	}
	return i;
}

static unsigned pick_least_inflight(const struct weir_balancer *b, uint64_t set,
				    struct weir_rng *rng)
{
	unsigned first = draw(b, set, rng), second;

	set &= ~(UINT64_C(1) << first);
	if (!set)
		return first;
	second = draw(b, set, rng);
	return (uint64_t)inflight_of(b, second) * weight_of(b, first) <
			       (uint64_t)inflight_of(b, first) * weight_of(b, second)
		       ? second
		       : first;
}

static double peak_of(const struct weir_balancer *b, unsigned member, bool stream, uint64_t now_ms)
{
	return weir_latency_peak_ms(&b->members[member].health->latency[stream], now_ms);
}

/* What is not known is taken for the best that is, that new members are tried. */
static double least_peak(const struct weir_balancer *b, uint64_t set, bool stream, uint64_t now_ms)
{
	double least = 0;

	while (set) {
		double peak = peak_of(b, take_lowest(&set), stream, now_ms);

		if (peak > 0 && (least <= 0 || peak < least))
			least = peak;
	}
	return least > 0 ? least : 1;
}

static unsigned pick_latency(const struct weir_balancer *b, uint64_t set, bool stream,
			     uint64_t now_ms, struct weir_rng *rng)
{
	double least = least_peak(b, set, stream, now_ms), best_cost = 0;
	unsigned best = 0, equals = 0;

	while (set) {
		unsigned i = take_lowest(&set);
		double peak = peak_of(b, i, stream, now_ms);
		double cost = (peak > 0 ? peak : least) * (inflight_of(b, i) + 1.0) /
			      weight_of(b, i);

		if (equals && cost > best_cost)
			continue;
		equals = equals && cost >= best_cost ? equals + 1 : 1;
		best_cost = cost;
		if (weir_rng_upto(rng, equals - 1) == 0)
			best = i;
	}
	return best;
}

static bool is_cheaper(const struct weir_balancer *b, unsigned one, unsigned other)
{
	const struct weir_member *m = &b->members[one], *n = &b->members[other];

	return m->price < n->price ||
	       (m->price == n->price && m->health->inflight < n->health->inflight);
}

static unsigned pick_cheapest(struct weir_balancer *b, uint64_t set)
{
	unsigned best = (unsigned)__builtin_ctzll(set);
	uint64_t equals = 0;

	while (set) {
		unsigned i = take_lowest(&set);

		if (is_cheaper(b, best, i))
			continue;
		if (is_cheaper(b, i, best))
			equals = 0;
		best = i;
		equals |= UINT64_C(1) << i;
	}
	return pick_weighted(b, equals);
}

static uint64_t mix(uint64_t value)
{
	struct weir_rng rng = { value };

	return weir_rng_next(&rng);
}

/* -log2(value / 2^64), times 2^16; never 0. */
static uint64_t negative_log2(uint64_t value)
{
	unsigned zeros = (unsigned)__builtin_clzll(value | 1);
	uint64_t x = (value | 1) << zeros >> 32, fraction = 0;

	for (unsigned bit = 0; bit < LOG_BITS; bit++) {
		x = x * x >> 31;
		fraction = fraction << 1 | x >> 32;
		x >>= x >> 32;
	}
	return ((uint64_t)(zeros + 1) << LOG_BITS) - fraction;
}

/* Who comes first of those that wait at random, each as often as its weight. */
static unsigned pick_affine(const struct weir_balancer *b, uint64_t set, uint64_t affinity)
{
	unsigned best = (unsigned)__builtin_ctzll(set);
	uint64_t least = UINT64_MAX >> 32;

	while (set) {
		unsigned i = take_lowest(&set);
		uint64_t wait = negative_log2(mix(mix(affinity) ^ i));

		if (wait * weight_of(b, best) < least * weight_of(b, i)) {
			least = wait;
			best = i;
		}
	}
	return best;
}

unsigned weir_balance_pick(struct weir_balancer *b, uint64_t candidates, bool stream,
			   uint64_t affinity, uint64_t now_ms, struct weir_rng *rng)
{
	uint64_t set = with_weight(b, candidates);

	WEIR_ASSERT(set);
	if (affinity)
		return pick_affine(b, set, affinity);
	switch (b->balance) {
	case WEIR_BALANCE_WEIGHTED:
		return pick_weighted(b, set);
	case WEIR_BALANCE_LEAST_INFLIGHT:
		return pick_least_inflight(b, set, rng);
	case WEIR_BALANCE_LATENCY:
		return pick_latency(b, set, stream, now_ms, rng);
	case WEIR_BALANCE_COST:
		return pick_cheapest(b, set);
	case WEIR_BALANCE_N:
		break;
	}
	WEIR_ASSERT(!"a balance");
	return 0;
}

const char *weir_balance_name(enum weir_balance balance)
{
	WEIR_ASSERT(balance < WEIR_BALANCE_N);
	return names[balance];
}

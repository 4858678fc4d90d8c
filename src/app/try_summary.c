#include "app/try.h"

enum { SHORT = 40 /* characters: one word more is no other answer */ };

static uint64_t length_of(const struct weir_try_result *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->text.len; i++)
		n += (r->text.base[i] & 0xc0) != 0x80;
	return n;
}

static bool is_like_length(uint64_t a, uint64_t b)
{
	uint64_t less = a < b ? a : b, more = a < b ? b : a;

	return more <= SHORT || more <= 2 * less;
}

bool weir_try_agree(const struct weir_try_result *a, const struct weir_try_result *b,
		    bool wants_json)
{
	return a->refused == b->refused &&
	       weir_slice_eq(weir_buf_slice(&a->tools), weir_buf_slice(&b->tools)) &&
	       (!wants_json || a->json == b->json) && is_like_length(length_of(a), length_of(b));
}

struct weir_try_summary weir_try_sum(const struct weir_try_prompt *prompts, unsigned prompts_n,
				     const struct weir_try_result *results, unsigned targets_n,
				     unsigned target)
{
	struct weir_try_summary s = { .prompts = prompts_n };
	uint64_t length = 0;

	for (unsigned i = 0; i < prompts_n; i++) {
		const struct weir_try_result *first = &results[(size_t)i * targets_n];
		const struct weir_try_result *r = &first[target];

		if (!r->answered)
			continue;
		s.answered++;
		length += length_of(r);
		s.json_wanted += prompts[i].wants_json;
		s.json_valid += prompts[i].wants_json && r->json;
		s.called += r->calls_n > 0;
		s.refused += r->refused;
		if (!first->answered)
			continue;
		s.compared++;
		s.agreed += weir_try_agree(first, r, prompts[i].wants_json);
	}
	s.mean_length = s.answered ? (length + s.answered / 2) / s.answered : 0;
	return s;
}

/* Whatever was shown and whatever another target says: the same answer wherever its bytes
 * are cut, all of it is the end of what came, what is skipped was shown before, and no
 * answer that was skipped from the beginning loses or doubles a byte. */
#include "fuzz.h"

#include "base/alloc.h"
#include "dialect/seam.h"

/* The first byte: bit 0 prefill. Then what was shown, a NUL, what the other one says. */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\x01n1 n2 n3 n4 n5\0 n6 n7"),
	FUZZ_SEED("\x02n1 n2 n3 n4 n5 n6 n7 n8 n9\0n1 n2 n3 n4 n5 n6 n7 n8 n9 n10"),
	FUZZ_SEED("\x01tok1 tok2 tok3 \0tok2 tok34 tok5"),
	FUZZ_SEED("\x01[0, 0, 0, 0,\0 0, 0]"),
	FUZZ_SEED("\x02\n<p>\n</div>\n  \0\n   </div>\n"),
	FUZZ_SEED("\x01the 1st and the 2\0nd caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x90\x88"),
	FUZZ_SEED("\x02\xe4\xbd\xa0\xe5\xa5\xbd\0\xe5\xa5\xbd\xe4\xb8\x96"),
	FUZZ_SEED("\x01"
		  "alpha: n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n11 n12 n13 \0"
		  "beta: n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n11 n12 n13 n14"),
};

struct outcome {
	enum weir_seam_state state;
	size_t n;
	char text[FUZZ_INPUT_MAX];
};

static void add(struct outcome *o, enum weir_seam_state state, struct weir_slice out)
{
	o->state = state;
	if (state != WEIR_SEAM_GOES_ON || out.len == 0)
		return;
	FUZZ_CHECK(o->n + out.len <= sizeof o->text);
	memcpy(o->text + o->n, out.base, out.len);
	o->n += out.len;
}

/* False: what was shown cannot be gone on with. */
static bool play(struct outcome *o, bool prefill, struct weir_slice shown, struct weir_slice answer,
		 uint64_t seed)
{
	struct weir_delta delta = { .text = shown };
	struct weir_slice out = WEIR_SLICE("");
	struct weir_seam seam;
	struct weir_rng rng;
	bool can;

	o->state = WEIR_SEAM_UNDECIDED;
	o->n = 0;
	weir_rng_init(&rng, seed);
	weir_seam_init(&seam);
	weir_seam_note(&seam, &delta);
	can = weir_seam_can_resume(&seam);
	FUZZ_CHECK(!can || weir_seam_begin(&seam, prefill) == 0);
	for (size_t at = 0, n; can && at < answer.len; at += n) {
		n = seed ? 1 + fuzz_below(&rng, seed % 64 + 1) : answer.len;
		if (n > answer.len - at)
			n = answer.len - at;
		add(o, weir_seam_feed(&seam, weir_slice(answer.base + at, n), &out), out);
	}
	if (can)
		add(o, weir_seam_end(&seam, &out), out);
	weir_seam_fini(&seam);
	FUZZ_CHECK(weir_alloc_live() == 0);
	return can;
}

static bool is_blank(struct weir_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!memchr(" \t\n\v\f\r", s.base[i], 6))
			return false;
	return true;
}

/* What is skipped stands at the end of what was shown, but for white space. */
static void check_skipped(struct weir_slice shown, struct weir_slice skipped)
{
	while (skipped.len && is_blank(weir_slice(skipped.base, 1)))
		skipped = weir_slice(skipped.base + 1, skipped.len - 1);
	while (skipped.len && is_blank(weir_slice(skipped.base + skipped.len - 1, 1)))
		skipped.len--;
	while (shown.len && is_blank(weir_slice(shown.base + shown.len - 1, 1)))
		shown.len--;
	FUZZ_CHECK(skipped.len <= shown.len);
	FUZZ_CHECK(skipped.len == 0 ||
		   memcmp(shown.base + shown.len - skipped.len, skipped.base, skipped.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct outcome whole, pieces;
	const char *text = (const char *)bytes + 1, *sign;
	struct weir_slice shown, answer;
	bool prefill;

	if (size < 2 || size > FUZZ_INPUT_MAX)
		return 0;
	prefill = bytes[0] & 1;
	sign = memchr(text, '\0', size - 1);
	shown = weir_slice(text, sign ? (size_t)(sign - text) : size - 1);
	answer = sign ? weir_slice(sign + 1, size - 2 - shown.len) : WEIR_SLICE("");
	if (!play(&whole, prefill, shown, answer, 0))
		return 0;
	FUZZ_CHECK(whole.state == WEIR_SEAM_GOES_ON || whole.state == WEIR_SEAM_MISMATCH);
	for (uint64_t seed = 64; seed < 67; seed++) {
		play(&pieces, prefill, shown, answer, seed * 7 + size);
		FUZZ_CHECK(pieces.state == whole.state && pieces.n == whole.n);
		FUZZ_CHECK(memcmp(pieces.text, whole.text, whole.n) == 0);
	}
	if (whole.state == WEIR_SEAM_MISMATCH) {
		FUZZ_CHECK(whole.n == 0);
		return 0;
	}
	FUZZ_CHECK(whole.n <= answer.len);
	FUZZ_CHECK(memcmp(whole.text, answer.base + answer.len - whole.n, whole.n) == 0);
	check_skipped(shown, weir_slice(answer.base, answer.len - whole.n));
	/* The whole of it again, and something more. */
	play(&whole, prefill, shown, shown, 0);
	FUZZ_CHECK(whole.state == WEIR_SEAM_GOES_ON && is_blank(weir_slice(whole.text, whole.n)));
	return 0;
}

FUZZ_MAIN(seeds, 60000)

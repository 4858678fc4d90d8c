/* One text from two answers: what the second one says is joined to what was shown of the
 * first, whole or not at all, wherever its bytes are cut into pieces. */
#include "dialect/seam.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "test.h"

enum { TEXT_MAX = 16 * 1024, PREFILL = 1, TURN = 2, BOTH = 3 };

/* What a caller has seen in the end. */
struct seen {
	enum weir_seam_state state;
	size_t len;
	char text[TEXT_MAX];
};

static void show(struct weir_seam *seam, struct seen *seen, struct weir_slice text)
{
	struct weir_delta delta = { .text = text };

	if (!text.len)
		return;
	weir_seam_note(seam, &delta);
	memcpy(seen->text + seen->len, text.base, text.len);
	seen->len += text.len;
}

static void take(struct weir_seam *seam, struct seen *seen, enum weir_seam_state state,
		 struct weir_slice out)
{
	CHECK(state >= seen->state || seen->state == WEIR_SEAM_UNDECIDED);
	seen->state = state;
	if (state == WEIR_SEAM_GOES_ON)
		show(seam, seen, out);
}

/* The other answer in pieces of memory of just their size: the first one, then the others. */
static void play(struct seen *seen, struct weir_slice shown, bool prefill, struct weir_slice answer,
		 size_t first, size_t others)
{
	struct weir_slice out = WEIR_SLICE("");
	struct weir_seam seam;

	weir_seam_init(&seam);
	*seen = (struct seen){ .state = WEIR_SEAM_UNDECIDED };
	show(&seam, seen, shown);
	CHECK(weir_seam_can_resume(&seam) && !weir_seam_resumes(&seam));
	CHECK_INT(weir_seam_begin(&seam, prefill), 0);
	for (size_t at = 0, n = first; at < answer.len; at += n, n = others) {
		char *piece;

		n = n < answer.len - at ? n : answer.len - at;
		piece = malloc(n ? n : 1);
		memcpy(piece, answer.base + at, n);
		take(&seam, seen, weir_seam_feed(&seam, weir_slice(piece, n), &out), out);
		free(piece);
	}
	take(&seam, seen, weir_seam_end(&seam, &out), out);
	CHECK(weir_slice_eq(weir_seam_text(&seam), weir_slice(seen->text, seen->len)));
	weir_seam_fini(&seam);
}

static bool is_seen(const struct seen *seen, struct weir_slice expected, const char *how, size_t at)
{
	bool ok = weir_slice_eq(weir_slice(seen->text, seen->len), expected);

	if (!ok) {
		NOTE("%s %zu", how, at);
		test_print("seen    ", seen->text, seen->len);
		test_print("expected", expected.base, expected.len);
		CHECK(ok);
	}
	return ok;
}

/* expected base NULL: a mismatch, and nothing more than was shown before. */
static bool check_seam(struct weir_slice shown, bool prefill, struct weir_slice answer,
		       struct weir_slice expected)
{
	static struct seen seen;
	enum weir_seam_state state = expected.base ? WEIR_SEAM_GOES_ON : WEIR_SEAM_MISMATCH;

	if (!expected.base)
		expected = shown;
	for (size_t i = 0; i <= answer.len; i++) {
		play(&seen, shown, prefill, answer, i, answer.len);
		if (!is_seen(&seen, expected, "split at", i))
			return false;
		CHECK_INT(seen.state, state);
		if (seen.state != state)
			return false;
	}
	play(&seen, shown, prefill, answer, 1, 1);
	return is_seen(&seen, expected, "byte by byte", 0);
}

struct row {
	int modes;
	const char *shown, *answer, *expected; /* expected NULL: a mismatch */
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int mode = PREFILL; mode <= TURN; mode++) {
			struct weir_slice expected = weir_slice_of(rows[i].expected);

			if ((rows[i].modes & mode) &&
			    !check_seam(weir_slice_of(rows[i].shown), mode == PREFILL,
					weir_slice_of(rows[i].answer), expected))
				NOTE("row %zu, %s", i, mode == PREFILL ? "prefill" : "turn");
		}
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

#define ONE_TO_NINE "n1 n2 n3 n4 n5 n6 n7 n8 n9"
#define LONG_NONCE  "550e8400-e29b-41d4-a716-446655440000"

TEST(goes_on_exactly_there)
{
	static const struct row rows[] = {
		{ BOTH, ONE_TO_NINE, " n10 n11", ONE_TO_NINE " n10 n11" },
		{ BOTH, ONE_TO_NINE " ", "n10 n11", ONE_TO_NINE " n10 n11" },
		{ BOTH, ONE_TO_NINE " ", " n10 n11", ONE_TO_NINE " n10 n11" },
		{ BOTH, ONE_TO_NINE, ", n10", ONE_TO_NINE ", n10" },
		{ BOTH, ONE_TO_NINE, "\n\nn10", ONE_TO_NINE "\n\nn10" },
		{ BOTH, ONE_TO_NINE, "", ONE_TO_NINE },
		{ BOTH, ONE_TO_NINE, ".", ONE_TO_NINE "." },
		{ BOTH, ONE_TO_NINE, "\n", ONE_TO_NINE "\n" },
		{ BOTH, "It was don", "'t", "It was don't" },
		{ BOTH, "wait", "\xe2\x80\xa6 what", "wait\xe2\x80\xa6 what" },
		{ BOTH, "\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xb8\x96\xe7\x95\x8c",
		  "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xb8\x96\xe7\x95\x8c" },
		{ BOTH, "a cat ", "\xf0\x9f\x90\x88", "a cat \xf0\x9f\x90\x88" },
		/* Half a word can only be gone on by who takes it for his own. */
		{ PREFILL, "an unbeliev", "able story", "an unbelievable story" },
		{ TURN, "an unbeliev", "able story", NULL },
		{ PREFILL, "n1 n2 n3 n", "4 n5", "n1 n2 n3 n4 n5" },
		{ TURN, "n1 n2 n3 n", "4 n5", NULL },
		{ PREFILL, "caf", "\xc3\xa9 noir", "caf\xc3\xa9 noir" },
		{ TURN, "caf", "\xc3\xa9 noir", NULL },
		{ PREFILL, "x = foo(", "bar)", "x = foo(bar)" },
		/* Each token begins with the same long nonce. */
		{ BOTH, LONG_NONCE "-0 " LONG_NONCE "-1 " LONG_NONCE "-2", " " LONG_NONCE "-3",
		  LONG_NONCE "-0 " LONG_NONCE "-1 " LONG_NONCE "-2 " LONG_NONCE "-3" },
		{ BOTH, LONG_NONCE "-0 ", LONG_NONCE "-1", LONG_NONCE "-0 " LONG_NONCE "-1" },
	};

	CHECK_ROWS(rows);
}

TEST(repeats_the_last_words)
{
	static const struct row rows[] = {
		{ BOTH, ONE_TO_NINE, " n7 n8 n9 n10", ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE, "n7 n8 n9 n10", ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE, "\n\n n7 n8 n9 n10", ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE " ", "n7 n8 n9 n10", ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE " ", "n7 n8 n9\nn10", ONE_TO_NINE " \nn10" },
		{ BOTH, ONE_TO_NINE "\n", "n9\nn10", ONE_TO_NINE "\nn10" },
		{ BOTH, ONE_TO_NINE, "n9 n10", ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE, "n9", ONE_TO_NINE },
		{ BOTH, ONE_TO_NINE, "n9.", ONE_TO_NINE "." },
		{ BOTH, ONE_TO_NINE ",", "n8 n9, n10", ONE_TO_NINE ", n10" },
		/* Half a word, finished. */
		{ BOTH, "tok1 tok2 tok3", "tok2 tok34 tok5", "tok1 tok2 tok34 tok5" },
		{ BOTH, "It is unbeliev", "is unbelievable", "It is unbelievable" },
		{ BOTH, "It is unbeliev", "unbelievable", "It is unbelievable" },
		{ BOTH, "It is unbelievable", "believable!", "It is unbelievable!" },
		{ BOTH, "x:a,b,c,", "c,d", "x:a,b,c,d" },
		{ TURN, "ha\nha, ho ha", " ha hi", "ha\nha, ho ha hi" },
		/* Not a repetition: the word is longer. */
		{ BOTH, "It is unbelievable", " believable!", "It is unbelievable believable!" },
		{ TURN, "it was a", "a\xc3\xa9rial", NULL },
		{ BOTH, "We have a cat", " cattle", "We have a cat cattle" },
		{ PREFILL, "We have a ca", "terpillar", "We have a caterpillar" },
		/* Said again and again: it comes again. */
		{ PREFILL, "[0, 0, 0, 0,", " 0, 0]", "[0, 0, 0, 0, 0, 0]" },
		{ TURN, "[0, 0, 0, 0, 0, 0,", " 0, 0]", NULL },
		{ PREFILL, "<p>\n</div>\n</div>\n", "</div>\n", "<p>\n</div>\n</div>\n</div>\n" },
		{ PREFILL, "if x\n  y\nend\nif z\nend\n", "end\n",
		  "if x\n  y\nend\nif z\nend\nend\n" },
		{ PREFILL, "5,7,1", ",1,3", "5,7,1,1,3" },
		{ PREFILL, "37 38 39", " 39 40", "37 38 39 40" },
		{ BOTH, "Drawn: ----", "----+", "Drawn: --------+" },
		{ PREFILL, "\xf0\x9f\x90\x88 \xf0\x9f\x90\x88", "\xf0\x9f\x90\x88",
		  "\xf0\x9f\x90\x88 \xf0\x9f\x90\x88\xf0\x9f\x90\x88" },
	};

	CHECK_ROWS(rows);
}

#define CHORUS "we shall overcome, we shall overcome some day "

TEST(begins_again)
{
	static const struct row rows[] = {
		{ BOTH, ONE_TO_NINE, ONE_TO_NINE " n10", ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE, "\n" ONE_TO_NINE " n10", ONE_TO_NINE " n10" },
		{ BOTH, "\n" ONE_TO_NINE, ONE_TO_NINE " n10", "\n" ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE " ", ONE_TO_NINE " n10", ONE_TO_NINE " n10" },
		{ BOTH, ONE_TO_NINE "\n\n", ONE_TO_NINE "\n\nn10", ONE_TO_NINE "\n\nn10" },
		{ BOTH, ONE_TO_NINE, ONE_TO_NINE, ONE_TO_NINE },
		{ BOTH, "Hi", "Hi there", "Hi there" },
		{ BOTH, "tok1 tok2 tok3", "tok1 tok2 tok34 tok5", "tok1 tok2 tok34 tok5" },
		/* …and says something else, sooner or later. */
		{ BOTH, ONE_TO_NINE, "n1 n2 n3 n4 n5 n6 n7 n8 other", NULL },
		{ BOTH, ONE_TO_NINE " ", "n1 n2 n3 n4 n5 n6 n7 n8 other", NULL },
		{ BOTH, ONE_TO_NINE " n10", ONE_TO_NINE, NULL },
		{ BOTH, "Yes, it is. And so ", "Yes, it", NULL },
		{ BOTH, "alpha: " ONE_TO_NINE " n10 n11 ", "beta: " ONE_TO_NINE " n10 n11 n12",
		  NULL },
		{ BOTH, "alpha: " ONE_TO_NINE " n10 n11\n", "\nbeta: " ONE_TO_NINE " n10 n11 n12",
		  NULL },
		/* What the text says again and again does not tell. */
		{ BOTH, CHORUS CHORUS, "and " CHORUS, CHORUS CHORUS "and " CHORUS },
		{ BOTH, CHORUS CHORUS, "we shall overcome, we shall win ",
		  CHORUS CHORUS "we shall overcome, we shall win " },
	};

	CHECK_ROWS(rows);
}

TEST(says_something_else)
{
	static const struct row rows[] = {
		{ BOTH, ONE_TO_NINE, "Something else entirely.", NULL },
		{ BOTH, ONE_TO_NINE, "something else entirely.", NULL },
		{ BOTH, "The quick brown fox", "I'm sorry, I cannot go on.", NULL },
		{ TURN, "The quick brown fox", "jumps", NULL },
		{ TURN, "Hello,", "world", NULL },
		/* Words that change within themselves may go on so. */
		{ PREFILL, "x.getName().get", "Value()", "x.getName().getValue()" },
		{ PREFILL, "the 1st and the 2", "nd", "the 1st and the 2nd" },
	};

	CHECK_ROWS(rows);
}

TEST(blanks_are_not_doubled_nor_lost)
{
	static const struct row rows[] = {
		{ BOTH, "one ", " two", "one two" },
		{ BOTH, "one ", "\ntwo", "one \ntwo" },
		{ PREFILL, "one\n", "\n    two", "one\n    two" },
		{ PREFILL, "one\n    ", "\n    two", "one\n    two" },
		{ PREFILL, "one\n    ", "\ntwo", "one\n    two" },
		{ PREFILL, "one\n", "two", "one\ntwo" },
		{ PREFILL, "one ", " ", "one " },
		/* Asked in a turn of its own, it saw the line's end. */
		{ TURN, "one:\n", "    two", "one:\n    two" },
		{ TURN, "one:\n", "\ntwo", "one:\n\ntwo" },
	};

	CHECK_ROWS(rows);
}

static size_t say_words(char *text)
{
	size_t n = 0;

	for (unsigned i = 0; n < TEXT_MAX / 2; i++)
		n += (size_t)snprintf(text + n, TEXT_MAX - n, "%sword%u", i ? " " : "", i);
	return n;
}

/* Long: the whole text again, and a repetition as far back as is looked. */
TEST(long_texts)
{
	static char shown[TEXT_MAX], again[TEXT_MAX + 8], whole[TEXT_MAX + 8];
	struct seen *seen = malloc(sizeof *seen);
	size_t n = say_words(shown), end;
	static const char more[] = " n1 n2";

	snprintf(whole, sizeof whole, "%s%s", shown, more);
	for (size_t from = 0; from < n; from = from ? from + 1009 : n - WEIR_SEAM_BACK_MAX) {
		for (int mode = PREFILL; mode <= TURN; mode++) {
			snprintf(again, sizeof again, "%s%s", shown + from, more);
			end = strlen(again);
			for (size_t piece = 1; piece < end; piece = piece * 7 + 3) {
				play(seen, weir_slice(shown, n), mode == PREFILL,
				     weir_slice(again, end), piece, piece);
				CHECK_INT(seen->state, WEIR_SEAM_GOES_ON);
				is_seen(seen, weir_slice_of(whole), "from", from);
			}
		}
	}
	memcpy(again, shown, n);
	again[n - 3] = '#';
	for (int mode = PREFILL; mode <= TURN; mode++) {
		play(seen, weir_slice(shown, n), mode == PREFILL, weir_slice(again, n), n, n);
		CHECK_INT(seen->state, WEIR_SEAM_MISMATCH);
		CHECK_INT(seen->len, n);
	}
	free(seen);
}

/* What is looked at, and held, has a bound. */
TEST(what_is_held_is_bounded)
{
	static char shown[TEXT_MAX];
	static const struct weir_slice blank = WEIR_SLICE(" ");
	enum { HELD_MAX = WEIR_SEAM_BACK_MAX + 2 * WEIR_SEAM_BLANK_MAX };
	struct weir_slice out, again;
	struct weir_seam seam;
	size_t n = say_words(shown), from = n - WEIR_SEAM_BACK_MAX - 100;
	struct weir_delta delta = { .text = { shown, n } };

	weir_seam_init(&seam);
	weir_seam_note(&seam, &delta);
	REQUIRE(weir_seam_begin(&seam, true) == 0);
	CHECK_INT(weir_seam_feed(&seam, delta.text, &out), WEIR_SEAM_UNDECIDED);
	CHECK(seam.held.len <= HELD_MAX);
	REQUIRE(weir_seam_begin(&seam, true) == 0);
	for (unsigned i = 0; i < WEIR_SEAM_BLANK_MAX; i++)
		CHECK_INT(weir_seam_feed(&seam, blank, &out), WEIR_SEAM_UNDECIDED);
	CHECK_INT(weir_seam_feed(&seam, blank, &out), WEIR_SEAM_MISMATCH);
	/* A repetition from farther back is none. */
	REQUIRE(weir_seam_begin(&seam, false) == 0);
	again = weir_slice(strchr(shown + from, 'w'), n - from);
	again.len -= (size_t)(again.base - shown) - from;
	CHECK_INT(weir_seam_feed(&seam, again, &out), WEIR_SEAM_MISMATCH);
	weir_seam_fini(&seam);
}

/* Texts of numbered words, cut anywhere, gone on with in every way there is. */

static const char *const gaps[] = { " ", "\n", " / ", ", " };
static const char *const stems[] = { "tok", "n7f3-",        "Item",        "t\xc3\xb8k",
				     "w",   "\xe5\xad\x97", LONG_NONCE "-" };

static size_t say(char *text, struct weir_rng *rng, size_t *places, unsigned words)
{
	const char *gap = gaps[weir_rng_upto(rng, 3)], *stem = stems[weir_rng_upto(rng, 6)];
	unsigned first = weir_rng_upto(rng, 1) ? 100 : 0;
	size_t n = 0;

	for (unsigned i = 0; i < words; i++) {
		places[i] = n;
		n += (size_t)snprintf(text + n, TEXT_MAX / 4 - n, "%s%u%s", stem, first + i, gap);
	}
	return n;
}

/* Where no character is cut. */
static size_t whole_place(const char *text, size_t at)
{
	while (((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static size_t trimmed(const char *text, size_t n)
{
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\n'))
		n--;
	return n;
}

/* Not \xe5\xad\x97, which needs no blanks around it. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '\xc3';
}

TEST(two_thousand_texts)
{
	static char text[TEXT_MAX];
	static struct seen seen;
	size_t places[64];
	struct weir_rng rng;
	unsigned joined = 0;

	weir_rng_init(&rng, 7);
	for (unsigned i = 0; i < 2000; i++) {
		unsigned words = 12 + (unsigned)weir_rng_upto(&rng, 50);
		size_t n = say(text, &rng, places, words), from, piece;
		unsigned last = 6 + (unsigned)weir_rng_upto(&rng, words - 8);
		bool anywhere = weir_rng_upto(&rng, 1), prefill = weir_rng_upto(&rng, 1);
		uint64_t way = weir_rng_upto(&rng, 2);
		size_t cut = anywhere ? whole_place(text, places[last] + weir_rng_upto(&rng, 3))
				      : places[last];

		if (weir_rng_upto(&rng, 1) && !anywhere)
			cut = trimmed(text, cut);
		from = prefill ? trimmed(text, cut) : cut; /* exactly there */
		if (way == 1)
			from = places[last - 1 - weir_rng_upto(&rng, 3)];
		else if (way == 2)
			from = 0;
		piece = 1 + weir_rng_upto(&rng, 20);
		play(&seen, weir_slice(text, cut), prefill, weir_slice(text + from, n - from),
		     piece, piece);
		/* Only what begins in the middle of a word, and was not asked to, is refused. */
		if (way == 0 && !prefill && is_word(text[from]) &&
		    !strchr(" \n\x97", text[cut - 1])) {
			CHECK_INT(seen.state, WEIR_SEAM_MISMATCH);
			continue;
		}
		joined++;
		CHECK_INT(seen.state, WEIR_SEAM_GOES_ON);
		if (!is_seen(&seen, weir_slice(text, n), "text", i))
			NOTE("way %d, prefill %d, cut %zu, from %zu", (int)way, prefill, cut, from);
	}
	CHECK(joined > 1500);
}

/* When a stream can be gone on with at all. */

static bool can_resume(const struct weir_delta *deltas, size_t n)
{
	struct weir_seam seam;
	bool can;

	weir_seam_init(&seam);
	for (size_t i = 0; i < n; i++)
		weir_seam_note(&seam, &deltas[i]);
	can = weir_seam_can_resume(&seam);
	weir_seam_fini(&seam);
	return can;
}

TEST(what_can_be_gone_on_with)
{
	struct weir_delta text = { .text = WEIR_SLICE("Hi") };
	struct weir_delta blank = { .text = WEIR_SLICE(" \n") };
	struct weir_delta half = { .text = WEIR_SLICE("\xef\xbf\xbd") };
	struct weir_delta other = { .other = true };
	struct weir_delta thought = { .reasoning = true };
	struct weir_delta finish = { .finish = true };
	struct weir_delta lost = { .no_memory = true };
	struct weir_delta nothing = { 0 };

	CHECK(!can_resume(NULL, 0));
	CHECK(!can_resume(&nothing, 1));
	CHECK(!can_resume(&blank, 1));
	CHECK(can_resume(&text, 1));
	CHECK(can_resume((struct weir_delta[]){ thought, text, blank, nothing }, 4));
	CHECK(!can_resume((struct weir_delta[]){ text, thought }, 2));
	CHECK(can_resume((struct weir_delta[]){ text, thought, text }, 3));
	CHECK(!can_resume((struct weir_delta[]){ text, finish }, 2));
	CHECK(!can_resume((struct weir_delta[]){ other, text }, 2));
	CHECK(!can_resume((struct weir_delta[]){ text, other, text }, 3));
	CHECK(!can_resume((struct weir_delta[]){ text, lost, text }, 3));
	CHECK(!can_resume((struct weir_delta[]){ text, half }, 2));
	CHECK(can_resume((struct weir_delta[]){ text, half, text }, 3));
}

TEST(the_text_kept_is_bounded)
{
	static char piece[1024];
	struct weir_delta delta = { .text = { piece, sizeof piece } };
	struct weir_seam seam;

	memset(piece, 'x', sizeof piece);
	weir_seam_init(&seam);
	for (size_t n = 0; n < WEIR_SEAM_TEXT_MAX; n += sizeof piece)
		weir_seam_note(&seam, &delta);
	CHECK(weir_seam_can_resume(&seam));
	delta.text.len = 1;
	weir_seam_note(&seam, &delta);
	CHECK(!weir_seam_can_resume(&seam));
	CHECK_INT(weir_alloc_live(), 0);
	weir_seam_fini(&seam);
}

TEST(the_first_id_is_kept)
{
	struct weir_delta none = { 0 }, first = { .id_at = WEIR_SLICE("\"a\"") };
	struct weir_delta second = { .id_at = WEIR_SLICE("\"b\"") };
	struct weir_seam seam;

	weir_seam_init(&seam);
	weir_seam_note(&seam, &none);
	CHECK_INT(weir_seam_id(&seam).len, 0);
	weir_seam_note(&seam, &first);
	weir_seam_note(&seam, &second);
	CHECK(weir_slice_is(weir_seam_id(&seam), "\"a\""));
	weir_seam_fini(&seam);
}

/* A third target goes on with what the first two have shown. */
TEST(goes_on_twice)
{
	struct weir_delta first = { .text = WEIR_SLICE(ONE_TO_NINE) };
	struct weir_slice out = WEIR_SLICE("");
	struct weir_delta more = { 0 };
	struct weir_seam seam;

	weir_seam_init(&seam);
	weir_seam_note(&seam, &first);
	REQUIRE(weir_seam_begin(&seam, true) == 0);
	CHECK_INT(weir_seam_feed(&seam, WEIR_SLICE("n9 n10"), &out), WEIR_SEAM_GOES_ON);
	more.text = out;
	weir_seam_note(&seam, &more);
	CHECK(weir_seam_can_resume(&seam));
	REQUIRE(weir_seam_begin(&seam, false) == 0); /* gives up unseen */
	CHECK_INT(weir_seam_feed(&seam, WEIR_SLICE("Sorry"), &out), WEIR_SEAM_MISMATCH);
	CHECK_INT(weir_seam_feed(&seam, WEIR_SLICE("!"), &out), WEIR_SEAM_MISMATCH);
	REQUIRE(weir_seam_begin(&seam, false) == 0);
	CHECK_INT(weir_seam_feed(&seam, WEIR_SLICE("n9 n10 n11"), &out), WEIR_SEAM_GOES_ON);
	CHECK(weir_slice_is(out, " n11"));
	more.text = out;
	weir_seam_note(&seam, &more);
	CHECK_INT(weir_seam_feed(&seam, WEIR_SLICE(" n12"), &out), WEIR_SEAM_GOES_ON);
	CHECK(weir_slice_is(out, " n12"));
	CHECK_INT(weir_seam_end(&seam, &out), WEIR_SEAM_GOES_ON);
	CHECK_INT(out.len, 0);
	CHECK(weir_slice_is(weir_seam_text(&seam), ONE_TO_NINE " n10 n11"));
	weir_seam_fini(&seam);
}

TEST(every_allocation_may_fail)
{
	struct weir_delta first = { .text = WEIR_SLICE(ONE_TO_NINE), .id_at = WEIR_SLICE("\"a\"") };
	static char more[64 * 1024];
	struct weir_slice out;
	unsigned failed = 0;

	memset(more, 'x', sizeof more);
	memcpy(more, "n9 ", 3);
	for (uint64_t k = 1; k < 8; k++) {
		enum weir_seam_state state = WEIR_SEAM_NO_MEMORY;
		struct weir_seam seam;

		weir_seam_init(&seam);
		weir_alloc_fail_after(k);
		weir_seam_note(&seam, &first);
		if (weir_seam_can_resume(&seam) && weir_seam_begin(&seam, true) == 0)
			state = weir_seam_feed(&seam, weir_slice(more, sizeof more), &out);
		weir_alloc_fail_after(0);
		failed += state == WEIR_SEAM_NO_MEMORY;
		CHECK(state == WEIR_SEAM_NO_MEMORY || state == WEIR_SEAM_GOES_ON);
		weir_seam_fini(&seam);
		CHECK_INT(weir_alloc_live(), 0);
	}
	CHECK(failed >= 3 && failed < 7);
}

TEST_MAIN

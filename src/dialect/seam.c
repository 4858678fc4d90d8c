#include "dialect/seam.h"

#include "base/assert.h"
#include "base/error.h"
#include "dialect/letters.h"

enum {
	HELD_MAX = WEIR_SEAM_BLANK_MAX + WEIR_SEAM_BACK_MAX + 256,
	PIECE_MAX = 1024 * 1024, /* what one event can add to it */
	/* A repetition is at least so long, or a whole word. */
	REPEATED_MIN = 4,
	/* So much like the beginning of what was shown, of so many words or longer, if that
	 * says it once only, is the answer again. */
	AGAIN_MIN = 24,
	AGAIN_BLANKS = 2,
	AGAIN_LONG = 64,
	/* The same behind other first words: so far is looked, for so many bytes and blanks. */
	LATE_LOOK = 64,
	LATE_MIN = 32,
	LATE_BLANKS = 3
};

void weir_seam_init(struct weir_seam *s)
{
	*s = (struct weir_seam){ 0 };
	weir_buf_init(&s->text, WEIR_SEAM_TEXT_MAX);
	weir_buf_init(&s->id, WEIR_SEAM_ID_MAX);
	weir_buf_init(&s->held, HELD_MAX + PIECE_MAX);
}

void weir_seam_fini(struct weir_seam *s)
{
	weir_buf_fini(&s->text);
	weir_buf_fini(&s->id);
	weir_buf_fini(&s->held);
}

static void refuse(struct weir_seam *s)
{
	s->refused = true;
	weir_buf_fini(&s->text);
}

void weir_seam_note(struct weir_seam *s, const struct weir_delta *d)
{
	if (s->id.len == 0 && weir_buf_append(&s->id, d->id_at.base, d->id_at.len))
		weir_buf_clear(&s->id);
	s->finished |= d->finish;
	if (d->text.len || d->reasoning)
		s->reasoning = d->text.len == 0;
	if (s->refused)
		return;
	if (d->no_memory || d->other || weir_buf_append(&s->text, d->text.base, d->text.len))
		refuse(s);
}

/* A character of which the other half has not come: another target cannot give it. */
static bool is_halved(struct weir_slice text)
{
	static const struct weir_slice half = WEIR_SLICE("\xef\xbf\xbd"); /* U+FFFD */

	return text.len >= half.len &&
	       memcmp(text.base + text.len - half.len, half.base, half.len) == 0;
}

bool weir_seam_can_resume(const struct weir_seam *s)
{
	struct weir_slice text = weir_buf_slice(&s->text);

	return !s->refused && !s->finished && !s->reasoning &&
	       weir_blanks_before(text) < text.len && !is_halved(text);
}

struct weir_slice weir_seam_text(const struct weir_seam *s)
{
	return weir_buf_slice(&s->text);
}

struct weir_slice weir_seam_id(const struct weir_seam *s)
{
	return weir_buf_slice(&s->id);
}

bool weir_seam_resumes(const struct weir_seam *s)
{
	return s->phase != WEIR_SEAM_NOTING;
}

int weir_seam_begin(struct weir_seam *s, bool prefill)
{
	struct weir_slice text = weir_buf_slice(&s->text);

	WEIR_ASSERT(weir_seam_can_resume(s));
	weir_buf_clear(&s->held);
	if (weir_buf_reserve(&s->held, HELD_MAX))
		return WEIR_ENOMEM;
	s->phase = WEIR_SEAM_MATCHING;
	s->prefill = prefill;
	s->again = false;
	s->begin = s->at = weir_blanks_before(text);
	s->end = text.len - weir_blanks_behind(text);
	s->from = s->blank = s->n = 0;
	return 0;
}

/* What was shown, without the white space around it, from a place on. */
static struct weir_slice shown_from(const struct weir_seam *s, size_t at)
{
	return weir_slice(s->text.base + at, s->end - at);
}

/* The other answer, without the white space before it. */
static struct weir_slice words(const struct weir_seam *s)
{
	return weir_slice(s->held.base + s->blank, s->held.len - s->blank);
}

/* Where the look back ends. */
static size_t look(const struct weir_seam *s)
{
	return s->end - s->begin > WEIR_SEAM_BACK_MAX ? s->end - WEIR_SEAM_BACK_MAX : s->begin;
}

/* Is it said nowhere else from a place on? */
static bool is_said_once(const struct weir_seam *s, size_t from, size_t at, size_t len)
{
	struct weir_slice all = weir_slice(s->text.base + from, s->text.len - from);
	const char *first = memmem(all.base, all.len, s->text.base + at, len);

	return first == s->text.base + at &&
	       !memmem(first + 1, (size_t)(all.base + all.len - first) - 1, first, len);
}

/* What is new begins there, among what is held. */
static void skip(struct weir_seam *s, size_t from)
{
	s->from = from < s->held.len ? from : s->held.len;
	s->phase = WEIR_SEAM_JOINING;
}

/* How many of the other answer's blanks the caller has seen already. */
static size_t doubled(struct weir_slice shown, struct weir_slice blanks)
{
	size_t n = shown.len < blanks.len ? shown.len : blanks.len;

	for (; n > 0; n--)
		if (memcmp(shown.base + shown.len - n, blanks.base, n) == 0)
			return n;
	if (blanks.len && blanks.len < shown.len &&
	    memcmp(shown.base, blanks.base, blanks.len) == 0)
		return blanks.len;
	return 0;
}

/* A target that was shown the line's end and goes on with white space means it: the next
 * line is indented, or empty. */
static bool means_its_blanks(const struct weir_seam *s, struct weir_slice shown)
{
	return !s->prefill && s->from == 0 && shown.len && memchr(shown.base, '\n', shown.len);
}

static void join(struct weir_seam *s, bool ended)
{
	struct weir_slice shown = weir_slice(s->text.base + s->end, s->text.len - s->end);
	struct weir_slice rest = weir_slice(s->held.base + s->from, s->held.len - s->from);
	size_t blanks = weir_blanks_before(rest);

	if (!ended &&
	    (rest.len == 0 || (shown.len && blanks == rest.len && blanks <= WEIR_SEAM_BLANK_MAX)))
		return;
	if (!means_its_blanks(s, shown))
		s->from += doubled(shown, weir_slice(rest.base, blanks));
	s->phase = WEIR_SEAM_OPEN;
}

/* The other answer behind other first words: a run of bytes that both begin with, sooner
 * or later, and that is no habit of this text. */
static bool begins_late(const struct weir_seam *s)
{
	struct weir_slice a = words(s), b = shown_from(s, s->begin);
	size_t a_n = a.len < LATE_LOOK ? a.len : LATE_LOOK;
	size_t b_n = b.len < LATE_LOOK ? b.len : LATE_LOOK;

	for (size_t i = 0; i + LATE_MIN <= a_n; i++) {
		for (size_t k = 0; k + LATE_MIN <= b_n; k++) {
			size_t blanks = 0, n = 0;

			while (i + n < a_n && k + n < b_n && a.base[i + n] == b.base[k + n])
				blanks += weir_is_blank(a.base[i + n++]);
			if (n >= LATE_MIN && blanks >= LATE_BLANKS &&
			    is_said_once(s, s->begin, s->begin + k, n))
				return true;
		}
	}
	return false;
}

/* Does the text itself change so within a word: "39th", "getName"? */
static bool changes_so(const struct weir_seam *s, enum weir_letter from, enum weir_letter to)
{
	enum weir_letter last = WEIR_LETTER_BLANK;

	for (size_t at = look(s), n; at < s->end; at += n ? n : 1) {
		enum weir_letter letter = weir_letter_first(shown_from(s, at));

		if (last == from && letter == to)
			return true;
		last = letter;
		n = weir_utf8_len(s->text.base + at, s->end - at);
	}
	return false;
}

/* Could it be one word, half of which was shown? */
static bool is_one_word(const struct weir_seam *s, enum weir_letter last, enum weir_letter first)
{
	if (last == first || last == WEIR_LETTER_OTHER ||
	    (last == WEIR_LETTER_UPPER && first == WEIR_LETTER_LOWER) ||
	    (first == WEIR_LETTER_OTHER && last != WEIR_LETTER_DIGIT))
		return true;
	return changes_so(s, last, first);
}

/* May the other answer stand behind the text as it is? In a turn of its own a target rarely
 * begins with the blank that the words need between them. */
static bool can_follow(const struct weir_seam *s)
{
	enum weir_letter last = weir_letter_last(shown_from(s, s->begin));
	enum weir_letter first = weir_letter_first(words(s));

	if (s->text.len > s->end || s->blank || !weir_is_word(first) || last == WEIR_LETTER_IDEO)
		return true;
	if (!s->prefill)
		return false;
	return !weir_is_word(last) || is_one_word(s, last, first);
}

/* Has all of the character come that text begins with? */
static bool is_whole(struct weir_slice text)
{
	return text.len >= 4 || weir_utf8_len(text.base, text.len) > 0;
}

/* It repeats nothing of what was shown. */
static void judge(struct weir_seam *s, bool ended)
{
	struct weir_slice new = words(s);
	bool can_be_late = s->end - s->begin >= LATE_MIN;

	s->phase = WEIR_SEAM_JUDGING;
	if (!ended && !is_whole(new))
		return;
	if (s->again || (new.len && !can_follow(s)))
		s->phase = WEIR_SEAM_CLOSED;
	else if (!ended && can_be_late && new.len < LATE_LOOK)
		return;
	else if (can_be_late && begins_late(s))
		s->phase = WEIR_SEAM_CLOSED;
	else
		skip(s, 0);
}

/* A letter, or so many digits, among it. */
static bool has_words(struct weir_slice text, unsigned digits)
{
	for (size_t i = 0, n; i < text.len; i += n ? n : 1) {
		struct weir_slice rest = weir_slice(text.base + i, text.len - i);
		enum weir_letter letter = weir_letter_first(rest);

		if (letter == WEIR_LETTER_DIGIT ? --digits == 0 : letter >= WEIR_LETTER_IDEO)
			return true;
		n = weir_utf8_len(rest.base, rest.len);
	}
	return false;
}

static bool begins_word(const struct weir_seam *s, size_t at)
{
	struct weir_slice before = weir_slice(s->text.base + s->begin, at - s->begin);

	return before.len == 0 || !weir_is_word(weir_letter_last(before)) ||
	       !weir_is_word(weir_letter_first(shown_from(s, at)));
}

enum answer { NO, YES, WAIT };

/* The text from `at` on is what the other answer begins with: is it long enough to be no
 * accident? */
static enum answer is_repetition(const struct weir_seam *s, size_t at, bool ended)
{
	struct weir_slice tail = shown_from(s, at), next = words(s);
	bool word = begins_word(s, at);

	if (at == s->begin)
		return YES;
	if ((s->blank && !word) || !has_words(tail, 1))
		return NO;
	if (tail.len >= REPEATED_MIN)
		return YES;
	if (!word || (s->prefill && !has_words(tail, 2)))
		return NO;
	if (!weir_is_word(weir_letter_last(tail)))
		return YES;
	next = weir_slice(next.base + tail.len, next.len - tail.len);
	if (!ended && !is_whole(next))
		return WAIT;
	return next.len && weir_is_word(weir_letter_first(next)) ? NO : YES;
}

/* Is the text from `at` on as the other answer's words, as far as these have come? */
static bool fits(const struct weir_seam *s, size_t at)
{
	struct weir_slice tail = shown_from(s, at);

	return memcmp(tail.base, words(s).base, tail.len < s->n ? tail.len : s->n) == 0;
}

/* Does the text say the same twice in a row somewhere, as it would with the other answer
 * behind it? */
static bool is_said_twice(const struct weir_seam *s, size_t at)
{
	struct weir_slice tail = shown_from(s, at);
	struct weir_slice gap = weir_slice(s->text.base + s->end, s->text.len - s->end);

	if (gap.len == 0)
		gap = weir_slice(s->held.base, s->blank);
	for (size_t i = look(s); i + 2 * tail.len + gap.len <= s->end; i++) {
		const char *p = s->text.base + i;

		if (memcmp(p, tail.base, tail.len) == 0 &&
		    memcmp(p + tail.len + gap.len, tail.base, tail.len) == 0 &&
		    (gap.len == 0 || memcmp(p + tail.len, gap.base, gap.len) == 0))
			return true;
	}
	return false;
}

/* The longest repetition that may have begun is known. A target that takes the text for its
 * own rarely repeats any of it, but what the text says again and again comes again. */
static void repeat(struct weir_seam *s, bool ended)
{
	size_t len = s->end - s->at;

	if (s->at == s->begin ||
	    (s->prefill ? is_said_once(s, look(s), s->at, len) : !is_said_twice(s, s->at))) {
		skip(s, s->blank + len);
	} else if (s->prefill) {
		s->at = s->end;
		judge(s, ended);
	} else {
		s->phase = WEIR_SEAM_CLOSED;
	}
}

/* The answer agreed with the text from its beginning for n bytes, and does no longer. */
static void leave_beginning(struct weir_seam *s, size_t n, bool ended)
{
	size_t blanks = 0;

	for (size_t i = 0; i < n; i++)
		blanks += weir_is_blank(s->text.base[s->begin + i]);
	if (ended ? n >= REPEATED_MIN
		  : n >= AGAIN_LONG || (n >= AGAIN_MIN && blanks >= AGAIN_BLANKS))
		s->again = is_said_once(s, s->begin, s->begin, n);
}

static size_t next_place(const struct weir_seam *s)
{
	return s->at == s->begin && look(s) > s->begin ? look(s) : s->at + 1;
}

/* Looks for the longest repetition that may have begun; those before `at` have not. */
static void settle(struct weir_seam *s, bool ended)
{
	for (; s->at < s->end; s->at = next_place(s)) {
		size_t len = s->end - s->at;
		bool same = fits(s, s->at);
		enum answer answer;

		if (same && s->n < len && !ended)
			return;
		if (s->at == s->begin && (!same || s->n < len))
			leave_beginning(s, same ? s->n : s->n - 1, ended);
		if (!same || s->n < len)
			continue;
		answer = is_repetition(s, s->at, ended);
		if (answer == WAIT)
			return;
		if (answer == YES) {
			repeat(s, ended);
			return;
		}
	}
	judge(s, ended);
}

/* Another byte of the other answer's words. */
static void match(struct weir_seam *s, char c)
{
	bool same = s->at + s->n < s->end && s->text.base[s->at + s->n] == c;
	bool held = s->n < words(s).len;

	s->n++;
	if (same && s->at + s->n < s->end)
		return;
	if (held)
		settle(s, false);
	else if (same)
		skip(s, s->held.len);
	else
		s->phase = WEIR_SEAM_CLOSED;
}

/* False: no memory. What it began again with is not held: it is in the text. */
static bool hold(struct weir_seam *s, char c)
{
	if (s->phase == WEIR_SEAM_MATCHING && s->held.len == HELD_MAX)
		return true;
	return weir_buf_append(&s->held, &c, 1) == 0;
}

static bool take_byte(struct weir_seam *s, char c)
{
	if (!hold(s, c))
		return false;
	if (s->phase == WEIR_SEAM_MATCHING && s->n == 0 && weir_is_blank(c)) {
		if (++s->blank > WEIR_SEAM_BLANK_MAX)
			s->phase = WEIR_SEAM_CLOSED;
	} else if (s->phase == WEIR_SEAM_MATCHING) {
		match(s, c);
	} else if (s->phase == WEIR_SEAM_JUDGING) {
		judge(s, false);
	}
	if (s->phase == WEIR_SEAM_JOINING)
		join(s, false);
	return true;
}

static bool is_open(const struct weir_seam *s)
{
	return s->phase == WEIR_SEAM_OPEN || s->phase == WEIR_SEAM_CLOSED;
}

static enum weir_seam_state tell(const struct weir_seam *s, struct weir_slice *out)
{
	if (s->phase == WEIR_SEAM_CLOSED)
		return WEIR_SEAM_MISMATCH;
	if (s->phase != WEIR_SEAM_OPEN)
		return WEIR_SEAM_UNDECIDED;
	*out = weir_slice(s->held.base + s->from, s->held.len - s->from);
	return WEIR_SEAM_GOES_ON;
}

enum weir_seam_state weir_seam_feed(struct weir_seam *s, struct weir_slice text,
				    struct weir_slice *out)
{
	size_t i = 0;

	WEIR_ASSERT(weir_seam_resumes(s));
	if (s->phase == WEIR_SEAM_OPEN) {
		*out = text;
		return WEIR_SEAM_GOES_ON;
	}
	if (s->phase == WEIR_SEAM_CLOSED)
		return WEIR_SEAM_MISMATCH;
	while (i < text.len && !is_open(s))
		if (!take_byte(s, text.base[i++]))
			return WEIR_SEAM_NO_MEMORY;
	if (weir_buf_append(&s->held, text.base + i, text.len - i))
		return WEIR_SEAM_NO_MEMORY;
	return tell(s, out);
}

enum weir_seam_state weir_seam_end(struct weir_seam *s, struct weir_slice *out)
{
	WEIR_ASSERT(weir_seam_resumes(s));
	if (s->phase == WEIR_SEAM_OPEN) {
		*out = WEIR_SLICE("");
		return WEIR_SEAM_GOES_ON;
	}
	if (s->phase == WEIR_SEAM_MATCHING && s->n > 0)
		settle(s, true);
	else if (s->phase == WEIR_SEAM_MATCHING || s->phase == WEIR_SEAM_JUDGING)
		judge(s, true);
	if (s->phase == WEIR_SEAM_JOINING)
		join(s, true);
	return tell(s, out);
}

#include "bench/verify.h"

#include <string.h>

void weir_bench_verify_begin(struct weir_bench_verify *v, enum weir_bench_care care,
			     const struct weir_bench_nonce *nonce)
{
	v->care = care;
	v->nonce = nonce;
	v->found = v->broken = v->closed = false;
	v->said = 0;
	v->head_len = v->token_len = v->token_at = 0;
}

/* " tok0", " tok1": one more than the last one, in place. */
static void expect_next(struct weir_bench_verify *v)
{
	static const char first[] = " tok0";
	unsigned i = v->token_len;

	v->token_at = 0;
	if (v->token_len < sizeof first - 1) {
		memcpy(v->token, first, sizeof first);
		v->token_len = sizeof first - 1;
		return;
	}
	v->said++;
	while (v->token[--i] == '9')
		v->token[i] = '0';
	if (v->token[i] != 'k') {
		v->token[i]++;
	} else if (v->token_len < WEIR_BENCH_VERIFY_TOKEN) {
		v->token[i + 1] = '1';
		v->token[v->token_len++] = '0';
	}
}

/* The known text after the nonce. Between tokens a tool call's arguments may end. */
static void follow(struct weir_bench_verify *v, struct weir_slice text)
{
	while (text.len && !v->broken && !v->closed) {
		size_t n;

		if (v->token_at == v->token_len) {
			expect_next(v);
			v->closed = text.base[0] == '"';
			continue;
		}
		n = v->token_len - v->token_at;
		if (n > text.len)
			n = text.len;
		v->broken = memcmp(text.base, v->token + v->token_at, n) != 0;
		v->token_at += (unsigned)n;
		text = weir_slice(text.base + n, text.len - n);
	}
}

static const char *find(const struct weir_bench_verify *v, size_t len)
{
	return memmem(v->head, v->head_len, v->nonce->text, len);
}

void weir_bench_verify_text(struct weir_bench_verify *v, struct weir_slice text)
{
	size_t room = WEIR_BENCH_VERIFY_HEAD - v->head_len;
	size_t n = text.len < room ? text.len : room;
	const char *at;

	if (v->care == WEIR_BENCH_CARE_NONE)
		return;
	if (v->found) {
		if (v->care == WEIR_BENCH_CARE_TOKENS)
			follow(v, text);
		return;
	}
	if (n)
		memcpy(v->head + v->head_len, text.base, n);
	v->head_len += (unsigned)n;
	at = find(v, WEIR_BENCH_NONCE_LEN);
	if (!at)
		return;
	v->found = true;
	if (v->care != WEIR_BENCH_CARE_TOKENS)
		return;
	v->token[0] = ':';
	v->token_len = 1;
	at += WEIR_BENCH_NONCE_LEN;
	follow(v, weir_slice(at, (size_t)(v->head + v->head_len - at)));
	follow(v, weir_slice(text.base + n, text.len - n));
}

enum weir_bench_truth weir_bench_verify_end(const struct weir_bench_verify *v)
{
	if (v->care == WEIR_BENCH_CARE_NONE)
		return WEIR_BENCH_TRUE;
	if (!v->found)
		return find(v, WEIR_BENCH_NONCE_MARK) ? WEIR_BENCH_ANOTHERS : WEIR_BENCH_FALSE;
	if (v->care == WEIR_BENCH_CARE_TOKENS &&
	    (v->broken || (v->token_at < v->token_len && !v->closed)))
		return WEIR_BENCH_FALSE;
	return WEIR_BENCH_TRUE;
}

#include "bench/verify.h"

#include <stdio.h>
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

static void expect(struct weir_bench_verify *v)
{
	int n = snprintf(v->token, sizeof v->token, " tok%llu", (unsigned long long)v->said);

	v->token_len = (unsigned)n;
	v->token_at = 0;
}

/* The known text after the nonce. Between tokens a tool call's arguments may end. */
static void follow(struct weir_bench_verify *v, struct weir_slice text)
{
	for (size_t i = 0; i < text.len && !v->broken && !v->closed; i++) {
		if (v->token_at == v->token_len) {
			v->said += v->token_len > 1;
			expect(v);
			v->closed = text.base[i] == '"';
		}
		if (!v->closed && text.base[i] != v->token[v->token_at++])
			v->broken = true;
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

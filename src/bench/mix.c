#include "bench/mix.h"

#include <string.h>

#include "base/alloc.h"

void weir_bench_mix_init(struct weir_bench_mix *mix)
{
	*mix = (struct weir_bench_mix){ .requests = NULL };
}

void weir_bench_mix_fini(struct weir_bench_mix *mix)
{
	for (unsigned i = 0; i < mix->requests_n; i++)
		weir_free(mix->requests[i].bytes);
	weir_free(mix->requests);
	weir_free(mix->order);
	weir_bench_mix_init(mix);
}

/* Spreads a share evenly over the variants: the i-th has it or not. */
static bool has(double share, unsigned i)
{
	return (unsigned)(share * (i + 1) + 1e-9) > (unsigned)(share * i + 1e-9);
}

/* Enough variants to show the distributions and shares, and no more. */
static unsigned variants_of(const struct weir_bench_kind *kind)
{
	bool drawn = kind->prompt.kind != WEIR_BENCH_DIST_ALWAYS ||
		     (kind->has_answer && kind->answer.kind != WEIR_BENCH_DIST_ALWAYS);
	bool shared = (kind->stream > 0 && kind->stream < 1) ||
		      (kind->tools > 0 && kind->tools < 1);

	return !kind->body.base && (drawn || shared) ? WEIR_BENCH_VARIANTS : 1;
}

static void shuffle(unsigned *list, unsigned n, struct weir_rng *rng)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned j = (unsigned)weir_rng_upto(rng, i - 1), swapped = list[i - 1];

		list[i - 1] = list[j];
		list[j] = swapped;
	}
}

/* $NONCE becomes the nonce's place. */
static int put_given(struct weir_buf *buf, struct weir_slice body)
{
	static const char sign[] = "$NONCE";
	int rc = 0;

	while (rc == 0 && body.len) {
		const char *at = memmem(body.base, body.len, sign, sizeof sign - 1);
		size_t n = at ? (size_t)(at - body.base) : body.len;

		rc = weir_buf_append(buf, body.base, n);
		if (rc == 0 && at)
			rc = weir_buf_puts(buf, WEIR_BENCH_NONCE_PLACE);
		n += at ? sizeof sign - 1 : 0;
		body = weir_slice(body.base + n, body.len - n);
	}
	return rc;
}

static bool asks_for_stream(struct weir_slice body)
{
	return memmem(body.base, body.len, "\"stream\":true", 13) ||
	       memmem(body.base, body.len, "\"stream\": true", 14);
}

static int put_head(struct weir_buf *buf, const struct weir_bench_envelope *e, size_t body_len)
{
	int rc = weir_buf_printf(buf, "%s %s HTTP/1.1\r\nhost: %s\r\nuser-agent: weir-bench/%s\r\n",
				 e->method, e->path, e->host, WEIR_VERSION);

	if (rc == 0 && e->dialect->put_body)
		rc = weir_buf_puts(buf, "content-type: application/json\r\n");
	if (rc == 0 && (body_len || strcmp(e->method, "GET") != 0))
		rc = weir_buf_printf(buf, "content-length: %zu\r\n", body_len);
	if (rc == 0)
		rc = weir_buf_printf(buf, "%s%s%s\r\n", e->dialect->fields, e->fields,
				     e->close ? "connection: close\r\n" : "");
	return rc;
}

static void find_nonces(struct weir_bench_request *r)
{
	const size_t len = WEIR_BENCH_NONCE_LEN;
	size_t from = 0;
	const char *at;

	while (r->nonces_n < WEIR_BENCH_NONCES_MAX &&
	       (at = memmem(r->bytes + from, r->len - from, WEIR_BENCH_NONCE_PLACE, len))) {
		r->nonce_at[r->nonces_n] = (size_t)(at - r->bytes);
		from = r->nonce_at[r->nonces_n++] + len;
	}
}

static int put_body(struct weir_buf *buf, const struct weir_bench_envelope *e,
		    const struct weir_bench_kind *kind, unsigned variant, unsigned scattered,
		    struct weir_rng *rng, bool *stream)
{
	struct weir_bench_wish wish = { .model = e->model };

	if (kind->body.base) {
		*stream = asks_for_stream(kind->body);
		return put_given(buf, kind->body);
	}
	wish.prompt_tokens = weir_bench_dist_draw(&kind->prompt, rng);
	if (kind->has_answer)
		wish.answer_tokens = weir_bench_dist_draw(&kind->answer, rng);
	wish.stream = *stream = has(kind->stream, variant);
	wish.tools = has(kind->tools, scattered);
	return e->dialect->put_body ? e->dialect->put_body(buf, &wish) : 0;
}

static int add(struct weir_bench_mix *mix, const struct weir_bench_envelope *e,
	       const struct weir_bench_kind *kind, unsigned variant, unsigned scattered,
	       struct weir_rng *rng)
{
	struct weir_bench_request *r = &mix->requests[mix->requests_n];
	struct weir_buf body, all;
	int rc;

	*r = (struct weir_bench_request){ .bytes = NULL };
	weir_buf_init(&body, WEIR_BENCH_MIX_MAX);
	weir_buf_init(&all, WEIR_BENCH_MIX_MAX);
	rc = put_body(&body, e, kind, variant, scattered, rng, &r->stream);
	if (rc == 0)
		rc = put_head(&all, e, body.len);
	if (rc == 0)
		rc = weir_buf_append(&all, body.base, body.len);
	weir_buf_fini(&body);
	if (rc == 0 && mix->bytes + all.cap > WEIR_BENCH_MIX_MAX)
		rc = WEIR_ELIMIT;
	if (rc) {
		weir_buf_fini(&all);
		return rc;
	}
	mix->bytes += all.cap;
	mix->requests_n++;
	r->bytes = all.base;
	r->len = all.len;
	find_nonces(r);
	return 0;
}

/* How often a kind stands in the order, so that the heaviest fits. */
static unsigned times_of(const struct weir_bench_kind *kinds, unsigned n, unsigned i)
{
	double sum = 0, times;

	for (unsigned k = 0; k < n; k++)
		sum += kinds[k].weight;
	times = n == 1 ? variants_of(kinds) : WEIR_BENCH_ORDER_MAX / 2 * kinds[i].weight / sum;
	return times < 1 ? 1 : (unsigned)(times + 0.5);
}

static int make(struct weir_bench_mix *mix, const struct weir_bench_envelope *e,
		const struct weir_bench_kind *kinds, unsigned n, struct weir_rng *rng)
{
	unsigned scattered[WEIR_BENCH_VARIANTS];

	for (unsigned i = 0; i < n; i++) {
		unsigned first = mix->requests_n, variants = variants_of(&kinds[i]);
		unsigned times = times_of(kinds, n, i);

		for (unsigned v = 0; v < variants; v++)
			scattered[v] = v;
		shuffle(scattered, variants, rng); /* tools are not in step with streams */

		for (unsigned v = 0; v < variants; v++) {
			int rc = add(mix, e, &kinds[i], v, scattered[v], rng);

			if (rc)
				return rc;
		}
		for (unsigned t = 0; t < times && mix->order_n < WEIR_BENCH_ORDER_MAX; t++)
			mix->order[mix->order_n++] = first + t % variants;
	}
	shuffle(mix->order, mix->order_n, rng);
	return 0;
}

int weir_bench_mix_make(struct weir_bench_mix *mix, const struct weir_bench_envelope *envelope,
			const struct weir_bench_kind *kinds, unsigned kinds_n, uint64_t seed,
			struct weir_error *err)
{
	struct weir_rng rng;
	unsigned n = 0;
	int rc = WEIR_ENOMEM;

	weir_rng_init(&rng, seed);
	for (unsigned i = 0; i < kinds_n; i++)
		n += variants_of(&kinds[i]);
	mix->requests = weir_calloc(n, sizeof *mix->requests);
	mix->order = weir_calloc(WEIR_BENCH_ORDER_MAX, sizeof *mix->order);
	if (mix->requests && mix->order)
		rc = make(mix, envelope, kinds, kinds_n, &rng);
	if (rc)
		return weir_fail(err, rc, "%s",
				 rc == WEIR_ELIMIT
					 ? "the requests of the mix need more than 512 MiB"
					 : "out of memory");
	return 0;
}

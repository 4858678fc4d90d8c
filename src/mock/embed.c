#include <string.h>

#include "base/rng.h"
#include "mock/answer.h"

#define PUT WEIR_MOCK_PUT

/* The same for the same vendor and place: a sixteenth of -8 to 7. */
static int component(struct weir_rng *rng)
{
	return (int)weir_rng_upto(rng, 15) - 8;
}

static void put_floats(struct weir_mock_pen *pen, struct weir_rng *rng, unsigned n)
{
	PUT(pen, "[");
	for (unsigned i = 0; i < n; i++) {
		int c = component(rng);
		unsigned size = (unsigned)(c < 0 ? -c : c);
		char fraction[] = "0.0000";

		if (i)
			PUT(pen, ",");
		if (c < 0)
			PUT(pen, "-");
		for (unsigned k = 5, left = size * 625; k > 1; k--, left /= 10)
			fraction[k] = (char)('0' + left % 10);
		weir_mock_put_text(pen, fraction);
	}
	PUT(pen, "]");
}

struct base64 {
	struct weir_mock_pen *pen;
	unsigned bits, bits_n;
};

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			      "0123456789+/";

static void put_byte(struct base64 *out, unsigned byte)
{
	out->bits = (out->bits << 8 | byte) & 0xffff;
	for (out->bits_n += 8; out->bits_n >= 6; out->bits_n -= 6)
		weir_mock_put(out->pen, &letters[out->bits >> (out->bits_n - 6) & 63], 1);
}

/* Little-endian IEEE 754 singles, as the API has it. */
static void put_base64(struct weir_mock_pen *pen, struct weir_rng *rng, unsigned n)
{
	struct base64 out = { pen, 0, 0 };

	PUT(pen, "\"");
	for (unsigned i = 0; i < n; i++) {
		float value = (float)component(rng) / 16;
		uint32_t word;

		memcpy(&word, &value, sizeof word);
		for (unsigned k = 0; k < 4; k++)
			put_byte(&out, word >> 8 * k & 0xff);
	}
	if (out.bits_n) {
		weir_mock_put(pen, &letters[out.bits << (6 - out.bits_n) & 63], 1);
		weir_mock_put(pen, "==", out.bits_n == 2 ? 2 : 1);
	}
	PUT(pen, "\"");
}

void weir_mock_put_embeddings(struct weir_mock_pen *pen, const struct weir_mock_voice *v)
{
	PUT(pen, "{\"object\":\"list\",\"data\":[");
	for (unsigned i = 0; i < v->ask->inputs_n; i++) {
		struct weir_rng rng;

		weir_rng_init(&rng, i);
		for (const char *c = v->vendor; *c; c++)
			rng.state += weir_rng_next(&rng) ^ (unsigned char)*c;
		PUT(pen, "{\"object\":\"embedding\",\"index\":");
		weir_mock_put_u64(pen, i);
		PUT(pen, ",\"embedding\":");
		if (v->ask->base64)
			put_base64(pen, &rng, v->ask->dimensions);
		else
			put_floats(pen, &rng, v->ask->dimensions);
		weir_mock_put_text(pen, i + 1 < v->ask->inputs_n ? "}," : "}");
	}
	PUT(pen, "],\"model\":\"");
	weir_mock_put(pen, v->ask->model, v->ask->model_len);
	PUT(pen, "\",\"usage\":{\"prompt_tokens\":");
	weir_mock_put_u64(pen, v->ask->prompt_tokens);
	PUT(pen, ",\"total_tokens\":");
	weir_mock_put_u64(pen, v->ask->prompt_tokens);
	PUT(pen, "}}");
}

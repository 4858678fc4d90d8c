#include "trace/context.h"

#include "base/assert.h"

enum { DIGITS_PER_U64 = 16 };

/* So many small hexadecimal digits; capital ones are none here. */
static bool read_hex(struct weir_slice text, size_t at, size_t n, uint64_t *value)
{
	*value = 0;
	for (size_t i = at; i < at + n; i++) {
		int digit = weir_hex_digit(text.base[i]);

		if (digit < 0 || (text.base[i] >= 'A' && text.base[i] <= 'F'))
			return false;
		*value = *value << 4 | (uint64_t)digit;
	}
	return true;
}

/* VERSION-TRACE-SPAN-FLAGS, and of later versions maybe more behind a dash. */
bool weir_traceparent_read(struct weir_slice value, struct weir_trace_context *context)
{
	struct weir_trace_context read = { 0 };
	uint64_t version, flags;

	if (value.len < WEIR_TRACEPARENT_LEN || value.base[2] != '-' || value.base[35] != '-' ||
	    value.base[52] != '-' || !read_hex(value, 0, 2, &version) || version == 0xff)
		return false;
	if (value.len > WEIR_TRACEPARENT_LEN &&
	    (version == 0 || value.base[WEIR_TRACEPARENT_LEN] != '-'))
		return false;
	if (!read_hex(value, 3, DIGITS_PER_U64, &read.high) ||
	    !read_hex(value, 3 + DIGITS_PER_U64, DIGITS_PER_U64, &read.low) ||
	    !read_hex(value, 36, DIGITS_PER_U64, &read.span) || !read_hex(value, 53, 2, &flags) ||
	    (!read.high && !read.low) || !read.span)
		return false;
	read.sampled = flags & 1;
	*context = read;
	return true;
}

static void print_hex(uint64_t value, char *out)
{
	for (unsigned i = 0; i < DIGITS_PER_U64; i++)
		out[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
}

void weir_trace_id_print(const struct weir_trace_context *context,
			 char out[WEIR_TRACE_ID_DIGITS + 1])
{
	print_hex(context->high, out);
	print_hex(context->low, out + DIGITS_PER_U64);
	out[WEIR_TRACE_ID_DIGITS] = '\0';
}

void weir_span_id_print(uint64_t span, char out[WEIR_SPAN_ID_DIGITS + 1])
{
	print_hex(span, out);
	out[WEIR_SPAN_ID_DIGITS] = '\0';
}

void weir_traceparent_print(const struct weir_trace_context *context,
			    char out[WEIR_TRACEPARENT_LEN + 1])
{
	WEIR_ASSERT((context->high || context->low) && context->span);
	memcpy(out, "00-", 3);
	weir_trace_id_print(context, out + 3);
	out[35] = '-';
	weir_span_id_print(context->span, out + 36);
	memcpy(out + 52, context->sampled ? "-01" : "-00", 4);
}

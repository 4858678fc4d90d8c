/* Trace contexts, samplers, and spans as JSON. */
#include "trace/context.h"
#include "trace/sampler.h"
#include "trace/span.h"

#include "base/alloc.h"
#include "test.h"
#include "wire/json.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

TEST(a_context_comes_back_as_it_was)
{
	struct weir_trace_context context;
	char text[WEIR_TRACEPARENT_LEN + 1];

	REQUIRE(weir_traceparent_read(WEIR_SLICE("00-" TRACE "-" SPAN "-01"), &context));
	CHECK(context.high == 0x4bf92f3577b34da6 && context.low == 0xa3ce929d0e0e4736);
	CHECK(context.span == 0x00f067aa0ba902b7 && context.sampled);
	weir_traceparent_print(&context, text);
	CHECK_STR(text, "00-" TRACE "-" SPAN "-01");
	context.sampled = false;
	weir_traceparent_print(&context, text);
	CHECK_STR(text, "00-" TRACE "-" SPAN "-00");
}

static const struct {
	const char *value;
	bool good, sampled;
} contexts[] = {
	{ "00-" TRACE "-" SPAN "-00", true, false },
	{ "00-" TRACE "-" SPAN "-03", true, true },
	{ "00-" TRACE "-" SPAN "-fe", true, false },
	{ "01-" TRACE "-" SPAN "-01", true, true },
	{ "fe-" TRACE "-" SPAN "-01-more", true, true },
	{ "01-" TRACE "-" SPAN "-01x", false, false },
	{ "00-" TRACE "-" SPAN "-01-", false, false },
	{ "00-" TRACE "-" SPAN "-1", false, false },
	{ "ff-" TRACE "-" SPAN "-01", false, false },
	{ "0G-" TRACE "-" SPAN "-01", false, false },
	{ "0A-" TRACE "-" SPAN "-01", false, false },
	{ "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false, false },
	{ "00-" TRACE "-00F067AA0BA902B7-01", false, false },
	{ "00-" TRACE "-" SPAN "-0A", false, false },
	{ "00-00000000000000000000000000000000-" SPAN "-01", false, false },
	{ "00-" TRACE "-0000000000000000-01", false, false },
	{ "00 " TRACE "-" SPAN "-01", false, false },
	{ "00-" TRACE "_" SPAN "-01", false, false },
	{ "00-" TRACE "-" SPAN "_01", false, false },
	{ " 00-" TRACE "-" SPAN "-01", false, false },
	{ "00-" TRACE, false, false },
	{ "", false, false },
};

TEST(contexts_are_read_strictly)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(contexts); i++) {
		struct weir_trace_context context = { 1, 2, 3, false };
		bool good = weir_traceparent_read(weir_slice_of(contexts[i].value), &context);

		test_int(good, contexts[i].good, __FILE__, __LINE__, contexts[i].value);
		if (good)
			CHECK_INT(context.sampled, contexts[i].sampled);
		else
			CHECK(context.high == 1 && context.span == 3);
	}
}

TEST(samplers_decide_as_they_are_named)
{
	static const struct {
		const char *name;
		bool after_yes, after_no, first;
	} rows[] = {
		{ "always_on", true, true, true },
		{ "always_off", false, false, false },
		{ "parentbased_always_on", true, false, true },
		{ "parentbased_always_off", true, false, false },
	};
	const struct weir_trace_context yes = { 1, 1, 1, true }, no = { 1, 1, 1, false };
	struct weir_sampler s;

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		REQUIRE(weir_sampler_named(weir_slice_of(rows[i].name), 0.5, &s));
		for (uint64_t low = 0; low < 3; low++) {
			uint64_t id = low == 2 ? UINT64_MAX : low;

			CHECK_INT(weir_sampler_keeps(&s, &yes, id), rows[i].after_yes);
			CHECK_INT(weir_sampler_keeps(&s, &no, id), rows[i].after_no);
			CHECK_INT(weir_sampler_keeps(&s, NULL, id), rows[i].first);
		}
	}
	CHECK(!weir_sampler_named(WEIR_SLICE("sometimes"), 1, &s));
}

TEST(a_ratio_parts_the_ids)
{
	const struct weir_trace_context yes = { 1, 1, 1, true };
	struct weir_sampler s;

	REQUIRE(weir_sampler_named(WEIR_SLICE("traceidratio"), 0.25, &s));
	CHECK(weir_sampler_keeps(&s, NULL, 0));
	CHECK(weir_sampler_keeps(&s, NULL, UINT64_MAX / 4 - 2));
	CHECK(!weir_sampler_keeps(&s, NULL, UINT64_MAX / 4 + 2));
	CHECK(!weir_sampler_keeps(&s, &yes, UINT64_MAX));
	REQUIRE(weir_sampler_named(WEIR_SLICE("traceidratio"), 0, &s));
	CHECK(!weir_sampler_keeps(&s, NULL, 0));
	REQUIRE(weir_sampler_named(WEIR_SLICE("traceidratio"), 1, &s));
	CHECK(weir_sampler_keeps(&s, NULL, UINT64_MAX));
}

static const struct weir_span plain = {
	.context = { 0x4bf92f3577b34da6, 0xa3ce929d0e0e4736, 0x00f067aa0ba902b7, true },
	.kind = WEIR_SPAN_SERVER,
	.start_ns = 1544712660000000000,
	.end_ns = 1544712661000000000,
};

static const char *text_of(struct weir_buf *buf)
{
	size_t at;

	CHECK_INT(weir_json_check(weir_buf_slice(buf), &at), 0);
	CHECK_INT(weir_buf_append(buf, "", 1), 0);
	buf->len--;
	return buf->base;
}

TEST(a_span_is_written_in_full)
{
	struct weir_span span = plain;
	struct weir_span_pen pen;
	struct weir_buf buf;

	weir_buf_init(&buf, 1 << 16);
	span.parent = 0xb7ad6b7169203331;
	span.parent_remote = true;
	weir_span_begin(&pen, &buf, &span, "POST", "/v1/x");
	weir_span_str(&pen, "s", "a\"b\n");
	weir_span_u64(&pen, "n", UINT64_MAX);
	weir_span_bool(&pen, "b", true);
	weir_span_number(&pen, "d", "0.0025");
	weir_span_seconds(&pen, "t", 1500000001);
	weir_span_event(&pen, "weir.fallback", 1544712660500000000);
	weir_span_str(&pen, "k", "v");
	weir_span_event(&pen, "weir.retry", 1544712660600000000);
	CHECK_INT(weir_span_end(&pen, "slow", 2), 0);
	CHECK_STR(text_of(&buf),
		  "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN
		  "\",\"parentSpanId\":\"b7ad6b7169203331\",\"flags\":769,\"name\":\"POST /v1/x\","
		  "\"kind\":2,\"startTimeUnixNano\":\"1544712660000000000\","
		  "\"endTimeUnixNano\":\"1544712661000000000\",\"attributes\":["
		  "{\"key\":\"s\",\"value\":{\"stringValue\":\"a\\\"b\\n\"}},"
		  "{\"key\":\"n\",\"value\":{\"intValue\":\"9223372036854775807\"}},"
		  "{\"key\":\"b\",\"value\":{\"boolValue\":true}},"
		  "{\"key\":\"d\",\"value\":{\"doubleValue\":0.0025}},"
		  "{\"key\":\"t\",\"value\":{\"doubleValue\":1.500000001}}],\"events\":["
		  "{\"timeUnixNano\":\"1544712660500000000\",\"name\":\"weir.fallback\","
		  "\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]},"
		  "{\"timeUnixNano\":\"1544712660600000000\",\"name\":\"weir.retry\","
		  "\"attributes\":[]}],\"droppedEventsCount\":2,"
		  "\"status\":{\"code\":2,\"message\":\"slow\"}}");
	weir_buf_fini(&buf);
}

TEST(the_least_span)
{
	struct weir_span span = plain;
	struct weir_span_pen pen;
	struct weir_buf buf;

	weir_buf_init(&buf, 1 << 16);
	span.end_ns = span.start_ns - 1; /* a clock that went back */
	span.context.sampled = false;
	weir_span_begin(&pen, &buf, &span, "chat", "m");
	CHECK_INT(weir_span_end(&pen, NULL, 0), 0);
	CHECK_STR(text_of(&buf), "{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN
				 "\",\"flags\":256,\"name\":\"chat m\",\"kind\":2,"
				 "\"startTimeUnixNano\":\"1544712660000000000\","
				 "\"endTimeUnixNano\":\"1544712660000000000\",\"attributes\":[],"
				 "\"status\":{}}");
	weir_buf_fini(&buf);
}

/* Bytes that are no text become one, and long ones end with a whole character. */
TEST(values_are_utf8_and_bounded)
{
	char value[3 * WEIR_SPAN_VALUE_MAX + 1];
	struct weir_span_pen pen;
	struct weir_buf buf;

	for (size_t i = 0; i + 3 < sizeof value; i += 3)
		memcpy(value + i, "\xe2\x82\xac", 3);
	value[sizeof value - 1] = '\0';
	weir_buf_init(&buf, 1 << 16);
	weir_span_begin(&pen, &buf, &plain, "chat", "m");
	weir_span_str(&pen, "bad", "\xff\xc0x\xe2\x82");
	weir_span_str(&pen, "long", value);
	CHECK_INT(weir_span_end(&pen, NULL, 0), 0);
	CHECK(strstr(text_of(&buf), "\"\\ufffd\\ufffdx\\ufffd\\ufffd\"") != NULL);
	CHECK(buf.len < 2 * WEIR_SPAN_VALUE_MAX);
	weir_buf_fini(&buf);
}

TEST(a_message_stands_around_its_spans)
{
	static struct weir_attribute resource[] = { { (char *)(uintptr_t)"service.name",
						      (char *)(uintptr_t)"weir" } };
	struct weir_buf buf;

	weir_buf_init(&buf, 1 << 16);
	CHECK_INT(weir_spans_open(&buf, resource, 1, "1.0"), 0);
	CHECK_INT(weir_spans_close(&buf), 0);
	CHECK_STR(text_of(&buf),
		  "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
		  "\"value\":{\"stringValue\":\"weir\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":"
		  "\"weir\",\"version\":\"1.0\"},\"spans\":[]}]}]}");
	weir_buf_fini(&buf);
}

TEST(what_does_not_fit_is_said)
{
	struct weir_span_pen pen;
	struct weir_buf buf;

	for (size_t max = 0; max < 200; max += 7) {
		weir_buf_init(&buf, max);
		weir_span_begin(&pen, &buf, &plain, "chat", "m");
		weir_span_str(&pen, "k", "v");
		CHECK(weir_span_end(&pen, NULL, 0) != 0);
		weir_buf_fini(&buf);
	}
}

TEST_MAIN

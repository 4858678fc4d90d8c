#include "trace/span.h"

#include <stdio.h>

enum { SAMPLED = 0x1, KNOWS_REMOTE = 0x100, IS_REMOTE = 0x200, ERROR = 2 };
enum { NS_PER_S = 1000000000, NS_DIGITS = 9 };

static void put_ns(struct weir_pen *pen, const char *key, uint64_t ns)
{
	weir_put(pen, key);
	weir_put(pen, "\"");
	weir_put_u64(pen, ns);
	weir_put(pen, "\"");
}

static void put_span_id(struct weir_pen *pen, const char *key, uint64_t id)
{
	char digits[WEIR_SPAN_ID_DIGITS + 1];

	weir_span_id_print(id, digits);
	weir_put(pen, key);
	weir_put_quoted(pen, weir_slice_of(digits));
}

/* What is longer is cut where a character ends. */
static void put_value(struct weir_pen *pen, const char *text)
{
	struct weir_slice value = weir_slice_of(text);

	if (value.len > WEIR_SPAN_VALUE_MAX) {
		value.len = WEIR_SPAN_VALUE_MAX;
		while (value.len && ((unsigned char)value.base[value.len] & 0xc0) == 0x80)
			value.len--;
	}
	weir_put_json(pen, value);
}

void weir_span_begin(struct weir_span_pen *p, struct weir_buf *buf, const struct weir_span *span,
		     const char *name_a, const char *name_b)
{
	struct weir_pen *pen = &p->pen;
	char trace[WEIR_TRACE_ID_DIGITS + 1];
	char name[WEIR_SPAN_VALUE_MAX];

	*p = (struct weir_span_pen){ .pen = { buf, 0 } };
	weir_trace_id_print(&span->context, trace);
	snprintf(name, sizeof name, "%s %s", name_a, name_b);
	weir_put(pen, "{\"traceId\":");
	weir_put_quoted(pen, weir_slice_of(trace));
	put_span_id(pen, ",\"spanId\":", span->context.span);
	if (span->parent)
		put_span_id(pen, ",\"parentSpanId\":", span->parent);
	weir_put(pen, ",\"flags\":");
	weir_put_u64(pen, (uint64_t)((span->context.sampled ? SAMPLED : 0) | KNOWS_REMOTE |
				     (span->parent && span->parent_remote ? IS_REMOTE : 0)));
	weir_put(pen, ",\"name\":");
	put_value(pen, name);
	weir_put(pen, ",\"kind\":");
	weir_put_u64(pen, span->kind);
	put_ns(pen, ",\"startTimeUnixNano\":", span->start_ns);
	put_ns(pen, ",\"endTimeUnixNano\":",
	       span->end_ns > span->start_ns ? span->end_ns : span->start_ns);
	weir_put(pen, ",\"attributes\":[");
}

static void put_key(struct weir_span_pen *p, const char *key, const char *type)
{
	struct weir_pen *pen = &p->pen;

	weir_put(pen, p->attributes_n++ ? ",{\"key\":" : "{\"key\":");
	weir_put_json(pen, weir_slice_of(key));
	weir_put(pen, ",\"value\":{\"");
	weir_put(pen, type);
	weir_put(pen, "\":");
}

void weir_span_str(struct weir_span_pen *p, const char *key, const char *value)
{
	put_key(p, key, "stringValue");
	put_value(&p->pen, value);
	weir_put(&p->pen, "}}");
}

/* An int64 is what it has for numbers. */
void weir_span_u64(struct weir_span_pen *p, const char *key, uint64_t value)
{
	put_key(p, key, "intValue");
	put_ns(&p->pen, "", value > INT64_MAX ? INT64_MAX : value);
	weir_put(&p->pen, "}}");
}

void weir_span_bool(struct weir_span_pen *p, const char *key, bool value)
{
	put_key(p, key, "boolValue");
	weir_put(&p->pen, value ? "true}}" : "false}}");
}

void weir_span_number(struct weir_span_pen *p, const char *key, const char *number)
{
	put_key(p, key, "doubleValue");
	weir_put(&p->pen, number);
	weir_put(&p->pen, "}}");
}

/* By hand: a point is a point in every locale. */
void weir_span_seconds(struct weir_span_pen *p, const char *key, uint64_t ns)
{
	char number[40];

	snprintf(number, sizeof number, "%llu.%0*llu", (unsigned long long)(ns / NS_PER_S),
		 NS_DIGITS, (unsigned long long)(ns % NS_PER_S));
	weir_span_number(p, key, number);
}

static void close_event(struct weir_span_pen *p)
{
	weir_put(&p->pen, p->events_n ? "]}" : "]");
}

void weir_span_event(struct weir_span_pen *p, const char *name, uint64_t at_ns)
{
	close_event(p);
	weir_put(&p->pen, p->events_n++ ? ",{" : ",\"events\":[{");
	put_ns(&p->pen, "\"timeUnixNano\":", at_ns);
	weir_put(&p->pen, ",\"name\":");
	put_value(&p->pen, name);
	weir_put(&p->pen, ",\"attributes\":[");
	p->attributes_n = 0;
}

int weir_span_end(struct weir_span_pen *p, const char *failed, unsigned events_lost)
{
	struct weir_pen *pen = &p->pen;

	close_event(p);
	if (p->events_n)
		weir_put(pen, "]");
	if (events_lost) {
		weir_put(pen, ",\"droppedEventsCount\":");
		weir_put_u64(pen, events_lost);
	}
	weir_put(pen, ",\"status\":{");
	if (failed) {
		weir_put(pen, "\"code\":");
		weir_put_u64(pen, ERROR);
	}
	if (failed && *failed) {
		weir_put(pen, ",\"message\":");
		put_value(pen, failed);
	}
	weir_put(pen, "}}");
	return pen->rc;
}

int weir_spans_open(struct weir_buf *buf, const struct weir_attribute *resource, unsigned n,
		    const char *version)
{
	struct weir_span_pen pen = { .pen = { buf, 0 } };

	weir_put(&pen.pen, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	for (unsigned i = 0; i < n; i++)
		weir_span_str(&pen, resource[i].name, resource[i].value);
	weir_put(&pen.pen, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"weir\",\"version\":");
	weir_put_json(&pen.pen, weir_slice_of(version));
	weir_put(&pen.pen, "},\"spans\":[");
	return pen.pen.rc;
}

int weir_spans_close(struct weir_buf *buf)
{
	return weir_buf_puts(buf, "]}]}]}");
}

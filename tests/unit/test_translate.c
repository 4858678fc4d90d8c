/* Every case of tests/data/dialect gives exactly the bytes that stand in it: requests, and
 * answers cut at every point and with every allocation failing once. */
#include "recording.h"

#include <glob.h>
#include <limits.h>

#include "base/error.h"
#include "dialect/chat.h"

enum { MEMBERS_MAX = 64, TEXT_MAX = 64 * 1024, FAILURES_MAX = 60 };

#define HEAD_OPENAI                                                                           \
	"{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000," \
	"\"model\":\"m\",\"choices\":["

struct side {
	char caller[16], target[16], model[64];
};

struct pair {
	char name[128], model[64], dropped[512], cannot[64], said[128], tool[256];
	char body[TEXT_MAX], expect[TEXT_MAX], in[TEXT_MAX], out[TEXT_MAX];
	unsigned status;
	bool stream, usage, plain, answer, told;
};

static bool starts(const char *line, const char *with, const char **rest)
{
	size_t n = strlen(with);

	if (strncmp(line, with, n) != 0)
		return false;
	*rest = line + n;
	return true;
}

static void set(char *to, size_t size, const char *text)
{
	size_t n = strlen(text);

	CHECK(n < size);
	n = n < size ? n : size - 1;
	memcpy(to, text, n);
	to[n] = '\0';
}

static void append(char *to, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, TEXT_MAX - n, "%s", text);
}

static bool has_names(const char *dialect)
{
	return strcmp(dialect, "anthropic") == 0;
}

/* A stream's event as the dialect frames it. */
static void append_event(char *to, const char *dialect, const char *json)
{
	const char *type = strstr(json, "\"type\":\"");

	if (has_names(dialect) && json[0] == '{' && type) {
		type += 8;
		append(to, "event: ");
		snprintf(to + strlen(to), TEXT_MAX - strlen(to), "%.*s\n", (int)strcspn(type, "\""),
			 type);
	}
	if (json[0] == ':') {
		append(to, json);
	} else {
		append(to, "data: ");
		append(to, json[0] == '$' ? HEAD_OPENAI : "");
		append(to, json[0] == '$' ? json + 1 : json);
	}
	append(to, "\n\n");
}

static void read_line(struct pair *p, const struct side *side, const char *line)
{
	const char *rest;

	p->told |= line[0] == '<';
	if (strcmp(line, "<<") == 0)
		return;
	if (starts(line, "model: ", &rest))
		set(p->model, sizeof p->model, rest);
	else if (starts(line, "body: ", &rest))
		append(p->body, rest);
	else if (starts(line, "expect: ", &rest))
		append(p->expect, rest);
	else if (starts(line, "dropped: ", &rest))
		set(p->dropped, sizeof p->dropped, rest);
	else if (starts(line, "cannot: ", &rest))
		set(p->cannot, sizeof p->cannot, rest);
	else if (starts(line, "tool: ", &rest))
		set(p->tool, sizeof p->tool, rest);
	else if (starts(line, "said: ", &rest))
		set(p->said, sizeof p->said, rest);
	else if (starts(line, "head: ", &rest))
		p->status = (unsigned)strtoul(rest, NULL, 10);
	else if (strcmp(line, "stream") == 0)
		p->stream = true;
	else if (strcmp(line, "usage") == 0)
		p->usage = true;
	else if (strcmp(line, "whole") == 0)
		p->plain = true;
	else if (starts(line, ">> ", &rest))
		append(p->in, rest);
	else if (starts(line, "> ", &rest) && p->stream && !p->plain && p->status == 200)
		append_event(p->in, side->target, rest);
	else if (starts(line, "> ", &rest))
		append(p->in, rest);
	else if (starts(line, "<< ", &rest))
		append(p->out, rest);
	else if (starts(line, "< ", &rest) && p->stream && p->status == 200)
		append_event(p->out, side->caller, rest);
	else if (starts(line, "< ", &rest))
		append(p->out, rest), append(p->out, "\n");
	else
		CHECK_STR(line, "");
	p->answer |= line[0] == '>';
}

static unsigned read_members(struct weir_json_member *members, const char *body)
{
	struct weir_json_cursor cursor;
	unsigned n = 0;

	CHECK_INT(weir_json_open(&cursor, weir_slice_of(body)), 0);
	while (n < MEMBERS_MAX && weir_json_next(&cursor, &members[n]) == 1)
		n++;
	CHECK(cursor.error == NULL);
	return n;
}

static const struct weir_dialect *dialect_of(const char *name)
{
	return weir_dialect_find(weir_slice_of(name));
}

/* What the target would get; 0 and out, or why not. */
static const char *translate(const struct pair *p, const struct side *side, struct weir_buf *out,
			     struct weir_drops *drops, int *rc)
{
	struct weir_json_member members[MEMBERS_MAX];
	unsigned n = read_members(members, p->body);
	const struct weir_vendor *vendor = weir_vendor_find(weir_slice_of(side->target));
	struct weir_model_facts facts = weir_model_facts(weir_slice_of(p->model), vendor, "");
	struct weir_chat_target target = { .model = p->model, .facts = &facts };
	const struct weir_chat_words *to = dialect_of(side->target)->chat;
	const char *cannot = NULL;
	struct weir_chat chat;

	weir_buf_clear(out);
	*rc = dialect_of(side->caller)->chat->read_request(&chat, members, n);
	if (*rc == 0)
		cannot = chat.cannot ? chat.cannot : to->cannot(&chat, &target);
	*drops = chat.drops;
	if (*rc == 0 && !cannot)
		*rc = to->put_request(&chat, &target, out, drops);
	weir_chat_fini(&chat);
	return cannot;
}

static void check_request(const struct pair *p, const struct side *side)
{
	char dropped[sizeof p->dropped] = "";
	struct weir_drops drops;
	struct weir_buf out;
	const char *cannot;
	size_t offset;
	int rc;

	weir_buf_init(&out, SIZE_MAX);
	cannot = translate(p, side, &out, &drops, &rc);
	CHECK_INT(rc, 0);
	for (unsigned i = 0; i < drops.n; i++)
		snprintf(dropped + strlen(dropped), sizeof dropped - strlen(dropped), "%s%s",
			 i ? ", " : "", drops.names[i]);
	if (!test_str(cannot ? cannot : "", p->cannot, __FILE__, __LINE__, "cannot") ||
	    (!cannot && !test_str(dropped, p->dropped, __FILE__, __LINE__, "dropped")) ||
	    !test_check(weir_slice_is(weir_buf_slice(&out), p->expect), __FILE__, __LINE__,
			"what the target gets")) {
		NOTE("%s", p->name);
		printf("#   ACTUAL %.*s\n", (int)out.len, out.base ? out.base : "");
		weir_buf_fini(&out);
		return;
	}
	CHECK(out.len == 0 || weir_json_check(weir_buf_slice(&out), &offset) == 0);
	for (unsigned k = 1; k < FAILURES_MAX; k++) {
		weir_alloc_fail_after(k);
		translate(p, side, &out, &drops, &rc);
		weir_alloc_fail_after(0);
		CHECK(rc == WEIR_ENOMEM ||
		      (rc == 0 && weir_slice_is(weir_buf_slice(&out), p->expect)));
	}
	weir_buf_fini(&out);
}

static void check_answer(const struct pair *p, const struct side *side)
{
	char head[128];
	bool events = p->stream && !p->plain && p->status == 200;
	bool same = strcmp(side->caller, side->target) == 0;
	struct recording r = {
		.name = p->name,
		.stream = p->stream,
		.route = dialect_of(side->target)->chat->route,
		.framing = CHUNKED,
		.head = head,
		.body = p->in,
		.expected = p->said[0] ? p->said : "200 done reusable",
		.out = same && !p->told ? NULL : p->out, /* as it came */
		.dialect = side->target,
		.caller = same ? NULL : side->caller,
		.usage = p->usage,
		.tool = p->tool[0] ? p->tool : NULL,
	};

	snprintf(head, sizeof head, "HTTP/1.1 %u x\r\ncontent-type: %s\r\n", p->status,
		 events ? "text/event-stream; charset=utf-8" : "application/json");
	check_recording(&r);
}

static void check_pair(struct pair *p, const struct side *side)
{
	if (p->name[0] == '\0')
		return;
	if (p->answer)
		check_answer(p, side);
	else
		check_request(p, side);
	CHECK_INT(weir_alloc_live(), 0);
}

static void start_pair(struct pair *p, const struct side *side, const char *name)
{
	memset(p, 0, sizeof *p);
	p->status = 200;
	set(p->name, sizeof p->name, name);
	set(p->model, sizeof p->model, side->model);
}

static unsigned check_file(const char *path)
{
	static struct pair pair;
	static char line[TEXT_MAX];
	struct side side = { "", "", "" };
	FILE *file = fopen(path, "r");
	unsigned n = 0;
	const char *rest;

	start_pair(&pair, &side, "");
	CHECK(file != NULL);
	while (file && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (starts(line, "from: ", &rest)) {
			set(side.caller, sizeof side.caller, rest);
		} else if (starts(line, "to: ", &rest)) {
			set(side.target, sizeof side.target, rest);
		} else if (!n && starts(line, "model: ", &rest)) {
			set(side.model, sizeof side.model, rest);
		} else if (starts(line, "== ", &rest)) {
			check_pair(&pair, &side);
			start_pair(&pair, &side, rest);
			n++;
		} else if (line[0] && line[0] != '#') {
			read_line(&pair, &side, line);
		}
	}
	check_pair(&pair, &side);
	if (file)
		fclose(file);
	return n;
}

static void check_files(const char *files, unsigned least)
{
	const char *data = getenv("WEIR_TEST_DATA");
	char pattern[PATH_MAX];
	glob_t found;
	unsigned n = 0;

	snprintf(pattern, sizeof pattern, "%s/dialect/*/%s", data ? data : "tests/data", files);
	CHECK_INT(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		n += check_file(found.gl_pathv[i]);
	globfree(&found);
	CHECK(n >= least);
}

TEST(each_request_becomes_what_stands_beside_it)
{
	check_files("requests-*.txt", 40);
}

/* From OpenAI's words to Anthropic's and back: not a byte of it is another. */
TEST(what_both_can_say_survives_a_round_trip)
{
	static const char said[] =
		"{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":\"Be "
		"brief\"},"
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\ud83d "
		"\\\"What\\\"?\"},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,QUJD\"}},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x.test/a.png\"}},"
		"{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":"
		"\"data:application/pdf;base64,QUJD\"}}]},"
		"{\"role\":\"assistant\",\"content\":\"Let me "
		"see\",\"tool_calls\":[{\"id\":\"a\",\"type\":"
		"\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"n\\\":1e400}\"}},"
		"{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{"
		"}\"}}]},"
		"{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"A\"},"
		"{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"B\"},"
		"{\"role\":\"user\",\"content\":\"And?\"},{\"role\":\"assistant\",\"content\":"
		"\"So\"},"
		"{\"role\":\"user\",\"content\":\"Go on\"}],\"max_tokens\":100,\"stream\":true,"
		"\"stream_options\":{\"include_usage\":true},\"temperature\":0.5,\"stop\":[\"END\"]"
		","
		"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":"
		"\"F\","
		"\"parameters\":{\"type\":\"object\",\"maximum\":18446744073709551615},\"strict\":"
		"true}},"
		"{\"type\":\"function\",\"function\":{\"name\":\"g\",\"parameters\":{\"type\":"
		"\"object\"}}}],\"tool_choice\":\"required\",\"parallel_tool_calls\":false,"
		"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
		"\"response\","
		"\"schema\":{\"type\":\"object\"},\"strict\":false}},\"user\":\"u\","
		"\"service_tier\":\"default\"}";
	static const struct side there = { "openai", "anthropic", "claude-sonnet-4-5" },
				 back = { "anthropic", "openai", "gpt-4o" };
	static struct pair pair;
	struct weir_drops drops;
	struct weir_buf out;
	int rc;

	weir_buf_init(&out, SIZE_MAX);
	start_pair(&pair, &there, "there");
	set(pair.body, sizeof pair.body, said);
	CHECK(translate(&pair, &there, &out, &drops, &rc) == NULL && rc == 0 && drops.n == 0);
	start_pair(&pair, &back, "back");
	snprintf(pair.body, sizeof pair.body, "%.*s", (int)out.len, out.base);
	CHECK(translate(&pair, &back, &out, &drops, &rc) == NULL && rc == 0 && drops.n == 0);
	snprintf(pair.out, sizeof pair.out, "%.*s", (int)out.len, out.base);
	CHECK_STR(pair.out, said);
	weir_buf_fini(&out);
}

TEST(each_answer_becomes_what_stands_below_it)
{
	check_files("answers-*.txt", 20);
}

TEST_MAIN

#include "bench/dialect.h"

#include "base/attr.h"
#include "bench/nonce.h"
#include "dialect/tree.h"

enum { BYTES_PER_TOKEN = 4 };

static const char filler[] = "rivers carry water over weirs so that mills below never run dry ";

/* About as long as wished, and at least its first sentence. */
static int put_prompt(struct weir_buf *buf, uint64_t tokens)
{
	size_t begin = buf->len, len = (size_t)tokens * BYTES_PER_TOKEN;
	int rc = weir_buf_puts(buf, "\"Begin your answer with the nonce, letter by letter. "
				    "nonce=" WEIR_BENCH_NONCE_PLACE " ");

	while (rc == 0 && buf->len - begin < len) {
		size_t left = len - (buf->len - begin), all = sizeof filler - 1;

		rc = weir_buf_append(buf, filler, left < all ? left : all);
	}
	return rc ? rc : weir_buf_puts(buf, "\"");
}

/* "{"model":…, and what both dialects call by the same names. */
static int put_common(struct weir_buf *buf, const struct weir_bench_wish *wish)
{
	int rc = weir_buf_puts(buf, "{\"model\":");

	if (rc == 0)
		rc = weir_buf_json(buf, weir_slice_of(wish->model));
	if (rc == 0 && wish->answer_tokens)
		rc = weir_buf_printf(buf, ",\"max_tokens\":%llu",
				     (unsigned long long)wish->answer_tokens);
	if (rc == 0 && wish->stream)
		rc = weir_buf_puts(buf, ",\"stream\":true");
	if (rc == 0)
		rc = weir_buf_puts(buf, ",\"messages\":[{\"role\":\"user\",\"content\":");
	if (rc == 0)
		rc = put_prompt(buf, wish->prompt_tokens);
	return rc ? rc : weir_buf_puts(buf, "}]");
}

#define SCHEMA                                                                \
	"{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"," \
	"\"description\":\"The answer, the nonce first\"}},\"required\":[\"text\"]}"

static int openai_put_body(struct weir_buf *buf, const struct weir_bench_wish *wish)
{
	int rc = put_common(buf, wish);

	if (rc == 0 && wish->tools)
		rc = weir_buf_puts(buf,
				   ",\"tools\":[{\"type\":\"function\",\"function\":{"
				   "\"name\":\"say\",\"description\":\"Gives the answer\","
				   "\"parameters\":" SCHEMA "}}],\"tool_choice\":\"required\"");
	return rc ? rc : weir_buf_puts(buf, "}");
}

/* max_tokens is not optional there. */
static int anthropic_put_body(struct weir_buf *buf, const struct weir_bench_wish *wish)
{
	struct weir_bench_wish limited = *wish;
	int rc;

	if (!limited.answer_tokens)
		limited.answer_tokens = 1024;
	rc = put_common(buf, &limited);
	if (rc == 0 && wish->tools)
		rc = weir_buf_puts(buf, ",\"tools\":[{\"name\":\"say\",\"description\":"
					"\"Gives the answer\",\"input_schema\":" SCHEMA
					"}],\"tool_choice\":{\"type\":\"any\"}");
	return rc ? rc : weir_buf_puts(buf, "}");
}

static void say(struct weir_bench_said *said, yyjson_val *text)
{
	struct weir_slice slice = weir_tree_text(text);

	if (!slice.len)
		return;
	said->content = true;
	said->texts++;
	said->text = text;
	said->on_text(said->arg, slice);
}

static void count(struct weir_bench_said *said, yyjson_val *root, const char *name)
{
	yyjson_val *tokens = yyjson_obj_get(yyjson_obj_get(root, "usage"), name);

	if (!yyjson_is_uint(tokens))
		return;
	said->counted = true;
	said->tokens = yyjson_get_uint(tokens);
}

static void openai_say_calls(struct weir_bench_said *said, yyjson_val *calls)
{
	size_t i, n;
	yyjson_val *call;

	yyjson_arr_foreach(calls, i, n, call)
	{
		say(said, yyjson_obj_get(yyjson_obj_get(call, "function"), "arguments"));
	}
}

static void openai_read(struct weir_bench_said *said, yyjson_val *root, const char *part)
{
	yyjson_val *choices = yyjson_obj_get(root, "choices");
	yyjson_val *choice = yyjson_arr_get_first(choices);
	yyjson_val *message = yyjson_obj_get(choice, part);
	yyjson_val *error = yyjson_obj_get(root, "error");

	said->error = error && !yyjson_is_null(error);
	said->answer = yyjson_is_arr(choices);
	say(said, yyjson_obj_get(message, "reasoning_content"));
	say(said, yyjson_obj_get(message, "content"));
	openai_say_calls(said, yyjson_obj_get(message, "tool_calls"));
	said->finished = yyjson_is_str(yyjson_obj_get(choice, "finish_reason"));
	count(said, root, "completion_tokens");
}

static void openai_read_whole(struct weir_bench_said *said, yyjson_val *root)
{
	openai_read(said, root, "message");
}

static void openai_read_event(struct weir_bench_said *said, yyjson_val *root)
{
	openai_read(said, root, "delta");
}

static bool is(yyjson_val *value, const char *text)
{
	return yyjson_equals_str(value, text);
}

static void anthropic_say_block(struct weir_bench_said *said, yyjson_val *block)
{
	size_t i, n;
	yyjson_val *key, *value;

	say(said, yyjson_obj_get(block, "thinking"));
	say(said, yyjson_obj_get(block, "text"));
	yyjson_obj_foreach(yyjson_obj_get(block, "input"), i, n, key, value)
	{
		say(said, value);
	}
}

static void anthropic_read_whole(struct weir_bench_said *said, yyjson_val *root)
{
	yyjson_val *content = yyjson_obj_get(root, "content"), *block;
	size_t i, n;

	said->error = is(yyjson_obj_get(root, "type"), "error");
	said->answer = yyjson_is_arr(content);
	yyjson_arr_foreach(content, i, n, block)
	{
		anthropic_say_block(said, block);
	}
	said->finished = yyjson_is_str(yyjson_obj_get(root, "stop_reason"));
	count(said, root, "output_tokens");
}

static void anthropic_read_event(struct weir_bench_said *said, yyjson_val *root)
{
	yyjson_val *type = yyjson_obj_get(root, "type"), *delta = yyjson_obj_get(root, "delta");

	said->error = is(type, "error");
	said->answer = yyjson_is_str(type);
	said->over = is(type, "message_stop");
	say(said, yyjson_obj_get(delta, "thinking"));
	say(said, yyjson_obj_get(delta, "text"));
	say(said, yyjson_obj_get(delta, "partial_json"));
	said->finished = yyjson_is_str(yyjson_obj_get(delta, "stop_reason"));
	if (is(type, "message_delta"))
		count(said, root, "output_tokens");
}

static const struct weir_bench_dialect dialects[] = {
	{ .name = "openai",
	  .path = "/chat/completions",
	  .fields = "",
	  .done = true,
	  .put_body = openai_put_body,
	  .read_whole = openai_read_whole,
	  .read_event = openai_read_event },
	{ .name = "anthropic",
	  .path = "/messages",
	  .fields = "anthropic-version: 2023-06-01\r\n",
	  .anthropic_key = true,
	  .put_body = anthropic_put_body,
	  .read_whole = anthropic_read_whole,
	  .read_event = anthropic_read_event },
	{ .name = "http", .path = "", .fields = "" },
};

const struct weir_bench_dialect *weir_bench_dialect(struct weir_slice name)
{
	for (size_t i = 0; i < WEIR_COUNT_OF(dialects); i++)
		if (weir_slice_is(name, dialects[i].name))
			return &dialects[i];
	return NULL;
}

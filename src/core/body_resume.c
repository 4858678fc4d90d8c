/* A request whose answer was cut, as another target is asked to go on with it. */
#include "base/error.h"
#include "core/body.h"
#include "dialect/letters.h"

/* {"type":"text"}, and nothing that is not known. */
static bool is_plain_format(const struct weir_json_member *m)
{
	struct weir_json_member type;

	return m->type == WEIR_JSON_NULL ||
	       (m->type == WEIR_JSON_OBJECT && weir_json_get(m->value, "type", &type) &&
		weir_slice_is(type.value, "\"text\""));
}

/* ["text"] */
static bool is_only_text(const struct weir_json_member *m)
{
	struct weir_json_cursor cursor;
	struct weir_json_member element;

	if (m->type != WEIR_JSON_ARRAY || weir_json_open(&cursor, m->value))
		return m->type == WEIR_JSON_NULL;
	while (weir_json_next(&cursor, &element) == 1)
		if (!weir_slice_is(element.value, "\"text\""))
			return false;
	return true;
}

static bool is_off(const struct weir_json_member *m)
{
	return m->type == WEIR_JSON_NULL || weir_slice_is(m->value, "false") ||
	       weir_slice_is(m->value, "0");
}

static bool lets_resume(const struct weir_json_member *m)
{
	if (weir_json_text_is(m->key, "messages"))
		return m->type == WEIR_JSON_ARRAY;
	if (weir_json_text_is(m->key, "n"))
		return m->type == WEIR_JSON_NULL || weir_slice_is(m->value, "1");
	if (weir_json_text_is(m->key, "response_format"))
		return is_plain_format(m);
	if (weir_json_text_is(m->key, "modalities"))
		return is_only_text(m);
	if (weir_json_text_is(m->key, "audio"))
		return m->type == WEIR_JSON_NULL;
	if (weir_json_text_is(m->key, "logprobs") || weir_json_text_is(m->key, "top_logprobs"))
		return is_off(m);
	return true;
}

bool weir_body_can_resume(const struct weir_body *body)
{
	bool messages = false;

	for (unsigned i = 0; i < body->members_n; i++) {
		if (!lets_resume(&body->members[i]))
			return false;
		messages |= weir_json_text_is(body->members[i].key, "messages");
	}
	return messages;
}

int weir_body_put_turns(struct weir_buf *out, const struct weir_body_resume *resume)
{
	static const char go_on[] =
		",{\"role\":\"user\",\"content\":\"Your last message was cut off. Continue it "
		"exactly after its last character, with a space first if one belongs there. "
		"Repeat nothing of it, and write no preamble and no comment.\"}";
	struct weir_slice text = resume->text;
	int rc;

	/* Some refuse a prefill that ends with white space. */
	if (resume->prefill)
		text.len -= weir_blanks_behind(text);
	if ((rc = weir_buf_puts(out, "{\"role\":\"assistant\",\"content\":")) ||
	    (rc = weir_buf_json(out, text)))
		return rc;
	if (!resume->prefill)
		return (rc = weir_buf_puts(out, "}")) ? rc : weir_buf_puts(out, go_on);
	if (resume->prefill_flag &&
	    ((rc = weir_buf_puts(out, ",")) ||
	     (rc = weir_buf_json(out, weir_slice_of(resume->prefill_flag))) ||
	     (rc = weir_buf_puts(out, ":true"))))
		return rc;
	return weir_buf_puts(out, "}");
}

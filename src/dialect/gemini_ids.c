#include "base/error.h"
#include "dialect/gemini.h"
#include "dialect/pen.h"

static const char mark[] = WEIR_CHAT_ID_MARK;
static const char given[] = "gem_";

enum { MARK = sizeof mark - 1, GIVEN = sizeof given - 1, OWN_MAX = 36 /* as others bound it */ };

static bool is_plain(char c)
{
	char lower = weir_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_plain_id(struct weir_slice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!is_plain(id.base[i]))
			return false;
	return id.len > 0 && id.len <= OWN_MAX && !memmem(id.base, id.len, mark, MARK);
}

static void put_hash(struct weir_pen *pen, uint64_t hash)
{
	for (unsigned shift = 64; shift; shift -= 4)
		weir_put_slice(pen, weir_slice("0123456789abcdef" + (hash >> (shift - 4) & 15), 1));
}

/* Base64 of either alphabet as base64url; false: it is none, or it does not fit. */
static bool put_base64url(struct weir_pen *pen, struct weir_slice text)
{
	while (text.len && text.base[text.len - 1] == '=')
		text.len--;
	if (text.len % 4 == 1 || text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.base[i] == '+' ? '-' : text.base[i] == '/' ? '_' : text.base[i];

		if (!is_plain(c) || pen->rc)
			return false;
		weir_put_slice(pen, weir_slice(&c, 1));
	}
	return pen->rc == 0;
}

static void put_signature(struct weir_pen *pen, struct weir_slice inside)
{
	size_t before = pen->buf->len;
	struct weir_buf text;

	weir_buf_init(&text, WEIR_GEMINI_ID_MAX);
	weir_put(pen, mark);
	if (pen->rc == 0)
		pen->rc = weir_json_unescape(&text, inside);
	if (!put_base64url(pen, weir_buf_slice(&text)) && pen->rc != WEIR_ENOMEM) {
		pen->buf->len = before;
		pen->rc = 0;
	}
	weir_buf_fini(&text);
}

int weir_gemini_put_id(struct weir_buf *out, struct weir_slice id, uint64_t answer, unsigned call,
		       struct weir_slice signature)
{
	struct weir_pen pen = { out, 0 };

	if (is_plain_id(id)) {
		weir_put(&pen, given);
		weir_put_slice(&pen, id);
	} else {
		weir_put(&pen, "call_");
		put_hash(&pen, answer);
		weir_put_u64(&pen, call);
	}
	if (signature.len)
		put_signature(&pen, signature);
	return pen.rc;
}

void weir_gemini_put_own_id(struct weir_pen *pen, struct weir_slice id)
{
	id = weir_chat_plain_id(id);
	if (!weir_slice_starts(id, given))
		return;
	id = weir_slice(id.base + GIVEN, id.len - GIVEN);
	if (!is_plain_id(id))
		return;
	weir_put(pen, "\"id\":");
	weir_put_quoted(pen, id);
	weir_put(pen, ",");
}

bool weir_gemini_put_signature(struct weir_pen *pen, struct weir_slice id)
{
	size_t plain = weir_chat_plain_id(id).len;
	struct weir_slice text = WEIR_SLICE("");

	if (plain < id.len)
		text = weir_slice(id.base + plain + MARK, id.len - plain - MARK);
	for (size_t i = 0; i < text.len; i++)
		if (!is_plain(text.base[i]))
			return false;
	if (text.len == 0 || text.len % 4 == 1 || text.len > WEIR_GEMINI_ID_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		weir_put(pen, text.base[i] == '-'   ? "+"
			      : text.base[i] == '_' ? "/"
						    : (const char[]){ text.base[i], '\0' });
	weir_put(pen, text.len % 4 == 2 ? "==" : text.len % 4 == 3 ? "=" : "");
	return true;
}

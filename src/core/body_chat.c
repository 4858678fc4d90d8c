/* The caller's body as everybody's chat, for a target of another dialect. */
#include "base/alloc.h"
#include "base/error.h"
#include "core/body.h"

/* The one of the same name, or a new one at the end. */
static void override(struct weir_json_member *members, unsigned *n,
		     const struct weir_json_member *by)
{
	for (unsigned i = 0; i < *n; i++) {
		if (!weir_slice_eq(members[i].key, by->key))
			continue;
		members[i] = *by;
		return;
	}
	members[(*n)++] = *by;
}

static unsigned count(struct weir_slice object)
{
	struct weir_json_cursor cursor;
	struct weir_json_member m;
	unsigned n = 0;

	if (object.base && weir_json_open(&cursor, object) == 0)
		while (weir_json_next(&cursor, &m) == 1)
			n++;
	return n;
}

int weir_body_read_chat(const struct weir_body *body, struct weir_slice overrides,
			const struct weir_dialect *caller, struct weir_chat *chat)
{
	unsigned n = 0, more = count(overrides);
	struct weir_json_member *members, m;
	struct weir_json_cursor cursor;
	int rc;

	*chat = (struct weir_chat){ 0 };
	if (body->bytes.len > WEIR_CHAT_BODY_MAX) {
		weir_chat_refuse(chat, "cannot_carry_so_much", "messages");
		return 0;
	}
	members = weir_alloc((body->members_n + (size_t)more) * sizeof *members);
	if (!members)
		return WEIR_ENOMEM;
	for (unsigned i = 0; i < body->members_n; i++)
		if (!weir_body_is_ours(body, body->members[i].key))
			members[n++] = body->members[i];
	if (more && weir_json_open(&cursor, overrides) == 0)
		while (weir_json_next(&cursor, &m) == 1)
			if (weir_body_may_override(body, m.key))
				override(members, &n, &m);
	rc = caller->chat->read_request(chat, members, n);
	weir_free(members);
	return rc;
}

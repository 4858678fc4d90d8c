/* The caller's body as everybody's chat, for a target of another dialect. */
#include "base/alloc.h"
#include "base/error.h"
#include "core/body.h"

/* The value of the one of the same name, or a new one at the end. */
static void override(struct weir_json_member *members, unsigned *n,
		     const struct weir_json_member *by)
{
	for (unsigned i = 0; i < *n; i++) {
		if (!weir_slice_eq(members[i].key, by->key))
			continue;
		members[i].value = by->value;
		members[i].type = by->type;
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

/* All members but those that are weir's own, as the overrides leave them, in a new array
 * (weir_free). 0 or WEIR_ENOMEM. */
static int merge(const struct weir_body *body, struct weir_slice overrides,
		 struct weir_json_member **merged, unsigned *merged_n)
{
	unsigned n = 0, more = overrides.base ? count(overrides) : 0;
	struct weir_json_member *members = weir_alloc((body->members_n + (size_t)more + 1) *
						      sizeof *members);
	struct weir_json_member m;
	struct weir_json_cursor cursor;

	if (!members)
		return WEIR_ENOMEM;
	for (unsigned i = 0; i < body->members_n; i++)
		if (!weir_body_member_is_ours(body, i))
			members[n++] = body->members[i];
	if (more && weir_json_open(&cursor, overrides) == 0)
		while (weir_json_next(&cursor, &m) == 1)
			if (weir_body_may_override(body, m.key))
				override(members, &n, &m);
	*merged = members;
	*merged_n = n;
	return 0;
}

int weir_body_read_chat(const struct weir_body *body, struct weir_slice overrides,
			const struct weir_dialect *caller, struct weir_chat *chat)
{
	struct weir_json_member *members;
	unsigned n;
	int rc;

	*chat = (struct weir_chat){ 0 };
	if (body->bytes.len > WEIR_CHAT_BODY_MAX) {
		weir_chat_refuse(chat, "cannot_carry_so_much", "messages");
		return 0;
	}
	rc = merge(body, overrides, &members, &n);
	if (rc)
		return rc;
	rc = caller->chat->read_request(chat, members, n);
	weir_free(members);
	return rc;
}

void weir_body_adapt(const struct weir_body *body, struct weir_slice overrides,
		     const struct weir_adapt_to *to, void (*chat)(struct weir_adapting *a),
		     struct weir_adapted *adapted)
{
	struct weir_json_member *members;
	unsigned n;
	int rc;

	rc = merge(body, overrides, &members, &n);
	if (rc == 0)
		weir_adapt(adapted, members, n, to, chat);
	else
		*adapted = (struct weir_adapted){ .rc = rc };
	if (rc == 0)
		weir_free(members);
}

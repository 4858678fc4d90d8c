/* What an operator may do by POST, and who is one. */
#pragma once

#include "core/page.h"
#include "wire/http_head.h"

struct weir_client;

struct weir_admin_refusal {
	unsigned status;
	const char *code, *message;
};

/* Why this page is not for whoever asks; NULL: it is. What changes something wants a header
 * that no web page can send and a Host that is the listener's own, so that no name of an
 * attacker leads here; what only tells wants, on a loopback listener, a Host that is an
 * address, localhost or the listener's own name. What tells anything (see struct weir_page)
 * is not for a web page of another origin, wants the admin_key when other machines can reach
 * the listener that the caller came by, and what changes something whenever there is one. */
const struct weir_admin_refusal *weir_admin_refusal(const struct weir_client *client,
						    const struct weir_page *page,
						    const struct weir_http_head *head);

int weir_admin_reload(struct weir_gateway *gateway, struct weir_slice rest,
		      struct weir_page_answer *answer);
int weir_admin_drain(struct weir_gateway *gateway, struct weir_slice rest,
		     struct weir_page_answer *answer);
/* rest: "{id}/disable" or "{id}/enable". */
int weir_admin_switch(struct weir_gateway *gateway, struct weir_slice rest,
		      struct weir_page_answer *answer);

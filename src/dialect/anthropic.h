/* The Anthropic Messages API. https://docs.anthropic.com/en/api/messages */
#pragma once

#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/piece.h"

extern const struct weir_dialect weir_anthropic;

/* anthropic_chat.c, anthropic_telling.c: see struct weir_chat_words */
int weir_anthropic_read_chat(struct weir_chat *chat, const struct weir_json_member *members,
			     unsigned n);
void weir_anthropic_tell(struct weir_telling *telling, const struct weir_piece *piece);
int weir_anthropic_put_refusal(struct weir_buf *out, const struct weir_refusal *refusal);
/* Of a stream: a call's block is opened; more of its arguments. */
void weir_anthropic_open_call(struct weir_telling *telling, const struct weir_piece *call);
void weir_anthropic_put_arguments(struct weir_telling *telling, struct weir_slice text);
/* anthropic_calls.c */
void weir_anthropic_stream_call(struct weir_telling *telling, const struct weir_piece *piece);
void weir_anthropic_end_calls(struct weir_telling *telling);
/* anthropic_request.c */
const char *weir_anthropic_cannot(const struct weir_chat *chat,
				  const struct weir_chat_target *target);
int weir_anthropic_put_request(const struct weir_chat *chat, const struct weir_chat_target *target,
			       struct weir_buf *out, struct weir_drops *drops);
/* anthropic_adapt.c */
struct weir_adapting;
void weir_anthropic_adapt(struct weir_adapting *a);
/* anthropic_turns.c: the messages, "[…]". prefill: the last one may be gone on from; system:
 * instructions may stand between them. */
int weir_anthropic_put_turns(const struct weir_chat *chat, bool prefill, bool system,
			     struct weir_buf *out, struct weir_drops *drops);
/* anthropic_pieces.c */
void weir_anthropic_hear_event(struct weir_hearing *hearing, struct weir_slice data);
void weir_anthropic_hear_body(struct weir_hearing *hearing, struct weir_slice body);
/* anthropic_stream.c: see struct weir_dialect */
int weir_anthropic_put_as_stream(enum weir_route route, struct weir_slice body,
				 struct weir_buf *out);

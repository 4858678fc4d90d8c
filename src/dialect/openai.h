/* The OpenAI chat completions API, and everybody who speaks it more or less.
 * https://platform.openai.com/docs/api-reference/chat */
#pragma once

#include "dialect/chat.h"
#include "dialect/dialect.h"
#include "dialect/piece.h"
#include "dialect/responses.h"

enum { WEIR_OPENAI_TOOL_NAME_MAX = 64 };

extern const struct weir_dialect weir_openai;

/* Of any dialect that has its words: all but the name, the routes and the key. */
#define WEIR_OPENAI_WORDS                                                                   \
	.responses = &weir_responses, .model_member = "model", .end = "data: [DONE]\n\n",   \
	.fields = "", .chat = &weir_openai_words, .usage_wish = &weir_openai_usage_wish,    \
	.read_event = weir_openai_read_event, .read_delta = weir_openai_read_delta,         \
	.read_body = weir_openai_read_body, .put_error_event = weir_openai_put_error_event, \
	.put_as_stream = weir_openai_put_as_stream

extern const struct weir_chat_words weir_openai_words;
extern const struct weir_usage_wish weir_openai_usage_wish;
void weir_openai_read_event(struct weir_slice data, struct weir_buf *scratch,
			    struct weir_reading *reading);
void weir_openai_read_body(enum weir_route route, struct weir_slice body, struct weir_buf *scratch,
			   struct weir_reading *reading);
int weir_openai_put_error_event(struct weir_buf *out, struct weir_slice message, const char *code);

/* openai_error.c: who said what went wrong, in any of the shapes that are about. Fills
 * reading->failure and retry_info, texts in scratch; false: out of memory. root NULL: body
 * is no JSON, and its words are taken as they are, without tags. */
struct yyjson_val;
bool weir_openai_read_failure(struct yyjson_val *root, struct weir_slice body,
			      struct weir_buf *scratch, struct weir_reading *reading);

/* The same of a body that is read otherwise, if it is not too large for a tree. */
bool weir_openai_read_failed_body(struct weir_slice body, bool json, struct weir_buf *scratch,
				  struct weir_reading *reading);

/* openai_chat.c, openai_telling.c: see struct weir_chat_words */
int weir_openai_read_chat(struct weir_chat *chat, const struct weir_json_member *members,
			  unsigned n);
void weir_openai_tell(struct weir_telling *telling, const struct weir_piece *piece);
int weir_openai_put_refusal(struct weir_buf *out, const struct weir_refusal *refusal);
/* openai_request.c */
const char *weir_openai_cannot(const struct weir_chat *chat, const struct weir_chat_target *target);
int weir_openai_put_request(const struct weir_chat *chat, const struct weir_chat_target *target,
			    struct weir_buf *out, struct weir_drops *drops);
/* How much a model shall think; NONE_GIVEN: that is not told. */
enum weir_chat_effort weir_openai_effort(const struct weir_model_facts *facts,
					 enum weir_chat_effort wish, bool tools);
/* openai_adapt.c */
struct weir_adapting;
void weir_openai_adapt(struct weir_adapting *a);
/* openai_pieces.c */
void weir_openai_hear_event(struct weir_hearing *hearing, struct weir_slice data);
void weir_openai_hear_body(struct weir_hearing *hearing, struct weir_slice body);

/* openai_delta.c */
void weir_openai_read_delta(struct weir_slice data, struct weir_buf *scratch,
			    struct weir_delta *delta);

/* openai_stream.c */
int weir_openai_put_as_stream(enum weir_route route, struct weir_slice body, struct weir_buf *out);

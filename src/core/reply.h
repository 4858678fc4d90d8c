/* Writes answers on a caller's connection: heads, chunks, ends. */
#pragma once

#include "core/client.h"

/* A request's answer. ended: first is the whole body. */
void weir_reply_answer(struct weir_client *client, const struct weir_answer *answer,
		       struct weir_slice first, bool ended);
/* More of a body begun by weir_reply_answer(). */
void weir_reply_bytes(struct weir_client *client, struct weir_slice bytes, bool ended);
/* An answer of weir's own, whole; extra: finished header lines or base NULL. */
void weir_reply_direct(struct weir_client *client, unsigned status, const char *content_type,
		       struct weir_slice body, struct weir_slice extra);
/* An error in the shape of the caller's route. */
void weir_reply_error(struct weir_client *client, unsigned status, const char *code,
		      const char *message, struct weir_slice extra);
void weir_reply_continue(struct weir_client *client);

/* The languages a target may speak: how a request is made up, how an answer is read. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <yyjson.h>

#include "base/buf.h"

/* A request to be made up. */
struct weir_bench_wish {
	const char *model;
	uint64_t prompt_tokens; /* about four bytes each */
	uint64_t answer_tokens; /* at most; 0: not said */
	bool stream, tools;
};

/* What a body or an event says. */
struct weir_bench_said {
	void (*on_text)(void *arg, struct weir_slice text); /* content, arguments of tools */
	void *arg;
	unsigned texts;   /* how many there were */
	yyjson_val *text; /* the last one */
	bool answer;      /* it is of the dialect, and belongs to an answer */
	bool content;     /* some of the answer's text was in it */
	bool finished;    /* it gives a reason for the end */
	bool over;        /* it is the stream's closing event */
	bool error;       /* it is an error */
	bool counted;     /* it tells how many tokens the answer has */
	uint64_t tokens;
};

struct weir_bench_dialect {
	const char *name;
	const char *path;   /* after /v1 */
	const char *fields; /* of the head, each with CRLF */
	bool anthropic_key; /* x-api-key, not a bearer token */
	bool done;          /* a stream is closed by "[DONE]" */
	/* WEIR_ENOMEM or WEIR_ELIMIT. The prompt has the nonce's place in it. */
	int (*put_body)(struct weir_buf *buf, const struct weir_bench_wish *wish);
	void (*read_whole)(struct weir_bench_said *said, yyjson_val *root);
	void (*read_event)(struct weir_bench_said *said, yyjson_val *root);
};

/* "openai", "anthropic", "http" (whose answers nobody reads); NULL: none of that name. */
const struct weir_bench_dialect *weir_bench_dialect(struct weir_slice name);

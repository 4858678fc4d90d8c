/* weir.h: send an LLM request down a chain of providers until one answers.
 *
 * The guide is docs/embedding.md, programs to begin from are in examples/. What holds
 * everywhere below:
 *
 * Loop. The library lives on a loop you own and run. It starts no loop, no thread and no
 * signal handler, and prints nothing. Several gateways may share a loop, or have one each;
 * they share no state.
 *
 * Threads. A gateway and its requests belong to the thread that runs their loop: call nothing
 * of them from another one (wake the loop with uv_async_send() instead).
 *
 * Callbacks. on_start, on_bytes, on_done, on_drain, on_drained and on_closed never run inside
 * the call that caused them, and may call everything here. on_notice may, too, although it
 * also runs inside weir_request_start(). on_log, on_attempt, on_finding, log_dropped, otel and
 * now_ms call nothing of weir's.
 *
 * Memory. What you hand over is copied, unless its comment says how long it must live. What
 * a callback is handed is valid during the call, and what a function returns until the moment
 * its comment names.
 *
 * Errors. int functions return 0 or a negative code: of libuv (UV_E*) or of enum
 * weir_error_public. weir_strerror() has a sentence for each. What providers do is no error:
 * it is what a request is answered with, in the end.
 *
 * SIGPIPE is ignored from the first weir_gateway_create() on, unless somebody handles it. */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API
#endif

/* Semantic versioning. While the major version is 0, a minor one may break the API and the
 * ABI (then the soname changes, too); a patch does not. */
#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0
#define WEIR_VERSION_HEX \
	((WEIR_VERSION_MAJOR << 16) | (WEIR_VERSION_MINOR << 8) | WEIR_VERSION_PATCH)

/* Beside libuv's UV_E* the functions below return: */
enum weir_error_public {
	WEIR_ERR_MEMORY = -9001,
	WEIR_ERR_CONFIG = -9003, /* the configuration is wrong; on_finding has heard why */
	WEIR_ERR_TLS = -9004,    /* no CA bundle, no random numbers */
	WEIR_ERR_BIND = -9005    /* a listener could not be opened */
};

/* Never NULL, static; for UV_E* it is uv_strerror(). */
WEIR_API const char *weir_strerror(int rc);

/* WEIR_VERSION_HEX of the library that is running, and "0.1.0". Static. */
WEIR_API unsigned weir_version_hex(void);
WEIR_API const char *weir_version(void);
/* The versions of the libraries in it; called for each, inside the call. */
WEIR_API void
weir_library_versions(void (*on_line)(void *arg, const char *name, const char *version), void *arg);

/* Where memory comes from: weir's own, and that of yyjson, mbedTLS and nghttp2 in it. As
 * uv_replace_allocator() it is once for the process, before anything else of weir's, because
 * what one allocator gave another cannot free; all four must be usable from every thread that
 * runs a gateway. libuv, c-ares and libyaml have their own ways. Each may return NULL at any
 * time: what cannot go on fails with WEIR_ERR_MEMORY, or answers 503.
 * UV_EINVAL: one is NULL. UV_EBUSY: too late, weir has allocated
 * something already, in whatever thread. */
WEIR_API int weir_replace_allocator(void *(*malloc_fn)(size_t size),
				    void *(*realloc_fn)(void *ptr, size_t size),
				    void *(*calloc_fn)(size_t count, size_t size),
				    void (*free_fn)(void *ptr));

struct weir_gateway; /* a configuration, its listeners, connections and counters */
struct weir_request; /* one request on its way down the chain */

/* ---- what happens to requests, one by one ---- */

enum weir_notice_kind {
	WEIR_NOTICE_ATTEMPT = 1,  /* a call to `from` is over: outcome, status, ms */
	WEIR_NOTICE_FALLBACK = 2, /* from `from`, given up or gone past, to `to` */
	WEIR_NOTICE_RETRY = 3,    /* the same target once more */
	WEIR_NOTICE_HEDGE = 4,    /* `to` is asked beside `from`, which is slow */
	WEIR_NOTICE_END = 5       /* the request is over; `to` has answered */
};

/* Texts are valid during on_notice. Fields may be added at the end. */
struct weir_notice {
	enum weir_notice_kind kind;
	int status; /* HTTP, of `from`, or of the answer at the end; 0: there was none */
	const char *request_id; /* weir_request_id() */
	const char *chain;      /* NULL: it came to none */
	const char *from, *to;  /* "provider/model", "provider/model#2" for its second key; NULL
				   where there is none */
	const char *outcome;    /* "ok", "overloaded", "unreachable"… (docs/policy.md); at the end
				   "ok", "failed_over", "exhausted", "caller_error", "hangup" or
				   "rejected" */
	const char *reason;     /* closer: "connect", "breaker_open"…; NULL at the end */
	unsigned attempt;       /* from 1: which call; at the end how many there were */
	uint64_t ms;            /* of the call; else since the request began */
};

/* ---- a gateway ---- */

/* Begin with `= WEIR_GATEWAY_OPTIONS_INIT`, set what you need, and leave the rest. */
struct weir_gateway_options {
	size_t size; /* of this struct, as your compiler knows it */

	/* The configuration: a file's path, or YAML text (config_len bytes, named by
	 * config_path in messages when both are set; weir_setup_text() makes one). Neither:
	 * zero-config, from the API keys in the environment. */
	const char *config_path;
	const char *config_text;
	size_t config_len;

	/* Each log line, newline included; it must not block. NULL: no log. */
	void (*on_log)(void *arg, const char *line, size_t len);
	int log_text; /* key=value text instead of JSON, where the configuration does not say */
	int log_text_fixed; /* log_text holds whatever it says */

	/* Likewise each attempt and each request, as JSON, where the configuration names a file
	 * for them (log.attempts). NULL: they are not kept. */
	void (*on_attempt)(void *arg, const char *line, size_t len);

	/* How many lines got lost on their way so far, for weir_log_dropped_total. NULL: none. */
	uint64_t (*log_dropped)(void *arg);

	/* Each finding about the configuration, `FILE:LINE:COL: error[rule] key: what; fix:
	 * how`, newline included. Called inside weir_gateway_create() and
	 * weir_gateway_reload() only. NULL: none. */
	void (*on_finding)(void *arg, const char *line, size_t len);

	/* Traces: where to send them, and which, as the OTEL_* variables of the OpenTelemetry
	 * specification say; called inside weir_gateway_create() only. NULL: no traces. weir
	 * itself never reads these from the environment: give a wrapper of getenv() for that. */
	const char *(*otel)(void *arg, const char *variable);

	/* POST /drain came to the admin listener: call weir_gateway_drain(), and end after it.
	 * NULL: the gateway drains, and nobody is told. */
	void (*on_drain)(void *arg);
	void *arg; /* of all of these */

	uint64_t seed; /* of jitter and request ids; 0: from the system */

	/* Every attempt, fallback and end of a request, also of those that came by a listener.
	 * It runs in the middle of the work: be brief. Requests that are cancelled in here, and
	 * a gateway that is closed, end from the loop. NULL: none. */
	void (*on_notice)(void *arg, const struct weir_notice *notice);

	/* For tests: what time it is, in milliseconds from anywhere, never backwards. All that
	 * the policy decides goes by it (deadlines, retries, breakers, benches, budgets, rate
	 * limits, hedges) and so do the durations it tells. Timers are libuv's: after a leap
	 * call weir_gateway_wake(). Sockets and names stay on the loop's time. NULL: uv_now(). */
	uint64_t (*now_ms)(void *arg);

	/* This process is one of several that are one proxy, and which; see below. NULL: it is
	 * alone. */
	struct weir_shm *shm;
	unsigned worker;
	/* config_text is what the file config_path had: a reload reads the file again. */
	int config_reread;
	/* POST /reload has put another configuration in force: the other processes do not know.
	 * NULL: there are none. */
	void (*on_reload)(void *arg);
};

/* clang-format off */
#define WEIR_GATEWAY_OPTIONS_INIT \
	{ sizeof(struct weir_gateway_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
	  0, 0, 0, 0 }
/* clang-format on */

/* ---- several processes that are one proxy ---- */

/* What they know in common: breakers, benches, limits, what callers have used, and all counters. A
 * parent makes it for 1 to 64 workers and forks them; each has a loop, a gateway with
 * options.shm and its own number from 0, and the same sockets (weir_gateway_inherit()). They run
 * the same configuration; a reload is each one's. 0, or UV_EINVAL, WEIR_ERR_MEMORY. */
struct weir_shm;
WEIR_API int weir_workers_share(struct weir_shm **shm, unsigned workers);
/* In the parent: that worker's process has ended, however. What it held is free again, and another
 * may take its number. */
WEIR_API void weir_workers_forfeit(struct weir_shm *shm, unsigned worker);
/* This process's part of it, after its gateway. NULL is fine. */
WEIR_API void weir_workers_unshare(struct weir_shm *shm);

/* 0 and *gateway, which is yours until weir_gateway_close(), and opens nothing yet. It reads
 * files: the configuration's, the CA bundle. Negative: the configuration is wrong (then
 * on_finding has heard why), out of memory, no CA bundle…; UV_EINVAL: options->size is not
 * set; UV_E2BIG: it sets what this version does not know. why[] (may be NULL) says it in a
 * sentence, and handles that were begun end on the loop, which must be run once more. */
WEIR_API int weir_gateway_create(struct weir_gateway **gateway, uv_loop_t *loop,
				 const struct weir_gateway_options *options, char *why,
				 size_t why_size);

/* Reads the configuration again: this text, or with NULL the file that was named (or the
 * environment) once more. 0: requests that begin from now on go by it. Those under way keep the
 * one they began with; what is known of targets that stay, and the connections to them, stay.
 * Listeners that were opened as the configuration says follow it: the new ones are opened before
 * the others close, and whoever has come to those is served. Negative: nothing has changed, why[]
 * says it in a sentence and on_finding has heard the details. Either way log, /status and metrics
 * tell it. SIGHUP is the program's affair; POST /reload does the same without it. It reads files,
 * and holds up the loop for it. */
WEIR_API int weir_gateway_reload(struct weir_gateway *gateway, const char *config_text,
				 size_t config_len, char *why, size_t why_size);

/* Opens the public listener(s): address "127.0.0.1:4000", "[::1]:0", "unix:/path", or NULL
 * for all that the configuration names. Negative: none was opened, why[] says it. */
WEIR_API int weir_gateway_listen(struct weir_gateway *gateway, const char *address, char *why,
				 size_t why_size);

/* Likewise the admin listener; NULL: the configuration's, or none if it says "off". An
 * address that other machines can reach needs an admin_key in the configuration. */
WEIR_API int weir_gateway_listen_admin(struct weir_gateway *gateway, const char *address, char *why,
				       size_t why_size);

/* Sockets that listen already, of a parent's or a predecessor's, instead of new ones. */
enum weir_socket_flags {
	WEIR_SOCKET_PUBLIC = 1, /* may only be a public listener */
	WEIR_SOCKET_ADMIN = 2,  /* may only be the admin listener; neither: what fits */
	/* Who gave it keeps it: who waits there is left to him at the end. */
	WEIR_SOCKET_SHARED = 4,
	/* Other workers have it, too: not used here, it is just closed. */
	WEIR_SOCKET_COMMON = 8
};

/* Before listening: the two functions above use it for an address that is its name or, whatever
 * it is called, its own, rather than open another. name NULL: its address. fd is the gateway's
 * from here on, also on failure. Negative: it is no listening TCP or unix socket, or
 * the gateway is closing. */
WEIR_API int weir_gateway_inherit(struct weir_gateway *gateway, int fd, const char *name,
				  unsigned flags, char *why, size_t why_size);
/* The addresses of those not used yet, NULL past the last; and away with them. */
WEIR_API const char *weir_gateway_inherited(const struct weir_gateway *gateway, size_t index);
WEIR_API void weir_gateway_disinherit(struct weir_gateway *gateway);

/* An open listener, for a successor: fd stays the gateway's, and it and the texts are valid until
 * the listener closes, as below. */
struct weir_socket {
	int fd;
	unsigned flags;
	const char *name; /* as it was asked for */
	const char *address;
};

/* 0, or UV_ENOENT past the last. */
WEIR_API int weir_gateway_socket(const struct weir_gateway *gateway, size_t index,
				 struct weir_socket *socket);
/* Another process serves at all of these sockets now: drain next. Who waits there, and the files
 * of unix sockets, are left to it, the admin listener closes with the others, and idle callers have
 * more time to ask once more. */
WEIR_API void weir_gateway_hand_over(struct weir_gateway *gateway);

/* The addresses that are open, with their real ports; NULL past the last. Valid until the listener
 * closes: by a reload, a drain, or the gateway's end. Copy what you keep. */
WEIR_API const char *weir_gateway_address(const struct weir_gateway *gateway, size_t index);
WEIR_API const char *weir_gateway_admin_address(const struct weir_gateway *gateway);

/* What the configuration says of the log, for who opens its files and writes lines of his own;
 * the texts are valid until the next reload. */
struct weir_log_settings {
	const char *file;     /* NULL: wherever you write it to */
	const char *attempts; /* NULL: on_attempt is never called */
	int text;             /* lines are text now, not JSON */
	int level;            /* 0 debug, 1 info, 2 warn, 3 error */
};
WEIR_API struct weir_log_settings weir_gateway_log_settings(const struct weir_gateway *gateway);

/* The chains' names, valid until the next reload; NULL past the last. */
WEIR_API const char *weir_gateway_chain(const struct weir_gateway *gateway, size_t index);

/* What rests does not keep the loop alive: connections to providers that are kept for the next
 * request never do. Listeners do, until weir_gateway_unref(); weir_gateway_ref() undoes it.
 * Requests under way and callers' connections always do. Both may be called repeatedly. */
WEIR_API void weir_gateway_unref(struct weir_gateway *gateway);
WEIR_API void weir_gateway_ref(struct weir_gateway *gateway);

/* The clock of options.now_ms has leapt: what is due by it happens in the next turn. */
WEIR_API void weir_gateway_wake(struct weir_gateway *gateway);

/* Stops accepting, lets requests end (readiness turns 503 at once), then calls on_drained
 * once. The admin listener answers to the end. Call weir_gateway_close() afterwards. */
WEIR_API void weir_gateway_drain(struct weir_gateway *gateway, void (*on_drained)(void *arg),
				 void *arg);

/* Cancels every request (each has its on_done), closes everything, and calls on_closed (may be
 * NULL) from the loop. Then nothing of the gateway is in the loop, and it is freed already. A
 * second call does nothing. */
WEIR_API void weir_gateway_close(struct weir_gateway *gateway, void (*on_closed)(void *arg),
				 void *arg);

/* Prometheus text, and the JSON of /status; both end in a NUL that len does not count. *text is
 * yours, and freed with weir_text_free(). Negative: out of memory, and *text is NULL. */
WEIR_API int weir_gateway_metrics(struct weir_gateway *gateway, char **text, size_t *len);
WEIR_API int weir_gateway_status(struct weir_gateway *gateway, char **text, size_t *len);
WEIR_API void weir_text_free(char *text);

/* ---- requests of your own, without a listener ---- */

/* This struct will not grow. Each may be NULL. */
struct weir_request_callbacks {
	/* The answer begins and cannot change any more: its HTTP status, its content type, and
	 * the target that serves it (NULL when nobody does: then the body is weir's error).
	 * Called at most once. */
	void (*on_start)(struct weir_request *request, int status, const char *content_type,
			 const char *target);

	/* A piece of the body; bytes are valid only during the call. */
	void (*on_bytes)(struct weir_request *request, const char *bytes, size_t len);

	/* The end, exactly once, also after weir_request_cancel(). whole: the answer is
	 * complete; 0 when it was cut or cancelled. trail lists every attempt, as in the
	 * x-weir-trail header. request is freed when this returns. */
	void (*on_done)(struct weir_request *request, int whole, const char *trail);
};

/* path: "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses",
 * "/v1/messages" or "/v1/messages/count_tokens"; body: what one would POST there, with the
 * chain's name as its "model", and "stream": true for pieces as they come. callbacks must
 * outlive the request. *request is valid until on_done has returned; *user is yours.
 * Negative: nothing was started, no callback comes. UV_EINVAL: no such path, or the gateway is
 * closing or draining; UV_EMSGSIZE: the body is larger than the configuration allows. What is
 * wrong in the body is answered like any other request, with 400 and weir's words. */
WEIR_API int weir_request_start(struct weir_request **request, struct weir_gateway *gateway,
				const char *path, const char *body, size_t body_len,
				const struct weir_request_callbacks *callbacks, void *user);
/* The same, of its chain's targets at that one alone ("provider/model", as in the configuration):
 * nothing is fallen back to. For those who compare targets. */
WEIR_API int weir_request_start_at(struct weir_request **request, struct weir_gateway *gateway,
				   const char *path, const char *target, const char *body,
				   size_t body_len, const struct weir_request_callbacks *callbacks,
				   void *user);
/* Its request_id in the log and in notices; lives until on_done has returned. */
WEIR_API const char *weir_request_id(const struct weir_request *request);
/* At any time, also in its callbacks, and more than once. No on_start and no on_bytes comes
 * after it; on_done still does, later. */
WEIR_API void weir_request_cancel(struct weir_request *request);
/* Back-pressure: no on_start and no on_bytes until resumed; on_done only when nothing is
 * left to tell. */
WEIR_API void weir_request_pause(struct weir_request *request);
WEIR_API void weir_request_resume(struct weir_request *request);
WEIR_API void *weir_request_user(const struct weir_request *request);

/* ---- a configuration made by calls ---- */

/* Makes the YAML text that one would write by hand: it is judged where it is used, with
 * findings as of a file. Calls come in any order; what is said first stands first. Names, keys
 * and addresses are taken as they are; values are YAML on one line ("20s", "[ 429, 529 ]"). */
struct weir_setup;

/* NULL: out of memory. */
WEIR_API struct weir_setup *weir_setup_create(void);
WEIR_API void weir_setup_destroy(struct weir_setup *setup); /* keys are wiped; NULL is fine */

/* All of these: 0, UV_EINVAL (a NULL or empty text, a value of several lines) or
 * WEIR_ERR_MEMORY, also for a setup that is NULL. After one failed, so does weir_setup_text(). */

/* dialect and base_url: NULL for a well-known provider's own. */
WEIR_API int weir_setup_provider(struct weir_setup *setup, const char *provider,
				 const char *dialect, const char *base_url);
/* One more key: the key itself, or "${VARIABLE}". */
WEIR_API int weir_setup_key(struct weir_setup *setup, const char *provider, const char *key);
WEIR_API int weir_setup_chain(struct weir_setup *setup, const char *chain);
/* One more step: "provider/model", or "{ targets: [ … ] }" as in a file. */
WEIR_API int weir_setup_step(struct weir_setup *setup, const char *chain, const char *step);
/* section "providers" or "chains" and the name of one; or a section without names ("defaults",
 * "access"…) and NULL; or NULL twice for the top ("listen"). Said again, the last one counts. */
WEIR_API int weir_setup_option(struct weir_setup *setup, const char *section, const char *name,
			       const char *option, const char *value);

/* *text is valid until the next call with this setup, and ends in a NUL. */
WEIR_API int weir_setup_text(struct weir_setup *setup, const char **text, size_t *len);

#ifdef __cplusplus
}
#endif
#endif

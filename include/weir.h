/* weir.h: send an LLM request down a chain of providers until one answers.
 *
 * The library lives on a loop you own. It starts no loop, no thread and no signal
 * handler of its own. Nothing here may be called from another thread. No callback runs
 * inside the call that caused it. SIGPIPE must be ignored by the program. */
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

/* Beside libuv's UV_E* the functions below return: */
enum weir_error_public {
	WEIR_ERR_MEMORY = -9001,
	WEIR_ERR_CONFIG = -9003, /* the configuration is wrong; on_finding has heard why */
	WEIR_ERR_TLS = -9004,    /* no CA bundle, no random numbers */
	WEIR_ERR_BIND = -9005    /* a listener could not be opened */
};

struct weir_gateway; /* a configuration, its listeners, connections and counters */
struct weir_request; /* one request on its way down the chain */

/* Zero it, then set what you need. Everything is copied. */
struct weir_gateway_options {
	/* The configuration: a file's path, or YAML text (config_len bytes, named by
	 * config_path in messages when both are set). Neither: zero-config, from the API keys
	 * in the environment. */
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
	void *arg;

	uint64_t seed; /* of jitter and request ids; 0: from the system */
};

/* 0 and *gateway, which opens nothing yet. Negative: the configuration is wrong (then
 * on_finding has heard why), out of memory, no CA bundle…; why[] says it in a sentence, and
 * what was begun ends on the loop. */
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
	WEIR_SOCKET_SHARED = 4 /* who gave it keeps it: who waits there is left to him at the end */
};

/* Before listening: the two functions above use it for an address that is its name or, whatever
 * it is called, its own, rather than open another. name NULL: its address. fd is the gateway's
 * from here on, also on failure. Negative: it is no listening TCP or unix socket. */
WEIR_API int weir_gateway_inherit(struct weir_gateway *gateway, int fd, const char *name,
				  unsigned flags, char *why, size_t why_size);
/* The addresses of those not used yet, NULL past the last; and away with them. */
WEIR_API const char *weir_gateway_inherited(const struct weir_gateway *gateway, size_t index);
WEIR_API void weir_gateway_disinherit(struct weir_gateway *gateway);

/* An open listener, for a successor: fd stays the gateway's, the texts live as long as it does. */
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

/* The addresses that are open, with their real ports; NULL past the last. */
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

/* Stops accepting, lets requests end (readiness turns 503 at once), then calls on_drained
 * once. The admin listener answers to the end. Call weir_gateway_close() afterwards. */
WEIR_API void weir_gateway_drain(struct weir_gateway *gateway, void (*on_drained)(void *arg),
				 void *arg);

/* Cancels every request, closes everything; the gateway is freed after on_closed. */
WEIR_API void weir_gateway_close(struct weir_gateway *gateway, void (*on_closed)(void *arg),
				 void *arg);

/* Prometheus text, and the JSON of /status. *text is freed with weir_text_free(). */
WEIR_API int weir_gateway_metrics(struct weir_gateway *gateway, char **text, size_t *len);
WEIR_API int weir_gateway_status(struct weir_gateway *gateway, char **text, size_t *len);
WEIR_API void weir_text_free(char *text);

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

/* path: "/v1/chat/completions", "/v1/completions" or "/v1/embeddings"; body: what one would
 * POST there, copied. callbacks must outlive the request. Negative: nothing was started;
 * UV_EMSGSIZE: the body is larger than the configuration allows. */
WEIR_API int weir_request_start(struct weir_request **request, struct weir_gateway *gateway,
				const char *path, const char *body, size_t body_len,
				const struct weir_request_callbacks *callbacks, void *user);
/* The same, of its chain's targets at that one alone ("provider/model", as in the configuration):
 * nothing is fallen back to. For those who compare targets. */
WEIR_API int weir_request_start_at(struct weir_request **request, struct weir_gateway *gateway,
				   const char *path, const char *target, const char *body,
				   size_t body_len, const struct weir_request_callbacks *callbacks,
				   void *user);
/* Its request_id in the log; lives until on_done has returned. */
WEIR_API const char *weir_request_id(const struct weir_request *request);
/* on_done still comes, later. */
WEIR_API void weir_request_cancel(struct weir_request *request);
/* Back-pressure: no on_start and no on_bytes until resumed; on_done only when nothing is
 * left to tell. */
WEIR_API void weir_request_pause(struct weir_request *request);
WEIR_API void weir_request_resume(struct weir_request *request);
WEIR_API void *weir_request_user(const struct weir_request *request);

/* "weir 0.1.0", and the versions of the libraries in it, one per line. */
WEIR_API const char *weir_version(void);
WEIR_API void
weir_library_versions(void (*on_line)(void *arg, const char *name, const char *version), void *arg);

#ifdef __cplusplus
}
#endif
#endif

#include "wire/resp.h"

#include "base/alloc.h"
#include "base/error.h"

int weir_resp_begin(struct weir_buf *out, unsigned words)
{
	return weir_buf_printf(out, "*%u\r\n", words);
}

int weir_resp_word(struct weir_buf *out, struct weir_slice word)
{
	int rc = weir_buf_printf(out, "$%zu\r\n", word.len);

	if (rc == 0)
		rc = weir_buf_append(out, word.base, word.len);
	return rc ? rc : weir_buf_puts(out, "\r\n");
}

int weir_resp_put(struct weir_buf *out, const char *const words[])
{
	unsigned n = 0;
	int rc;

	while (words[n])
		n++;
	rc = weir_resp_begin(out, n);
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = weir_resp_word(out, weir_slice_of(words[i]));
	return rc;
}

#ifdef WEIR_REDIS
#include <hiredis.h>

#define TEXT(number)                #number
#define DOTTED(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

struct weir_resp {
	redisReader *reader;
	void (*on_value)(void *arg, int place, const struct weir_resp_value *value);
	void *arg;
	size_t unfinished; /* bytes since the last reply that was whole */
};

bool weir_resp_is_built(void)
{
	return true;
}

const char *weir_resp_version(void)
{
	return DOTTED(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}

/* The reader wants an object for each; nothing is kept, so one is as good as another. */
static void *tell(const redisReadTask *task, struct weir_resp_value value)
{
	static char object;
	struct weir_resp *resp = task->privdata;

	if (task->parent && task->parent->parent)
		return NULL; /* arrays of arrays are not asked for */
	resp->on_value(resp->arg, task->parent ? task->idx : -1, &value);
	return &object;
}

static void *on_text(const redisReadTask *task, char *text, size_t len)
{
	bool error = task->type == REDIS_REPLY_ERROR;

	return tell(task, (struct weir_resp_value){
				  .kind = error ? WEIR_RESP_ERROR : WEIR_RESP_TEXT,
				  .text = weir_slice(text, len),
			  });
}

static void *on_number(const redisReadTask *task, long long number)
{
	return tell(task, (struct weir_resp_value){ .kind = WEIR_RESP_NUMBER, .number = number });
}

static void *on_nil(const redisReadTask *task)
{
	return tell(task, (struct weir_resp_value){ .kind = WEIR_RESP_NIL });
}

#if HIREDIS_MAJOR >= 1
typedef size_t places;
#else
typedef int places;
#endif

static void *on_array(const redisReadTask *task, places n)
{
	static char object;

	return task->parent || n > WEIR_RESP_PLACES_MAX ? NULL : &object;
}

static void on_free(void *object)
{
	(void)object;
}

static redisReplyObjectFunctions functions = {
	.createString = on_text,
	.createArray = on_array,
	.createInteger = on_number,
	.createNil = on_nil,
	.freeObject = on_free,
};

struct weir_resp *weir_resp_create(void (*on_value)(void *arg, int place,
						    const struct weir_resp_value *value),
				   void *arg)
{
	struct weir_resp *resp = weir_calloc(1, sizeof *resp);

	if (!resp)
		return NULL;
	resp->on_value = on_value;
	resp->arg = arg;
	resp->reader = redisReaderCreateWithFunctions(&functions);
	if (resp->reader) {
		resp->reader->privdata = resp;
		return resp;
	}
	weir_free(resp);
	return NULL;
}

void weir_resp_destroy(struct weir_resp *resp)
{
	if (!resp)
		return;
	redisReaderFree(resp->reader);
	weir_free(resp);
}

int weir_resp_feed(struct weir_resp *resp, struct weir_slice bytes)
{
	resp->unfinished += bytes.len;
	if (resp->unfinished > WEIR_RESP_REPLY_MAX)
		return WEIR_ELIMIT;
	return redisReaderFeed(resp->reader, bytes.base, bytes.len) == REDIS_OK ? 0 : WEIR_ENOMEM;
}

int weir_resp_next(struct weir_resp *resp)
{
	void *reply = NULL;

	if (redisReaderGetReply(resp->reader, &reply) != REDIS_OK)
		return WEIR_ELIMIT;
	if (!reply)
		return 0;
	resp->unfinished = 0;
	return 1;
}

#else /* without hiredis a configuration that needs it is refused */

bool weir_resp_is_built(void)
{
	return false;
}

const char *weir_resp_version(void)
{
	return NULL;
}

struct weir_resp *weir_resp_create(void (*on_value)(void *arg, int place,
						    const struct weir_resp_value *value),
				   void *arg)
{
	(void)on_value, (void)arg;
	return NULL;
}

void weir_resp_destroy(struct weir_resp *resp)
{
	(void)resp;
}

int weir_resp_feed(struct weir_resp *resp, struct weir_slice bytes)
{
	(void)resp, (void)bytes;
	return WEIR_ELIMIT;
}

int weir_resp_next(struct weir_resp *resp)
{
	(void)resp;
	return WEIR_ELIMIT;
}
#endif

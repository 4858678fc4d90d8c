#include "wire/http_read.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/http_chars.h"

/* A method and a version beside the longest target. */
enum { FIRST_LINE_MAX = WEIR_HTTP_TARGET_MAX + 64 };

static int refuse(struct weir_http_reader *r, unsigned status, const char *reason)
{
	return weir_http_refuse(&r->refusal, r->role, status, reason);
}

static int on_body(llhttp_t *parser, const char *bytes, size_t len)
{
	struct weir_http_reader *r = parser->data;

	if (len)
		r->failed = r->events->on_body(r->arg, weir_slice(bytes, len));
	return r->failed ? HPE_USER : 0;
}

static int on_message_complete(llhttp_t *parser)
{
	struct weir_http_reader *r = parser->data;

	r->ended = true;
	return HPE_PAUSED; /* or it would go on into the next message */
}

static const llhttp_settings_t settings = {
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

static void start_message(struct weir_http_reader *r)
{
	r->complete = false;
	r->head_done = false;
	r->body_until_eof = false;
	r->start_checked = false;
	r->ended = false;
	r->leading_n = 0;
	r->lines_n = 0;
	r->line_bytes = 0;
	r->chunks = (struct weir_http_chunks){ 0 };
}

static void drop_head(struct weir_http_reader *r)
{
	weir_free(r->head);
	r->head = NULL;
	weir_buf_fini(&r->bytes);
}

void weir_http_reader_init(struct weir_http_reader *r, enum weir_http_role role,
			   const struct weir_http_reader_events *events, void *arg)
{
	*r = (struct weir_http_reader){ .role = role, .events = events, .arg = arg };
	weir_buf_init(&r->bytes, WEIR_HTTP_HEAD_MAX);
}

void weir_http_reader_fini(struct weir_http_reader *r)
{
	drop_head(r);
}

void weir_http_reader_forget(struct weir_http_reader *r)
{
	if (r->head_done)
		drop_head(r);
}

void weir_http_reader_next(struct weir_http_reader *r)
{
	drop_head(r);
	r->informational_n = 0;
	start_message(r);
}

bool weir_http_reader_started(const struct weir_http_reader *r)
{
	return r->head_done || r->bytes.len || r->informational_n;
}

/* RFC 9112 §2.2: a server should skip an empty line before a request. */
static int skip_empty_lines(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used)
{
	for (*used = 0; *used < len; ++*used) {
		char want = r->leading_n % 2 ? '\n' : '\r';

		if (bytes[*used] != want)
			break;
		if (r->leading_n++ == WEIR_HTTP_LEADING_CRLF_MAX)
			return refuse(r, 400, "too many empty lines before the request");
	}
	if (*used < len && r->leading_n % 2)
		return refuse(r, 400, "bare carriage return before the request");
	return 0;
}

/* A peer that speaks something else altogether need not be waited for. */
static int check_first_byte(struct weir_http_reader *r, char byte)
{
	if (r->role == WEIR_HTTP_RESPONSE)
		return byte == 'H' ? 0 : refuse(r, 502, "not an HTTP/1.1 status line");
	if (byte == '\n')
		return refuse(r, 400, "bare line feed before the request");
	return weir_http_is(byte, WEIR_HTTP_TOKEN) ? 0 : refuse(r, 400, "not an HTTP request");
}

/* Of one or two bytes, the line feed included; at: those of them that came just now. */
static bool is_empty_line(const struct weir_http_reader *r, const char *at, size_t line_bytes)
{
	return line_bytes == 1 || (*at == '\n' ? r->bytes.base[r->bytes.len - 1] : *at) == '\r';
}

enum stop { STOP_NONE, STOP_END, STOP_FIRST_LINE, STOP_LINE, STOP_LINES, STOP_BYTES };

/* How many of the bytes belong to the head, and what stops it there. */
static size_t scan_head(struct weir_http_reader *r, const char *bytes, size_t len, enum stop *stop)
{
	size_t room = WEIR_HTTP_HEAD_MAX - r->bytes.len, line_bytes = r->line_bytes;
	const char *at = bytes, *end = bytes + (len < room ? len : room);
	unsigned lines_n = r->lines_n;

	*stop = STOP_NONE;
	while (at < end && *stop == STOP_NONE) {
		const char *lf = weir_http_line_feed(at, end), *next = lf ? lf + 1 : end;

		line_bytes += (size_t)(next - at);
		if (line_bytes > (lines_n ? (size_t)WEIR_HTTP_LINE_MAX : FIRST_LINE_MAX))
			*stop = lines_n ? STOP_LINE : STOP_FIRST_LINE;
		else if (lf && line_bytes <= 2 && is_empty_line(r, at, line_bytes))
			*stop = STOP_END;
		else if (lf && ++lines_n > WEIR_HTTP_FIELDS_MAX + 1)
			*stop = STOP_LINES;
		else if (lf)
			line_bytes = 0;
		at = next;
	}
	if (*stop == STOP_NONE && (size_t)(at - bytes) == room)
		*stop = STOP_BYTES;
	r->line_bytes = line_bytes;
	r->lines_n = lines_n;
	return (size_t)(at - bytes);
}

static int refuse_long_head(struct weir_http_reader *r, enum stop stop)
{
	switch (stop) {
	case STOP_FIRST_LINE:
		return refuse(r, 414, "first line too long");
	case STOP_LINE:
		return refuse(r, 431, "header line too long");
	case STOP_LINES:
		return refuse(r, 431, "too many header fields");
	case STOP_BYTES:
		return refuse(r, 431, "head too long");
	case STOP_NONE:
	case STOP_END:
		break;
	}
	return 0;
}

static struct weir_slice first_line(const struct weir_http_reader *r)
{
	const char *lf = memchr(r->bytes.base, '\n', r->bytes.len);

	return weir_slice(r->bytes.base, (size_t)(lf - r->bytes.base) + 1);
}

static bool is_pause(llhttp_errno_t err)
{
	return err == HPE_PAUSED || err == HPE_PAUSED_UPGRADE;
}

/* Brings llhttp to where the chunks begin, by what decides that: the line that announces them, as
 * it came. What is before a body, and a body that has a length, is nothing to it: the fuzz target
 * makes sure that it would frame them alike. */
static int begin_chunks(struct weir_http_reader *r, struct weir_slice coding)
{
	const struct weir_slice head[] = { WEIR_SLICE("POST / HTTP/1.1\r\n"), coding,
					   WEIR_SLICE("\r\n") };
	llhttp_errno_t err = HPE_OK;

	llhttp_init(&r->parser, HTTP_REQUEST, &settings);
	r->parser.data = r;
	for (size_t i = 0; err == HPE_OK && i < WEIR_COUNT_OF(head); i++)
		err = llhttp_execute(&r->parser, head[i].base, head[i].len);
	if (err != HPE_OK || r->ended || !(r->parser.flags & F_CHUNKED))
		return refuse(r, 400, "ambiguous message framing");
	return 0;
}

static int frame(struct weir_http_reader *r, struct weir_slice coding)
{
	struct weir_http_head *head = r->head;
	bool bodiless = head->status == 204 || head->status == 304;
	bool known = bodiless || head->has_length || head->chunked || r->role == WEIR_HTTP_REQUEST;

	if (bodiless) {
		head->has_length = true;
		head->content_length = 0;
		head->chunked = false;
	}
	r->body_until_eof = !known;
	r->chunked = head->chunked;
	r->left = !known ? UINT64_MAX : head->chunked ? 0 : head->content_length;
	r->ended = r->left == 0 && !head->chunked;
	head->keep_alive = head->keep_alive && known;
	return head->chunked ? begin_chunks(r, coding) : 0;
}

static int skip_informational(struct weir_http_reader *r)
{
	if (r->head->status == 101)
		return refuse(r, 502, "switching protocols");
	if (r->informational_n++ == WEIR_HTTP_INFORMATIONAL_MAX)
		return refuse(r, 502, "too many informational responses");
	drop_head(r);
	start_message(r);
	return 0;
}

static size_t head_size(const struct weir_http_reader *r)
{
	return offsetof(struct weir_http_head, fields) + r->lines_n * sizeof r->head->fields[0];
}

/* A head that has come as a whole, as most do, is kept in one piece with what is read of it. */
static int keep_whole(struct weir_http_reader *r, const char *bytes, size_t len)
{
	r->head = weir_alloc(head_size(r) + len);
	if (!r->head)
		return WEIR_ENOMEM;
	weir_buf_init_lent(&r->bytes, WEIR_HTTP_HEAD_MAX, (char *)r->head + head_size(r), len);
	return weir_buf_append(&r->bytes, bytes, len);
}

static int finish_head(struct weir_http_reader *r, const struct weir_http_start *start)
{
	struct weir_slice first = first_line(r), coding;
	struct weir_slice lines = { first.base + first.len, r->bytes.len - first.len };
	int rc;

	if (!r->head)
		r->head = weir_alloc(head_size(r));
	if (!r->head)
		return WEIR_ENOMEM;
	rc = weir_http_read_fields(r->head, start, r->role, lines, &coding, &r->refusal);
	if (rc)
		return rc;
	if (r->role == WEIR_HTTP_RESPONSE && start->status < 200)
		return skip_informational(r);
	rc = frame(r, coding);
	if (rc)
		return rc;
	r->head_done = true;
	rc = r->events->on_head(r->arg, r->head);
	r->complete = rc == 0 && r->ended;
	return rc;
}

static int feed_head(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used)
{
	struct weir_http_start start;
	enum stop stop;
	int rc;

	*used = 0;
	if (r->bytes.len == 0) {
		rc = r->role == WEIR_HTTP_REQUEST ? skip_empty_lines(r, bytes, len, used) : 0;
		if (rc || *used == len)
			return rc;
		rc = check_first_byte(r, bytes[*used]);
		if (rc)
			return rc;
	}
	bytes += *used;
	len = scan_head(r, bytes, len - *used, &stop);
	*used += len;
	rc = r->bytes.len == 0 && stop == STOP_END ? keep_whole(r, bytes, len)
						   : weir_buf_append(&r->bytes, bytes, len);
	if (rc)
		return rc;
	if (r->lines_n && (stop == STOP_END || !r->start_checked)) {
		rc = weir_http_read_start(&start, r->role, first_line(r), &r->refusal);
		if (rc)
			return rc;
		r->start_checked = true;
	}
	return stop == STOP_END ? finish_head(r, &start) : refuse_long_head(r, stop);
}

/* A body without chunks. */
static int feed_plain(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used)
{
	if (len > r->left)
		len = (size_t)r->left;
	r->failed = r->events->on_body(r->arg, weir_slice(bytes, len));
	if (r->failed)
		return r->failed;
	*used = len;
	r->left -= len;
	r->ended = r->complete = r->left == 0;
	return 0;
}

/* Whole chunks leave llhttp where it was: between two of them. The fuzz target shows it all. */
static int feed_chunks(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used)
{
	struct weir_slice data;
	size_t at = 0, n;

	while (at < len && !r->failed &&
	       (n = weir_http_chunks_whole(&r->chunks, bytes + at, len - at, &data))) {
		at += n;
		r->failed = r->events->on_body(r->arg, data);
	}
	*used = at;
	return r->failed;
}

/* What is left of them. */
static int feed_rest(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used)
{
	const char *reason;
	size_t sound = weir_http_chunks_check(&r->chunks, bytes, len, &reason);
	llhttp_errno_t err;

	r->parser.data = r;
	err = llhttp_execute(&r->parser, bytes, sound);
	if (r->failed)
		return r->failed;
	*used = r->ended ? (size_t)(llhttp_get_error_pos(&r->parser) - bytes) : sound;
	if (r->ended ? !is_pause(err) : err != HPE_OK)
		return refuse(r, 400, "malformed message body");
	if (*used != sound || r->ended != (r->chunks.state == WEIR_HTTP_CHUNK_ENDED))
		return refuse(r, 400, "ambiguous message framing");
	r->complete = r->ended;
	return reason ? refuse(r, 400, reason) : 0;
}

static int feed_chunked(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used)
{
	size_t rest = 0;
	int rc = feed_chunks(r, bytes, len, used);

	if (rc || *used == len)
		return rc;
	rc = feed_rest(r, bytes + *used, len - *used, &rest);
	*used += rest;
	return rc;
}

int weir_http_reader_feed(struct weir_http_reader *r, const char *bytes, size_t len, size_t *used)
{
	size_t at = 0, n;
	int rc = r->failed;

	for (; rc == 0 && !r->complete && at < len; at += n) {
		n = 0;
		if (!r->head_done)
			rc = feed_head(r, bytes + at, len - at, &n);
		else if (r->chunked)
			rc = feed_chunked(r, bytes + at, len - at, &n);
		else
			rc = feed_plain(r, bytes + at, len - at, &n);
	}
	*used = at;
	r->failed = rc;
	return rc;
}

int weir_http_reader_eof(struct weir_http_reader *r)
{
	if (r->failed)
		return r->failed;
	if (r->complete || !weir_http_reader_started(r))
		return 0;
	if (r->body_until_eof) {
		r->complete = true;
		return 0;
	}
	r->failed = WEIR_HTTP_TRUNCATED;
	return r->failed;
}

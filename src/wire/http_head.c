#include "wire/http_head.h"

#include "wire/http_chars.h"

/* What the fields said that matters for framing, or that may be said but once. */
struct notes {
	bool host;
	bool length;
	bool coding;
	bool authorization;
	bool type;
	bool close;
	bool keep_alive;
	bool upgrade;
	bool expect;
	bool expect_unknown;
	unsigned coding_status; /* 0, 400 or 501 */
	struct weir_slice coding_line;
};

struct weir_slice weir_http_find(const struct weir_http_head *head, const char *name, size_t len)
{
	for (unsigned i = 0; i < head->fields_n; i++)
		if (head->fields[i].name.len == len &&
		    weir_lower(head->fields[i].name.base[0]) == weir_lower(name[0]) &&
		    weir_equal_nocase(head->fields[i].name.base, name, len))
			return head->fields[i].value;
	return (struct weir_slice){ 0 };
}

static const char *note_length(struct notes *notes, struct weir_http_head *head,
			       struct weir_slice value)
{
	if (notes->length)
		return "more than one Content-Length";
	notes->length = true;
	if (!weir_slice_to_u64(value, &head->content_length) || head->content_length > INT64_MAX)
		return "malformed Content-Length";
	return NULL;
}

static const char *note_coding(struct notes *notes, struct weir_slice value)
{
	if (notes->coding)
		return "more than one Transfer-Encoding";
	notes->coding = true;
	if (weir_slice_is_nocase(value, "chunked"))
		return NULL;
	/* An honest coding that we lack is one thing, a disguised "chunked" another. */
	notes->coding_status = value.len == 0 || !weir_http_all(value, WEIR_HTTP_TOKEN) ||
					       weir_slice_has_nocase(value, "chunked") ||
					       weir_slice_is_nocase(value, "identity")
				       ? 400
				       : 501;
	return NULL;
}

static void note_connection(struct notes *notes, struct weir_slice value)
{
	while (value.len) {
		const char *comma = memchr(value.base, ',', value.len);
		size_t n = comma ? (size_t)(comma - value.base) : value.len;
		struct weir_slice option = weir_slice_trim(weir_slice(value.base, n));

		notes->close |= weir_slice_is_nocase(option, "close");
		notes->keep_alive |= weir_slice_is_nocase(option, "keep-alive");
		n += comma != NULL;
		value = weir_slice(value.base + n, value.len - n);
	}
}

static const char *note_host(struct notes *notes, struct weir_slice value)
{
	if (notes->host)
		return "more than one Host";
	notes->host = true;
	return weir_http_is_host(value) ? NULL : "malformed Host";
}

static const char *note_once(bool *seen, const char *reason)
{
	if (*seen)
		return reason;
	*seen = true;
	return NULL;
}

/* The names that mean something here. */
enum name { OTHER, HOST, EXPECT, UPGRADE, CONNECTION, TYPE, AUTHORIZATION, LENGTH, CODING };

/* No two of them are of the same length. */
static enum name read_name(struct weir_slice s)
{
	static const struct {
		const char *text;
		enum name name;
	} names[] = {
		[4] = { "host", HOST },
		[6] = { "expect", EXPECT },
		[7] = { "upgrade", UPGRADE },
		[10] = { "connection", CONNECTION },
		[12] = { "content-type", TYPE },
		[13] = { "authorization", AUTHORIZATION },
		[14] = { "content-length", LENGTH },
		[17] = { "transfer-encoding", CODING },
	};
	const char *text = s.len < WEIR_COUNT_OF(names) ? names[s.len].text : NULL;

	return text && (s.base[0] | 0x20) == text[0] && weir_equal_nocase(s.base, text, s.len)
		       ? names[s.len].name
		       : OTHER;
}

static const char *note_expect(struct notes *notes, struct weir_slice value)
{
	notes->expect = true;
	notes->expect_unknown |= !weir_slice_is_nocase(value, "100-continue");
	return NULL;
}

/* line: with its line feed. */
static const char *note_framing(struct notes *notes, struct weir_http_head *head, enum name name,
				struct weir_slice value, struct weir_slice line)
{
	if (name == LENGTH)
		return note_length(notes, head, value);
	if (name == CONNECTION)
		note_connection(notes, value);
	if (name != CODING)
		return NULL;
	notes->coding_line = line;
	return note_coding(notes, value);
}

static const char *note_request_field(struct notes *notes, enum name name, struct weir_slice value)
{
	if (name == HOST)
		return note_host(notes, value);
	if (name == TYPE)
		return note_once(&notes->type, "more than one Content-Type");
	if (name == AUTHORIZATION)
		return note_once(&notes->authorization, "more than one Authorization");
	if (name == EXPECT)
		return note_expect(notes, value);
	notes->upgrade |= name == UPGRADE;
	return NULL;
}

static const char *note_field(struct notes *notes, struct weir_http_head *head,
			      enum weir_http_role role, const struct weir_http_field *f,
			      struct weir_slice line)
{
	enum name name = read_name(f->name);
	const char *reason;

	if (name == OTHER)
		return NULL;
	reason = note_framing(notes, head, name, f->value, line);
	return reason || role != WEIR_HTTP_REQUEST ? reason
						   : note_request_field(notes, name, f->value);
}

static const char *explain_name(struct weir_slice line, size_t n)
{
	if (n == line.len)
		return "header field without a colon";
	if (n == 0 && line.base[0] == ':')
		return "header field without a name";
	if (line.base[n] != ' ' && line.base[n] != '\t')
		return "invalid character in a header name";
	return n ? "space before the colon of a header field" : "folded or indented header line";
}

/* Almost every value has one space before it and none after. */
static struct weir_slice trim(struct weir_slice s)
{
	if (s.len && s.base[0] == ' ')
		s = weir_slice(s.base + 1, s.len - 1);
	return s.len && (s.base[0] <= ' ' || s.base[s.len - 1] <= ' ') ? weir_slice_trim(s) : s;
}

/* line: with its line feed; end: of the head, which may be looked at beyond it. */
static const char *read_field(struct weir_http_field *f, struct weir_slice line, const char *end,
			      bool *underscore)
{
	size_t n;

	*underscore = false;
	if (line.len < 2 || line.base[line.len - 2] != '\r')
		return "bare line feed in the head";
	line.len -= 2;
	n = weir_http_name_len(weir_slice(line.base, (size_t)(end - line.base)));
	*underscore = n < line.len && line.base[n] == '_';
	if (*underscore)
		n = weir_http_span(line, WEIR_HTTP_TOKEN);
	if (n == 0 || n == line.len || line.base[n] != ':')
		return explain_name(line, n);
	f->name = weir_slice(line.base, n);
	f->value = trim(weir_slice(line.base + n + 1, line.len - n - 1));
	return weir_http_is_text(f->value) ? NULL : "control character in a header value";
}

/* Back ends that turn "-" into "_" see one and the same name: CGI, WSGI, Rack. */
static bool is_twin(struct weir_slice name)
{
	char text[sizeof "transfer-encoding"];

	if (name.len >= sizeof text)
		return false;
	for (size_t i = 0; i < name.len; i++)
		text[i] = name.base[i] == '_' ? '-' : name.base[i];
	name.base = text;
	return weir_slice_is_nocase(name, "content-length") ||
	       weir_slice_is_nocase(name, "transfer-encoding") ||
	       weir_slice_is_nocase(name, "authorization") || weir_slice_is_nocase(name, "host");
}

static const char *read_line(struct notes *notes, struct weir_http_head *head,
			     enum weir_http_role role, struct weir_slice line, const char *end)
{
	struct weir_http_field f;
	bool underscore;
	const char *reason = read_field(&f, line, end, &underscore);

	if (reason)
		return reason;
	if (underscore && role == WEIR_HTTP_REQUEST)
		return is_twin(f.name) ? "underscore for a hyphen in a header name" : NULL;
	weir_http_add(head, f.name, f.value);
	return note_field(notes, head, role, &f, line);
}

static int conclude_request(const struct notes *notes, struct weir_http_head *head,
			    struct weir_http_refusal *refusal)
{
	bool body = head->chunked || head->content_length > 0;

	if (head->minor == 1 && !notes->host)
		return weir_http_refuse(refusal, WEIR_HTTP_REQUEST, 400, "Host missing");
	if (head->minor == 1 && notes->expect_unknown)
		return weir_http_refuse(refusal, WEIR_HTTP_REQUEST, 417,
					"Expect other than 100-continue");
	head->expect_continue = head->minor == 1 && notes->expect && body;
	/* An upgrade is never made: what the peer sends next may not be HTTP. */
	if (notes->upgrade)
		head->keep_alive = false;
	return 0;
}

static int conclude(const struct notes *notes, struct weir_http_head *head,
		    enum weir_http_role role, struct weir_http_refusal *refusal)
{
	head->has_length = notes->length;
	head->chunked = notes->coding;
	head->keep_alive = !notes->close && (head->minor == 1 || notes->keep_alive);
	if (notes->length && notes->coding)
		return weir_http_refuse(refusal, role, 400,
					"both Content-Length and Transfer-Encoding");
	if (notes->coding && head->minor == 0)
		return weir_http_refuse(refusal, role, 400, "Transfer-Encoding in HTTP/1.0");
	if (notes->coding_status)
		return weir_http_refuse(refusal, role, notes->coding_status,
					notes->coding_status == 501
						? "transfer coding not supported, use chunked"
						: "malformed Transfer-Encoding, use chunked");
	if (role == WEIR_HTTP_REQUEST)
		return conclude_request(notes, head, refusal);
	if (head->status < 200 && (head->content_length || notes->coding))
		return weir_http_refuse(refusal, role, 502, "informational response with a body");
	return 0;
}

static void begin(struct weir_http_head *head, const struct weir_http_start *start)
{
	head->method = start->method;
	head->target = start->target;
	head->status = start->status;
	head->minor = start->minor;
	head->content_length = 0;
	head->expect_continue = false;
	head->names = 0;
	head->fields_n = 0;
}

int weir_http_read_fields(struct weir_http_head *head, const struct weir_http_start *start,
			  enum weir_http_role role, struct weir_slice lines,
			  struct weir_slice *coding, struct weir_http_refusal *refusal)
{
	const char *at = lines.base, *end = lines.base + lines.len;
	struct notes notes = { 0 };

	begin(head, start);
	while (end - at != 2 || at[0] != '\r') {
		const char *lf = weir_http_line_feed(at, end);
		struct weir_slice line = { at, (size_t)(lf - at) + 1 };
		const char *reason = read_line(&notes, head, role, line, end);

		if (reason)
			return weir_http_refuse(refusal, role, 400, reason);
		at = lf + 1;
	}
	*coding = notes.coding_line;
	return conclude(&notes, head, role, refusal);
}

/* Responses that are not framed as they should be, and their honest neighbours.
 * A test bears the number of its case in the fault catalogue. */
#include "unit/http_rows.h"

#define OK      "HTTP/1.1 200 OK\r\n"
#define CODED   OK "Transfer-Encoding: chunked\r\n\r\n"
#define END     "\r\nhello"
#define GOOD    "200 keep len=5 |hello| done"
#define BEGUN   "200 keep chunked "
#define LINE    "502 not an HTTP/1.1 status line"
#define CODE    "502 malformed status code"
#define RANGE   "502 status code out of range"
#define LENGTH  "502 malformed Content-Length"
#define CODING  "502 malformed Transfer-Encoding, use chunked"
#define UNKNOWN "502 transfer coding not supported, use chunked"

TEST(plain)
{
	CHECK_RESPONSES(ROW(OK "Content-Length: 5\r\n\r\nhello", GOOD),
			ROW(OK "Content-Length: 0\r\n\r\n", "200 keep len=0 done"),
			ROW(CODED "5\r\nhello\r\n0\r\n\r\n", BEGUN "|hello| done"),
			ROW("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", GOOD),
			ROW("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", GOOD),
			ROW("HTTP/1.1 529 \xc3\x9c"
			    "berlast\r\nContent-Length: 0\r\n\r\n",
			    "529 keep len=0 done"),
			ROW(OK "Content-Length: 5\r\nX_Y: 1\r\nHost: a,b\r\nUpgrade: h2,h2c\r\n"
			       "Connection: Upgrade\r\nContent-Type: a\r\nContent-Type: b\r\n" END,
			    GOOD),
			ROW("", "nothing"));
}

TEST(C_05) /* the end comes within the head */
{
	CHECK_RESPONSES(ROW("H", "truncated"), ROW("HTTP/1.1 200 OK", "truncated"),
			ROW(OK, "truncated"), ROW(OK "Content-Length: 0\r\n", "truncated"),
			ROW("HTTP/1.1 100 Continue\r\n\r\n", "truncated"));
}

TEST(C_07) /* status lines */
{
	CHECK_RESPONSES(ROW("SSH-2.0-OpenSSH_9.2p1\r\n", LINE), ROW("<html>hello</html>", LINE),
			ROW("RTSP/1.0 200 OK\r\n\r\n", LINE), ROW("\r\n" OK "\r\n", LINE),
			ROW(" " OK "\r\n", LINE), ROW("HTTP/2.0 200 OK\r\n\r\n", LINE),
			ROW("HTTP/2 200 OK\r\n\r\n", LINE), ROW("HTTP/0.9 200 OK\r\n\r\n", LINE),
			ROW("HTTP/1.2 200 OK\r\n\r\n", LINE), ROW("HTTP/1.10 200 OK\r\n\r\n", LINE),
			ROW("HTTP/1. 200 OK\r\n\r\n", LINE), ROW("HTTP 200 OK\r\n\r\n", LINE),
			ROW("HTTP/1.1\r\n\r\n", LINE), ROW("Http/1.1 200 OK\r\n\r\n", LINE),
			ROW("HTTP/1.1\t200\tOK\r\n\r\n", LINE),
			ROW("HTTP/1.1 200 OK\n\n", "502 bare line feed in the first line"));
}

TEST(C_08) /* status codes */
{
	CHECK_RESPONSES(ROW("HTTP/1.1 000 x\r\n\r\n", RANGE), ROW("HTTP/1.1 099 x\r\n\r\n", RANGE),
			ROW("HTTP/1.1 600 x\r\n\r\n", RANGE), ROW("HTTP/1.1 999 x\r\n\r\n", RANGE),
			ROW("HTTP/1.1 2000 x\r\n\r\n", CODE), ROW("HTTP/1.1 20 x\r\n\r\n", CODE),
			ROW("HTTP/1.1 +20 x\r\n\r\n", CODE), ROW("HTTP/1.1 20x x\r\n\r\n", CODE),
			ROW("HTTP/1.1  200 x\r\n\r\n", CODE), ROW("HTTP/1.1 OK\r\n\r\n", CODE),
			ROW("HTTP/1.1 200\tOK\r\n\r\n", CODE),
			ROW("HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", "599 keep len=0 done"));
}

static void check_long(const char *before, size_t n, const char *after, const char *want)
{
	check_filled(WEIR_HTTP_RESPONSE, before, n, after, want);
}

TEST(C_09) /* limits of the head */
{
	check_long("HTTP/1.1 200 ", 8500, "", "502 first line too long");
	check_long(OK "X: ", WEIR_HTTP_LINE_MAX, "", "502 header line too long");
	check_long(OK "X: ", 16000, "\r\nContent-Length: 0\r\n\r\n", "200 keep len=0 done");
	check_fields(WEIR_HTTP_RESPONSE, OK, 101, "", "502 too many header fields");
}

TEST(C_09_bytes)
{
	size_t size = WEIR_HTTP_HEAD_MAX + 1000, len = sizeof OK - 1;
	char *bytes = malloc(size);

	memcpy(bytes, OK, len);
	while (len < WEIR_HTTP_HEAD_MAX)
		len += (size_t)snprintf(bytes + len, size - len, "X: %0900d\r\n", 0);
	check_message(WEIR_HTTP_RESPONSE, bytes, WEIR_HTTP_HEAD_MAX - 1, "truncated");
	check_message(WEIR_HTTP_RESPONSE, bytes, WEIR_HTTP_HEAD_MAX, "502 head too long");
	free(bytes);
}

TEST(C_10) /* control characters and folding */
{
	CHECK_RESPONSES(
		ROW("HTTP/1.1 200 O\0K\r\n\r\n", "502 control character in the reason phrase"),
		ROW("HTTP/1.1 200 O\rK\r\n\r\n", "502 control character in the reason phrase"),
		ROW("HTTP/1.1 200 O\x7fK\r\n\r\n", "502 control character in the reason phrase"),
		ROW(OK "X: a\0b\r\n\r\n", "502 control character in a header value"),
		ROW(OK "X: a\rb\r\n\r\n", "502 control character in a header value"),
		ROW(OK "X: a\nY: b\r\n\r\n", "502 bare line feed in the head"),
		ROW(OK "X: a\r\n b\r\n\r\n", "502 folded or indented header line"),
		ROW(OK "X : a\r\n\r\n", "502 space before the colon of a header field"),
		ROW(OK "X\r\n\r\n", "502 header field without a colon"));
}

TEST(C_11) /* lengths */
{
	CHECK_RESPONSES(ROW(OK "Content-Length: 5\r\nContent-Length: 5\r\n" END,
			    "502 more than one Content-Length"),
			ROW(OK "Content-Length: 5\r\ncontent-length: 6\r\n" END,
			    "502 more than one Content-Length"),
			ROW(OK "Content-Length: 5, 5\r\n" END, LENGTH),
			ROW(OK "Content-Length: +5\r\n" END, LENGTH),
			ROW(OK "Content-Length: -5\r\n" END, LENGTH),
			ROW(OK "Content-Length: 5 5\r\n" END, LENGTH),
			ROW(OK "Content-Length: 0x5\r\n" END, LENGTH),
			ROW(OK "Content-Length:\r\n" END, LENGTH),
			ROW(OK "Content-Length: 18446744073709551621\r\n" END, LENGTH));
}

TEST(C_12) /* Content-Length and Transfer-Encoding */
{
	CHECK_RESPONSES(ROW(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
			    "502 both Content-Length and Transfer-Encoding"),
			ROW(OK "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END,
			    "502 both Content-Length and Transfer-Encoding"));
}

TEST(C_13) /* codings that are not exactly chunked */
{
	CHECK_RESPONSES(ROW(OK "Transfer-Encoding: gzip, chunked\r\n" END, CODING),
			ROW(OK "Transfer-Encoding: chunked, gzip\r\n" END, CODING),
			ROW(OK "Transfer-Encoding: identity\r\n" END, CODING),
			ROW(OK "Transfer-Encoding: xchunked\r\n" END, CODING),
			ROW(OK "Transfer-Encoding:\r\n" END, CODING),
			ROW(OK "Transfer-Encoding: gzip\r\n" END, UNKNOWN),
			ROW(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END,
			    "502 more than one Transfer-Encoding"));
}

TEST(C_14) /* Transfer-Encoding in HTTP/1.0 */
{
	CHECK_RESPONSES(ROW("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			    "502 Transfer-Encoding in HTTP/1.0"));
}

TEST(C_15) /* chunks; more of them in test_http_requests.c */
{
	CHECK_RESPONSES(
		ROW(CODED "+5\r\nhello", BEGUN "502 chunk size missing"),
		ROW(CODED "0x5\r\nhello", BEGUN "502 malformed chunk size"),
		ROW(CODED "00000000000000005\r\nhello", BEGUN "502 chunk size too long"),
		ROW(CODED "5 \r\nhello", BEGUN "502 malformed chunk size"),
		ROW(CODED "5\nhello", BEGUN "502 malformed chunk size"),
		ROW(CODED "5\r\nhello5\r\n", BEGUN "|hello| 502 chunk longer than its size"));
	check_long(CODED "5;", 257, "\r\n", BEGUN "502 chunk extension too long");
}

TEST(C_16) /* a length not reached */
{
	CHECK_RESPONSES(
		ROW(OK "Content-Length: 6\r\n\r\nhello", "200 keep len=6 |hello| truncated"),
		ROW(OK "Content-Length: 6\r\n\r\n", "200 keep len=6 truncated"));
}

TEST(C_17) /* chunks without an end */
{
	CHECK_RESPONSES(ROW(CODED "", BEGUN "truncated"),
			ROW(CODED "5\r\nhel", BEGUN "|hel| truncated"),
			ROW(CODED "5\r\nhello\r\n", BEGUN "|hello| truncated"),
			ROW(CODED "5\r\nhello\r\n0\r\n", BEGUN "|hello| truncated"),
			ROW(CODED "5\r\nhello\r\n0\r\n\r", BEGUN "|hello| truncated"),
			ROW(CODED "5\r\nhello\r\n0\r\nX: y\r\n", BEGUN "|hello| truncated"));
}

TEST(C_18) /* more than was announced */
{
	CHECK_RESPONSES(ROW(OK "Content-Length: 5\r\n\r\nhello!", GOOD " +1"),
			ROW(OK "Connection: close\r\nContent-Length: 5\r\n\r\nhello!",
			    "200 close len=5 |hello| done +1"),
			ROW(CODED "0\r\n\r\n\r\n", BEGUN "done +2"));
}

TEST(C_19) /* a second response */
{
	CHECK_RESPONSES(ROW(OK "Content-Length: 5\r\n\r\nhello" OK "\r\n", GOOD " +19"));
}

TEST(C_20) /* informational responses */
{
#define GO  "HTTP/1.1 100 Continue\r\n\r\n"
#define GO4 GO GO GO GO
	CHECK_RESPONSES(
		ROW(GO OK "Content-Length: 5\r\n\r\nhello", GOOD),
		ROW("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
		    "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 x\r\nContent-Length: 0\r\n\r\n" OK
		    "Content-Length: 5\r\n\r\nhello",
		    GOOD),
		ROW(GO4 GO4 OK "Content-Length: 5\r\n\r\nhello", GOOD),
		ROW(GO4 GO4 GO OK "\r\n", "502 too many informational responses"),
		ROW("HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n",
		    "502 informational response with a body"),
		ROW("HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "502 informational response with a body"),
		ROW(GO "\r\n" OK, LINE));
}

TEST(C_20_fields) /* and theirs are dropped */
{
	static const char bytes[] = "HTTP/1.1 103 x\r\nX: 1\r\n\r\n" OK "Content-Length: 0\r\n\r\n";
	char *got = http_trace(WEIR_HTTP_RESPONSE, bytes, sizeof bytes - 1, 99, 99, true);

	CHECK_STR(got, "200 keep len=0 <Content-Length: 0> done");
	free(got);
}

TEST(C_21) /* nobody asked to switch */
{
	CHECK_RESPONSES(ROW("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "
			    "foo\r\n\r\nxx",
			    "502 switching protocols"),
			ROW("HTTP/1.1 101 Switching Protocols\r\n\r\n", "502 switching protocols"));
}

TEST(C_22) /* answers that have no body */
{
	CHECK_RESPONSES(
		ROW("HTTP/1.1 204 No Content\r\n\r\n", "204 keep len=0 done"),
		ROW("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
		    "204 keep len=0 done +5"),
		ROW("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    "204 keep len=0 done +5"),
		ROW("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		    "304 keep len=0 done"),
		ROW("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
		    "205 keep len=0 done"),
		ROW("HTTP/1.1 205 Reset Content\r\n\r\n", "205 close eof done"));
}

TEST(C_23) /* a redirect is an answer like another */
{
	CHECK_RESPONSES(
		ROW("HTTP/1.1 302 Found\r\nLocation: http://b/\r\nContent-Length: 5\r\n" END,
		    "302 keep len=5 |hello| done"));
}

TEST(C_24) /* bodies that end with the connection */
{
	CHECK_RESPONSES(ROW(OK "\r\nhello", "200 close eof |hello| done"),
			ROW(OK "\r\n", "200 close eof done"),
			ROW(OK "Connection: keep-alive\r\n\r\nhello" OK,
			    "200 close eof |hello" OK "| done"),
			ROW("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello",
			    "200 close eof |hello| done"));
}

TEST(C_30) /* trailers */
{
	CHECK_RESPONSES(ROW(CODED "0\r\nX: y\r\nServer-Timing: z\r\n\r\n", BEGUN "done"),
			ROW(CODED "0\r\nContent-Length: 5\r\n\r\n",
			    BEGUN "502 a field that must not be a trailer"));
	check_long(CODED "0\r\nX: ", 5000, "\r\n\r\n", BEGUN "502 trailers too long");
}

TEST(C_31) /* does the connection live on? */
{
	CHECK_RESPONSES(
		ROW(OK "Connection: close\r\nContent-Length: 0\r\n\r\n", "200 close len=0 done"),
		ROW(OK "Connection: Keep-Alive\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
		    "200 close len=0 done"),
		ROW("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n" END, "200 close len=5 |hello| done"),
		ROW("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n" END,
		    GOOD));
}

TEST_MAIN

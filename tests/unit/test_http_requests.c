/* Requests that try to mean two things at once, and their honest neighbours.
 * A test bears the number of its case in the fault catalogue. */
#include "unit/http_rows.h"

#define GET    "GET /x HTTP/1.1\r\nHost: a\r\n"
#define POST   "POST /x HTTP/1.1\r\nHost: a\r\n"
#define CODED  POST "Transfer-Encoding: chunked\r\n\r\n"
#define END    "\r\nhello"
#define GOOD   "POST /x keep len=5 |hello| done"
#define BEGUN  "POST /x keep chunked "
#define LENGTH "400 malformed Content-Length"
#define TWICE  "400 more than one Content-Length"
#define CODING "400 malformed Transfer-Encoding, use chunked"
#define BOTH   "400 both Content-Length and Transfer-Encoding"
#define NAME   "400 invalid character in a header name"
#define VALUE  "400 control character in a header value"
#define LF     "400 bare line feed in the head"
#define FOLD   "400 folded or indented header line"
#define LINE   "400 malformed request line"
#define TARGET "400 invalid character in the request target"
#define SIZE   "400 malformed chunk size"
#define EXT    "400 malformed chunk extension"
#define HOST   "400 malformed Host"

static void check_long(const char *before, size_t n, const char *after, const char *want)
{
	check_filled(WEIR_HTTP_REQUEST, before, n, after, want);
}

TEST(plain)
{
	CHECK_REQUESTS(ROW(POST "Content-Length: 5\r\n\r\nhello", GOOD),
		       ROW(POST "content-length:5\r\n\r\nhello", GOOD),
		       ROW(POST "Content-Length: \t 5 \r\n\r\nhello", GOOD),
		       ROW(CODED "5\r\nhello\r\n0\r\n\r\n", BEGUN "|hello| done"),
		       ROW(CODED "2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\nGET", BEGUN "|hello| done +3"),
		       ROW(CODED "A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",
			   BEGUN "|01234567890123456789| done"),
		       ROW(CODED "0\r\n\r\n", BEGUN "done"), ROW(GET "\r\n", "GET /x keep done"),
		       ROW(GET "Connection: close\r\n\r\n", "GET /x close done"),
		       ROW(GET "Connection: Keep-Alive, foo,,CLOSE\r\n\r\n", "GET /x close done"),
		       ROW(GET "Connection: closed\r\nConnection: x\r\n\r\n", "GET /x keep done"),
		       ROW(GET "Empty:\r\nHigh: \x80\xff\r\nTab: a\tb\r\n\r\n", "GET /x keep done"),
		       ROW("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * keep done"),
		       ROW("", "nothing"), ROW("P", "truncated"), ROW(POST, "truncated"));
}

TEST(G_13) /* empty lines before a request */
{
#define CRLF8 "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
	CHECK_REQUESTS(
		ROW("\r\n" GET "\r\n", "GET /x keep done"),
		ROW(CRLF8 CRLF8 CRLF8 CRLF8 GET "\r\n", "GET /x keep done"),
		ROW(CRLF8 CRLF8 CRLF8 CRLF8 "\r\n" GET "\r\n",
		    "400 too many empty lines before the request"),
		ROW(CRLF8 CRLF8 CRLF8 CRLF8 "\r", "400 too many empty lines before the request"),
		ROW("\r\n\r\n", "nothing"),
		ROW("\n" GET "\r\n", "400 bare line feed before the request"),
		ROW("\r" GET "\r\n", "400 bare carriage return before the request"),
		ROW("\r\r\n" GET "\r\n", "400 bare carriage return before the request"));
}

TEST(G_20) /* HTTP/1.0 */
{
	CHECK_REQUESTS(ROW("GET /x HTTP/1.0\r\n\r\n", "GET /x close done"),
		       ROW("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /x keep done"),
		       ROW("GET /x HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
			   "GET /x close done"),
		       ROW("POST /x HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
			   "POST /x close len=5 |hello| done"));
}

TEST(G_21) /* something else than HTTP */
{
	CHECK_REQUESTS(ROW("PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\n",
			   "400 malformed HTTP version in the request line"),
		       ROW("\r\n\r\n\0\r\nQUIT\n", "400 not an HTTP request"),
		       ROW("\x16\x03\x01\x02", "400 not an HTTP request"));
}

TEST(H_01) /* Content-Length and Transfer-Encoding */
{
	CHECK_REQUESTS(
		ROW(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, BOTH),
		ROW(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END, BOTH),
		ROW(POST "Transfer-Encoding: chunked\r\nX: y\r\ncontent-length: 0\r\n" END, BOTH),
		ROW(POST "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n" END, BOTH));
}

TEST(H_02) /* two lengths */
{
	CHECK_REQUESTS(ROW(POST "Content-Length: 5\r\nContent-Length: 5\r\n" END, TWICE),
		       ROW(POST "Content-Length: 5\r\nX: y\r\ncontent-length: 6\r\n" END, TWICE),
		       ROW(POST "Content-Length: 5, 5\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 5,6\r\n" END, LENGTH),
		       ROW(POST "Content-Length: ,5\r\n" END, LENGTH));
}

TEST(H_03) /* odd lengths */
{
	CHECK_REQUESTS(ROW(POST "Content-Length: +5\r\n" END, LENGTH),
		       ROW(POST "Content-Length: -1\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 0x5\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 5 5\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 5.0\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 5e0\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 1_0\r\n" END, LENGTH),
		       ROW(POST "Content-Length: '5'\r\n" END, LENGTH),
		       ROW(POST "Content-Length:\r\n" END, LENGTH),
		       ROW(POST "Content-Length: \xef\xbc\x95\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 9223372036854775808\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 18446744073709551621\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 99999999999999999999999\r\n" END, LENGTH),
		       ROW(POST "Content-Length: 5\0\r\n" END, VALUE),
		       ROW(POST "Content-Length: \v5\r\n" END, VALUE),
		       ROW(POST "Content-Length: 9223372036854775807\r\n" END,
			   "POST /x keep len=9223372036854775807 |hello| truncated"),
		       ROW(POST "Content-Length: 005\r\n" END, GOOD),
		       ROW(POST "Content-Length: 0000000000000000000000000005\r\n" END, GOOD));
}

TEST(H_04) /* codings that are not exactly chunked */
{
	CHECK_REQUESTS(ROW(POST "Transfer-Encoding: CHUNKed \r\n\r\n0\r\n\r\n", BEGUN "done"),
		       ROW(POST "Transfer-Encoding: ,chunked\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: chunked,\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: gzip, chunked\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: chunked, gzip\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: chunked, chunked\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: chunked chunked\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: identity\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: chunked;x\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: xchunked\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: chunkedx\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: \"chunked\"\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: c\xe8unked\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding:\r\n" END, CODING),
		       ROW(POST "Transfer-Encoding: \vchunked\r\n" END, VALUE),
		       ROW(POST "Transfer-Encoding: gzip\r\n" END,
			   "501 transfer coding not supported, use chunked"),
		       ROW(POST "Transfer-Encoding: foo\r\n" END,
			   "501 transfer coding not supported, use chunked"));
}

TEST(H_05) /* two Transfer-Encoding lines */
{
	CHECK_REQUESTS(ROW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END,
			   "400 more than one Transfer-Encoding"),
		       ROW(POST "Transfer-Encoding: gzip\r\nTransfer-encoding: chunked\r\n" END,
			   "400 more than one Transfer-Encoding"));
}

TEST(H_06) /* Transfer-Encoding in HTTP/1.0 */
{
	CHECK_REQUESTS(ROW("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			   "400 Transfer-Encoding in HTTP/1.0"));
}

TEST(H_07) /* names with something in or after them */
{
#define SPACE "400 space before the colon of a header field"
#define TWIN  "400 underscore for a hyphen in a header name"
	CHECK_REQUESTS(ROW(POST "Content-Length : 5\r\n" END, SPACE),
		       ROW(POST "Content-Length\t: 5\r\n" END, SPACE),
		       ROW(POST "Content Length: 5\r\n" END, SPACE),
		       ROW(POST "Content-Length\v: 5\r\n" END, NAME),
		       ROW(POST "Content-Length\f: 5\r\n" END, NAME),
		       ROW(POST "Content-Length\xa0: 5\r\n" END, NAME),
		       ROW(POST "Content-Length\x85: 5\r\n" END, NAME),
		       ROW(POST "Content_Length: 5\r\n" END, TWIN),
		       ROW(POST "TRANSFER_encoding: chunked\r\n" END, TWIN),
		       ROW(POST "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n" END, TWIN));
}

TEST(H_07_underscore) /* other such names are dropped */
{
	static const char bytes[] = GET "X_Y: 1\r\nX-Y: 2\r\n_: 3\r\nHost_: 4\r\n\r\n";
	char *got = http_trace(WEIR_HTTP_REQUEST, bytes, sizeof bytes - 1, 99, 99, true);

	CHECK_STR(got, "GET /x keep <Host: a> <X-Y: 2> done");
	free(got);
}

TEST(H_08) /* folded lines */
{
	CHECK_REQUESTS(ROW(POST "X: y\r\n z\r\n\r\n", FOLD), ROW(POST "X: y\r\n\tz\r\n\r\n", FOLD),
		       ROW(POST "X: y\r\n \r\n\r\n", FOLD),
		       ROW(POST "Transfer-Encoding:\r\n chunked\r\n" END, FOLD),
		       ROW(POST "Content-Length: 5\r\n 0\r\n" END, FOLD));
}

TEST(H_09) /* line ends */
{
	CHECK_REQUESTS(
		ROW("POST /x HTTP/1.1\nHost: a\r\n\r\n", "400 bare line feed in the first line"),
		ROW("POST /x HTTP/1.1\n\n", "400 bare line feed in the first line"),
		ROW("POST /x HTTP/1.1\rHost: a\r\n\r\n",
		    "400 malformed HTTP version in the request line"),
		ROW("POST /x HTTP/1.1\r\r\nHost: a\r\n\r\n",
		    "400 malformed HTTP version in the request line"),
		ROW("POST /x HTTP/1.1\n\rHost: a\r\n\r\n", "400 bare line feed in the first line"),
		ROW(POST "X: y\nContent-Length: 5\r\n" END, LF),
		ROW(POST "X: y\rContent-Length: 5\r\n" END, VALUE),
		ROW(POST "X: y\r\r\nContent-Length: 5\r\n" END, VALUE),
		ROW(POST "X: y\n\rContent-Length: 5\r\n" END, LF), ROW(POST "X: y\r\n\n", LF),
		ROW(POST "X: y\n\n", LF), ROW(POST "X: y\r\n\r\r\n\r\n", NAME),
		ROW(CODED "5\nhello\r\n0\r\n\r\n", BEGUN SIZE),
		ROW(CODED "5\r\r\nhello\r\n0\r\n\r\n",
		    BEGUN "400 bare carriage return in chunked framing"),
		ROW(CODED "5\r\nhello\n0\r\n\r\n", BEGUN "|hello| 400 chunk longer than its size"),
		ROW(CODED "5\r\nhello\r0\r\n\r\n",
		    BEGUN "|hello| 400 bare carriage return in chunked framing"),
		ROW(CODED "0\r\n\n", BEGUN "400 malformed trailer name"),
		ROW(CODED "0\r\n\rX", BEGUN "400 bare carriage return in chunked framing"),
		ROW(CODED "0\r\nX: y\n\r\n",
		    BEGUN "400 control character or bare line feed in a trailer"),
		ROW(CODED "0\r\nX: y\rz\r\n\r\n",
		    BEGUN "400 bare carriage return in chunked framing"));
}

TEST(H_10) /* control characters, no names */
{
	CHECK_REQUESTS(ROW(POST "X: a\0b\r\n\r\n", VALUE), ROW(POST "X: a\x7f\r\n\r\n", VALUE),
		       ROW(POST "X: 1234567\x01\r\n\r\n", VALUE),
		       ROW(POST "X: 12345678901234567890\x1f\x32\r\n\r\n", VALUE),
		       ROW(POST "X\0: a\r\n\r\n", NAME), ROW(POST "X\xc3\xa9: a\r\n\r\n", NAME),
		       ROW(POST "X(y): a\r\n\r\n", NAME), ROW(POST "\"X\": a\r\n\r\n", NAME),
		       ROW(POST "X/y: a\r\n\r\n", NAME), ROW(POST "X@y: a\r\n\r\n", NAME),
		       ROW(POST ": a\r\n\r\n", "400 header field without a name"),
		       ROW(POST "Xa\r\n\r\n", "400 header field without a colon"));
}

TEST(H_11) /* space before the first field */
{
	CHECK_REQUESTS(ROW("POST /x HTTP/1.1\r\n Host: a\r\n\r\n", FOLD),
		       ROW("POST /x HTTP/1.1\r\n\tHost: a\r\n\r\n", FOLD),
		       ROW(" POST /x HTTP/1.1\r\nHost: a\r\n\r\n", "400 not an HTTP request"));
}

TEST(H_12) /* chunk sizes */
{
	CHECK_REQUESTS(
		ROW(CODED "+5\r\nhello", BEGUN "400 chunk size missing"),
		ROW(CODED "-5\r\nhello", BEGUN "400 chunk size missing"),
		ROW(CODED "0x5\r\nhello", BEGUN SIZE), ROW(CODED "1_0\r\nhello", BEGUN SIZE),
		ROW(CODED " 5\r\nhello", BEGUN "400 chunk size missing"),
		ROW(CODED "5 \r\nhello", BEGUN SIZE), ROW(CODED "5\t\r\nhello", BEGUN SIZE),
		ROW(CODED "5 ;a\r\nhello", BEGUN SIZE),
		ROW(CODED "\r\nhello", BEGUN "400 chunk size missing"),
		ROW(CODED ";a\r\nhello", BEGUN "400 chunk size missing"),
		ROW(CODED "g\r\nhello", BEGUN "400 chunk size missing"),
		ROW(CODED "11111111111111115\r\nhello", BEGUN "400 chunk size too long"),
		ROW(CODED "10000000000000005\r\nhello", BEGUN "400 chunk size too long"),
		ROW(CODED "00000000000000005\r\nhello", BEGUN "400 chunk size too long"),
		ROW(CODED "0000000000000005\r\nhello\r\n0\r\n\r\n", BEGUN "|hello| done"),
		ROW(CODED "ffffffffffffffff\r\nhello", BEGUN "|hello| truncated"),
		ROW(CODED "5\r\nhelloX", BEGUN "|hello| 400 chunk longer than its size"),
		ROW(CODED "5\r\nhello0\r\n\r\n", BEGUN "|hello| 400 chunk longer than its size"),
		ROW(CODED "5\r\nhello\r\n\r\n0\r\n\r\n", BEGUN "|hello| 400 chunk size missing"),
		ROW(CODED "4\r\nhello\r\n0\r\n\r\n",
		    BEGUN "|hell| 400 chunk longer than its size"));
}

TEST(H_13) /* chunk extensions */
{
#define X16  "xxxxxxxxxxxxxxxx"
#define X240 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
#define EXTS "1;" X240 "\r\na\r\n"
#define E4   EXTS EXTS EXTS EXTS
	CHECK_REQUESTS(
		ROW(CODED "5;a\r\nhello\r\n0;b=c\r\n\r\n", BEGUN "|hello| done"),
		ROW(CODED "5;a=b;c=\"d;\\\" e\";f\r\nhello\r\n0\r\n\r\n", BEGUN "|hello| done"),
		ROW(CODED "5;" X240 X16 "\r\nhello\r\n0\r\n\r\n", BEGUN "|hello| done"),
		ROW(CODED "5;" X240 X16 "x\r\nhello", BEGUN "400 chunk extension too long"),
		ROW(CODED E4 E4 E4 E4 E4,
		    BEGUN "|aaaaaaaaaaaaaaaaa| 400 too many chunk extensions"),
		ROW(CODED "5;\r\nhello", BEGUN EXT), ROW(CODED "5;;a\r\nhello", BEGUN EXT),
		ROW(CODED "5;a;\r\nhello", BEGUN EXT), ROW(CODED "5;=b\r\nhello", BEGUN EXT),
		ROW(CODED "5;a=\r\nhello", BEGUN EXT), ROW(CODED "5;a=b=c\r\nhello", BEGUN EXT),
		ROW(CODED "5; a\r\nhello", BEGUN EXT), ROW(CODED "5;a=\"b\"c\r\nhello", BEGUN EXT),
		ROW(CODED "5;a\nhello", BEGUN EXT), ROW(CODED "5;a\0\r\nhello", BEGUN EXT),
		ROW(CODED "5;a\rb\r\nhello", BEGUN "400 bare carriage return in chunked framing"),
		ROW(CODED "5;a=\"b\nc\"\r\n", BEGUN "400 control character in a chunk extension"),
		ROW(CODED "5;a=\"b\r\nc\"\r\n", BEGUN "400 control character in a chunk extension"),
		ROW(CODED "5;a=\"b\\\rc\"\r\n",
		    BEGUN "400 control character in a chunk extension"));
}

TEST(H_14) /* trailers */
{
#define TRAILER "400 a field that must not be a trailer"
#define T256    "X: " X240 "xxxxxxxxxxx\r\n"
#define T2048   T256 T256 T256 T256 T256 T256 T256 T256
	CHECK_REQUESTS(ROW(CODED "0\r\nX-Sum: 1\r\nExpires: 2\r\n\r\nGET", BEGUN "done +3"),
		       ROW(CODED "0\r\nX:\r\n\r\n", BEGUN "done"),
		       ROW(CODED "0\r\nContent-Length: 5\r\n\r\n", BEGUN TRAILER),
		       ROW(CODED "0\r\ntransfer-encoding: chunked\r\n\r\n", BEGUN TRAILER),
		       ROW(CODED "0\r\nHost: b\r\n\r\n", BEGUN TRAILER),
		       ROW(CODED "0\r\nX: y\r\nAUTHORIZATION: Bearer b\r\n\r\n", BEGUN TRAILER),
		       ROW(CODED "0\r\nContent-Type: text/plain\r\n\r\n", BEGUN TRAILER),
		       ROW(CODED "0\r\nCookie: b\r\n\r\n", BEGUN TRAILER),
		       ROW(CODED "0\r\nContent_Length: 5\r\n\r\n", BEGUN TRAILER),
		       ROW(CODED "0\r\nX : y\r\n\r\n", BEGUN "400 malformed trailer name"),
		       ROW(CODED "0\r\nX\r\n\r\n", BEGUN "400 malformed trailer name"),
		       ROW(CODED "0\r\nX: y\r\n z\r\n\r\n", BEGUN "400 malformed trailer name"),
		       ROW(CODED "0\r\n: y\r\n\r\n", BEGUN "400 malformed trailer name"),
		       ROW(CODED "0\r\nX: \0\r\n\r\n",
			   BEGUN "400 control character or bare line feed in a trailer"),
		       ROW(CODED "0\r\nContent-Length-Of-Something-Long: y\r\n\r\n", BEGUN "done"),
		       ROW(CODED "0\r\n" T2048 T256 T256 T256 T256 "\r\n", BEGUN "done"),
		       ROW(CODED "0\r\n" T2048 T2048 T256, BEGUN "400 trailers too long"));
	check_long(CODED "0\r\nX: ", 4091, "\r\n\r\n", BEGUN "done");
	check_long(CODED "0\r\nX: ", 4092, "\r\n\r\n", BEGUN "400 trailers too long");
}

TEST(H_15) /* Host */
{
#define WITH(host) "GET /x HTTP/1.1\r\nHost:" host "\r\n\r\n"
	CHECK_REQUESTS(
		ROW("GET /x HTTP/1.1\r\n\r\n", "400 Host missing"),
		ROW("GET /x HTTP/1.1\r\nX: y\r\n\r\n", "400 Host missing"),
		ROW("GET /x HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "400 more than one Host"),
		ROW("GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400 more than one Host"),
		ROW(WITH(""), HOST), ROW(WITH(" "), HOST), ROW(WITH(" u@a"), HOST),
		ROW(WITH(" a/b"), HOST), ROW(WITH(" a,b"), HOST), ROW(WITH(" a b"), HOST),
		ROW(WITH(" a?b"), HOST), ROW(WITH(" a#b"), HOST), ROW(WITH(" a:b"), HOST),
		ROW(WITH(" a:80:80"), HOST), ROW(WITH(" a:"), HOST), ROW(WITH(" :80"), HOST),
		ROW(WITH(" a:65536"), HOST), ROW(WITH(" [::1"), HOST), ROW(WITH(" ::1"), HOST),
		ROW(WITH(" []"), HOST), ROW(WITH(" [::1]x"), HOST), ROW(WITH(" a%00"), HOST),
		ROW(WITH(" http://a"), HOST), ROW(WITH(" \xc3\xa4"), HOST),
		ROW(WITH(" a.b-c_d:4000"), "GET /x keep done"),
		ROW(WITH(" 127.0.0.1:65535\t"), "GET /x keep done"),
		ROW(WITH("[::ffff:127.0.0.1]:80"), "GET /x keep done"));
}

TEST(H_16) /* forms of the target */
{
#define TO(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
#define FORM       "400 request target is neither a path nor an http URL"
#define AUTHORITY  "400 malformed host in the request target"
	CHECK_REQUESTS(
		ROW(TO("http://b/y?z"), "GET /y?z keep done"),
		ROW(TO("HTTPS://b:80//y"), "GET //y keep done"),
		ROW(TO("http://b"), "GET / keep done"),
		ROW(TO("http://[::1]:80/"), "GET / keep done"), ROW(TO("http:///y"), AUTHORITY),
		ROW(TO("http://"), AUTHORITY), ROW(TO("http://u@b/y"), AUTHORITY),
		ROW(TO("http://b?y"), AUTHORITY), ROW(TO("http:/b/y"), FORM),
		ROW(TO("ftp://b/y"), FORM), ROW(TO("file:///y"), FORM), ROW(TO("b:80"), FORM),
		ROW(TO("*"), FORM), ROW(TO("y"), FORM),
		ROW("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * keep done"),
		ROW("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", FORM),
		ROW("GET http://b/y HTTP/1.1\r\n\r\n", "400 Host missing"),
		ROW("CONNECT b:80 HTTP/1.1\r\nHost: b\r\n\r\nxx", "405 method not supported"));
}

TEST(H_17) /* versions */
{
#define AS(version) "GET /x" version "\r\nHost: a\r\n\r\n"
#define VERSION     "400 malformed HTTP version in the request line"
#define OTHER       "505 HTTP version not supported, use HTTP/1.1"
	CHECK_REQUESTS(ROW(AS(" HTTP/0.9"), OTHER), ROW(AS(" HTTP/1.2"), OTHER),
		       ROW(AS(" HTTP/2.0"), OTHER), ROW(AS(" HTTP/3.1"), OTHER),
		       ROW(AS(" HTTP/1.01"), VERSION), ROW(AS(" HTTP/11"), VERSION),
		       ROW(AS(" HTTP/1.1.1"), VERSION), ROW(AS(" HTTP/1,1"), VERSION),
		       ROW(AS(" http/1.1"), VERSION), ROW(AS(" Http/1.1"), VERSION),
		       ROW(AS(" HTTP/1."), VERSION), ROW(AS(" HTTP/-1.1"), VERSION),
		       ROW(AS(" HTTP/"), VERSION), ROW(AS(" "), VERSION),
		       ROW(AS(""), "400 HTTP version missing in the request line"),
		       ROW("GET /x\r\n", "400 HTTP version missing in the request line"),
		       ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", OTHER));
}

TEST(H_18) /* RTSP, ICE */
{
	CHECK_REQUESTS(ROW("DESCRIBE rtsp://a/x RTSP/1.0\r\n\r\n", VERSION),
		       ROW("OPTIONS * RTSP/1.0\r\n\r\n", VERSION),
		       ROW("GET /x RTSP/1.0\r\n\r\n", VERSION),
		       ROW("SOURCE /x ICE/1.0\r\n\r\n", VERSION));
}

TEST(H_19) /* methods */
{
#define BY(method) method " /x HTTP/1.1\r\nHost: a\r\n\r\n"
#define UNKNOWN    "405 method not supported"
	CHECK_REQUESTS(ROW(BY("PUT"), "PUT /x keep done"), ROW(BY("PATCH"), "PATCH /x keep done"),
		       ROW(BY("DELETE"), "DELETE /x keep done"),
		       ROW(BY("HEAD"), "HEAD /x keep done"), ROW(BY("TRACE"), UNKNOWN),
		       ROW(BY("CONNECT"), UNKNOWN), ROW(BY("PROPFIND"), UNKNOWN),
		       ROW(BY("PRI"), UNKNOWN), ROW(BY("M-SEARCH"), UNKNOWN),
		       ROW(BY("FOO"), UNKNOWN), ROW(BY("GETT"), UNKNOWN), ROW(BY("GE"), UNKNOWN),
		       ROW(BY("get"), "400 method not in capital letters"),
		       ROW(BY("Post"), "400 method not in capital letters"),
		       ROW(BY("GE\0T"), "400 invalid character in the method"),
		       ROW(BY("GE:T"), "400 invalid character in the method"));
}

TEST(H_20) /* bytes of the target */
{
	static const char bad[] = "\\#|\"<>^`{}\x01\x08\t\v\r\x1f\x7f\x80\xa0\xff";

	for (int c = 0; c < 256; c++) {
		char bytes[] = TO("/a?b"), want[80];
		bool is_bad = c <= ' ' || c >= 0x7f || strchr(bad, c);

		if (c == ' ' || c == '\n')
			continue; /* end the target: H_22, H_09 */
		*strchr(bytes, '?') = (char)c;
		snprintf(want, sizeof want, is_bad ? TARGET : "GET /a%cb keep done", c);
		check_message(WEIR_HTTP_REQUEST, bytes, sizeof bytes - 1, want);
	}
	CHECK_REQUESTS(ROW(TO("/\0"), TARGET), ROW(TO(""), "400 request target missing"),
		       ROW(TO("/a%00%0d%2f%2e%2e"), "GET /a%00%0d%2f%2e%2e keep done"));
}

TEST(H_20_length)
{
	static const char rest[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
	char want[WEIR_HTTP_TARGET_MAX + 100];

	snprintf(want, sizeof want, "GET /%*s keep done", WEIR_HTTP_TARGET_MAX - 1, "");
	memset(want + 5, 'x', WEIR_HTTP_TARGET_MAX - 1);
	check_long("GET /", WEIR_HTTP_TARGET_MAX - 1, rest, want);
	check_long("GET /", WEIR_HTTP_TARGET_MAX, rest, "414 request target too long");
	check_long("GET /", 9000, rest, "414 first line too long");
	check_long("GET /", 9000, "", "414 first line too long");
}

TEST(H_21) /* limits of the head */
{
	size_t most = WEIR_HTTP_LINE_MAX - strlen("X: \r\n");

	check_long(GET "X: ", most, "\r\n\r\n", "GET /x keep done");
	check_long(GET "X: ", most + 1, "\r\n\r\n", "431 header line too long");
	check_long(GET "X: ", most + 10, "", "431 header line too long");
}

TEST(H_21_bytes)
{
	size_t most = WEIR_HTTP_LINE_MAX - strlen("X: \r\n"), size = 2 * most, n;
	char *before = malloc(size);

	n = (size_t)snprintf(before, size, GET "X: %*s\r\nY: ", (int)most, "");
	n = WEIR_HTTP_HEAD_MAX - n - strlen("\r\n\r\n");
	check_long(before, n, "\r\n\r\n", "GET /x keep done");
	check_long(before, n + 1, "\r\n\r\n", "431 head too long");
	check_long(before, n + 2, "\r\n\r\n", "431 head too long");
	free(before);
}

TEST(H_21_fields)
{
	static const char line[] = "GET /x HTTP/1.1\r\n", many[] = "431 too many header fields";

	check_fields(WEIR_HTTP_REQUEST, line, 100, "\r\n", "GET /x keep done");
	check_fields(WEIR_HTTP_REQUEST, line, 101, "\r\n", many);
	check_fields(WEIR_HTTP_REQUEST, line, 150, "X\r\n\r\n", many);
}

TEST(H_22) /* spaces in the request line */
{
	CHECK_REQUESTS(
		ROW("GET  /x HTTP/1.1\r\nHost: a\r\n\r\n", VERSION),
		ROW("GET /x  HTTP/1.1\r\nHost: a\r\n\r\n", VERSION),
		ROW("GET /x HTTP/1.1 \r\nHost: a\r\n\r\n", VERSION),
		ROW("GET /x y HTTP/1.1\r\nHost: a\r\n\r\n", VERSION),
		ROW("GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n", "400 invalid character in the method"),
		ROW("GET\t/x\tHTTP/1.1\r\nHost: a\r\n\r\n", LINE),
		ROW("GET /x\tHTTP/1.1\r\nHost: a\r\n\r\n",
		    "400 HTTP version missing in the request line"),
		ROW("GET\r\n\r\n", LINE));
}

TEST(H_23) /* an upgrade is not made */
{
#define UPGRADE "Connection: upgrade\r\nUpgrade: "
	CHECK_REQUESTS(ROW(GET UPGRADE "h2c\r\n\r\nGET", "GET /x close done +3"),
		       ROW(GET UPGRADE "websocket\r\n\r\nGET", "GET /x close done +3"),
		       ROW(GET UPGRADE "foo\r\n\r\nGET", "GET /x close done +3"),
		       ROW(POST UPGRADE "h2c\r\nContent-Length: 5\r\n\r\nhelloGET",
			   "POST /x close len=5 |hello| done +3"),
		       ROW(POST UPGRADE
			   "h2c\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET",
			   "POST /x close chunked |hello| done +3"),
		       ROW(GET "Upgrade: h2c\r\n\r\n", "GET /x close done"));
}

TEST(H_24) /* Expect */
{
#define EXPECT "417 Expect other than 100-continue"
	CHECK_REQUESTS(
		ROW(POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
		    "POST /x keep len=5 expect |hello| done"),
		ROW(POST "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    "POST /x keep chunked expect done"),
		ROW(POST "Expect: 100-continue\r\n\r\n", "POST /x keep done"),
		ROW(POST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n",
		    "POST /x keep len=0 done"),
		ROW(POST "Expect: 200-ok\r\n\r\n", EXPECT), ROW(POST "Expect:\r\n\r\n", EXPECT),
		ROW(POST "Expect: x 100-continue\r\n\r\n", EXPECT),
		ROW(POST "Expect: 100-continue, 100-continue\r\n\r\n", EXPECT),
		ROW(POST "Expect: 100-continue\r\nExpect: y\r\n\r\n", EXPECT),
		ROW("POST /x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
		    "POST /x close len=5 |hello| done"),
		ROW("POST /x HTTP/1.0\r\nExpect: y\r\n\r\n", "POST /x close done"));
}

TEST(H_25) /* a body with any method is framed */
{
	CHECK_REQUESTS(
		ROW(GET "Content-Length: 5\r\n\r\nhelloGET", "GET /x keep len=5 |hello| done +3"),
		ROW(GET "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET",
		    "GET /x keep chunked |hello| done +3"),
		ROW("HEAD /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET",
		    "HEAD /x keep len=5 |hello| done +3"));
}

TEST(H_26) /* no length: no body */
{
	CHECK_REQUESTS(ROW(POST "\r\nhello", "POST /x keep done +5"));
}

TEST(H_27) /* the end comes too early */
{
	CHECK_REQUESTS(
		ROW(POST "Content-Length: 6\r\n\r\nhello", "POST /x keep len=6 |hello| truncated"),
		ROW(POST "Content-Length: 6\r\n\r\n", "POST /x keep len=6 truncated"),
		ROW(CODED "5\r\nhello\r\n0\r\n", BEGUN "|hello| truncated"),
		ROW(CODED "5\r\nhello\r\n0\r\n\r", BEGUN "|hello| truncated"));
}

TEST(H_28) /* what follows is the next request */
{
	CHECK_REQUESTS(ROW(POST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n", GOOD " +16"));
}

TEST(H_29) /* Connection cannot unsay a field */
{
	CHECK_REQUESTS(
		ROW(POST
		    "Connection: content-length, host, authorization\r\nContent-Length: 5\r\n" END,
		    GOOD),
		ROW(POST
		    "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    BEGUN "done"));
}

TEST(H_30) /* who is asking must be said once */
{
	CHECK_REQUESTS(ROW(GET "Authorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n",
			   "400 more than one Authorization"));
}

TEST(H_31)
{
	CHECK_REQUESTS(
		ROW(POST "Content-Type: application/json\r\nContent-Type: application/json\r\n\r\n",
		    "400 more than one Content-Type"));
}

TEST(H_34) /* a request inside a body stays inside */
{
	CHECK_REQUESTS(ROW(POST "Content-Length: 18\r\n\r\nGET /y HTTP/1.1\r\n\r",
			   "POST /x keep len=18 |GET /y HTTP/1.1\r\n\r| done"),
		       ROW(CODED "12\r\nGET /y HTTP/1.1\r\n\r\r\n0\r\n\r\n",
			   BEGUN "|GET /y HTTP/1.1\r\n\r| done"));
}

TEST_MAIN

/* The client's end of HTTP/2: what a server may say, and what comes of it. */
#include "h2_end.h"

static const struct {
	const char *words, *heard;
	bool over; /* …and the connection with it */
} rows[] = {
	/* answers */
	{ "S " OK200 "D1{abc} D1e{def}", "[200]abcdef whole", false },
	{ "S H1e{:status=503;retry-after=7}", "[503 retry-after=7] whole", false },
	{ "S H1{:status=200;content-length=3} D1e{abc}", "[200 content-length=3 3]abc whole",
	  false },
	{ "S H1{:status=103;link=x} H1{:status=100} " OK200 "D1e", "[200] whole", false },
	{ "S H1c{:status=200} C1{a=b} D1e{x}", "[200 a=b]x whole", false },
	{ "S " OK200 "D1{x} H1e{checksum=1}", "[200]x whole", false },
	{ "S H1e{:status=204}", "[204 0] whole", false },
	{ "S " OK200 "D1{x} P A W0(10) W1(10) O1 X0 X1{text} D1e{y}", "[200]xy whole", false },
	{ "S(3=1) " OK200 "D1e R1(0)", "[200] whole", false },
	{ "S H1e{:status=200;a=\xc3\xa4}", "[200 a=\xc3\xa4] whole", false },
	{ "S " OK200 "D1{x}", "[200]x", false },
	/* heads that are none */
	{ "S H1{a=b}", " malformed", false },
	{ "S H1{:status=099}", " malformed", false },
	{ "S H1{:status=600}", " malformed", false },
	{ "S H1{:status=2000}", " malformed", false },
	{ "S H1{:status=abc}", " malformed", false },
	{ "S H1{:status=}", " malformed", false },
	{ "S H1{:status=101}", " malformed", false },
	{ "S H1{:status=200;:status=200}", " malformed", false },
	{ "S H1{a=b;:status=200}", " malformed", false },
	{ "S H1{:status=200;:path=/}", " malformed", false },
	{ "S H1{:status=200;:odd=/}", " malformed", false },
	{ "S H1{:status=200;Upper=x}", " malformed", false },
	{ "S H1{:status=200;a b=x}", " malformed", false },
	{ "S H1{:status=200;=x}", " malformed", false },
	{ "S H1{:status=200;a=x\ry}", " malformed", false },
	{ "S H1{:status=200;a=x\ny}", " malformed", false },
	{ "S H1{:status=200;connection=close}", " malformed", false },
	{ "S H1{:status=200;keep-alive=timeout}", " malformed", false },
	{ "S H1{:status=200;transfer-encoding=chunked}", " malformed", false },
	{ "S H1{:status=200;upgrade=x}", " malformed", false },
	{ "S H1e{:status=103}", " malformed", false },
	{ "S H1{:status=103;content-length=3}", " malformed", false },
	{ "S H1{:status=100}*9 " OK200, " malformed", false },
	{ "S H1{:status=100}*8 " OK200, "[200]", false },
	/* bodies that are not what was said */
	{ "S H1{:status=200;content-length=3} D1e{ab}", "[200 content-length=3 3]ab malformed",
	  false },
	{ "S H1{:status=200;content-length=0} D1{a}", "[200 content-length=0 0] malformed", false },
	{ "S H1e{:status=200;content-length=3}", " malformed", false },
	{ "S H1{:status=200;content-length=x}", " malformed", false },
	{ "S H1{:status=200;content-length=3;content-length=4}", " malformed", false },
	{ "S " OK200 "D1{x} H1{late=1}", "[200]x malformed", false },
	{ "S " OK200 "D1{x} H1e{:status=200}", "[200]x malformed", false },
	/* too much of it */
	{ "S H1{:status=200;a=#17000}", "", true },
	{ "S H1{:status=200;a=#16000}", "[200 a=]", false },
	{ "S H1c{:status=200;a=#12000} C1c{b=#12000} C1{c=#12000}", " malformed", false },
	{ "S " OK200 "H1ce{a=#12000} C1c{b=#12000} C1{c=#12000}", "[200] malformed", false },
	/* ends */
	{ "S R1(8)", " cut", false },
	{ "S R1(2)", " cut", false },
	{ "S R1(0)", " cut", false },
	{ "S R1(1)", " cut", false },
	{ "S R1(7)", " refused", false },
	{ "S R1(13)", " refused", false },
	{ "S " OK200 "D1{x} R1(13)", "[200]x cut", false },
	{ "S G0(13)", " refused", true },
	{ "S " OK200 "D1{x} R1(7)", "[200]x cut", false },
	{ "S " OK200 "D1{x} R1(0)", "[200]x cut", false },
	{ "S G0(0)", " refused", true },
	{ "S G0(11)", " refused", true },
	{ "S G1(0) " OK200 "D1e{x}", "[200]x whole", true },
	{ "S G2147483647(0) G1(0) " OK200 "D1e{x}", "[200]x whole", true },
	{ "S " OK200 "D1{x} G0(0)", "[200]x cut", true },
	/* frames after the end, on streams that never were, or against all rules */
	{ "S " OK200 "D1e D1e{x}", "[200] whole", false },
	{ "S R1(8) " OK200 "D1{x}*3", " cut", false },
	{ "S D1{x}", "", true },
	{ "S D3{x}", "", true },
	{ "S H3{:status=200}", "", true },
	{ "S H2{:status=200}", "", true },
	{ "S D0{x}", "", true },
	{ "S A U1", " malformed", true },
	{ "S C1{a=b}", "", true },
	{ "S H1c{:status=200} D1{x}", "", true },
	{ "S H1c{:status=200} C1{a=b} C1{a=b}", "[200 a=b]", true },
	{ "S S(5=1)", "", true },
	{ "S S(4=2147483648)", "", true },
	{ "S W0(0)", "", true },
	{ "S W0(2147483647)", "", true },
	{ "S W1(0)", " malformed", true },
	{ "S W1(2147483647)", " malformed", false },
	{ "S " OK200 "D1{#16385}", "[200]", true },
	{ "H1{:status=200}", "", true },
	{ "P S", "", true },
	{ "!HTTP/1.1 400 Bad Request\r\n\r\n", "", true },
	{ "!SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "", true },
	/* floods */
	{ "S P*5000", "", true },
	{ "S S*5000", "", true },
	{ "S A*5000", "", true },
	{ "S X0*5000", "", true },
	{ "S O1*5000", "", true },
	{ "S W0(1)*5000", "", true },
	{ "S G1(0)*5000", "", true },
	{ "S " OK200 "D1*5000", "[200]", true },
	{ "S R1(8) D1{x}*5000", " cut", true },
	{ "S R1(8) R1(8)*5000", " cut", true },
	{ "S H1c{:status=200} C1c*5000", "", true },
	{ "S H1c{:status=200} C1c{a=b}*5000", "", true },
	{ "S P*60 " OK200 "D1{x} X1*900 D1e", "[200]x whole", false },
};

static void play(unsigned i, size_t piece)
{
	struct h2_bytes bytes = { 0 };
	struct end e;
	const char *text;
	bool over;

	REQUIRE(open_end(&e) == 0);
	CHECK_INT(take_all(&e), 0);
	h2_script(&bytes, rows[i].words);
	over = feed(&e, &bytes, piece) != 0 || weir_h2_over(e.h2);
	text = heard(&e);
	if (strcmp(text, rows[i].heard) || over != rows[i].over)
		NOTE("%.60s, in pieces of %zu: over %d", rows[i].words, piece, over);
	CHECK_STR(text, rows[i].heard);
	CHECK_INT(over, rows[i].over);
	CHECK(!over || weir_h2_room(e.h2) == 0);
	free(bytes.base);
	close_end(&e);
}

TEST(what_a_server_says)
{
	size_t before = weir_alloc_live();

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		play(i, 1 << 20);
	CHECK_INT(weir_alloc_live(), before);
}

/* Not the floods, which are long. And nghttp2 takes each piece of a CONTINUATION's first nine bytes
 * for one more of them. */
TEST(byte_by_byte)
{
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strstr(rows[i].words, "000") && !strstr(rows[i].words, " C1"))
			play(i, 1);
}

static bool survive(uint64_t nth)
{
	struct h2_bytes words = { 0 };
	struct end e;
	bool whole = false, failed;
	int rc;

	weir_alloc_fail_after(nth);
	rc = open_end(&e);
	if (e.h2) {
		h2_script(&words, "S " OK200 "D1{abc} P D1e{def} G1(0)");
		rc = rc ? rc : take_all(&e);
		rc = rc ? rc : feed(&e, &words, 10);
		whole = strstr(heard(&e), "[200]abcdef whole") != NULL;
	}
	failed = rc != 0;
	weir_alloc_fail_after(0);
	CHECK(rc == 0 || rc == WEIR_ENOMEM || whole);
	CHECK(whole || failed || strstr(heard(&e), " starved") || strstr(e.heard.base, " refused"));
	free(words.base);
	close_end(&e);
	return whole && !failed;
}

TEST(any_allocation_may_fail)
{
	size_t before = weir_alloc_live();
	uint64_t nth = 1;

	for (unsigned in_a_row = 0; in_a_row < 20 && nth < 2000; nth++)
		in_a_row = survive(nth) ? in_a_row + 1 : 0;
	CHECK(nth > 40 && nth < 2000);
	CHECK_INT(weir_alloc_live(), before);
}

TEST_MAIN

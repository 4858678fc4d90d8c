/* What is asked, answered and kept. */
#include "askers.h"

TEST(literals_and_localhost_need_no_server)
{
	REQUIRE(open_all());
	CHECK_INT(ask(&askers[0], "192.0.2.7"), 1);
	CHECK_STR(text_of(&askers[0].addresses.list[0]), "192.0.2.7");
	CHECK_INT(ask(&askers[0], "2001:db8::7"), 1);
	CHECK_STR(text_of(&askers[0].addresses.list[0]), "2001:db8::7");
	CHECK_INT(ask(&askers[0], "localhost"), 1);
	CHECK(has(&askers[0].addresses, "127.0.0.1"));
	CHECK_INT(dns.asked, 0);
	close_all();
}

TEST(a_and_aaaa)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "v4.test", .ttl = 60, .a = { "192.0.2.1", "192.0.2.2" } };
	names[1] = (struct fake_name){ "v6.test", .ttl = 60, .aaaa = { "2001:db8::1" } };
	names[2] = (struct fake_name){ "both.test", .ttl = 60, .a = { "192.0.2.3" },
				       .aaaa = { "2001:db8::3" } };
	CHECK_INT(ask(&askers[0], "v4.test"), 0);
	CHECK_INT(ask(&askers[1], "v6.test"), 0);
	CHECK_INT(ask(&askers[2], "both.test"), 0);
	CHECK_INT(ask(&askers[3], "unknown.test"), 0);
	UNTIL(askers[0].told && askers[1].told && askers[2].told && askers[3].told);
	CHECK_INT(askers[0].addresses.n, 2);
	CHECK(has(&askers[0].addresses, "192.0.2.1") && has(&askers[0].addresses, "192.0.2.2"));
	CHECK_INT(askers[1].addresses.n, 1);
	CHECK(has(&askers[1].addresses, "2001:db8::1"));
	CHECK_INT(askers[2].addresses.n, 2);
	CHECK(has(&askers[2].addresses, "192.0.2.3") && has(&askers[2].addresses, "2001:db8::3"));
	CHECK(!askers[3].found);
	CHECK_STR(askers[3].text, "NXDOMAIN");
	CHECK_INT(weir_resolver_counts(resolver).questions, 4);
	CHECK_INT(weir_resolver_counts(resolver).failures, 1);
	close_all();
}

TEST(a_thousand_askers_one_question)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "cold.test", .ttl = 60, .a = { "192.0.2.1" } };
	for (unsigned i = 0; i < ASKERS_MAX; i++)
		CHECK_INT(ask(&askers[i], i % 2 ? "cold.test" : "COLD.test"), 0);
	for (unsigned i = 0; i < ASKERS_MAX; i++)
		UNTIL(askers[i].told);
	for (unsigned i = 0; i < ASKERS_MAX; i++) {
		CHECK_INT(askers[i].told, 1);
		CHECK(askers[i].found);
	}
	CHECK_INT(names[0].asked_a, 1);
	CHECK_INT(names[0].asked_aaaa, 1);
	CHECK_INT(weir_resolver_counts(resolver).questions, 1);
	close_all();
}

TEST(time_to_live_is_clamped)
{
	static const struct {
		const char *name;
		uint32_t ttl;
		uint64_t fresh_ms, expired_ms;
	} cases[] = {
		{ "zero.test", 0, 4000, 6500 },
		{ "two.test", 2, 4000, 6500 },
		{ "minute.test", 60, 58000, 62000 },
		{ "year.test", 31536000, 298000, 302000 },
		/* RFC 2181 says 0; some c-ares versions make it their largest. */
		{ "negative.test", 0x80000001u, 4000, 302000 },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(cases); i++) {
		REQUIRE(open_all());
		names[0] = (struct fake_name){ cases[i].name, .ttl = cases[i].ttl,
					       .a = { "192.0.2.1" } };
		CHECK_INT(ask(&askers[0], cases[i].name), 0);
		UNTIL(askers[0].told);
		weir_resolver_age(resolver, cases[i].fresh_ms);
		CHECK(found_now(cases[i].name));
		weir_resolver_age(resolver, cases[i].expired_ms - cases[i].fresh_ms);
		CHECK(!found_now(cases[i].name));
		close_all();
	}
}

TEST(what_does_not_exist_is_kept_five_seconds)
{
	REQUIRE(open_all());
	CHECK_INT(ask(&askers[0], "none.test"), 0);
	UNTIL(askers[0].told);
	weir_resolver_age(resolver, 4000);
	CHECK_INT(ask(&askers[0], "none.test"), 0);
	UNTIL(askers[0].told);
	CHECK_STR(askers[0].text, "NXDOMAIN");
	CHECK_INT(weir_resolver_counts(resolver).questions, 1);
	weir_resolver_age(resolver, 1500);
	names[0] = (struct fake_name){ "none.test", .ttl = 60, .a = { "192.0.2.1" } };
	CHECK_INT(ask(&askers[0], "none.test"), 0);
	UNTIL(askers[0].told);
	CHECK(askers[0].found);
	close_all();
}

TEST(servfail_is_forgotten_within_a_second)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "sick.test", .rcode = 2, .ttl = 60 };
	CHECK_INT(ask(&askers[0], "sick.test"), 0);
	UNTIL(askers[0].told);
	CHECK(!askers[0].found);
	NOTE("%s", askers[0].text);
	weir_resolver_age(resolver, 1001);
	names[0].rcode = 0;
	names[0].a[0] = "192.0.2.9";
	CHECK_INT(ask(&askers[0], "sick.test"), 0);
	UNTIL(askers[0].told);
	CHECK(askers[0].found);
	/* Expired and sick again: better the old address than none. */
	names[0].rcode = 2;
	weir_resolver_age(resolver, 60001);
	CHECK_INT(ask(&askers[0], "sick.test"), 0);
	UNTIL(askers[0].told);
	CHECK(askers[0].found);
	CHECK_INT(weir_resolver_counts(resolver).stale, 1);
	weir_resolver_age(resolver, 3600 * 1000);
	CHECK_INT(ask(&askers[0], "sick.test"), 0);
	UNTIL(askers[0].told);
	CHECK(!askers[0].found);
	close_all();
}

/* Whatever the one says that cannot be reached, the other is an answer. */
TEST(half_an_answer_is_enough)
{
	uint64_t start_ms;

	REQUIRE(open_all());
	names[0] = (struct fake_name){ "mute.test", .ttl = 60, .a = { "192.0.2.1" },
				       .silent_aaaa = true };
	names[1] = (struct fake_name){ "ill.test", .ttl = 60, .a = { "192.0.2.2" },
				       .servfail_aaaa = true };
	start_ms = uv_now(&loop);
	CHECK_INT(ask(&askers[0], "mute.test"), 0);
	CHECK_INT(ask(&askers[1], "ill.test"), 0);
	UNTIL(askers[0].told && askers[1].told);
	CHECK(askers[0].found && askers[1].found);
	CHECK(uv_now(&loop) - start_ms < 2000);
	CHECK(has(&askers[0].addresses, "192.0.2.1") && has(&askers[1].addresses, "192.0.2.2"));
	close_all();
}

TEST(silence_ends_after_four_seconds_or_with_a_stale_address)
{
	uint64_t start_ms, stale_ms;

	REQUIRE(open_all());
	names[0] = (struct fake_name){ "silent.test", .silent = true };
	names[1] = (struct fake_name){ "fading.test", .ttl = 60, .a = { "192.0.2.1" } };
	CHECK_INT(ask(&askers[1], "fading.test"), 0);
	UNTIL(askers[1].told);
	weir_resolver_age(resolver, 61000);
	names[1].silent = true;
	start_ms = uv_now(&loop);
	CHECK_INT(ask(&askers[0], "silent.test"), 0);
	CHECK_INT(ask(&askers[1], "fading.test"), 0);
	UNTIL(askers[1].told);
	stale_ms = uv_now(&loop);
	CHECK(askers[1].found);
	CHECK_INT(weir_resolver_counts(resolver).stale, 1);
	CHECK(found_now("fading.test")); /* nobody waits twice */
	UNTIL(askers[0].told);
	CHECK(!askers[0].found);
	CHECK_STR(askers[0].text, "timeout");
	CHECK(stale_ms - start_ms >= WEIR_RESOLVE_PATIENCE_MS - 10);
	CHECK(uv_now(&loop) - start_ms >= WEIR_RESOLVE_TIMEOUT_MS - 10);
	/* The answer that comes too late still serves the next. */
	names[0].silent = false;
	names[0].ttl = 60;
	names[0].a[0] = "192.0.2.8";
	for (unsigned n = 0; n < 100 && !found_now("silent.test"); n++) {
		uv_sleep(100);
		turns(3);
	}
	CHECK(found_now("silent.test"));
	CHECK_INT(weir_resolver_counts(resolver).failures, 2);
	close_all();
}

TEST(odd_names_harm_nobody)
{
	char host[400];

	REQUIRE(open_all());
	memset(host, 'a', sizeof host);
	host[300] = '\0';
	CHECK_INT(ask(&askers[1], host), WEIR_ELIMIT);
	host[100] = '\0'; /* a label of more than 63 */
	CHECK_INT(ask(&askers[1], host), 0);
	CHECK_INT(ask(&askers[2], ""), 0);
	CHECK_INT(ask(&askers[3], "a..b"), 0);
	CHECK_INT(ask(&askers[4], "256.1.1.1"), 0);
	UNTIL(askers[1].told && askers[2].told && askers[3].told && askers[4].told);
	for (unsigned i = 1; i < 5; i++) {
		CHECK(!askers[i].found);
		NOTE("%s", askers[i].text);
	}
	close_all();
}

TEST(truncated_answers_are_fetched_by_tcp)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "long.test", .ttl = 60, .a = { "192.0.2.1" },
				       .truncated = true };
	CHECK_INT(ask(&askers[0], "long.test"), 0);
	UNTIL(askers[0].told);
	CHECK(askers[0].found);
	CHECK(names[0].asked_tcp > 0);
	close_all();
}

/* A-11: by TCP nobody is there. */
TEST(truncated_answers_without_tcp_are_none)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "long.test", .ttl = 60, .a = { "192.0.2.1" },
				       .truncated = true };
	names[1] = (struct fake_name){ "short.test", .ttl = 60, .a = { "192.0.2.2" } };
	uv_close((uv_handle_t *)&dns.tcp, NULL);
	turns(2);
	CHECK_INT(ask(&askers[0], "long.test"), 0);
	UNTIL(askers[0].told);
	CHECK(!askers[0].found);
	NOTE("%s", askers[0].text);
	CHECK_INT(names[0].asked_tcp, 0);
	CHECK_INT(ask(&askers[1], "short.test"), 0);
	UNTIL(askers[1].told);
	CHECK(askers[1].found);
	close_all();
}

/* A-18: names that are their own aliases, with and without an address behind them. */
TEST(aliases_that_lead_nowhere_are_no_answer)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "loop.test", .ttl = 60, .cnames = 1 };
	names[1] = (struct fake_name){ "loops.test", .ttl = 60, .cnames = 100 };
	names[2] = (struct fake_name){ "found.test", .ttl = 60, .cnames = 40,
				       .a = { "192.0.2.1" } };
	for (unsigned i = 0; i < 3; i++)
		CHECK_INT(ask(&askers[i], names[i].name), 0);
	UNTIL(askers[0].told && askers[1].told && askers[2].told);
	CHECK(!askers[0].found && !askers[1].found);
	NOTE("%s, %s", askers[0].text, askers[1].text);
	CHECK(!askers[2].found || has(&askers[2].addresses, "192.0.2.1"));
	close_all();
}

/* A-20 */
TEST(a_server_that_restarts_is_asked_again)
{
	unsigned port;

	REQUIRE(open_all());
	names[0] = (struct fake_name){ "x.test", .ttl = 5, .a = { "192.0.2.1" } };
	port = (unsigned)strtoul(strrchr(dns.address, ':') + 1, NULL, 10);
	CHECK_INT(ask(&askers[0], "x.test"), 0);
	UNTIL(askers[0].told);
	CHECK(askers[0].found);
	fake_dns_close(&dns);
	turns(3);
	CHECK_INT(ask(&askers[1], "y.test"), 0);
	UNTIL(askers[1].told);
	CHECK(!askers[1].found);
	NOTE("%s", askers[1].text);
	REQUIRE(fake_dns_open_at(&dns, &loop, names, port));
	names[1] = (struct fake_name){ "y.test", .ttl = 60, .a = { "192.0.2.2" } };
	weir_resolver_age(resolver, 6000);
	CHECK_INT(ask(&askers[0], "x.test"), 0);
	CHECK_INT(ask(&askers[1], "y.test"), 0);
	UNTIL(askers[0].told && askers[1].told);
	CHECK(askers[0].found && askers[1].found);
	close_all();
}

TEST(of_forty_addresses_eight_with_any_start)
{
	unsigned starts = 0;
	uint32_t first[4];

	for (unsigned round = 0; round < 4; round++) {
		REQUIRE(open_all());
		names[0] = (struct fake_name){ "many.test", .ttl = 60, .a_many = 40 };
		CHECK_INT(ask(&askers[0], "many.test"), 0);
		UNTIL(askers[0].told);
		CHECK_INT(askers[0].addresses.n, WEIR_RESOLVE_ADDRESSES_MAX);
		for (unsigned i = 0; i < 100; i++) {
			uint32_t before = askers[1].addresses.list[0].v4.sin_addr.s_addr;

			CHECK_INT(ask(&askers[1], "many.test"), 1);
			starts += before != askers[1].addresses.list[0].v4.sin_addr.s_addr;
		}
		first[round] = askers[0].addresses.list[0].v4.sin_addr.s_addr;
		close_all();
	}
	CHECK(starts > 100);
	CHECK(first[0] != first[1] || first[1] != first[2] || first[2] != first[3]);
}

/* The first name of /etc/hosts that has an IPv4 address and is not localhost. */
static bool hosts_name(char *name, char *address)
{
	FILE *file = fopen("/etc/hosts", "re");
	char line[512];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file)) {
		size_t ip = strspn(line, "0123456789."), gap = strspn(line + ip, " \t");
		size_t len = strcspn(line + ip + gap, " \t\r\n#");

		if (ip < 7 || ip > 15 || gap == 0 || len == 0 || len > 63)
			continue;
		memcpy(address, line, ip);
		address[ip] = '\0';
		memcpy(name, line + ip + gap, len);
		name[len] = '\0';
		found = !strstr(name, "localhost");
	}
	if (file)
		fclose(file);
	return found;
}

TEST(hosts_file_needs_no_server)
{
	char name[64], address[64];

	if (!hosts_name(name, address)) {
		NOTE("nothing in /etc/hosts to look up");
		return;
	}
	REQUIRE(open_all());
	CHECK_INT(ask(&askers[0], name), 1);
	CHECK(has(&askers[0].addresses, address));
	CHECK_INT(dns.asked, 0);
	close_all();
}

TEST_MAIN

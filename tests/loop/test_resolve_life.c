/* Lookups that end early, and what runs out. */
#include <sys/resource.h>

#include "askers.h"

TEST(cancelled_while_asking)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
	CHECK_INT(ask(&askers[0], "x.test"), 0);
	CHECK_INT(ask(&askers[1], "x.test"), 0);
	weir_resolve_cancel(&askers[0].lookup);
	weir_resolve_cancel(&askers[0].lookup);
	UNTIL(askers[1].told);
	CHECK_INT(askers[0].told, 0);
	/* All gone: the answer is kept all the same. */
	names[1] = (struct fake_name){ "y.test", .ttl = 60, .a = { "192.0.2.1" } };
	CHECK_INT(ask(&askers[0], "y.test"), 0);
	weir_resolve_cancel(&askers[0].lookup);
	UNTIL(found_now("y.test"));
	CHECK_INT(askers[0].told, 0);
	CHECK_INT(names[1].asked_a, 1);
	close_all();
}

static void cancel_the_others(struct asker *asker)
{
	for (unsigned i = 0; i < 10; i++)
		if (&askers[i] != asker)
			weir_resolve_cancel(&askers[i].lookup);
}

TEST(cancelled_from_a_callback)
{
	unsigned told = 0;

	REQUIRE(open_all());
	names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
	for (unsigned i = 0; i < 10; i++) {
		askers[i].then = cancel_the_others;
		CHECK_INT(ask(&askers[i], "x.test"), 0);
	}
	UNTIL(askers[0].told);
	turns(3);
	for (unsigned i = 0; i < 10; i++)
		told += askers[i].told;
	CHECK_INT(told, 1);
	close_all();
}

static unsigned again_left;

static void ask_again(struct asker *asker)
{
	if (again_left-- > 0)
		CHECK_INT(ask(asker, "none.test"), 0);
}

TEST(asked_again_from_a_callback)
{
	REQUIRE(open_all());
	again_left = 5;
	askers[0].then = ask_again;
	CHECK_INT(ask(&askers[0], "none.test"), 0);
	UNTIL(again_left > 5 && askers[0].told);
	CHECK_INT(weir_resolver_counts(resolver).questions, 1);
	close_all();
}

static void close_resolver(struct asker *asker)
{
	cancel_the_others(asker);
	weir_resolver_close(resolver, on_closed, &closed);
	resolver = NULL;
}

TEST(closed_from_a_callback)
{
	for (int found = 0; found < 2; found++) {
		REQUIRE(open_all());
		names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
		names[1] = (struct fake_name){ "silent.test", .silent = true };
		for (unsigned i = 0; i < 10; i++)
			askers[i].then = close_resolver;
		CHECK_INT(ask(&askers[9], "silent.test"), 0);
		for (unsigned i = 0; i < 9; i++)
			CHECK_INT(ask(&askers[i], found ? "x.test" : "none.test"), 0);
		UNTIL(!resolver);
		close_all();
	}
}

/* The answer may be anywhere on its way. */
TEST(closed_after_any_number_of_turns)
{
	for (unsigned n = 0; n < 12; n++) {
		REQUIRE(open_all());
		names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
		names[1] = (struct fake_name){ "long.test", .truncated = true };
		names[2] = (struct fake_name){ "silent.test", .silent = true };
		CHECK_INT(ask(&askers[0], "x.test"), 0);
		CHECK_INT(ask(&askers[1], "long.test"), 0);
		CHECK_INT(ask(&askers[2], "silent.test"), 0);
		CHECK_INT(ask(&askers[3], "none.test"), 0);
		turns(n);
		for (unsigned i = 0; i < 4; i++)
			weir_resolve_cancel(&askers[i].lookup);
		close_all();
	}
}

TEST(reloaded_while_asking)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
	for (unsigned n = 0; n < 8; n++) {
		weir_resolver_age(resolver, 61000);
		CHECK_INT(ask(&askers[0], "x.test"), 0);
		turns(n);
		CHECK_INT(weir_resolver_reload(resolver), 0);
		UNTIL(askers[0].told);
		CHECK(askers[0].found);
	}
	close_all();
}

TEST(names_are_bounded)
{
	char host[32];

	REQUIRE(open_all());
	names[0] = (struct fake_name){ "silent.test", .silent = true };
	CHECK_INT(ask(&askers[0], "silent.test"), 0);
	for (unsigned i = 0; i < WEIR_RESOLVE_NAMES_MAX + 200; i += 50) {
		for (unsigned k = 0; k < 50; k++) {
			snprintf(host, sizeof host, "n%u.test", i + k);
			CHECK_INT(ask(&askers[1 + k], host), 0);
		}
		for (unsigned k = 0; k < 50; k++)
			UNTIL(askers[1 + k].told);
	}
	CHECK(weir_alloc_live() - live_before < WEIR_RESOLVE_NAMES_MAX + 50);
	CHECK(askers[0].lookup.pending || askers[0].told);
	weir_resolve_cancel(&askers[0].lookup);
	close_all();
}

TEST(more_names_at_once_than_the_bound)
{
	static struct weir_lookup lookups[WEIR_RESOLVE_NAMES_MAX + 1];
	struct weir_addresses now;
	unsigned limits = 0;
	char host[32];

	REQUIRE(open_all());
	for (unsigned i = 0; i <= WEIR_RESOLVE_NAMES_MAX; i++) {
		lookups[i] = (struct weir_lookup){ .on_resolved = on_resolved };
		snprintf(host, sizeof host, "n%u.test", i);
		limits += weir_resolve(resolver, host, &lookups[i], &now) == WEIR_ELIMIT;
	}
	CHECK_INT(limits, 1);
	for (unsigned i = 0; i <= WEIR_RESOLVE_NAMES_MAX; i++)
		weir_resolve_cancel(&lookups[i]);
	close_all();
}

TEST(no_descriptors_left)
{
	struct rlimit old, none;

	REQUIRE(open_all());
	names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
	turns(2);
	getrlimit(RLIMIT_NOFILE, &old);
	none = (struct rlimit){ 3, old.rlim_max };
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_INT(ask(&askers[0], "x.test"), 0);
	UNTIL(askers[0].told);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK(!askers[0].found);
	CHECK_STR(askers[0].text, WEIR_RESOLVE_LOCAL);
	CHECK_INT(ask(&askers[0], "x.test"), 0); /* not held against the name */
	UNTIL(askers[0].told);
	CHECK(askers[0].found);
	close_all();
}

TEST(garbage_harms_nobody)
{
	REQUIRE(open_all());
	names[0] = (struct fake_name){ "garbage.test", .garbage = true };
	names[1] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
	CHECK_INT(ask(&askers[0], "garbage.test"), 0);
	UNTIL(askers[0].told);
	CHECK(!askers[0].found);
	NOTE("%s", askers[0].text);
	CHECK_INT(ask(&askers[1], "x.test"), 0);
	UNTIL(askers[1].told);
	CHECK(askers[1].found);
	close_all();
}

TEST(any_allocation_fails)
{
	for (unsigned k = 1; k < 12; k++) {
		struct weir_error err;
		int rc;

		REQUIRE(open_all());
		weir_resolver_close(resolver, on_closed, &closed);
		resolver = NULL;
		UNTIL(closed);
		closed = 0;
		weir_alloc_fail_after(k);
		rc = weir_resolver_create(&resolver, &loop, &err);
		if (rc) {
			CHECK_INT(rc, WEIR_ENOMEM);
			weir_alloc_fail_after(0);
			CHECK_INT(weir_resolver_create(&resolver, &loop, &err), 0);
		}
		rc = weir_resolver_set_servers(resolver, dns.address);
		if (rc == WEIR_ENOMEM)
			rc = weir_resolver_set_servers(resolver, dns.address);
		CHECK_INT(rc, 0);
		names[0] = (struct fake_name){ "x.test", .ttl = 60, .a = { "192.0.2.1" } };
		rc = ask(&askers[0], "x.test");
		if (rc == WEIR_ENOMEM)
			rc = ask(&askers[0], "x.test");
		CHECK_INT(rc, 0);
		UNTIL(askers[0].told);
		weir_alloc_fail_after(0);
		weir_resolver_age(resolver, 70000);
		CHECK_INT(ask(&askers[0], "x.test"), 0);
		UNTIL(askers[0].told);
		CHECK(askers[0].found);
		close_all();
	}
}

TEST_MAIN

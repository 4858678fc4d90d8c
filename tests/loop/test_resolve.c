#include "net/resolve.h"

#include <sys/resource.h>

#include "base/alloc.h"
#include "fake_dns.h"
#include "test.h"

enum { ASKERS_MAX = 1000, WAIT_MS_MAX = 60000 };

struct asker {
	struct weir_lookup lookup;
	struct weir_addresses addresses;
	char text[64];
	unsigned told;
	bool found;
	bool asking; /* inside weir_resolve() */
	void (*then)(struct asker *asker);
};

static struct fake_name names[32];
static struct fake_dns dns;
static uv_loop_t loop;
static uv_timer_t guard;
static struct weir_resolver *resolver;
static struct asker askers[ASKERS_MAX];
static unsigned closed;
static bool too_late;
static size_t live_before;

static void on_resolved(struct weir_lookup *lookup, const struct weir_addresses *addresses,
			const char *text)
{
	struct asker *asker = WEIR_CONTAINER_OF(lookup, struct asker, lookup);

	CHECK(!asker->asking && !lookup->pending);
	asker->told++;
	asker->found = addresses != NULL;
	if (addresses)
		asker->addresses = *addresses;
	else
		snprintf(asker->text, sizeof asker->text, "%s", text);
	if (asker->then)
		asker->then(asker);
}

static int ask(struct asker *asker, const char *host)
{
	int rc;

	*asker = (struct asker){ .lookup.on_resolved = on_resolved,
				 .asking = true,
				 .then = asker->then };
	rc = weir_resolve(resolver, host, &asker->lookup, &asker->addresses);
	asker->asking = false;
	if (rc == 1) {
		asker->told = 1;
		asker->found = true;
	}
	return rc;
}

static void on_guard(uv_timer_t *timer)
{
	too_late = true;
	uv_stop(timer->loop);
}

static bool open_all(void)
{
	struct weir_error err;

	memset(askers, 0, sizeof askers);
	memset(names, 0, sizeof names);
	closed = 0;
	too_late = false;
	live_before = weir_alloc_live();
	resolver = NULL;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &guard);
	uv_timer_start(&guard, on_guard, WAIT_MS_MAX, 0);
	uv_unref((uv_handle_t *)&guard);
	if (!fake_dns_open(&dns, &loop, names))
		return false;
	if (weir_resolver_create(&resolver, &loop, &err)) {
		NOTE("%s", err.text);
		return false;
	}
	return weir_resolver_set_servers(resolver, dns.address) == 0;
}

static void on_closed(void *arg)
{
	CHECK(arg == &closed);
	CHECK_INT(weir_alloc_live(), live_before);
	closed++;
}

static void close_all(void)
{
	if (resolver)
		weir_resolver_close(resolver, on_closed, &closed);
	resolver = NULL;
	fake_dns_close(&dns);
	uv_close((uv_handle_t *)&guard, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(closed, 1);
	CHECK_INT(uv_loop_close(&loop), 0);
	CHECK_INT(weir_alloc_live(), live_before);
}

#define UNTIL(cond)                                 \
	do {                                        \
		while (!(cond) && !too_late)        \
			uv_run(&loop, UV_RUN_ONCE); \
		CHECK(cond);                        \
	} while (0)

static void turns(unsigned n)
{
	while (n--)
		uv_run(&loop, UV_RUN_NOWAIT);
}

static const char *text_of(const union weir_address *address)
{
	static char text[64];

	if (address->any.sa_family == AF_INET)
		uv_ip4_name(&address->v4, text, sizeof text);
	else
		uv_ip6_name(&address->v6, text, sizeof text);
	return text;
}

static bool has(const struct weir_addresses *addresses, const char *text)
{
	for (unsigned i = 0; i < addresses->n; i++)
		if (strcmp(text_of(&addresses->list[i]), text) == 0)
			return true;
	return false;
}

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

static bool found_now(const char *host)
{
	struct asker *asker = &askers[ASKERS_MAX - 1];

	asker->then = NULL;
	return ask(asker, host) == 1 || (weir_resolve_cancel(&asker->lookup), false);
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
		{ "negative.test", 0x80000001u, 4000, 6500 },
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
	names[2] = (struct fake_name){ "garbage.test", .garbage = true };
	CHECK_INT(ask(&askers[0], "silent.test"), 0);
	CHECK_INT(ask(&askers[1], "fading.test"), 0);
	CHECK_INT(ask(&askers[2], "garbage.test"), 0);
	UNTIL(askers[1].told);
	stale_ms = uv_now(&loop);
	CHECK(askers[1].found);
	CHECK_INT(weir_resolver_counts(resolver).stale, 1);
	CHECK(found_now("fading.test")); /* nobody waits twice */
	UNTIL(askers[0].told);
	CHECK(!askers[0].found);
	CHECK_STR(askers[0].text, "timeout");
	UNTIL(askers[2].told);
	CHECK(!askers[2].found);
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
	CHECK_INT(weir_resolver_counts(resolver).failures, 3);
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

/* The first name of /etc/hosts that is neither localhost nor given by IPv6 only. */
static bool hosts_name(char *name, char *address)
{
	FILE *file = fopen("/etc/hosts", "re");
	char line[512];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file))
		found = sscanf(line, "%63[0-9.] %63[a-zA-Z0-9.-]", address, name) == 2 &&
			!strstr(name, "localhost");
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

/* Callers' books: whose they are, how long they are kept, and what a process that is gone had taken
 * of their limits. */
#include "base/alloc.h"
#include "config/known.h"
#include "config_help.h"
#include "core/callers.h"
#include "weir.h"

enum { GENERATION = 600, TEXT_MAX = 64 * 1024 };

/* A configuration with so many callers, whose names begin so. */
static void parse(struct config_try *try, const char *prefix, unsigned n)
{
	static char text[TEXT_MAX];
	static const char *const nothing[] = { NULL };
	size_t len = (size_t)snprintf(text, sizeof text,
				      "providers: { one: { dialect: openai, base_url: "
				      "'http://10.0.0.1' } }\n"
				      "chains: { a: { steps: [ one/m ] } }\naccess:\n  keys:\n");

	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
					"    - { name: %s%u, key: %s-key-%u-0123456789, "
					"max_inflight: 9 }\n",
					prefix, i, prefix, i);
	config_parse_with(try, weir_slice_of(text), "weir.yaml", nothing);
}

static unsigned enrolled(struct weir_callers *callers, const char *prefix, unsigned n)
{
	struct weir_books **books = NULL;
	struct config_try try;

	parse(&try, prefix, n);
	if (try.config)
		books = weir_callers_enrol(callers, try.config);
	CHECK(books);
	if (books)
		weir_callers_leave(callers, books, try.config);
	config_done(&try);
	return callers->n;
}

/* Who comes back finds what was counted, unless more than a thousand others went as well. */
TEST(books_of_those_who_left_are_kept_but_not_for_ever)
{
	struct weir_callers callers = { .n = 0 };

	CHECK_INT(enrolled(&callers, "a", GENERATION), GENERATION);
	CHECK_INT(enrolled(&callers, "a", GENERATION), GENERATION);
	CHECK_INT(enrolled(&callers, "b", GENERATION), 2 * GENERATION);
	CHECK_INT(enrolled(&callers, "c", 1), 1);
	weir_callers_fini(&callers);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Of two processes the second is killed while it writes, and whoever comes next mends it. */
TEST(what_was_in_flight_is_counted_anew_by_shares)
{
	struct weir_quota_time now = { .ms = 1000 };
	struct weir_quota_refusal refusal;
	struct weir_callers callers = { .n = 0 };
	struct weir_claim claims[3] = { { NULL } };
	struct weir_books **books;
	struct config_try try;
	struct weir_shm *shm;

	REQUIRE(weir_workers_share(&shm, 2) == 0);
	callers.shm = shm;
	parse(&try, "a", 1);
	REQUIRE(try.config);
	books = weir_callers_enrol(&callers, try.config);
	REQUIRE(books);
	weir_callers_settle(&callers, books, try.config);
	for (unsigned i = 0; i < 3; i++) {
		weir_shm_join(shm, i / 2);
		CHECK(weir_claim_take(&claims[i], shm, books[0], 100, &now, &refusal));
	}
	CHECK_INT(books[0]->quota.inflight, 3);
	books[0]->quota.inflight = 77;
	weir_shm_enter(shm);
	weir_callers_mend(shm);
	weir_shm_leave(shm);
	CHECK_INT(books[0]->quota.inflight, 3);
	weir_workers_forfeit(shm, 1);
	CHECK_INT(books[0]->quota.inflight, 2);
	weir_shm_join(shm, 0);
	weir_claim_end(&claims[0], 0, 0, &now);
	weir_claim_end(&claims[1], 0, 0, &now);
	CHECK_INT(books[0]->quota.inflight, 0);
	weir_callers_leave(&callers, books, try.config);
	weir_callers_fini(&callers);
	config_done(&try);
	weir_workers_unshare(shm);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

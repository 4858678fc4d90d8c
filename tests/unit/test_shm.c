/* Memory of several processes: the same in all, one at a time, and whole after a death. */
#include "base/shm.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "test.h"

enum { KIND = 3, ROUNDS = 20000 };

struct pair {
	uint64_t one, other; /* alike, but for a moment */
};

static struct pair *pair_in(struct weir_shm *shm)
{
	struct weir_digest identity = weir_sha256(weir_slice_of("pair"));

	return weir_shm_record(shm, KIND, &identity, sizeof(struct pair));
}

static unsigned mended;

static void mend(struct weir_shm *shm)
{
	struct pair *pair = pair_in(shm);

	mended++;
	pair->other = pair->one;
}

static int end_of(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

TEST(what_one_writes_the_others_read)
{
	struct weir_shm *shm;
	struct pair *pair;
	pid_t child;

	REQUIRE(weir_shm_create(&shm, 2) == 0);
	CHECK_INT(weir_shm_holder(shm), 0);
	child = fork();
	if (child == 0) {
		weir_shm_join(shm, 1);
		weir_shm_enter(shm);
		pair_in(shm)->one = 7;
		weir_shm_leave(shm);
		_exit(weir_shm_holder(shm) == 1 ? 0 : 1);
	}
	CHECK_INT(end_of(child), 0);
	weir_shm_enter(shm);
	pair = pair_in(shm);
	CHECK_INT(pair->one, 7);
	CHECK(pair == weir_shm_next(shm, KIND, NULL));
	CHECK(weir_shm_next(shm, KIND, pair) == NULL);
	CHECK(weir_shm_next(shm, KIND + 1, NULL) == NULL);
	weir_shm_leave(shm);
	weir_shm_destroy(shm);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(they_are_inside_one_at_a_time)
{
	struct weir_shm *shm;
	pid_t child;

	REQUIRE(weir_shm_create(&shm, 2) == 0);
	child = fork();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct pair *pair;

		weir_shm_enter(shm);
		weir_shm_enter(shm); /* as often as it likes */
		pair = pair_in(shm);
		pair->one++;
		weir_shm_leave(shm);
		pair->other++;
		if (pair->one != pair->other)
			_exit(1);
		weir_shm_leave(shm);
	}
	if (child == 0)
		_exit(0);
	CHECK_INT(end_of(child), 0);
	weir_shm_enter(shm);
	CHECK_INT(pair_in(shm)->one, 2 * ROUNDS);
	weir_shm_leave(shm);
	weir_shm_destroy(shm);
}

TEST(who_is_killed_inside_leaves_it_to_be_mended)
{
	struct weir_shm *shm;
	pid_t child;

	REQUIRE(weir_shm_create(&shm, 2) == 0);
	weir_shm_on_spoiled(shm, mend);
	mended = 0;
	for (unsigned deaths = 1; deaths <= 3; deaths++) {
		child = fork();
		if (child == 0) {
			weir_shm_enter(shm);
			pair_in(shm)->one++;
			raise(SIGKILL);
		}
		CHECK(WIFSIGNALED(end_of(child)));
		weir_shm_enter(shm);
		CHECK_INT(mended, deaths);
		CHECK_INT(pair_in(shm)->one, deaths);
		CHECK_INT(pair_in(shm)->other, deaths);
		weir_shm_leave(shm);
		weir_shm_enter(shm);
		CHECK_INT(mended, deaths); /* once each */
		weir_shm_leave(shm);
	}
	weir_shm_destroy(shm);
}

static void mend_and_die(struct weir_shm *shm)
{
	mend(shm);
	raise(SIGKILL);
}

TEST(who_is_killed_while_he_mends_leaves_it_to_the_next)
{
	struct weir_shm *shm;
	pid_t child;

	REQUIRE(weir_shm_create(&shm, 2) == 0);
	for (unsigned i = 0; i < 2; i++) {
		child = fork();
		if (child == 0) {
			weir_shm_on_spoiled(shm, mend_and_die);
			weir_shm_enter(shm);
			pair_in(shm)->one = 5;
			raise(SIGKILL);
		}
		CHECK(WIFSIGNALED(end_of(child)));
	}
	weir_shm_on_spoiled(shm, mend);
	mended = 0;
	weir_shm_enter(shm);
	CHECK_INT(mended, 1);
	CHECK_INT(pair_in(shm)->other, 5);
	weir_shm_leave(shm);
	weir_shm_destroy(shm);
}

TEST(a_record_is_of_its_kind_and_identity)
{
	struct weir_digest a = weir_sha256(weir_slice_of("a")), b = weir_sha256(weir_slice_of("b"));
	struct weir_shm *shm;
	void *record;

	REQUIRE(weir_shm_create(&shm, 1) == 0);
	weir_shm_enter(shm);
	record = weir_shm_record(shm, 0, &a, 100);
	CHECK(record && record == weir_shm_record(shm, 0, &a, 100));
	CHECK(record != weir_shm_record(shm, 1, &a, 100));
	CHECK(weir_shm_next(shm, 0, record) == NULL);
	CHECK(weir_shm_record(shm, 0, &b, 8) == weir_shm_next(shm, 0, record));
	weir_shm_leave(shm);
	weir_shm_destroy(shm);
}

TEST(memory_is_given_again_and_has_an_end)
{
	enum { MIB = 1024 * 1024 };
	struct weir_shm *shm;
	void *list[WEIR_SHM_MIB];
	unsigned n = 0;
	char *text;

	REQUIRE(weir_shm_create(&shm, 1) == 0);
	text = weir_shm_strndup(shm, "text and more", 4);
	CHECK_STR(text, "text");
	weir_shm_free(shm, text);
	CHECK(weir_shm_calloc(shm, 1, 5) == text);
	CHECK_STR(text, "");
	weir_shm_free(shm, NULL);
	CHECK(weir_shm_calloc(shm, SIZE_MAX, 2) == NULL);
	CHECK(weir_shm_calloc(shm, WEIR_SHM_BLOCK_MIB_MAX + 1, MIB) == NULL);
	while (n < WEIR_SHM_MIB && (list[n] = weir_shm_calloc(shm, 1, 33)))
		n++;
	CHECK_INT(n, WEIR_SHM_MIB); /* small ones: there is room */
	weir_shm_destroy(shm);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(without_others_it_is_the_heap)
{
	void *block = weir_shm_calloc(NULL, 2, 8);

	CHECK_INT(weir_alloc_live(), 1);
	weir_shm_enter(NULL);
	weir_shm_leave(NULL);
	CHECK_INT(weir_shm_holder(NULL), 0);
	weir_shm_free(NULL, block);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

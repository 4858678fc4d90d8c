/* test.h: the whole test framework.
 *
 *	TEST(adds)
 *	{
 *		CHECK_INT(1 + 1, 2);
 *	}
 *	TEST_MAIN
 *
 * Each program prints TAP. A failed CHECK marks its case as failed and goes on;
 * a failed REQUIRE also leaves the function it stands in. Arguments of the
 * program, if any, are the names of the cases to run. */
#ifndef WEIR_TEST_H
#define WEIR_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

static struct test_case *test_first, **test_end = &test_first;
static int test_failures; /* in the case that is running */

#define TEST(name_)                                                            \
	static void test_##name_(void);                                        \
	__attribute__((constructor)) static void test_add_##name_(void)        \
	{                                                                      \
		static struct test_case self = { #name_, test_##name_, NULL }; \
		*test_end = &self;                                             \
		test_end = &self.next;                                         \
	}                                                                      \
	static void test_##name_(void)

#define CHECK(cond)        ((void)test_check((cond), __FILE__, __LINE__, #cond))
#define CHECK_INT(a, b)    ((void)test_int((long long)(a), (long long)(b), __FILE__, __LINE__, #a))
#define CHECK_STR(a, b)    ((void)test_str((a), (b), __FILE__, __LINE__, #a))
#define CHECK_MEM(a, b, n) ((void)test_mem((a), (b), (n), __FILE__, __LINE__, #a))

/* Where going on would crash. */
#define REQUIRE(cond)                                               \
	do {                                                        \
		if (!test_check((cond), __FILE__, __LINE__, #cond)) \
			return;                                     \
	} while (0)

/* A sentence about the failure, for tests that walk a table: NOTE("row %d", i). */
#define NOTE(...) (printf("# "), printf(__VA_ARGS__), (void)putchar('\n'))

static inline bool test_check(bool ok, const char *file, int line, const char *what)
{
	if (!ok) {
		test_failures++;
		printf("# %s:%d: not true: %s\n", file, line, what);
	}
	return ok;
}

static inline bool test_int(long long a, long long b, const char *file, int line, const char *what)
{
	if (a != b) {
		test_failures++;
		printf("# %s:%d: %s is %lld, expected %lld\n", file, line, what, a, b);
	}
	return a == b;
}

/* One diagnostic line, so that a newline in the data is not taken for TAP. */
static inline void test_print(const char *label, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	printf("#   %s ", label);
	if (!bytes)
		printf("NULL");
	for (size_t i = 0; bytes && i < n; i++) {
		if (p[i] == '\n')
			printf("\\n");
		else if (p[i] < 0x20 || p[i] >= 0x7f || p[i] == '\\')
			printf("\\x%02x", p[i]);
		else
			putchar(p[i]);
	}
	putchar('\n');
}

static inline bool test_str(const char *a, const char *b, const char *file, int line,
			    const char *what)
{
	bool ok = a == b || (a && b && strcmp(a, b) == 0);

	if (!ok) {
		test_failures++;
		printf("# %s:%d: %s differs\n", file, line, what);
		test_print("is      ", a, a ? strlen(a) : 0);
		test_print("expected", b, b ? strlen(b) : 0);
	}
	return ok;
}

static inline bool test_mem(const void *a, const void *b, size_t n, const char *file, int line,
			    const char *what)
{
	bool ok = n == 0 || (a && b && memcmp(a, b, n) == 0);

	if (!ok) {
		test_failures++;
		printf("# %s:%d: %s differs within %zu bytes\n", file, line, what, n);
		test_print("is      ", a, n);
		test_print("expected", b, n);
	}
	return ok;
}

static inline bool test_wanted(const struct test_case *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], t->name) == 0)
			return true;
	return argc < 2;
}

static inline int test_main(int argc, char **argv)
{
	int n = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow what was said */
	for (const struct test_case *t = test_first; t; t = t->next)
		n += test_wanted(t, argc, argv);
	printf("1..%d\n", n);
	n = 0;
	for (const struct test_case *t = test_first; t; t = t->next) {
		if (!test_wanted(t, argc, argv))
			continue;
		test_failures = 0;
		t->run();
		failed += test_failures > 0;
		printf("%sok %d - %s\n", test_failures > 0 ? "not " : "", ++n, t->name);
	}
	return failed > 0;
}

#define TEST_MAIN                             \
	int main(int argc, char **argv)       \
	{                                     \
		return test_main(argc, argv); \
	}

#endif

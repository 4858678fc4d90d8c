/* Each allocation fails once: nothing leaks, nothing is half done, and it is said. */
#include <fcntl.h>
#include <unistd.h>

#include "config/schema.h"
#include "config_help.h"

enum { SCHEMA_MAX = 1024 * 1024 };

static const char *const env[] = { "OPENAI_API_KEY=sk-test-openai-0123456789",
				   "GROQ_API_KEY=gsk-groq-0123456789",
				   "WEIR_APP_KEY=app-key-0123456789", NULL };

/* Is the failure still to come? */
static bool is_armed(uint64_t k)
{
	for (; k; k--) {
		void *block = weir_alloc(1);

		if (!block)
			return true;
		weir_free(block);
	}
	return false;
}

/* True when the k-th allocation was reached; then the answer is that memory ran out. */
static bool parse_once(struct weir_slice text, uint64_t k)
{
	struct weir_config *config = NULL;
	struct weir_findings findings;
	size_t live = weir_alloc_live();
	int rc;

	weir_alloc_fail_after(k);
	weir_findings_init(&findings, "weir.yaml");
	rc = text.base ? weir_config_parse(&config, text, "weir.yaml", config_getenv, (void *)env,
					   &findings)
		       : weir_config_zero(&config, config_getenv, (void *)env, &findings);
	CHECK(rc == WEIR_ENOMEM || is_armed(k));
	weir_alloc_fail_after(0);
	CHECK((rc == 0) == (config != NULL));
	weir_config_unref(config);
	weir_findings_fini(&findings);
	CHECK_INT(weir_alloc_live(), live);
	return rc == WEIR_ENOMEM;
}

static void parse_until_it_works(const char *name)
{
	char path[PATH_MAX];
	size_t len;
	uint64_t k = 1;
	char *text;

	config_path(path, sizeof path, name);
	text = config_slurp(path, &len);
	REQUIRE(text && len);
	while (k < 100000 && parse_once(weir_slice(text, len), k))
		k++;
	CHECK(k > 20 && k < 100000);
	free(text);
}

TEST(a_good_file)
{
	parse_until_it_works("good-full.yaml");
	parse_until_it_works("good-product.yaml");
	parse_until_it_works("good-callers.yaml");
}

TEST(files_with_findings)
{
	static const char *const names[] = {
		"bad-target.yaml",         "bad-headers.yaml",  "bad-access.yaml",
		"bad-base-url.yaml",       "bad-identity.yaml", "bad-duplicate-key.yaml",
		"bad-unset-variable.yaml", "bad-listen.yaml",   "warn-lint.yaml",
		"bad-yaml.yaml",           "bad-pools.yaml",    "bad-models.yaml",
		"bad-groups.yaml",         "warn-models.yaml",  "bad-callers.yaml"
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		parse_until_it_works(names[i]);
}

TEST(a_big_file)
{
	struct weir_buf text;
	uint64_t k, step = 1;

	weir_buf_init(&text, 1 << 20);
	CHECK_INT(weir_buf_puts(&text, "providers:\n"), 0);
	for (int i = 0; i < 40; i++)
		CHECK_INT(weir_buf_printf(
				  &text,
				  "  p%d: { dialect: openai, base_url: 'http://10.0.0.%d/v1', "
				  "keys: [ \"${WEIR_APP_KEY}\" ], headers: { a: b } }\n",
				  i, i),
			  0);
	CHECK_INT(weir_buf_puts(&text, "chains:\n"), 0);
	for (int i = 0; i < 40; i++)
		CHECK_INT(weir_buf_printf(
				  &text,
				  "  c%d: { steps: [ p%d/m, { target: p%d/m, retries: 1 } ] }\n", i,
				  i, (i + 1) % 40),
			  0);
	for (k = 1; k < 1000000 && parse_once(weir_buf_slice(&text), k); k += step)
		step = k < 200 ? 1 : 7;
	CHECK(k > 1000 && k < 1000000);
	weir_buf_fini(&text);
}

TEST(the_environment)
{
	uint64_t k = 1;

	while (k < 10000 && parse_once(weir_slice(NULL, 0), k))
		k++;
	CHECK(k > 10 && k < 10000);
}

TEST(a_target_on_demand)
{
	struct weir_config *config;
	struct weir_findings findings;
	struct weir_target *target = NULL;
	uint64_t k = 1;

	weir_findings_init(&findings, "weir");
	REQUIRE(weir_config_zero(&config, config_getenv, (void *)env, &findings) == 0);
	for (; !target && k < 100; k++) {
		weir_alloc_fail_after(k);
		target = weir_config_zero_target(config, WEIR_SLICE("gpt-4o"));
	}
	weir_alloc_fail_after(0);
	CHECK(k > 4);
	CHECK_INT(config->targets_n, 1);
	weir_config_unref(config);
	weir_findings_fini(&findings);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(loading)
{
	char path[] = "/tmp/weir-test-XXXXXX";
	int fd = mkstemp(path);
	uint64_t k = 1;
	int rc = WEIR_ENOMEM;

	REQUIRE(fd >= 0);
	CHECK(dprintf(fd, "chains: { m: { steps: [ ollama/m ] } }\n") > 0);
	close(fd);
	for (; rc == WEIR_ENOMEM && k < 1000; k++) {
		struct weir_findings findings;
		struct weir_config *config = NULL;

		weir_alloc_fail_after(k);
		weir_findings_init(&findings, path);
		rc = weir_config_load(&config, path, &findings);
		weir_alloc_fail_after(0);
		weir_config_unref(config);
		weir_findings_fini(&findings);
		CHECK_INT(weir_alloc_live(), 0);
	}
	CHECK_INT(rc, 0);
	CHECK_INT(unlink(path), 0);
}

TEST(the_schema_is_whole_or_memory_ran_out)
{
	uint64_t k = 1;
	bool failed = true;

	for (; failed; k++) {
		size_t live = weir_alloc_live();
		struct weir_buf buf;
		int rc;

		weir_buf_init(&buf, SCHEMA_MAX);
		weir_alloc_fail_after(k);
		rc = weir_schema_write(&buf);
		failed = !is_armed(k);
		weir_alloc_fail_after(0);
		CHECK_INT(rc, failed ? WEIR_ENOMEM : 0);
		CHECK(failed || (buf.len > 2 && memcmp(buf.base + buf.len - 2, "}\n", 2) == 0));
		weir_buf_fini(&buf);
		CHECK_INT(weir_alloc_live(), live);
	}
	CHECK(k > 2);
}

TEST_MAIN

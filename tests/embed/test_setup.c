/* A configuration made by calls is the one that would be written by hand, and is judged alike. */
#include <weir.h>

#include "test.h"

static char findings[4096];
static unsigned blocks_left; /* before the allocator gives no more */
static long blocks;

static void *give(void *ptr)
{
	blocks += ptr != NULL;
	return ptr;
}

static bool none_left(void)
{
	return blocks_left && --blocks_left == 0;
}

static void *our_malloc(size_t size)
{
	return none_left() ? NULL : give(malloc(size));
}

static void *our_calloc(size_t count, size_t size)
{
	return none_left() ? NULL : give(calloc(count, size));
}

static void *our_realloc(void *ptr, size_t size)
{
	return none_left() ? NULL : realloc(ptr, size);
}

static void our_free(void *ptr)
{
	blocks -= ptr != NULL;
	free(ptr);
}

/* Before anything else, as in any program. */
__attribute__((constructor)) static void replace(void)
{
	CHECK_INT(weir_replace_allocator(our_malloc, our_realloc, our_calloc, NULL), UV_EINVAL);
	CHECK_INT(weir_replace_allocator(our_malloc, our_realloc, our_calloc, our_free), 0);
}

static void on_finding(void *arg, const char *line, size_t len)
{
	size_t at = strlen(findings);

	(void)arg;
	snprintf(findings + at, sizeof findings - at, "%.*s", (int)len, line);
}

/* What weir says to it; the gateway is not needed for more. */
static int judge(struct weir_setup *setup, char chains[256])
{
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_gateway *gateway;
	uv_loop_t loop;
	int rc;

	findings[0] = chains[0] = '\0';
	options.config_path = "setup";
	options.on_finding = on_finding;
	uv_loop_init(&loop);
	rc = weir_setup_text(setup, &options.config_text, &options.config_len);
	if (rc == 0)
		rc = weir_gateway_create(&gateway, &loop, &options, NULL, 0);
	if (rc == 0) {
		for (size_t i = 0; weir_gateway_chain(gateway, i); i++)
			snprintf(chains + strlen(chains), 256 - strlen(chains), "%s ",
				 weir_gateway_chain(gateway, i));
		weir_gateway_close(gateway, NULL, NULL);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	return rc;
}

static int say_all(struct weir_setup *setup)
{
	int rc = weir_setup_step(setup, "story", "alpha/one");

	rc = rc ? rc : weir_setup_provider(setup, "alpha", "openai", "http://127.0.0.1:1/v1");
	rc = rc ? rc : weir_setup_key(setup, "alpha", "sk-one");
	rc = rc ? rc : weir_setup_option(setup, NULL, NULL, "listen", "127.0.0.1:0");
	rc = rc ? rc : weir_setup_option(setup, "chains", "story", "retries", "1");
	rc = rc ? rc : weir_setup_step(setup, "story", "{ targets: [ beta/two, alpha/three ] }");
	rc = rc ? rc : weir_setup_provider(setup, "beta", "anthropic", "http://127.0.0.1:2");
	rc = rc ? rc : weir_setup_key(setup, "alpha", "sk-\"two\"");
	rc = rc ? rc : weir_setup_option(setup, "defaults", NULL, "attempt_timeout", "20s");
	rc = rc ? rc : weir_setup_option(setup, "chains", "story", "retries", "0");
	return rc ? rc : weir_setup_chain(setup, "story");
}

static const char expected[] = "chains:\n"
			       "  \"story\":\n"
			       "    steps:\n"
			       "      - alpha/one\n"
			       "      - { targets: [ beta/two, alpha/three ] }\n"
			       "    retries: 0\n"
			       "providers:\n"
			       "  \"alpha\":\n"
			       "    dialect: \"openai\"\n"
			       "    base_url: \"http://127.0.0.1:1/v1\"\n"
			       "    keys:\n"
			       "      - \"sk-one\"\n"
			       "      - \"sk-\\\"two\\\"\"\n"
			       "  \"beta\":\n"
			       "    dialect: \"anthropic\"\n"
			       "    base_url: \"http://127.0.0.1:2\"\n"
			       "listen: 127.0.0.1:0\n"
			       "defaults:\n"
			       "  attempt_timeout: 20s\n";

TEST(calls_in_any_order_make_a_configuration)
{
	struct weir_setup *setup = weir_setup_create();
	const char *text;
	char chains[256];
	size_t len;

	REQUIRE(setup);
	CHECK_INT(say_all(setup), 0);
	CHECK_INT(weir_setup_text(setup, &text, &len), 0);
	CHECK_STR(text, expected);
	CHECK_INT(len, strlen(text));
	CHECK_INT(judge(setup, chains), 0);
	CHECK_STR(findings, "");
	CHECK_STR(chains, "story ");
	/* It can be said more, and told once more. */
	CHECK_INT(weir_setup_step(setup, "gpt-4.1: mini", "alpha/one"), 0);
	CHECK_INT(judge(setup, chains), 0);
	CHECK_STR(chains, "story gpt-4.1: mini ");
	weir_setup_destroy(setup);
}

TEST(mistakes_are_found_as_in_a_file)
{
	struct weir_setup *setup = weir_setup_create();
	char chains[256];

	REQUIRE(setup);
	CHECK_INT(say_all(setup), 0);
	CHECK_INT(weir_setup_step(setup, "story", "nobody/model"), 0);
	CHECK_INT(weir_setup_option(setup, "chains", "story", "retrys", "2"), 0);
	CHECK_INT(weir_setup_option(setup, "defaults", NULL, "attempt_timeout", "soon"), 0);
	CHECK_INT(judge(setup, chains), WEIR_ERR_CONFIG);
	CHECK(strstr(findings, "setup:6:") && strstr(findings, "nobody"));
	CHECK(strstr(findings, "retrys") && strstr(findings, "retries"));
	CHECK(strstr(findings, "attempt_timeout"));
	weir_setup_destroy(setup);
}

/* No name, key or value can say more than itself. */
TEST(what_is_no_text_is_refused_to_the_end)
{
	static const char line[] = "20s\nlisten: 0.0.0.0:1";
	struct weir_setup *setup = weir_setup_create();
	const char *text = "";
	size_t len = 1;

	REQUIRE(setup);
	CHECK_INT(say_all(setup), 0);
	CHECK_INT(weir_setup_option(setup, "defaults", NULL, "attempt_timeout", line), UV_EINVAL);
	CHECK_INT(weir_setup_text(setup, &text, &len), UV_EINVAL);
	CHECK(!text && !len);
	weir_setup_destroy(setup);
	setup = weir_setup_create();
	REQUIRE(setup);
	CHECK_INT(weir_setup_key(setup, "alpha", NULL), UV_EINVAL);
	CHECK_INT(weir_setup_key(setup, "", "k"), UV_EINVAL);
	CHECK_INT(weir_setup_chain(setup, NULL), UV_EINVAL);
	CHECK_INT(weir_setup_step(setup, "story", "a/b\n- c/d"), UV_EINVAL);
	CHECK_INT(weir_setup_provider(setup, NULL, "openai", NULL), UV_EINVAL);
	CHECK_INT(weir_setup_option(setup, NULL, "story", "retries", "1"), UV_EINVAL);
	CHECK_INT(weir_setup_text(setup, &text, &len), UV_EINVAL);
	weir_setup_destroy(setup);
	weir_setup_destroy(NULL);
}

TEST(a_name_with_everything_in_it_is_a_name)
{
	struct weir_setup *setup = weir_setup_create();
	char chains[256];

	REQUIRE(setup);
	CHECK_INT(say_all(setup), 0);
	CHECK_INT(weir_setup_step(setup, "a: [b]\n#c \"d\"", "alpha/one"), 0);
	CHECK(judge(setup, chains) == 0 || strstr(findings, "setup:"));
	CHECK(!strstr(chains, "#c ") || strstr(chains, "a: [b]\n#c \"d\""));
	weir_setup_destroy(setup);
}

TEST(each_allocation_may_fail)
{
	long before = blocks;
	int rc = WEIR_ERR_MEMORY;

	for (unsigned k = 1; rc == WEIR_ERR_MEMORY; k++) {
		struct weir_setup *setup;
		const char *text;
		size_t len;

		blocks_left = k;
		setup = weir_setup_create();
		(void)say_all(setup);
		rc = weir_setup_text(setup, &text, &len);
		CHECK(rc == WEIR_ERR_MEMORY || strcmp(text, expected) == 0);
		CHECK(rc == 0 || !text);
		weir_setup_destroy(setup);
		CHECK_INT(blocks, before);
	}
	CHECK_INT(rc, 0);
	blocks_left = 0;
}

/* As if there had been memory for it: the one check at the end is enough. */
TEST(a_setup_that_could_not_be_made_fails_in_each_call)
{
	const char *text = "";
	size_t len = 1;

	CHECK_INT(weir_setup_provider(NULL, "alpha", "openai", "http://127.0.0.1:1/v1"),
		  WEIR_ERR_MEMORY);
	CHECK_INT(weir_setup_provider(NULL, NULL, NULL, NULL), WEIR_ERR_MEMORY);
	CHECK_INT(weir_setup_key(NULL, "alpha", "sk-one"), WEIR_ERR_MEMORY);
	CHECK_INT(weir_setup_chain(NULL, "story"), WEIR_ERR_MEMORY);
	CHECK_INT(weir_setup_step(NULL, "story", "alpha/one"), WEIR_ERR_MEMORY);
	CHECK_INT(weir_setup_option(NULL, NULL, NULL, "listen", "127.0.0.1:0"), WEIR_ERR_MEMORY);
	CHECK_INT(weir_setup_text(NULL, &text, &len), WEIR_ERR_MEMORY);
	CHECK(!text && !len);
	CHECK_INT(blocks, 0);
}

static void replace_elsewhere(void *rc)
{
	*(int *)rc = weir_replace_allocator(malloc, realloc, calloc, free);
}

TEST(the_allocator_is_replaced_before_all_else)
{
	struct weir_setup *setup = weir_setup_create();
	long during = blocks;
	uv_thread_t thread;
	int rc = 0;

	REQUIRE(setup);
	CHECK(during > 0);
	CHECK_INT(weir_replace_allocator(malloc, realloc, calloc, free), UV_EBUSY);
	REQUIRE(uv_thread_create(&thread, replace_elsewhere, &rc) == 0);
	uv_thread_join(&thread);
	CHECK_INT(rc, UV_EBUSY);
	weir_setup_destroy(setup);
	CHECK_INT(blocks, 0);
}

TEST_MAIN

/* What `weir check` says of each chain's worst case. */
#include "app/worst.h"
#include "config_help.h"

#define PROVIDERS                                                   \
	"providers:\n"                                              \
	"  one: { dialect: openai, base_url: 'http://10.0.0.1' }\n" \
	"  two: { dialect: openai, base_url: 'http://10.0.0.2' }\n"
#define KEPT ": ends, in time, caller's fault never retried\n"

struct setting {
	struct config_try try;
	struct weir_buf lines;
};

static bool begin(struct setting *s, const char *text)
{
	config_parse(&s->try, text);
	weir_buf_init(&s->lines, 1 << 20);
	CHECK_STR(s->try.text.base, "");
	return s->try.config;
}

/* How many paths there are is another matter: "walked N paths". */
static void blur(char *text)
{
	static const char walked[] = "walked ";
	char *to = text;

	while (*text) {
		bool here = strncmp(text, walked, strlen(walked)) == 0;
		size_t digits = here ? strspn(text + strlen(walked), "0123456789,") : 0;

		*to++ = *text++;
		if (!digits)
			continue;
		memmove(to, walked + 1, strlen(walked) - 1);
		to += strlen(walked) - 1;
		text += strlen(walked) - 1 + digits;
		*to++ = 'N';
	}
	*to = '\0';
}

static const char *run(struct setting *s, weir_prove_step *step)
{
	CHECK_INT(weir_worst(s->try.config, step, &s->try.findings, &s->lines), 0);
	CHECK_INT(weir_buf_append(&s->lines, "", 1), 0);
	blur(s->lines.base);
	return s->lines.base;
}

static void end(struct setting *s)
{
	weir_buf_fini(&s->lines);
	config_done(&s->try);
	CHECK_INT(weir_alloc_live(), 0);
}

/* As many seconds as its own clocks give it, where the deadline leaves them. */
TEST(a_model_that_thinks_long_may_take_longer)
{
	struct setting s;

	REQUIRE(begin(&s,
		      PROVIDERS "models: { n: { thinks_long: on } }\n"
				"chains:\n"
				"  quick: { max_attempts: 1, deadline: 10m, steps: [ one/m ] }\n"
				"  long: { max_attempts: 1, deadline: 10m, steps: [ one/n ] }\n"
				"  said: { max_attempts: 1, deadline: 10m, attempt_timeout: 30s, "
				"steps: [ one/n ] }\n"
				"  usual: { max_attempts: 1, steps: [ one/n ] }\n"));
	CHECK_STR(run(&s, NULL),
		  "chains.quick: at most 1 call, 70 s (30 s until a stream begins), cost unknown; "
		  "walked N paths" KEPT
		  "chains.long: at most 1 call, 310 s (130 s until a stream begins), cost unknown; "
		  "walked N paths" KEPT "chains.said: at most 1 call, 40 s, cost unknown; "
		  "walked N paths" KEPT
		  "chains.usual: at most 1 call, 120 s, cost unknown; walked N paths" KEPT);
	CHECK_INT(s.try.findings.n, 0);
	end(&s);
}

/* One call of 20 s at most, or one of 7 s as a stream, after a return stated 10 s before; its
 * price: 1,000 of a million at a dollar, and at two. */
TEST(one_line_per_chain)
{
	struct setting s;

	REQUIRE(begin(&s, PROVIDERS "models: { m: { input_price: 1, output_price: 2 } }\n"
				    "chains:\n"
				    "  priced: { max_attempts: 1, attempt_timeout: 20s, "
				    "first_token_timeout: 7250ms, steps: [ one/m ] }\n"
				    "  \"free, für alle\": { max_attempts: 2, deadline: 5s, "
				    "steps: [ one/m, two/n ] }\n"));
	CHECK_STR(run(&s, NULL),
		  "chains.priced: at most 1 call, 30 s (17.3 s until a stream begins), $0.003 per "
		  "1k+1k tokens; walked N paths" KEPT
		  "chains.free, für alle: at most 2 calls, 5 s, cost unknown; walked N "
		  "paths" KEPT);
	CHECK_INT(s.try.findings.n, 0);
	end(&s);
}

TEST(a_chain_too_long_to_be_walked_says_so)
{
	struct setting s;
	const char *line;

	REQUIRE(begin(&s, PROVIDERS "chains: { a: { max_attempts: 8, retries: 3, steps: [ one/a, "
				    "two/a, one/b, two/b, one/c ] } }\n"));
	line = run(&s, NULL);
	CHECK_STR(line, "chains.a: at most 8 calls, 120 s, cost unknown; walked N paths (not all; "
			"the figures are upper bounds)" KEPT);
	end(&s);
}

static struct weir_action never_takes_no(struct weir_failover *f, const struct weir_event *e)
{
	struct weir_event other = *e;

	if (e->type == WEIR_EV_RESULT && e->outcome == WEIR_OUT_CALLER && f->plan->stream)
		other.outcome = WEIR_OUT_OVERLOADED;
	return weir_failover_step(f, &other);
}

TEST(a_broken_promise_is_an_error_with_its_path)
{
	struct setting s;
	const char *line;

	REQUIRE(begin(&s, PROVIDERS "chains:\n  a: { steps: [ one/m, two/m ] }\n"));
	line = run(&s, never_takes_no);
	CHECK(strstr(line, " paths (not all; the figures are upper bounds): breaks a promise, see "
			   "policy-violation\n") != NULL);
	CHECK_INT(s.try.findings.errors, 1);
	CHECK_INT(s.try.findings.warnings, 0);
	weir_buf_fini(&s.try.text);
	config_print(&s.try);
	CHECK_STR(
		s.try.text.base,
		"weir.yaml:5:1: error[policy-violation] chains.a: does not keep what weir promises "
		"(a caller's fault is never retried) for streams: at 0 ms the request begins: try "
		"step 1; at 0 ms step 1 says 400: try step 2; fix: nothing in this file: it is a "
		"bug of weir's, please report it\n");
	end(&s);
}

TEST(a_thousand_chains_of_one_shape_are_all_walked)
{
	static char text[1 << 16];
	size_t at = (size_t)snprintf(text, sizeof text, "%schains:\n", PROVIDERS);
	struct setting s;
	unsigned whole = 0;

	for (unsigned i = 0; i < WEIR_CHAINS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof text - at,
				       "  c%u: { steps: [ one/m, two/m ] }\n", i);
	REQUIRE(begin(&s, text));
	for (const char *line = run(&s, NULL); *line; line = strchr(line, '\n') + 1)
		whole += strstr(line, "at most 4 calls, 120 s (91 s until a stream begins)") &&
			 !strstr(line, "bounds");
	CHECK_INT(whole, WEIR_CHAINS_MAX);
	end(&s);
}

TEST(out_of_memory_at_any_point)
{
	unsigned failed = 0;
	int rc;

	do {
		struct setting s;

		REQUIRE(begin(&s, PROVIDERS "chains: { a: { steps: [ one/m ] } }\n"));
		weir_alloc_fail_after(++failed);
		rc = weir_worst(s.try.config, NULL, &s.try.findings, &s.lines);
		weir_alloc_fail_after(0);
		CHECK(rc == 0 || rc == WEIR_ENOMEM);
		end(&s);
	} while (rc && failed < 200);
	CHECK(failed > 10 && failed < 200);
}

TEST_MAIN

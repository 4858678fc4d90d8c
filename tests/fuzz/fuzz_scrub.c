/* Whatever stands around them, no form of a secret is left, and nothing else is lost. */
#include "base/alloc.h"
#include "base/error.h"
#include "config/config.h"
#include "fuzz.h"

#define SECRET "sK-9/z+\"q\\w7~"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("plain " SECRET " text"),
	FUZZ_SEED("\\u0073K-9\\/z+\\\"q\\\\w7~ %73%4b-9%2Fz%2B%22q%5Cw7~"),
	FUZZ_SEED("c0stOS96KyJxXHc3fg== c3NLLTkveisicVx3N34 sK-9/z+"),
	FUZZ_SEED(
		"{\"error\":{\"message\":\"Incorrect API key provided: sK-9\\/z+\\\"q\\\\w7~.\"}}"),
};

static const char *look_up(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "OPENAI_API_KEY") == 0 ? SECRET : NULL;
}

static struct weir_config *make_config(void)
{
	struct weir_config *config;
	struct weir_findings findings;

	weir_findings_init(&findings, "weir");
	FUZZ_CHECK(weir_config_zero(&config, look_up, NULL, &findings) == 0);
	weir_findings_fini(&findings);
	return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_config *config;
	struct weir_buf buf;
	size_t len;

	if (!config)
		config = make_config();
	weir_buf_init(&buf, size + 64);
	FUZZ_CHECK(weir_buf_reserve(&buf, size ? size : 1) == 0);
	FUZZ_CHECK(weir_buf_append(&buf, data, size) == 0);
	FUZZ_CHECK(weir_config_scrub(config, &buf) == 0);
	FUZZ_CHECK(!memmem(buf.base, buf.len, SECRET, sizeof SECRET - 1));
	if (!memmem(buf.base, buf.len, "[redacted]", 10))
		FUZZ_CHECK(buf.len == size && (size == 0 || memcmp(buf.base, data, size) == 0));
	len = buf.len;
	FUZZ_CHECK(weir_config_scrub(config, &buf) == 0);
	FUZZ_CHECK(buf.len == len);
	weir_buf_fini(&buf);
	return 0;
}

FUZZ_MAIN(seeds, 100000)

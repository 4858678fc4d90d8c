/* Reading a configuration with an environment of the test's own. */
#pragma once

#include <limits.h>

#include "base/alloc.h"
#include "config/config.h"
#include "test.h"

struct config_env {
	const char *const *pairs; /* "NAME=value"…, NULL */
};

static const char *const config_usual[] = { "OPENAI_API_KEY=sk-test-openai-0123456789",
					    "WEIR_APP_KEY=app-key-0123456789", NULL };

static inline const char *config_getenv(void *arg, const char *name)
{
	const char *const *pairs = arg;
	size_t n = strlen(name);

	for (; *pairs; pairs++)
		if (strncmp(*pairs, name, n) == 0 && (*pairs)[n] == '=')
			return *pairs + n + 1;
	return NULL;
}

/* One parse with the usual environment, its findings as one text. */
struct config_try {
	int rc;
	struct weir_config *config;
	struct weir_findings findings;
	struct weir_buf text; /* ends with a NUL that is not counted */
};

static inline void config_print(struct config_try *try)
{
	int rc = 0;

	weir_buf_init(&try->text, 1 << 20);
	for (unsigned i = 0; rc == 0 && i < try->findings.n; i++)
		rc = weir_finding_print(&try->findings, i, &try->text);
	CHECK_INT(rc, 0);
	CHECK_INT(weir_buf_append(&try->text, "", 1), 0);
	try->text.len--;
}

static inline void config_parse_with(struct config_try *try, struct weir_slice text,
				     const char *file, const char *const *env)
{
	weir_findings_init(&try->findings, file);
	try->rc = weir_config_parse(&try->config, text, file, config_getenv, (void *)env,
				    &try->findings);
	config_print(try);
	CHECK((try->rc == 0) == (try->config != NULL));
	CHECK((try->rc == WEIR_ECONFIG) == (try->findings.errors > 0));
}

static inline void config_parse(struct config_try *try, const char *text)
{
	config_parse_with(try, weir_slice_of(text), "weir.yaml", config_usual);
}

static inline void config_done(struct config_try *try)
{
	weir_config_unref(try->config);
	weir_findings_fini(&try->findings);
	weir_buf_fini(&try->text);
}

/* tests/data/config/NAME */
static inline void config_path(char *path, size_t size, const char *name)
{
	const char *data = getenv("WEIR_TEST_DATA");

	snprintf(path, size, "%s/config/%s", data ? data : "tests/data", name);
}

/* The whole file; free() it. */
static inline char *config_slurp(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(1 << 20);

	*len = file && text ? fread(text, 1, (1 << 20) - 1, file) : 0;
	if (text)
		text[*len] = '\0';
	if (file)
		fclose(file);
	return text;
}

/* One import and what it says, as texts. */
#pragma once

#include "app/import.h"
#include "config_help.h"

enum { IMPORT_OUT_MAX = 1 << 20 };

struct import_try {
	int rc;
	struct weir_buf out; /* end with a NUL that is not counted */
	struct weir_buf said;
	struct weir_findings findings;
};

static inline void import_end_text(struct weir_buf *buf)
{
	CHECK_INT(weir_buf_append(buf, "", 1), 0);
	buf->len--;
}

static inline void import_begin(struct import_try *try, enum weir_import_source source,
				struct weir_slice text, const char *model)
{
	int rc = 0;

	weir_findings_init(&try->findings, "in");
	weir_buf_init(&try->out, IMPORT_OUT_MAX);
	weir_buf_init(&try->said, IMPORT_OUT_MAX);
	try->rc = weir_import(source, text, model, &try->out, &try->findings);
	for (unsigned i = 0; rc == 0 && i < try->findings.n; i++)
		rc = weir_finding_print(&try->findings, i, &try->said);
	CHECK_INT(rc, 0);
	import_end_text(&try->out);
	import_end_text(&try->said);
}

static inline void import_finish(struct import_try *try)
{
	weir_buf_fini(&try->out);
	weir_buf_fini(&try->said);
	weir_findings_fini(&try->findings);
}

/* Newlines in wanted: several needles. */
static inline void import_has(const char *where, const struct weir_buf *text, const char *wanted)
{
	char needle[256];

	while (wanted && *wanted) {
		size_t n = strcspn(wanted, "\n");

		snprintf(needle, sizeof needle, "%.*s", (int)n, wanted);
		if (!test_check(strstr(text->base, needle) != NULL, __FILE__, __LINE__, where))
			NOTE("%s has no `%s`:\n%s", where, needle, text->base);
		wanted += n + (wanted[n] == '\n');
	}
}

/* Behind the comments at the head. */
static inline const char *import_body(const struct weir_buf *out)
{
	const char *at = out->base;

	while (*at == '#' || *at == '\n') {
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return at;
}

#define IMPORT_LIST "model_list:\n"
#define IMPORT_ONE(name, more)                                              \
	"  - { model_name: " name ", litellm_params: { model: openai/" name \
	", api_base: \"http://" name "\" " more " } }\n"

#include "app/import.h"

#include "app/import_litellm.h"
#include "app/import_portkey.h"
#include "app/import_write.h"

static int finish(struct weir_import *im, const char *head, struct weir_buf *out)
{
	bool usable = weir_import_settle(im);
	int rc = im->out_of_memory ? WEIR_ENOMEM : weir_import_write(im, head, out);

	return rc || usable ? rc : WEIR_ECONFIG;
}

/* What was written is read by the program itself: it must be a configuration. */
static int check(struct weir_import *im, const struct weir_buf *out)
{
	struct weir_findings own;
	int rc = 0;

	weir_findings_init(&own, "weir.yaml");
	if (!weir_import_accepts(im, weir_buf_slice(out), &own))
		rc = im->out_of_memory ? WEIR_ENOMEM : WEIR_ECONFIG;
	for (unsigned i = 0; rc == WEIR_ECONFIG && i < own.n; i++)
		if (own.list[i].level == WEIR_FINDING_ERROR)
			weir_findings_add(im->findings, WEIR_FINDING_ERROR, 0, 0, "not-valid",
					  own.list[i].key,
					  "in line %u of the result: %s\n%s; and please report it",
					  own.list[i].line, own.list[i].message, own.list[i].fix);
	weir_findings_fini(&own);
	return rc;
}

int weir_import(enum weir_import_source source, struct weir_slice text, const char *model,
		struct weir_buf *out, struct weir_findings *findings)
{
	static const char *const from[] = {
		[WEIR_IMPORT_LITELLM] = "LiteLLM", [WEIR_IMPORT_PORTKEY] = "Portkey"
	};
	static const char *const heads[] = {
		[WEIR_IMPORT_LITELLM] = "Made of a LiteLLM config.yaml by `weir import litellm`. "
					"Lines are those of that file. Before it is used: weir "
					"check -c weir.yaml",
		[WEIR_IMPORT_PORTKEY] = "Made of a Portkey config by `weir import portkey`. Lines "
					"are those of that file. Before it is used: weir check -c "
					"weir.yaml",
	};
	struct weir_import im;
	bool read;
	int rc;

	weir_import_init(&im, from[source], findings);
	read = source == WEIR_IMPORT_LITELLM ? weir_import_litellm(&im, text)
					     : weir_import_portkey(&im, text, model);
	rc = read ? finish(&im, heads[source], out) : WEIR_ECONFIG;
	if (rc == 0)
		rc = check(&im, out);
	if (im.out_of_memory || findings->out_of_memory)
		rc = WEIR_ENOMEM;
	weir_import_fini(&im);
	weir_findings_sort(findings);
	return rc;
}

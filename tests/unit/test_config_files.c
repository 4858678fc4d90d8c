/* Every file of tests/data/config gives exactly the findings that stand at its end. */
#include <dirent.h>

#include "config_help.h"

enum { FILES_MAX = 100 };

static int is_yaml(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

/* The lines after "#= ", each with the file's name in front. */
static void expected(const char *text, const char *name, struct weir_buf *out)
{
	for (const char *at = strstr(text, "#= "); at; at = strstr(at + 1, "\n#= ")) {
		const char *line = strstr(at, "#= ") + 3, *end = strchr(line, '\n');

		CHECK_INT(weir_buf_printf(out, "%s:%.*s\n", name, (int)(end - line), line), 0);
	}
	CHECK_INT(weir_buf_append(out, "", 1), 0);
}

static void check_file(const char *name)
{
	char path[PATH_MAX];
	struct config_try try;
	struct weir_buf want;
	size_t len;
	char *text;

	config_path(path, sizeof path, name);
	text = config_slurp(path, &len);
	REQUIRE(text && len);
	weir_buf_init(&want, 1 << 20);
	expected(text, name, &want);
	config_parse_with(&try, weir_slice(text, len), name, config_usual);
	if (!test_str(try.text.base, want.base, __FILE__, __LINE__, name))
		NOTE("%s", name);
	CHECK_INT(try.rc, strncmp(name, "bad-", 4) == 0 ? WEIR_ECONFIG : 0);
	CHECK((try.findings.n > 0) == (strncmp(name, "good-", 5) != 0));
	config_done(&try);
	weir_buf_fini(&want);
	free(text);
}

TEST(each_file_gives_the_findings_at_its_end)
{
	struct dirent **list = NULL;
	char folder[PATH_MAX];
	int n;

	config_path(folder, sizeof folder, "");
	n = scandir(folder, &list, is_yaml, alphasort);
	CHECK(n > 30 && n < FILES_MAX);
	for (int i = 0; i < n; i++) {
		check_file(list[i]->d_name);
		free(list[i]);
	}
	free(list);
	CHECK_INT(weir_alloc_live(), 0);
}

/* The same, cut at every byte: never a crash, and never accepted with errors. */
TEST(no_file_cut_short_does_harm)
{
	static const char *const names[] = { "good-full.yaml", "good-json.yaml",
					     "good-alias.yaml" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[PATH_MAX];
		size_t len;
		char *text;

		config_path(path, sizeof path, names[i]);
		text = config_slurp(path, &len);
		for (size_t cut = 0; text && cut <= len; cut++) {
			struct config_try try;
			char *exact = malloc(cut ? cut : 1); /* so that ASan sees a byte too far */

			REQUIRE(exact);
			memcpy(exact, text, cut);
			config_parse_with(&try, weir_slice(exact, cut), "cut.yaml", config_usual);
			config_done(&try);
			free(exact);
		}
		free(text);
	}
	CHECK_INT(weir_alloc_live(), 0);
}

TEST_MAIN

/* Keys: where they come from, and that they do not get out again. */
#include <sys/stat.h>
#include <unistd.h>

#include "config_help.h"

enum { FOLDER_SIZE = 32, PATH_SIZE = 64 };

static char folder[FOLDER_SIZE];

static bool make_folder(void)
{
	snprintf(folder, sizeof folder, "/tmp/weir-test-XXXXXX");
	return mkdtemp(folder);
}

static const char *put_file(const char *name, const char *text, size_t len, mode_t mode)
{
	static char path[PATH_SIZE];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	CHECK(file && fwrite(text, 1, len, file) == len);
	if (file)
		fclose(file);
	CHECK_INT(chmod(path, mode), 0);
	return path;
}

static void parse_key(struct config_try *try, const char *key, const char *const *env)
{
	char text[512], file[PATH_SIZE];

	snprintf(text, sizeof text,
		 "providers: { openai: { keys: [ %s ] } }\n"
		 "chains: { m: { steps: [ openai/m ] } }\n",
		 key);
	snprintf(file, sizeof file, "%s/weir.yaml", folder);
	config_parse_with(try, weir_slice_of(text), file, env);
}

static const char *rule_of(const struct config_try *try)
{
	return try->findings.n ? try->findings.list[0].rule : "";
}

TEST(key_files)
{
	static char longest[5000];
	static const struct {
		const char *text;
		size_t len;
		mode_t mode;
		const char *rule;
	} rows[] = {
		{ "key-in-a-file-01", 16, 0600, "" },
		{ "key-in-a-file-01\n", 17, 0400, "" },
		{ "key-in-a-file-01 \r\n\n", 20, 0600, "" },
		{ "key-in-a-file-01", 16, 0640, "key-file-mode" },
		{ "key-in-a-file-01", 16, 0604, "key-file-mode" },
		{ "key-in-a-file-01", 16, 0700, "key-file-mode" },
		{ "", 0, 0600, "key-file" },
		{ "\n\n", 2, 0600, "key-file" },
		{ "two\nlines", 9, 0600, "bad-key" },
		{ "nul\0nul", 7, 0600, "bad-key" },
		{ "k\xc3\xa9y", 4, 0600, "bad-key" },
		{ longest, 4096, 0600, "" },
		{ longest, 4097, 0600, "bad-key" },
		{ longest, 5000, 0600, "bad-key" },
	};

	REQUIRE(make_folder());
	memset(longest, 'k', sizeof longest);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *path = put_file("key", rows[i].text, rows[i].len, rows[i].mode);
		struct config_try try;

		parse_key(&try, "{ file: key }", config_usual);
		if (!test_str(rule_of(&try), rows[i].rule, __FILE__, __LINE__, "rule"))
			NOTE("row %zu: %s", i, try.text.base);
		if (try.rc == 0 && rows[i].text != longest)
			CHECK_STR(try.config->providers[0]->keys[0].text, "key-in-a-file-01");
		config_done(&try);
		CHECK_INT(unlink(path), 0);
	}
	CHECK_INT(rmdir(folder), 0);
	CHECK_INT(weir_alloc_live(), 0);
}

/* An access list of systemd shows as group bits; its folder lets nobody else in. */
TEST(credentials_of_systemd_are_trusted)
{
	char directory[PATH_SIZE + 32];
	const char *env[] = { directory, NULL };
	struct config_try try;
	const char *path;

	REQUIRE(make_folder());
	snprintf(directory, sizeof directory, "CREDENTIALS_DIRECTORY=%s", folder);
	path = put_file("key", "key-in-a-file-01", 16, 0440);
	parse_key(&try, "{ file: \"${CREDENTIALS_DIRECTORY}/key\" }", env);
	CHECK_STR(try.text.base, "");
	config_done(&try);
	parse_key(&try, "{ file: \"${CREDENTIALS_DIRECTORY}/../x/key\" }", env);
	CHECK_STR(rule_of(&try), "key-file");
	config_done(&try);
	snprintf(directory, sizeof directory, "CREDENTIALS_DIRECTORY=%s/other", folder);
	parse_key(&try, "{ file: key }", env);
	CHECK_STR(rule_of(&try), "key-file-mode");
	config_done(&try);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(rmdir(folder), 0);
}

TEST(a_pipe_is_not_waited_for)
{
	char path[PATH_SIZE];
	struct config_try try;

	REQUIRE(make_folder());
	snprintf(path, sizeof path, "%s/key", folder);
	CHECK_INT(mkfifo(path, 0600), 0);
	parse_key(&try, "{ file: key }", config_usual);
	CHECK_STR(rule_of(&try), "key-file");
	config_done(&try);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(rmdir(folder), 0);
}

TEST(empty_variables_are_named)
{
	static const char *const env[] = { "EMPTY=", NULL };
	struct config_try try;

	parse_key(&try, "\"${EMPTY}\"", env);
	CHECK_STR(rule_of(&try), "empty-value");
	CHECK(strstr(try.text.base, "its variable is set but empty"));
	config_done(&try);
}

/* The rest: scrubbing. */

#define KEY   "sk-Ab/c+d=\"e\\f~g"
#define ADMIN "adminadminadmin?"

static const char *const scrub_env[] = {
	"K=" KEY, "A=" ADMIN, "S=short12", "L=exactly8", "H=header-0123456789", NULL
};

static struct weir_config *scrub_config(struct config_try *try)
{
	static const char text[] =
		"providers: { openai: { keys: [ \"${L}\", \"${K}\", \"${S}\" ], headers: "
		"{ x-auth: \"Bearer ${H}\", x-title: plain-words } } }\n"
		"access: { keys: [ { name: a, key: \"${S}\" }, { name: b, key: "
		"\"${X:-callers-own-key-1}\" } ] }\n"
		"admin_key: \"${A}\"\nchains: { m: { steps: [ openai/m ] } }\n";

	config_parse_with(try, weir_slice_of(text), "weir.yaml", scrub_env);
	return try->config;
}

static void check_scrub(const struct weir_config *config, const char *text, const char *want)
{
	struct weir_buf buf;

	weir_buf_init(&buf, 1 << 16);
	CHECK_INT(weir_buf_puts(&buf, text), 0);
	CHECK_INT(weir_config_scrub(config, &buf), 0);
	CHECK_INT(weir_buf_append(&buf, "", 1), 0);
	test_str(buf.base, want, __FILE__, __LINE__, text);
	CHECK_INT(buf.max, 1 << 16);
	weir_buf_fini(&buf);
}

TEST(every_form_of_a_key_is_found)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "nothing to see", "nothing to see" },
		{ KEY, "[redacted]" },
		{ "a" KEY "b" KEY, "a[redacted]b[redacted]" },
		{ KEY KEY, "[redacted][redacted]" },
		{ "sk-Ab/c+d=\"e\\f~", "sk-Ab/c+d=\"e\\f~" },
		{ "exactly8", "[redacted]" },
		{ "eexactly8", "e[redacted]" },
		{ "exactlexactly8", "exactl[redacted]" },
		{ "short12", "short12" },
		{ "callers-own-key-1", "callers-own-key-1" }, /* of which only a hash is kept */
		{ ADMIN, "[redacted]" },
		{ "Bearer header-0123456789", "Bearer [redacted]" },
		{ "plain-words", "plain-words" },
		/* URL-encoded, both cases, more or less of it */
		{ "k=sk-Ab%2Fc%2Bd%3D%22e%5Cf~g&", "k=[redacted]&" },
		{ "k=sk-Ab%2fc%2bd%3d%22e%5cf%7eg&", "k=[redacted]&" },
		{ "%73%6B%2D%41%62%2F%63%2B%64%3D%22%65%5C%66%7E%67", "[redacted]" },
		{ "sk%2DAb/c+d=%22e%5Cf~g", "[redacted]" },
		/* JSON-escaped */
		{ "\"sk-Ab/c+d=\\\"e\\\\f~g\"", "\"[redacted]\"" },
		{ "\"sk-Ab\\/c+d=\\\"e\\\\f~g\"", "\"[redacted]\"" },
		{ "\\u0073k-Ab\\u002fc\\u002Bd=\\u0022e\\u005Cf~g", "[redacted]" },
		/* JSON within JSON */
		{ "\"sk-Ab\\\\/c+d=\\\\\\\"e\\\\f~g\"", "\"[redacted]\"" },
		{ "\\\\u0073k\\\\u002dAb\\\\\\\\u002fc+d=\\\\u0022e\\\\f~g", "[redacted]" },
	};
	struct config_try try;
	const struct weir_config *config = scrub_config(&try);

	REQUIRE(config);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_scrub(config, rows[i][0], rows[i][1]);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

static void encode64(const char *in, size_t len, bool url, char *out)
{
	const char *digits =
		url ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		    : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned n = (unsigned)(unsigned char)in[i] << 16;

		n |= i + 1 < len ? (unsigned)(unsigned char)in[i + 1] << 8 : 0;
		n |= i + 2 < len ? (unsigned)(unsigned char)in[i + 2] : 0;
		*out++ = digits[n >> 18 & 63];
		*out++ = digits[n >> 12 & 63];
		*out++ = i + 1 < len ? digits[n >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[n & 63] : '=';
	}
	*out = '\0';
}

/* With 0 to 5 bytes before and after it: all that is left is a few bits at each end. */
TEST(base64_is_found_at_every_offset)
{
	static const char *const keys[] = { KEY, ADMIN, "exactly8" };
	struct config_try try;
	const struct weir_config *config = scrub_config(&try);

	REQUIRE(config);
	for (int i = 0; i < 3 * 6 * 6 * 2; i++) {
		int before = i / 2 % 6, after = i / 12 % 6;
		char plain[64], encoded[128];
		struct weir_buf buf;

		snprintf(plain, sizeof plain, "%.*s%s%.*s", before, "Basic", keys[i / 72], after,
			 "\xff\xfe:xy");
		encode64(plain, strlen(plain), i % 2, encoded);
		weir_buf_init(&buf, 1 << 16);
		CHECK_INT(weir_buf_puts(&buf, encoded), 0);
		CHECK_INT(weir_config_scrub(config, &buf), 0);
		if (!test_check(buf.len < 10 + 20 && memmem(buf.base, buf.len, "[redacted]", 10),
				__FILE__, __LINE__, "redacted"))
			NOTE("%s: %.*s", encoded, (int)buf.len, buf.base);
		weir_buf_fini(&buf);
	}
	config_done(&try);
}

TEST(a_buffer_that_is_full_is_scrubbed_all_the_same)
{
	struct config_try try;
	const struct weir_config *config = scrub_config(&try);
	struct weir_buf buf;

	REQUIRE(config);
	weir_buf_init(&buf, 8);
	CHECK_INT(weir_buf_puts(&buf, "exactly8"), 0);
	CHECK_INT(weir_config_scrub(config, &buf), 0);
	CHECK_INT(buf.len, 10);
	CHECK_MEM(buf.base, "[redacted]", 10);
	weir_buf_fini(&buf);
	weir_buf_init(&buf, 8);
	CHECK_INT(weir_config_scrub(config, &buf), 0);
	CHECK_INT(weir_buf_puts(&buf, "exactly8"), 0);
	weir_alloc_fail_after(1);
	CHECK_INT(weir_config_scrub(config, &buf), WEIR_ENOMEM);
	weir_alloc_fail_after(0);
	CHECK_MEM(buf.base, "exactly8", 8);
	weir_buf_fini(&buf);
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

/* Every cut of a text with all forms in it, so that no look goes past its end. */
TEST(no_byte_beyond_the_end_is_looked_at)
{
	static const char text[] =
		"x\\u0073k-Ab\\u002fc\\u002Bd=\\u0022e\\u005Cf~g %73%6B%2D%41%62%2F"
		"%63%2B%64%3D%22%65%5C%66%7E%67 c2stQWIvYytkPSJlXGZ+Zw== " KEY;
	struct config_try try;
	const struct weir_config *config = scrub_config(&try);

	REQUIRE(config);
	for (size_t n = 0; n < sizeof text; n++) {
		struct weir_buf buf;

		weir_buf_init(&buf, n);
		CHECK_INT(weir_buf_reserve(&buf, n), 0);
		CHECK_INT(weir_buf_append(&buf, text, n), 0);
		CHECK_INT(weir_config_scrub(config, &buf), 0);
		weir_buf_fini(&buf);
	}
	config_done(&try);
}

TEST_MAIN

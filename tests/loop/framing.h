/* Messages that stand in tests/data/framing, and a provider that is nothing but a socket. How the
 * files are written: tests/data/framing/README.md. */
#ifndef WEIR_FRAMING_H
#define WEIR_FRAMING_H

#include <dirent.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>

#define RAW_IN_MAX (16 * 1024)

#include "gateway_raw.h"

enum {
	FRAMING_CASES_MAX = 600,
	FRAMING_FILES_MAX = 32,
	FRAMING_FILLER = 40,
};

struct framing_text {
	char *bytes;
	size_t len;
	char *filler; /* for each byte: is it one of many alike? */
};

struct framing_case {
	char *name, *expected;
	struct framing_text text;
	struct framing_text body; /* as it arrives; len 0: the usual one */
	char *option;             /* "" */
};

struct framing_macro {
	const char *name, *text;
};

static struct framing_case framing_cases[FRAMING_CASES_MAX];
static size_t framing_cases_n;

static inline void framing_put(struct framing_text *t, const char *bytes, size_t len, bool filler)
{
	t->bytes = realloc(t->bytes, t->len + len + 1);
	t->filler = realloc(t->filler, t->len + len + 1);
	memcpy(t->bytes + t->len, bytes, len);
	memset(t->filler + t->len, filler, len);
	t->len += len;
	t->bytes[t->len] = '\0';
}

static inline bool framing_line(struct framing_text *t, const char *line,
				const struct framing_macro *macros);

/* What stands in \{…}: a macro's name, or TEXT*TIMES. */
static inline bool framing_braces(struct framing_text *t, const char *word, size_t len,
				  const struct framing_macro *macros)
{
	const char *star = memrchr(word, '*', len);
	struct framing_text piece = { 0 };
	size_t times = star ? strtoul(star + 1, NULL, 10) : 0;
	char text[512];
	bool ok;

	for (const struct framing_macro *m = macros; m->name; m++)
		if (strlen(m->name) == len && memcmp(m->name, word, len) == 0) {
			framing_put(t, m->text, strlen(m->text), false);
			return true;
		}
	if (times == 0 || (size_t)(star - word) >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)(star - word), word);
	ok = framing_line(&piece, text, macros);
	for (size_t i = 0; i < times && piece.len; i++)
		framing_put(t, piece.bytes, piece.len,
			    times > FRAMING_FILLER && i && i < times - 1);
	free(piece.bytes);
	free(piece.filler);
	return ok;
}

/* The brace that closes the one behind line's backslash, or NULL. */
static inline const char *framing_closing(const char *line)
{
	unsigned open = 0;

	for (; *line; line++) {
		open += line[0] == '\\' && line[1] == '{';
		if (*line == '}' && --open == 0)
			return line;
	}
	return NULL;
}

/* The byte after a backslash; how many characters that took, 0: it is none. */
static inline size_t framing_escape(const char *at, char *c)
{
	static const char from[] = "rntvf0\\", to[] = "\r\n\t\v\f\0\\";
	const char *found = *at ? strchr(from, *at) : NULL;
	char hex[3] = { 0 };

	if (*at == 'x' && at[1] && at[2]) {
		memcpy(hex, at + 1, 2);
		*c = (char)strtoul(hex, NULL, 16);
		return 3;
	}
	if (!found)
		return 0;
	*c = to[found - from];
	return 1;
}

static inline bool framing_line(struct framing_text *t, const char *line,
				const struct framing_macro *macros)
{
	while (*line) {
		bool braces = line[0] == '\\' && line[1] == '{';
		const char *end = braces ? framing_closing(line) : NULL;
		size_t n = 1;
		char c = *line;

		if (end) {
			if (!framing_braces(t, line + 2, (size_t)(end - line - 2), macros))
				return false;
			line = end + 1;
			continue;
		}
		if (c == '\\') {
			n = framing_escape(line + 1, &c);
			if (n++ == 0)
				return false;
		}
		framing_put(t, &c, 1, false);
		line += n;
	}
	return true;
}

/* "400 end; fin": the option stands behind the semicolon. */
static inline void framing_expect(struct framing_case *c, const char *text)
{
	const char *semicolon = strstr(text, "; ");

	c->option = strdup(semicolon ? semicolon + 2 : "");
	c->expected = strndup(text, semicolon ? (size_t)(semicolon - text) : strlen(text));
}

static inline void framing_read(const char *path, const struct framing_macro *macros)
{
	FILE *file = fopen(path, "re");
	struct framing_case *c = NULL;
	char line[4096];

	CHECK(file);
	for (unsigned n = 1; file && fgets(line, sizeof line, file); n++) {
		bool ok = true;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "== ", 3) == 0 && framing_cases_n < FRAMING_CASES_MAX) {
			CHECK(!c || c->expected);
			c = &framing_cases[framing_cases_n++];
			*c = (struct framing_case){ 0 };
			c->name = strdup(line + 3);
		} else if (strncmp(line, "> ", 2) == 0 && c && !c->expected) {
			framing_expect(c, line + 2);
		} else if (strncmp(line, ": ", 2) == 0 && c) {
			ok = framing_line(&c->body, line + 2, macros);
		} else if (line[0] && line[0] != '#') {
			ok = c && !c->expected && framing_line(&c->text, line, macros);
		}
		if (!ok)
			NOTE("%s:%u: not understood", path, n);
		CHECK(ok);
	}
	CHECK(c && c->expected);
	if (file)
		fclose(file);
}

static inline int framing_by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All cases of a folder, file by file. */
static inline void framing_load(const char *folder, const struct framing_macro *macros)
{
	static char names[FRAMING_FILES_MAX][256];
	const char *data = getenv("WEIR_TEST_DATA");
	char path[4096];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "%s/framing/%s", data ? data : "tests/data", folder);
	dir = opendir(path);
	for (struct dirent *e; dir && n < FRAMING_FILES_MAX && (e = readdir(dir));)
		if (strstr(e->d_name, ".txt"))
			snprintf(names[n++], sizeof names[0], "%s", e->d_name);
	if (dir)
		closedir(dir);
	qsort(names, n, sizeof names[0], framing_by_name);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/framing/%s/%s", data ? data : "tests/data", folder,
			 names[i]);
		framing_read(path, macros);
	}
}

static inline void framing_unload(void)
{
	while (framing_cases_n) {
		struct framing_case *c = &framing_cases[--framing_cases_n];

		free(c->name);
		free(c->expected);
		free(c->option);
		free(c->text.bytes);
		free(c->text.filler);
		free(c->body.bytes);
		free(c->body.filler);
	}
}

/* The next place after at where the bytes are cut: at each, but rarely among many alike. */
static inline size_t framing_next_cut(const struct framing_text *t, size_t at)
{
	do
		at++;
	while (at < t->len && t->filler[at] && t->filler[at - 1] && at % 1021);
	return at;
}

/* ---- the place ---- */

static inline void framing_turn(struct place *p)
{
	uv_run(&p->w.loop, UV_RUN_NOWAIT);
}

/* For its loop; its gateway is replaced. */
static inline bool framing_open(struct place *p)
{
	bool opened = place_open(p, "");

	uv_timer_stop(&p->w.limit); /* of the whole, which is long */
	place_close_gateway(p);
	while (!p->closed)
		framing_turn(p);
	return opened;
}

static inline bool framing_gateway(struct place *p, const char *yaml)
{
	p->closed = 0;
	CHECK_INT(place_make(p, &p->gateway, yaml), 0);
	if (!p->gateway)
		NOTE("%s", p->why);
	return p->gateway != NULL;
}

static inline void framing_gateway_close(struct place *p)
{
	place_close_gateway(p);
	while (!p->closed)
		framing_turn(p);
	p->log_len = 0;
	p->log[0] = '\0';
}

/* Has the other end read all that was sent? */
static inline bool framing_taken(const struct raw *raw)
{
	int left = 0;

	return ioctl(raw->fd, SIOCOUTQ, &left) != 0 || left == 0;
}

/* So that nothing of it stays with the kernel. */
static inline void framing_drop(struct raw *raw)
{
	struct linger now = { .l_onoff = 1 };

	if (raw->in && raw->fd >= 0)
		setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	raw_close(raw);
}

#endif

#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum { SHORTEST = 16 };

static const struct weir_key known[] = {
	{ "file", &weir_form_text,
	  "The path of the file that holds the key, which nobody else may read.", .needed = true },
};
static const struct weir_shape shape = { "a key", known, 1, 0 };
const struct weir_form weir_secret_form = {
	.takes = WEIR_TAKES_TEXT | WEIR_TAKES_MAP,
	.shapes = { &shape },
};

bool weir_secret_eq(const struct weir_secret *a, const struct weir_secret *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

bool weir_secret_set(struct weir_reader *reader, const struct weir_node *node,
		     struct weir_slice text, struct weir_secret *secret)
{
	if (text.len > WEIR_SECRET_MAX) {
		weir_reader_error(reader, node, "bad-key",
				  "the key is longer than %d bytes\nlook whether something else "
				  "was put there",
				  WEIR_SECRET_MAX);
		return false;
	}
	/* it becomes part of a header line */
	for (size_t i = 0; i < text.len; i++) {
		if (text.base[i] > 0x20 && text.base[i] < 0x7f)
			continue;
		weir_reader_error(reader, node, "bad-key",
				  "the key holds a blank, a line end or a character that is not "
				  "ASCII\nlook for a stray newline or quote in its value");
		return false;
	}
	secret->text = weir_reader_copy(reader, text);
	secret->len = text.len;
	return secret->text != NULL;
}

/* systemd guards its folder, and shows an access list as group bits. */
static bool is_credential(const struct weir_reader *reader, const char *path)
{
	const char *folder = weir_reader_env(reader, "CREDENTIALS_DIRECTORY");
	size_t n = folder ? strlen(folder) : 0;

	return n > 1 && folder[0] == '/' && strncmp(path, folder, n) == 0 && path[n] == '/' &&
	       !strstr(path + n, "/..");
}

static bool check_mode(struct weir_reader *reader, const struct weir_node *node, const char *path,
		       const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		weir_reader_error(reader, node, "key-file",
				  "%s is not a file\nname the file that "
				  "holds the key",
				  weir_quote(node->raw).text);
		return false;
	}
	if (st->st_mode & 0177 && !is_credential(reader, path)) {
		weir_reader_error(reader, node, "key-file-mode",
				  "others may read %s: its mode is %04o\nchmod 600 %s",
				  weir_quote(node->raw).text, (unsigned)st->st_mode & 07777,
				  weir_quote(node->raw).text);
		return false;
	}
	return true;
}

static bool read_open_file(struct weir_reader *reader, const struct weir_node *node,
			   const char *path, int fd, struct weir_secret *secret)
{
	char bytes[WEIR_SECRET_MAX + 2]; /* with its line end */
	struct stat st;
	size_t len = 0;
	ssize_t n = 0;
	bool ok;

	if (fstat(fd, &st) != 0 || !check_mode(reader, node, path, &st))
		return false;
	do {
		n = read(fd, bytes + len, sizeof bytes - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < sizeof bytes);
	while (len && strchr(" \t\r\n", bytes[len - 1]) && bytes[len - 1])
		len--;
	ok = n >= 0 && len > 0;
	if (!ok)
		weir_reader_error(reader, node, "key-file", "%s %s\nwrite the key into it",
				  weir_quote(node->raw).text,
				  n < 0 ? "cannot be read" : "is empty");
	ok = ok && weir_secret_set(reader, node, weir_slice(bytes, len), secret);
	explicit_bzero(bytes, sizeof bytes);
	return ok;
}

static bool read_file(struct weir_reader *reader, const struct weir_node *node,
		      struct weir_slice name, struct weir_secret *secret)
{
	char path[WEIR_FILE_PATH_MAX];
	bool ok;
	int fd;

	if (!weir_reader_path(reader, name, path, sizeof path)) {
		weir_reader_error(reader, node, "key-file", "the path is too long\nshorten it");
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		weir_reader_error(reader, node, "key-file", "cannot open %s: %s\n%s",
				  weir_quote(node->raw).text, strerror(errno),
				  errno == ENOENT ? "create it with mode 0600, or correct the path"
						  : "give weir's user the right to read it");
		return false;
	}
	ok = read_open_file(reader, node, path, fd, secret);
	close(fd);
	return ok;
}

/* What people give to a server that asks for a key and looks at none: no vendor's is so
 * short, or has such words in it. */
static bool is_dummy(struct weir_slice key)
{
	static const char *const words[] = { "dummy", "no-key", "not-needed", "placeholder" };

	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++)
		if (weir_slice_has_nocase(key, words[i]))
			return true;
	return key.len < SHORTEST;
}

static bool is_secret(struct weir_slice text, enum weir_secret_use use)
{
	switch (use) {
	case WEIR_SECRET_CALLERS:
		return !weir_slice_starts(text, "sha256:");
	case WEIR_SECRET_THEIRS:
		return !is_dummy(text);
	case WEIR_SECRET_OURS:
		break;
	}
	return true;
}

bool weir_secret_read(struct weir_reader *reader, struct weir_node *node, enum weir_secret_use use,
		      struct weir_secret *secret)
{
	struct weir_node *file;
	struct weir_slice text;

	if (node->type == WEIR_NODE_MAP) {
		if (!weir_shape_read(reader, node, &shape, &file, NULL))
			return false;
		if (!file) {
			weir_reader_error(reader, node, "missing-key",
					  "a key without its file\nwrite {file: PATH}");
			return false;
		}
		return weir_reader_text(reader, file, "a path", &text) &&
		       read_file(reader, file, text, secret);
	}
	if (!weir_reader_text(reader, node, "a key", &text))
		return false;
	if (!node->text_base && is_secret(text, use))
		weir_reader_warn(reader, node, "literal-key",
				 "a key in the file itself can be read by whoever sees the "
				 "file\nwrite ${VARIABLE} or {file: PATH}, and replace the key");
	return weir_secret_set(reader, node, text, secret);
}

#include "app/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/slice.h"

/* landlock(7), by numbers of our own: the headers of older systems lack some. They are the same
 * on every architecture. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { VERSION = 1, PATH_BENEATH = 1 };
enum { WITH_REFER = 2, WITH_TRUNCATE = 3 }; /* versions */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_CHAR = 1 << 6,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_BLOCK = 1 << 11,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,
	TRUNCATE = 1 << 14,
};

struct beneath {
	uint64_t allowed;
	int32_t folder;
} __attribute__((packed));

static int open_folder(const char *path)
{
	const char *end = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	size_t len = end ? (size_t)(end - path) + 1 : 1;

	if (len >= sizeof folder)
		return -1;
	if (end)
		memcpy(folder, path, len);
	return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void allow(int rules, const char *path, uint64_t handled)
{
	struct beneath rule = {
		handled & (WRITE_FILE | REMOVE_FILE | MAKE_REG | MAKE_SOCK | TRUNCATE), -1
	};

	rule.folder = path ? open_folder(path) : -1;
	if (rule.folder < 0)
		return;
	(void)syscall(ADD_RULE, rules, PATH_BENEATH, &rule, 0);
	close(rule.folder);
}

int weir_landlock(const char *const *writable, unsigned n)
{
	long version = syscall(CREATE_RULESET, NULL, 0, VERSION);
	uint64_t handled = EXECUTE | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_CHAR | MAKE_DIR |
			   MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | MAKE_SYM;
	char target[PATH_MAX];
	int rules, error;

	if (version < 1)
		return version < 0 ? errno : ENOSYS;
	handled |= version >= WITH_REFER ? REFER : 0;
	handled |= version >= WITH_TRUNCATE ? TRUNCATE : 0;
	rules = (int)syscall(CREATE_RULESET, &handled, sizeof handled, 0);
	if (rules < 0)
		return errno;
	for (unsigned i = 0; i < n; i++) {
		allow(rules, writable[i], handled);
		if (writable[i] && realpath(writable[i], target)) /* a link's file may be renamed */
			allow(rules, target, handled);
	}
	error = syscall(RESTRICT_SELF, rules, 0) ? errno : 0;
	close(rules);
	return error;
}

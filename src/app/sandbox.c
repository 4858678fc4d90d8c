#include "app/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/landlock.h"
#include "base/slice.h"

#if defined(__x86_64__)
enum { ARCH = AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { ARCH = AUDIT_ARCH_AARCH64 };
#else
enum { ARCH = 0 };
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
enum { SANITIZED = __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) };
#else
enum { SANITIZED = 0 };
#endif

enum { X32_FROM = 0x40000000 }; /* x86-64's second set of numbers */

/* All that serving takes, reloads and the handing over included. Found by running the suites under
 * strace; what is not here fails, and ends the process where the sandbox is strict. */
static const unsigned allowed[] = {
	/* descriptors */
	__NR_read,
	__NR_write,
	__NR_readv,
	__NR_writev,
	__NR_pread64,
	__NR_pwrite64,
	__NR_close,
	__NR_lseek,
	__NR_fcntl,
	__NR_ioctl,
	__NR_dup,
	__NR_dup3,
	__NR_pipe2,
	__NR_eventfd2,
	/* files: which of them may be written is Landlock's */
	__NR_openat,
	__NR_fstat,
	__NR_newfstatat,
	__NR_statx,
	__NR_faccessat,
	__NR_readlinkat,
	__NR_getdents64,
	__NR_getcwd,
	__NR_unlinkat,
	__NR_umask,
	__NR_fsync,
#ifdef __NR_faccessat2
	__NR_faccessat2,
#endif
#ifdef __NR_open
	__NR_open,
	__NR_stat,
	__NR_lstat,
	__NR_access,
	__NR_readlink,
	__NR_getdents,
	__NR_unlink,
	__NR_dup2,
	__NR_pipe,
#endif
	/* sockets */
	__NR_socket,
	__NR_socketpair,
	__NR_connect,
	__NR_accept,
	__NR_accept4,
	__NR_bind,
	__NR_listen,
	__NR_shutdown,
	__NR_getsockname,
	__NR_getpeername,
	__NR_setsockopt,
	__NR_getsockopt,
	__NR_sendto,
	__NR_recvfrom,
	__NR_sendmsg,
	__NR_recvmsg,
	__NR_sendmmsg,
	__NR_recvmmsg,
	/* waiting */
	__NR_epoll_create1,
	__NR_epoll_ctl,
	__NR_epoll_pwait,
	__NR_ppoll,
	__NR_pselect6,
	__NR_futex,
	__NR_nanosleep,
	__NR_clock_nanosleep,
	__NR_sched_yield,
	__NR_restart_syscall,
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
	__NR_poll,
	__NR_select,
#endif
#ifdef __NR_epoll_pwait2
	__NR_epoll_pwait2,
#endif
	/* memory: mmap and mprotect have a rule of their own */
	__NR_munmap,
	__NR_mremap,
	__NR_madvise,
	__NR_brk,
	/* signals, and one's own end */
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_rt_sigpending,
	__NR_sigaltstack,
	__NR_tgkill,
	__NR_exit,
	__NR_exit_group,
	/* looking at oneself and the clock */
	__NR_getpid,
	__NR_getppid,
	__NR_gettid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getegid,
	__NR_getrusage,
	__NR_prlimit64,
	__NR_sysinfo,
	__NR_uname,
	__NR_sched_getaffinity,
	__NR_getrandom,
	__NR_clock_gettime,
	__NR_clock_getres,
	__NR_gettimeofday,
	__NR_times,
#ifdef __NR_time
	__NR_time,
	__NR_getrlimit,
#endif
};
static const unsigned mapping[] = { __NR_mmap, __NR_mprotect };

enum { N = WEIR_COUNT_OF(allowed), CODE_MAX = N + 24 };

_Static_assert(N < 200, "a jump goes 255 far");

static struct sock_filter load(size_t offset)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter give(uint32_t answer)
{
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
}

static struct sock_filter jump(unsigned how, uint32_t value, unsigned yes, unsigned no)
{
	return (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | how | BPF_K), value,
					    (unsigned char)yes, (unsigned char)no);
}

/* Memory that has code in it does not come by later. */
static unsigned put_mapping(struct sock_filter *code, unsigned number)
{
	code[0] = jump(BPF_JEQ, number, 0, 4);
	code[1] = load(offsetof(struct seccomp_data, args) + 2 * sizeof(uint64_t) +
		       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
	code[2] = jump(BPF_JSET, PROT_EXEC, 0, 1);
	code[3] = give(SECCOMP_RET_ERRNO | EACCES);
	code[4] = give(SECCOMP_RET_ALLOW);
	return 5;
}

static unsigned put_code(struct sock_filter *code, uint32_t otherwise)
{
	unsigned n = 0;

	code[n++] = load(offsetof(struct seccomp_data, arch));
	code[n++] = jump(BPF_JEQ, ARCH, 1, 0);
	code[n++] = give(otherwise);
	code[n++] = load(offsetof(struct seccomp_data, nr));
	code[n++] = jump(BPF_JGE, X32_FROM, 0, 1);
	code[n++] = give(otherwise);
	for (unsigned i = 0; i < WEIR_COUNT_OF(mapping); i++)
		n += put_mapping(code + n, mapping[i]);
	for (unsigned i = 0; i < N; i++)
		code[n++] = jump(BPF_JEQ, allowed[i], N - i, 0);
	code[n++] = give(otherwise);
	code[n++] = give(SECCOMP_RET_ALLOW);
	return n;
}

static int filter_calls(bool strict)
{
	static struct sock_filter code[CODE_MAX];
	struct sock_fprog program = { .filter = code };

	if (ARCH == 0)
		return ENOSYS;
	program.len = (unsigned short)put_code(code, strict ? SECCOMP_RET_KILL_PROCESS
							    : SECCOMP_RET_ERRNO | ENOSYS);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? errno : 0;
}

/* What is asked for by a ring of the kernel's no filter sees, and libuv puts one beside epoll where
 * it gets one: there is none. */
static void forbid_rings(void)
{
	enum { IO_URING_SETUP = 425 }; /* on every architecture */
	struct sock_filter code[] = {
		load(offsetof(struct seccomp_data, arch)),
		jump(BPF_JEQ, ARCH, 0, 2),
		load(offsetof(struct seccomp_data, nr)),
		jump(BPF_JEQ, IO_URING_SETUP, 1, 0),
		give(SECCOMP_RET_ALLOW),
		give(SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog program = { .len = WEIR_COUNT_OF(code), .filter = code };

	if (ARCH != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

enum weir_sandbox weir_sandbox_word(const char *word)
{
	static const char *const words[] = { "", "off", "on", "strict" };
	unsigned mode = WEIR_SANDBOX_OFF;

	while (mode < WEIR_COUNT_OF(words) && strcmp(word, words[mode]) != 0)
		mode++;
	return mode < WEIR_COUNT_OF(words) ? (enum weir_sandbox)mode : WEIR_SANDBOX_BAD;
}

bool weir_sandbox_wanted(enum weir_sandbox mode)
{
	return mode != WEIR_SANDBOX_OFF && !(mode == WEIR_SANDBOX_AUTO && SANITIZED != 0);
}

/* The copy: its pointers, then its texts, in pages of their own. */
static char **copy_environment(size_t n, size_t bytes)
{
	size_t pointers = (n + 1) * sizeof(char *);
	char *pages = mmap(NULL, pointers + bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char **copy = (char **)(void *)pages;

	if (pages == MAP_FAILED)
		return NULL;
	(void)madvise(pages, pointers + bytes, MADV_DONTDUMP);
	pages += pointers;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(environ[i]) + 1;

		copy[i] = memcpy(pages, environ[i], len);
		pages += len;
	}
	return copy;
}

void weir_sandbox_hide_environment(void)
{
	char **before = environ, **copy;
	size_t n = 0, bytes = 0;

	while (before && before[n])
		bytes += strlen(before[n++]) + 1;
	copy = n ? copy_environment(n, bytes) : NULL;
	if (!copy)
		return;
	environ = copy;
	for (size_t i = 0; i < n; i++)
		explicit_bzero(before[i], strlen(before[i]));
}

void weir_sandbox_hide_memory(enum weir_sandbox mode)
{
	if (!weir_sandbox_wanted(mode))
		return;
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	forbid_rings();
}

static void tell(const struct weir_log *log, const char *what, int error, const char *so)
{
	if (error)
		weir_log_note(log, WEIR_LOG_WARN, "warning",
			      "the kernel has no %s for weir: %s; %s", what, strerror(error), so);
}

void weir_sandbox_enter(enum weir_sandbox mode, const struct weir_sandbox_paths *writable,
			const struct weir_log *log)
{
	int files, calls;

	if (!weir_sandbox_wanted(mode))
		return;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	files = weir_landlock(writable->list, writable->n);
	tell(log, "Landlock", files, "it may write wherever its user may");
	calls = filter_calls(mode == WEIR_SANDBOX_STRICT);
	tell(log, "seccomp filter", calls, "it may make any system call");
	weir_log_note(log, WEIR_LOG_INFO, "sandbox", "system calls: %s; files: %s",
		      calls ? "any" : "those of a server",
		      files ? "any" : "read only, but for the log");
}

#include <signal.h>
#include <sys/resource.h>

#include "bench/session.h"

/* As many connections as allowed; a target that leaves must not end us. */
static void prepare(void)
{
	struct rlimit limit;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static struct weir_bench_options options;
	int code = weir_bench_options_read(&options, argc, argv);

	if (code != WEIR_BENCH_GO)
		return code;
	prepare();
	return weir_bench_session(&options);
}

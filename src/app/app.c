#include "app/app.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

const char *weir_app_config_path(const char *named)
{
	static const char *const places[] = { "weir.yaml", "/etc/weir/weir.yaml" };

	for (size_t i = 0; !named && i < sizeof places / sizeof *places; i++)
		if (access(places[i], F_OK) == 0)
			return places[i];
	return named;
}

int weir_app_usage(const char *command, const char *what)
{
	fprintf(stderr, "weir %s: %s; see `weir %s --help`\n", command, what, command);
	return WEIR_EXIT_USAGE;
}

static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

bool weir_app_loop(uv_loop_t *loop)
{
	int rc = uv_loop_init(loop);

	if (rc)
		fprintf(stderr, "weir: no event loop: %s\n", uv_strerror(rc));
	return rc == 0;
}

void weir_app_prepare(void)
{
	struct rlimit limit, none = { 0, 0 };

	open_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

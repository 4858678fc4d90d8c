/* The weir program: its commands, and what they share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/buf.h"

/* Exit codes. */
enum { WEIR_EXIT_DONE = 0, WEIR_EXIT_BAD = 1, WEIR_EXIT_USAGE = 2 };

int weir_cmd_serve(int argc, char **argv);
int weir_cmd_check(int argc, char **argv);
int weir_cmd_diff(int argc, char **argv);
int weir_cmd_status(int argc, char **argv);
int weir_cmd_demo(int argc, char **argv);
int weir_cmd_mock(int argc, char **argv);
int weir_cmd_import(int argc, char **argv);
int weir_cmd_schema(int argc, char **argv);
int weir_cmd_sim(int argc, char **argv);
int weir_cmd_try(int argc, char **argv);
int weir_cmd_upgrade(int argc, char **argv);
int weir_cmd_version(int argc, char **argv);

/* The file to use: the one named, else ./weir.yaml, else /etc/weir/weir.yaml, else NULL. */
const char *weir_app_config_path(const char *named);

/* `weir: what` on stderr and WEIR_EXIT_USAGE, pointing at --help. */
int weir_app_usage(const char *command, const char *what);

/* A loop; false: there is no memory or no descriptor for one, which is said on stderr. */
bool weir_app_loop(uv_loop_t *loop);

/* Ready for a proxy's life: SIGPIPE and SIGXFSZ ignored, so that a write fails instead; no core
 * dumps, as many descriptors as allowed, and 0 to 2 open, so that a socket is never stderr. */
void weir_app_prepare(void);

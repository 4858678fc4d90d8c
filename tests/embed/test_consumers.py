"""Programs outside the tree build with weir and run: shared, static, C++, and as a subproject."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

root, build = map(pathlib.Path, sys.argv[1:3])
results = []

PROGRAM = r"""
#include <stdio.h>
#include <weir.h>
static void on_closed(void *arg) { *(int *)arg = 1; }
int main(void)
{
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_gateway *gateway;
	struct weir_setup *setup = weir_setup_create();
	uv_loop_t loop;
	char why[256] = "";
	int closed = 0;

	uv_loop_init(&loop);
	weir_setup_provider(setup, "a", "openai", "http://127.0.0.1:1/v1");
	weir_setup_step(setup, "c", "a/m");
	if (weir_setup_text(setup, &options.config_text, &options.config_len) ||
	    weir_gateway_create(&gateway, &loop, &options, why, sizeof why) ||
	    weir_gateway_listen(gateway, "127.0.0.1:0", why, sizeof why))
		return printf("%s\n", why), 1;
	weir_setup_destroy(setup);
	printf("weir %s on libuv %s, at %s\n", weir_version(), uv_version_string(),
	       weir_gateway_address(gateway, 0));
	weir_gateway_close(gateway, on_closed, &closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) || !closed || weir_version_hex() != WEIR_VERSION_HEX;
}
"""
MESON = """
project('stranger', 'c', default_options: ['c_std=gnu11', 'warning_level=2', 'werror=true'])
executable('program', 'program.c', dependencies: dependency('weir', fallback: 'weir'))
"""


def check(name, good, detail=""):
    results.append(bool(good))
    print(("ok" if good else "not ok"), len(results), "-", name)
    if not good:
        print("#", str(detail)[-3000:].replace("\n", "\n# "))


def run(*command, **options):
    options.setdefault("timeout", 1500)
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)
    return done.returncode, done.stdout


def must(*command, **options):
    code, said = run(*command, **options)
    if code:
        raise RuntimeError(f"{command}\n{said}")
    return said


VERSION = next(line.split("'")[1] for line in (root / "meson.build").read_text().splitlines()
               if line.strip().startswith("version:"))


def test_installed(work):
    # What is built already has sanitizers: those come first in a program that is built the same way.
    options = must("meson", "introspect", "--buildoptions", build)
    sanitizer = ["-fsanitize=address,undefined"] if '"address,undefined"' in options else []
    prefix = work / "root"
    code, said = run("meson", "install", "-C", build, "--no-rebuild", "--destdir", prefix,
                     "--tags", "devel,runtime")
    check("meson install works", code == 0, said)
    pc = next(prefix.rglob("weir.pc"), None)
    check("it brings weir.pc", pc, said)
    if not pc:
        return
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": "",
           "LD_LIBRARY_PATH": str(pc.parent.parent)}
    installed = next(line.split("=", 1)[1] for line in pc.read_text().splitlines()
                     if line.startswith("prefix="))
    flags = [f"--define-variable=prefix={prefix}{installed}"]
    version = must("pkg-config", "--modversion", "weir", env=env).strip()
    check("weir.pc has the version", version == VERSION, version)
    (work / "program.c").write_text(PROGRAM)
    for name, compiler, std, more in (("shared", "cc", "gnu11", []), ("shared, C++", "c++", "gnu++17", []),
                                      ("static", "cc", "gnu99", ["--static"])):
        words = must("pkg-config", "--cflags", "--libs", *flags, *more, "weir", env=env).split()
        out = work / f"program-{len(results)}"
        if more:  # the archive, though the shared library lies beside it
            words = [f"-l:libweir.a" if word == "-lweir" else word for word in words]
        code, said = run(compiler, f"-std={std}", "-x", "c++" if compiler == "c++" else "c", "-Wall",
                         "-Wextra", "-Werror", work / "program.c", "-x", "none", "-o", out, *sanitizer,
                         *words, env=env)
        check(f"a program builds by pkg-config, {name}", code == 0, said)
        code, said = run(out, env=env, timeout=60)
        check(f"and runs, {name}", code == 0 and f"weir {VERSION}" in said, said)
        needs = must("readelf", "-d", out) if out.exists() else ""
        check(f"libweir is {'inside' if more else 'beside'} it, {name}",
              ("libweir.so.0" in needs) == (not more) and "libuv.so" in needs, needs)


def test_subproject(work):
    """The same sources and fetched libraries, so that nothing comes by network."""
    stranger = work / "stranger"
    (stranger / "subprojects").mkdir(parents=True)
    (stranger / "program.c").write_text(PROGRAM)
    (stranger / "meson.build").write_text(MESON)
    ignored = shutil.ignore_patterns("build", ".git", "node_modules", "packagecache", "e2e", "data.*")
    shutil.copytree(root, stranger / "subprojects/weir", ignore=ignored, symlinks=True)
    for path in (root / "subprojects").iterdir():  # where Meson looks for those of a subproject
        if path.is_dir() and path.name not in ("packagecache", "packagefiles"):
            (stranger / "subprojects" / path.name).symlink_to(path)
    code, said = run("meson", "setup", work / "built", stranger, "--buildtype=debug",
                     "--wrap-mode=nodownload", "-Dweir:optimization=0")
    check("weir is a subproject of another Meson project", code == 0, said)
    if code == 0:
        code, said = run("ninja", "-C", work / "built", "-j2", "program")
        check("a program builds with it", code == 0, said)
        code, said = run(work / "built/program", timeout=60)
        check("and runs", code == 0 and f"weir {VERSION}" in said, said)


with tempfile.TemporaryDirectory() as folder:
    for test in (test_installed, test_subproject):
        work = pathlib.Path(folder, test.__name__)
        work.mkdir()
        test(work)
print("1..%d" % len(results))
sys.exit(not all(results))

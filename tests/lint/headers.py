"""headers.py BUILD_DIRECTORY: each header compiles alone, and twice; weir.h does so as C11
and as C++17 too. Flags are those of the layer's own files."""

import concurrent.futures
import json
import pathlib
import re
import shlex
import subprocess
import sys

from report import ROOT, Report

BUILD = pathlib.Path(sys.argv[1])


def flags_by_layer():
    """The compiler and its preprocessing and warning flags, per folder of src/."""
    flags = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = (BUILD / entry["file"]).resolve()
        if (ROOT / "src") in path.parents:
            words = shlex.split(entry["command"])
            kept = [word for word in words if re.match(r"-(I|D|W|std=|isystem)", word)]
            compiler = [words[0]] if words[0] != "ccache" else words[:2]
            flags.setdefault(path.relative_to(ROOT / "src").parts[0], (compiler, kept))
    return flags


def compiles(command, header):
    source = f'#include "{header}"\n#include "{header}"\nextern int weir_lint_unused;\n'
    run = subprocess.run([*command, "-Werror", "-fsyntax-only", "-"], input=source, text=True,
                         cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return None if run.returncode == 0 else run.stdout


def jobs():
    flags = flags_by_layer()
    for path in sorted((ROOT / "src").rglob("*.h")):
        name = path.relative_to(ROOT / "src")
        if flags:
            # A layer without a source yet borrows the flags of the one with the most.
            most = max(flags.values(), key=lambda found: len(found[1]))
            compiler, kept = flags.get(name.parts[0], most)
            yield path, [*compiler, *kept, "-xc"], name.as_posix()
    public = ROOT / "include/weir.h"
    if public.exists() and "net" in flags:
        # Where libuv is, but not where our own private headers are.
        folders = [word for word in flags["net"][1] if re.match(r"-(I|isystem)", word)
                   and "src" not in pathlib.PurePath(word).parts]
        common = ["-Wall", "-Wextra", "-Wpedantic", f"-I{ROOT}/include", *folders]
        # Not the strict dialects: uv.h needs POSIX types.
        yield public, ["cc", "-xc", "-std=gnu11", *common], "weir.h"
        yield public, ["c++", "-xc++", "-std=gnu++17", *common], "weir.h"


report = Report("headers")
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    work = [(path, pool.submit(compiles, command, name)) for path, command, name in jobs()]
    for path, result in work:
        report.look()
        errors = result.result()
        if errors:
            first = next((l for l in errors.splitlines() if "error" in l), errors.strip())
            report.problem(path, 1, f"does not compile alone; include what it uses: {first}")
report.finish()

"""symbols.py static LIB...   every external symbol begins with weir_
symbols.py shared LIB     exports exactly what include/weir.h declares with WEIR_API"""

import re
import subprocess
import sys

from report import ROOT, Report, without_comments

SANITIZER = re.compile(r"__(odr_)?(asan|ubsan|tsan|msan)|_sub_[ID]_")


def defined(library, *options):
    """(symbol, where) of what the library defines for others."""
    text = subprocess.run(["nm", "--extern-only", "--defined-only", *options, library],
                          check=True, text=True, stdout=subprocess.PIPE).stdout
    for line in text.splitlines():
        found = re.match(r"[0-9a-f]+ [A-Za-z] (\S+)(?:\t(.*):(\d+))?$", line)
        if found and not SANITIZER.match(found[1]):
            yield found.groups()


def check_static(report, libraries):
    for library in libraries:
        for symbol, path, line in defined(library, "--line-numbers"):
            report.look()
            if not symbol.startswith("weir_"):
                report.problem(path if path and path.startswith(str(ROOT)) else library, line or 0,
                               f"{symbol} is external: make it static or begin it with weir_")


def check_shared(report, library):
    header = ROOT / "include/weir.h"
    text = without_comments(header.read_text())
    text = re.sub(r"(?m)^[ \t]*#.*(\\\n.*)*", lambda found: "\n" * found[0].count("\n"), text)
    declared = {}
    for found in re.finditer(r"WEIR_API\b[^;{]*?\b(weir_\w+)\s*(?:\(|\[|;|=)", text):
        declared[found[1]] = text.count("\n", 0, found.start()) + 1
    exported = {symbol: where for symbol, *where in defined(library, "--dynamic")}
    report.look(len(declared))
    for symbol, line in declared.items():
        if symbol not in exported:
            report.problem(header, line, f"{symbol} is declared, and libweir does not export it")
    for symbol in exported:
        if symbol not in declared:
            report.problem(header, 1, f"libweir exports {symbol}, which no WEIR_API declares")


kind, *libraries = sys.argv[1:]
report = Report(f"symbols, {kind}")
if kind == "static":
    check_static(report, libraries)
else:
    check_shared(report, *libraries)
report.finish()

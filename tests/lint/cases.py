"""Each test that tests/data/cases.txt names really exists, and each case has one."""

import re

from report import ROOT, Report

TABLE = ROOT / "tests/data/cases.txt"
# how a file of that kind names a test
FORMS = {
    ".c": lambda name: rf"^TEST\({re.escape(name)}\)",
    ".txt": lambda name: rf"^== {re.escape(name)}$",
    ".mjs": lambda name: rf"\btest\((['\"`]){re.escape(name)}\1",
    ".yaml": lambda name: rf"^{re.escape(name)}:",
}


def missing(line):
    """What of the line is not there; None: it all is."""
    where, _, words = line.partition(" | ")
    path, _, name = where.partition(" ")
    file = ROOT / path
    if file.suffix not in FORMS or not file.is_file():
        return f"there is no test file {path}"
    text = file.read_text()
    if not re.search(FORMS[file.suffix](name), text, re.M):
        return f"{path} has no test of the name: {name}"
    return None if words in text else f"{path} does not say: {words}"


report = Report("cases")
untested = None
lines = TABLE.read_text().splitlines() if TABLE.is_file() else []
for number, line in enumerate([*lines, ""], 1):
    if line.startswith("\t"):
        report.look()
        untested = None
        what = missing(line.strip())
        if what:
            report.problem(TABLE, number, what)
    elif not line.startswith("#"):
        if untested:
            report.problem(TABLE, untested, "a case without a test")
        untested = number if line else None
report.finish()

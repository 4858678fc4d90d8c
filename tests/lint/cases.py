"""Each test that tests/data/cases.txt, faults.txt and threats.txt name really exists. A case of the
first has a test; an id of the second has one of the real program or of its loop, or says what is
missing; the threats are those of SECURITY.md, and the files that it names are there."""

import re

from report import ROOT, Report

DATA = ROOT / "tests/data"
# how a file of that kind names a test
FORMS = {
    ".c": lambda name: rf"^TEST\({re.escape(name)}\)",
    ".txt": lambda name: rf"^== {re.escape(name)}$",
    ".mjs": lambda name: rf"\btest\((['\"`]){re.escape(name)}\1",
    ".yaml": lambda name: rf"^{re.escape(name)}:",
}
REAL = ("tests/e2e/", "tests/loop/", "tests/embed/", "tests/data/framing/")
MISSING = "missing: "


def entries(table):
    """Each case of a table: its line's number, its text, and its numbered lines below."""
    found = []
    for number, line in enumerate(table.read_text().splitlines() if table.is_file() else [], 1):
        if line.startswith("\t") and found:
            found[-1][2].append((number, line.strip()))
        elif line and line[0] not in "#=":
            found.append((number, line, []))
    return found


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


def check(table):
    """The table's cases, each test of them looked for."""
    found = entries(table)
    for number, _, lines in found:
        if not lines:
            report.problem(table, number, "a case without a test")
        for at, line in lines:
            report.look()
            what = None if line.startswith(MISSING) else missing(line)
            if what:
                report.problem(table, at, what)
    return found


def promised(table):
    """What the lines that begin with = say: all ids, and how many of them may be missing."""
    text = table.read_text() if table.is_file() else ""
    ids = []
    for word in " ".join(re.findall(r"^= ids (.*)$", text, re.M)).split():
        letter, last = word.split("-")
        several = letter.endswith("*")
        ids += [f"{letter[:-1]}-{n:02}" for n in range(1, int(last) + 1)] if several else [word]
    most = re.search(r"^= missing (\d+)$", text, re.M)
    if not ids or not most:
        report.problem(table, 1, "no lines = ids and = missing")
    return ids, int(most[1]) if most else 0


def check_faults(table):
    """Each id once, and those that nothing shows are as many as is said."""
    ids, most = promised(table)
    seen, lacking = [], []
    for number, text, lines in check(table):
        parts = text.split(" | ")
        seen.append(parts[0])
        if len(parts) != 3 or not all(parts):
            report.problem(table, number, "write: ID | what happens | what is expected")
        if any(line.startswith(MISSING) for _, line in lines):
            lacking.append(parts[0])
        elif not any(line.startswith(REAL) for _, line in lines):
            report.problem(table, number, "no test of the real program or of its loop")
    for name in sorted({*ids, *seen}):
        if (seen.count(name), ids.count(name)) != (1, 1):
            report.problem(table, 1, f"{name}: {seen.count(name)} times, not {ids.count(name)}")
    if len(lacking) != most:
        report.problem(table, 1, f"{len(lacking)} ids are missing, not {most}; that number only "
                       "ever goes down")
    print(f"# {len(seen) - len(lacking)} of {len(ids)} ids are shown; missing: "
          f"{' '.join(lacking) or 'none'}")


def check_threats(table, page):
    """The page's rows are the table's ids; each `path` in the last column is one of ours."""
    lines = page.read_text().splitlines() if page.is_file() else []
    rows = [(number, line) for number, line in enumerate(lines, 1) if re.match(r"\| T\d+ \|", line)]
    listed = [line.split("|")[1].strip() for _, line in rows]
    shown = [text.split(" | ")[0] for _, text, _ in check(table)]
    if listed != shown:
        report.problem(page, 1, f"its threats are {' '.join(listed)}, those that tests show are "
                       f"{' '.join(shown)}")
    for number, line in rows:
        for path in re.findall(r"`([^`]+)`", line.split("|")[-2]):
            report.look()
            if not any(list(folder.glob(path.rstrip("/"))) for folder in (ROOT, ROOT / "src")):
                report.problem(page, number, f"there is no {path}")


report = Report("cases")
check(DATA / "cases.txt")
check_faults(DATA / "faults.txt")
check_threats(DATA / "threats.txt", ROOT / "SECURITY.md")
report.finish()

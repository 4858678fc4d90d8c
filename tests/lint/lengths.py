"""House sizes: function, file, line."""

from report import Report, c_files

FUNCTION, FILE, COLUMNS = 70, 600, 100


def functions(lines):
    """(first line, length) of each function. The format lint holds the shape that this
    relies on: a body begins with { and ends with } alone at the left edge."""
    start = None
    for number, line in enumerate(lines):
        if line == "{" and start is None:
            start = number
            while start > 0 and lines[start - 1].strip() and lines[start - 1][0] not in "#}/":
                start -= 1
        elif line == "}" and start is not None:
            yield start + 1, number + 1 - start
            start = None


report = Report("lengths")
for path in c_files("include", "src", "tests", "bench", "examples"):
    lines = path.read_text().splitlines()
    report.look()
    if len(lines) > FILE:
        report.problem(path, FILE + 1, f"{len(lines)} lines, at most {FILE}: split the file")
    for first, length in functions(lines):
        if length > FUNCTION:
            report.problem(path, first, f"a function of {length} lines, at most {FUNCTION}:"
                           " give a part of it a name")
    for number, line in enumerate(lines, 1):
        width = len(line.expandtabs(8))
        if width > COLUMNS:
            report.problem(path, number, f"{width} columns, at most {COLUMNS} (a tab is 8)")
report.finish()

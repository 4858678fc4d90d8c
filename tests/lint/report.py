"""What the lints share: finding files, reading C without its comments, printing TAP."""

import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ.get("WEIR_LINT_ROOT") or
                    pathlib.Path(__file__).parent.parent.parent).resolve()


def c_files(*folders):
    """C files under the folders. A folder that does not exist yet has none."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.[ch]"))


def without_comments(text, strings=True):
    """The text with comments blanked out, and with strings=False the inside of string
    and character literals too; lines and columns stay where they were."""
    token = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        if match[0][0] in "\"'":
            return match[0] if strings else '"' + " " * (len(match[0]) - 2) + '"'
        return re.sub(r"[^\n]", " ", match[0])

    return re.sub(token, blank, text, flags=re.S)


class Report:
    """One TAP case per lint. A lint that looked at nothing has failed: it is broken."""

    def __init__(self, name):
        self.name, self.looked_at, self.problems = name, 0, []

    def look(self, number=1):
        self.looked_at += number

    def problem(self, path, line, what):
        if pathlib.Path(path).is_absolute():
            path = pathlib.Path(path).relative_to(ROOT)
        self.problems.append(f"{path}:{line}: {what}")

    def finish(self):
        if not self.looked_at:
            self.problems.append("found nothing to look at: mend the lint or its paths")
        print("1..1")
        for text in self.problems:
            print(f"# {text}")
        print(f"{'not ok' if self.problems else 'ok'} 1 - {self.name} ({self.looked_at} looked at)")
        sys.exit(bool(self.problems))

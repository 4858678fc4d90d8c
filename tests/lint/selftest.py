"""Each lint finds what it is for, in a small tree made for it, and passes a clean one."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TABLE = "tests/data/cases.txt"
FAULTS = "tests/data/faults.txt"
THREATS = "tests/data/threats.txt"
PAGE = "SECURITY.md"
CLEAN = "int weir_one(void)\n{\n\treturn 1;\n}\n"
LONG = "int weir_two(void)\n{\n" + "\tweir_one();\n" * 68 + "}\n"
IDS = "= ids A*-1\n= missing "
LACK = {FAULTS: f"{IDS}1\nA-01 | a | b\n\tmissing: c\n"}

# lint, {file: text}, what it must say (None: nothing)
CASES = [
    ("layers", {"src/base/a.c": '#include "base/a.h"\n', "src/base/a.h": CLEAN}, None),
    ("layers", {}, "found nothing to look at"),
    ("layers", {"src/base/a.c": '#include "net/b.h"\n'}, "src/base/a.c:1: base must not include"),
    ("layers", {"src/net/a.c": '\n#include "wire/b.h"\n'}, "src/net/a.c:2: net must not include"),
    ("layers", {"src/net/a.c": '#include "b.h"\n'}, 'write the layer too: "net/b.h"'),
    ("layers", {"src/policy/a.c": "#include <uv.h>\n"}, "policy must not include <uv.h>"),
    ("layers", {"src/policy/a.c": "#include <time.h>\n"}, "must not read a clock"),
    ("layers", {"src/policy/a.c": "// #include <time.h>\n"}, None),
    ("layers", {"src/other/a.c": ""}, "src/other is no layer"),
    ("layers", {"src/net/a.h": '#include "net/b.h"\n', "src/net/b.h": '#include "net/a.h"\n'},
     "net/a.h -> net/b.h -> net/a.h"),
    ("lengths", {"src/base/a.c": CLEAN}, None),
    ("lengths", {}, "found nothing to look at"),
    ("lengths", {"src/base/a.c": LONG}, "src/base/a.c:1: a function of 71 lines"),
    ("lengths", {"src/base/a.c": "\n" * 601}, "src/base/a.c:601: 601 lines"),
    ("lengths", {"src/base/a.c": "\t" * 12 + "int a;\n"}, "src/base/a.c:1: 102 columns"),
    ("banned", {"src/base/a.c": "x->free(y); /* free(x) */ s = \"free(x)\";\n"}, None),
    ("banned", {}, "found nothing to look at"),
    ("banned", {"src/net/a.c": "\n  p = malloc (3);\n"}, "src/net/a.c:2: malloc"),
    ("banned", {"src/base/alloc.c": "p = malloc(3);\n"}, None),
    ("banned", {"src/base/alloc.c": "sprintf(a, b);\n"}, "sprintf"),
    ("banned", {"tests/unit/a.c": "p = malloc(3);\n"}, None),
    ("banned", {"tests/unit/a.c": "strcpy(a, b);\n"}, "strcpy"),
    ("banned", {"src/net/a.c": "n = strtol(s, NULL, 10);\n"}, "strtol"),
    ("banned", {"src/net/a.c": "uv_fs_open(loop);\n"}, "uv_fs_open"),
    ("banned", {"src/net/a.c": "uv_fs_event_init(loop);\n"}, None),
    ("cases", {TABLE: "a\n\ttests/a.c one | x\n", "tests/a.c": "TEST(one)\nx\n", **LACK}, None),
    ("cases", LACK, None),
    ("cases", {}, "found nothing to look at"),
    ("cases", {TABLE: "a\n\ttests/a.c one\n"}, "tests/data/cases.txt:2: there is no test file"),
    ("cases", {TABLE: "a\n\ttests/a.c one\n", "tests/a.c": "TEST(one_more)\n"}, "has no test"),
    ("cases", {TABLE: "a\n\ttests/a.txt b | c\n", "tests/a.txt": "== b\n"}, "does not say: c"),
    ("cases", {TABLE: "a\n\ttests/a.mjs b\n", "tests/a.mjs": "test('b c', 1)\n"}, "has no test"),
    ("cases", {TABLE: "a\nb\n\ttests/a.c one\n", "tests/a.c": "TEST(one)\n"},
     "tests/data/cases.txt:1: a case without a test"),
    ("cases", {PAGE: "| T1 | a | b | c | `core/x.c` |\n", **LACK}, "its threats are T1, those that"),
    ("cases", {THREATS: "T1 | a\n\ttests/a.c one\n", "tests/a.c": "TEST(one)\n", **LACK,
               PAGE: "| T1 | a | b | c | `core/x.c` |\n"}, "SECURITY.md:1: there is no core/x.c"),
    ("cases", {THREATS: "T1 | a\n\ttests/a.c one\n", "tests/a.c": "TEST(one)\n", **LACK,
               PAGE: "| T1 | a | b | c | `core/` |\n", "src/core/x.c": ""}, None),
    ("cases", {FAULTS: "A-01 | a | b\n\tmissing: c\n"}, "no lines = ids and = missing"),
    ("cases", {FAULTS: f"{IDS}0\nA-01 | a | b\n\tmissing: c\n"}, "1 ids are missing, not 0"),
    ("cases", {FAULTS: f"{IDS}1\n"}, "A-01: 0 times, not 1"),
    ("cases", {FAULTS: f"{IDS}1\nA-01 | a | b\nA-01 | a | b\n"}, "A-01: 2 times, not 1"),
    ("cases", {FAULTS: f"{IDS}1\nA-02 | a | b\n"}, "A-02: 1 times, not 0"),
    ("cases", {FAULTS: f"{IDS}1\nA-01 | a\n\tmissing: c\n"}, "faults.txt:3: write: ID | what"),
    ("cases", {FAULTS: f"{IDS}0\nA-01 | a | b\n\ttests/unit/a.c one\n",
               "tests/unit/a.c": "TEST(one)\n"}, "faults.txt:3: no test of the real program"),
    ("cases", {FAULTS: f"{IDS}0\nA-01 | a | b\n\ttests/loop/a.c one\n",
               "tests/loop/a.c": "TEST(one)\n"}, None),
]


def run(lint, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return subprocess.run([sys.executable, HERE / f"{lint}.py"], text=True,
                              env={**os.environ, "WEIR_LINT_ROOT": folder},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


failed = 0
print(f"1..{len(CASES)}")
for number, (lint, files, expected) in enumerate(CASES, 1):
    result = run(lint, files)
    good = result.returncode == 0 if expected is None else (
        result.returncode != 0 and expected in result.stdout)
    failed += not good
    if not good:
        print(f"# expected {expected!r}, got:\n# " + result.stdout.replace("\n", "\n# "))
    print(f"{'ok' if good else 'not ok'} {number} - {lint}: {expected or 'clean'}")
sys.exit(failed > 0)

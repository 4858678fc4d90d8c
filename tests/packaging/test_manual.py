"""The manual pages: nothing that --help tells is missing in them, no key of the configuration, and
whoever formats them has nothing to say."""

import json
import pathlib
import re
import shutil
import sys

from tap import check, finish, note, run

weir, bench = sys.argv[1:3]
folder = pathlib.Path(sys.argv[3]).parent
PAGES = ["weir.1", "weir-bench.1", "weir.yaml.5"]
FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def text_of(name):
    """A page without its macros, as somebody reads it."""
    page = (folder / name).read_text(encoding="utf-8")
    page = re.sub(r"\\f[BIR]|\\&", "", page.replace("\\-", "-").replace("\\e", "\\"))
    page = re.sub(r"\\\[u([0-9A-F]{4})\]", lambda match: chr(int(match[1], 16)), page)
    return page


def words(text):
    return re.sub(r"\s+", " ", text.replace("`", "")).strip()


def section(page, name):
    """Of weir.1, what is told of one command."""
    return re.search(rf"^\.SS weir {name}$(.*?)(?=^\.S[SH] )", page, re.M | re.S)[1]


def is_whole(name, page, told):
    """Every option of a help text, and every sentence of it."""
    missing = {flag for flag in FLAG.findall(told) if flag not in FLAG.findall(page)}
    check(f"{name}: has each option that --help has", not missing, missing)
    body = words(re.sub(r"^\.\w+ ?\d*", "", page, flags=re.M))
    said = [line for line in told.split("\n") if line.strip() and not line.startswith("usage:")]
    lost = [part for line in said for part in re.split(r" {2,}", line.strip())
            if part and words(part) not in body and part not in HEADS]
    check(f"{name}: says what --help says", not lost, lost)



HEADS = {"-h, --help", "-V, --version"}

page = text_of("weir.1")
top = run(weir, "--help")[1]
commands = re.findall(r"^  weir (\w+) {2,}", top.split("`weir COMMAND")[0], re.M)
check("weir.1 tells of each command", len(commands) >= 10 and
      commands == re.findall(r"^\.SS weir (\w+)$", page, re.M), commands)
for command in commands:
    is_whole(f"weir {command}", section(page, command), run(weir, command, "--help")[1])
is_whole("weir-bench", text_of("weir-bench.1"), run(bench, "--help")[1])

schema = json.loads(run(weir, "schema")[1])
yaml = text_of("weir.yaml.5")
names = set(schema["$defs"]) - {"variable"}


def collect(node):
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            names.update(node["properties"])
        for value in node.values():
            collect(value)
    elif isinstance(node, list):
        for value in node:
            collect(value)


collect(schema)
missing = {name for name in names if not re.search(rf"^{name}(:.*)?$", yaml, re.M)}
check("weir.yaml.5 has each key of the schema", len(names) > 60 and not missing, missing)

for formatter, command in [("groff", ["groff", "-man", "-Tutf8", "-ww", "-z"]),
                           ("mandoc", ["mandoc", "-Tlint", "-Wstyle"]),
                           ("man", ["man", "--warnings", "-l"])]:
    if not shutil.which(formatter):
        note(f"{formatter} is not installed here, and has not looked at the pages")
        continue
    for name in PAGES:
        status, said = run(*command, folder / name)
        if formatter == "man": # the page itself goes where nobody reads it
            said = run("sh", "-c", 'man --warnings -l "$1" 2>&1 >/dev/null', "man", folder / name)[1]
        check(f"{formatter} has nothing to say of {name}", status == 0 and not said, said)
finish()

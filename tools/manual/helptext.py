"""What the programs say of themselves with --help, taken apart: the one source of manual pages and
of completions. Every command is a dict: name, does, usage, blocks; a block is a kind and its content:
text (a paragraph), code (lines), head (a word above options), options (dicts of flags, value, says)."""

import re
import subprocess

OPTION = re.compile(r"^ +(?P<flags>-\w(?:, --[\w-]+)?|--[\w-]+)(?: (?P<value>\S+))?(?:  +(?P<says>.*))?$")
SHARES = re.compile(r"\[the options of `weir (\w+)`\]")


def run(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout


def option(line):
    match = OPTION.match(line)
    flags = match["flags"].split(", ")
    return {"flags": flags, "value": match["value"] or "", "says": [match["says"] or ""]}


def block(lines):
    """The blocks of what stands between two empty lines."""
    found = []
    for line in lines:
        if OPTION.match(line):
            if not found or found[-1][0] != "options":
                found.append(("options", []))
            found[-1][1].append(option(line))
        elif found and found[-1][0] == "options":
            found[-1][1][-1]["says"].append(line.strip())
        elif line.startswith(" "):
            if not found or found[-1][0] != "code":
                found.append(("code", []))
            found[-1][1].append(line[2:])
        elif len(lines) > 1 and OPTION.match(lines[1]):
            found.append(("head", line))
        elif found and found[-1][0] == "text":
            found[-1] = ("text", found[-1][1] + " " + line)
        else:
            found.append(("text", line))
    return found


def command(name, does, text):
    usage, rest = text.split("\n\n", 1) if "\n\n" in text else (text, "")
    blocks = []
    for part in re.split(r"\n{2,}", rest.rstrip("\n")):
        blocks += block(part.split("\n")) if part else []
    for kind, content in blocks:
        for item in content if kind == "options" else []:
            item["says"] = " ".join(item["says"]).strip()
    lines = [re.sub(r"^(usage:|      ) ", "", line) for line in usage.rstrip().split("\n")]
    return {"name": name, "does": does, "usage": lines, "blocks": blocks}


def options(item, others=()):
    """All of them, with those it shares with another command."""
    own = [opt for kind, content in item["blocks"] if kind == "options" for opt in content]
    shared = SHARES.search(" ".join(item["usage"]))
    seen = {flag for opt in own for flag in opt["flags"]}
    for other in others:
        if shared and other["name"] == shared[1]:
            own += [opt for opt in options(other) if not seen & set(opt["flags"])]
    return own


def programs(weir, bench):
    """weir itself, its commands, and weir-bench."""
    text = run(weir, "--help")
    top = command("weir", "", text)
    listed = text.split("`weir COMMAND", 1)[0] # examples come after it
    named = re.findall(r"^  weir (\w+) {2,}(\S.*)$", listed, re.M)
    commands = [command(name, does, run(weir, name, "--help")) for name, does in named]
    return top, commands, command("weir-bench", "", run(bench, "--help"))

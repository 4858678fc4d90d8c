"""Completions, asked for by the tab key in the shells that are installed; bash always is."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

from tap import check, finish, note, run

weir, bench = sys.argv[1:3]
folder = pathlib.Path(sys.argv[3]).parent.resolve()
LIMIT_S = 30
# typed, and the line after a tab
CASES = [
    ("weir che", "weir check "),
    ("weir check --js", "weir check --json "),
    ("weir --conf", "weir --config "),
    ("weir serve --log j", "weir serve --log json "),
    ("weir upgrade --backg", "weir upgrade --background "),
    ("weir upgrade --upgrade-s", "weir upgrade --upgrade-socket "),
    ("weir sim --policy n", "weir sim --policy naive "),
    ("weir import li", "weir import litellm "),
    ("weir import litellm od", "weir import litellm odd\\ name.yaml "),
    ("weir check -c od", "weir check -c odd\\ name.yaml "),
    ("weir diff od", "weir diff odd\\ name.yaml "),
    ("weir-bench --dur", "weir-bench --duration "),
    ("weir-bench --html od", "weir-bench --html odd\\ name.yaml "),
]
SETUP = {
    "bash": "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; "
            f"source {folder}/weir; source {folder}/weir-bench",
    "zsh": f"PS1=; unsetopt zle_bracketed_paste; bindkey -e; fpath=({folder} $fpath); "
           "autoload -Uz compinit; compinit -u -D; compdef _weir weir weir-bench",
}
START = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}


class Shell:
    """One that believes somebody sits before it."""

    def __init__(self, name, home):
        self.master, slave = pty.openpty()
        env = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb", "LC_ALL": "C.UTF-8", "PS1": ""}
        self.process = subprocess.Popen(START[name], stdin=slave, stdout=slave, stderr=slave, env=env,
                                        cwd=home, start_new_session=True)
        os.close(slave)
        self.say(SETUP[name])

    def say(self, line):
        """The line, and what it says once it is done with it, which is told by `<<` and `>>`."""
        os.write(self.master, (line + "\n").encode())
        return self.until("printf '<'; printf '<%s>>\\n' ''")

    def until(self, line):
        os.write(self.master, (line + "\n").encode())
        seen, end = "", time.monotonic() + LIMIT_S
        while time.monotonic() < end and not re.search(r"<<.*>>", seen):
            if select.select([self.master], [], [], 1)[0]:
                seen += os.read(self.master, 65536).decode(errors="replace")
        match = re.search(r"<<(.*)>>", seen)
        return match[1] if match else f"nothing within {LIMIT_S} s: {seen!r}"

    def complete(self, typed):
        """The typed line after a tab; ^A and ^E, so that the shell prints it."""
        return self.until(f"{typed}\t\x01printf '<'; printf '<%s>>\\n' \"\x05\"")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def own_flags(command):
    """Those that begin a line of its help: others are only spoken of."""
    text = run(weir, command, "--help")[1]
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", text, re.M)) | {"--help"}


def by_tab(name):
    with tempfile.TemporaryDirectory() as home:
        (pathlib.Path(home) / "odd name.yaml").touch()
        shell = Shell(name, home)
        for typed, wanted in CASES:
            got = shell.complete(typed)
            if name == "zsh": # it takes its blank away again when something else follows
                wanted = wanted.rstrip()
            check(f"{name}: `{typed}` and a tab is `{wanted}`", got == wanted, got)
        shell.close()


top = run(weir, "--help")[1]
commands = re.findall(r"^  weir (\w+) {2,}", top.split("`weir COMMAND")[0], re.M)
check("there are commands to complete", len(commands) >= 10, top)
script = f"source {folder}/weir; " + "; ".join(
    f"COMP_WORDS=(weir {name} --) COMP_CWORD=2; _weir; echo {name}: ${{COMPREPLY[@]}}" for name in commands)
offered = dict(line.split(":", 1) for line in run("bash", "-c", script)[1].splitlines())
lost = {name: own_flags(name) - set(offered.get(name, "").split()) for name in commands}
check("bash: every command's options are offered", not any(lost.values()), lost)
by_tab("bash")
if shutil.which("zsh"):
    by_tab("zsh")
else:
    note("zsh is not installed here, and its completion not tried")
if shutil.which("fish"):
    script = f"source {folder}/weir.fish; source {folder}/weir-bench.fish; " + "; ".join(
        f"echo '@{typed}'; complete -C '{typed}'" for typed, _ in CASES) + "; " + "; ".join(
        f"echo '@{name} --'; complete -C 'weir {name} --'" for name in commands)
    with tempfile.TemporaryDirectory() as home:
        (pathlib.Path(home) / "odd name.yaml").touch()
        env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        said = run("fish", "--no-config", "-c", script, cwd=home, env=env)[1]
    answers = dict(part.split("\n", 1) for part in said.split("@")[1:])
    for typed, wanted in CASES:
        last = wanted.strip().removeprefix(typed.rsplit(" ", 1)[0]).strip().replace("\\ ", " ")
        got = [line.split("\t")[0].replace("\\ ", " ") for line in answers[typed].splitlines()]
        check(f"fish: `{typed}` is offered `{last}`", last in got, answers[typed])
    lost = {name: own_flags(name) - {line.split("\t")[0] for line in answers[f"{name} --"].splitlines()}
            for name in commands}
    check("fish: every command's options are offered", not any(lost.values()), lost)
else:
    note("fish is not installed here, and its completion not tried")
finish()

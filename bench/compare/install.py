"""Brings peers into build/peers, never anywhere else, and says so before it does."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from world import ROOT, find

CACHE = ROOT / "build/peers"
MOST_S = 420


class Skipped(Exception):
    """This peer cannot be had or does not do the job; why."""


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def run(argv, folder, seconds, env=None):
    try:
        done = subprocess.run([str(a) for a in argv], cwd=folder, text=True, timeout=seconds,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Skipped(f"{argv[0]}: {type(error).__name__} after at most {seconds} s") from error
    if done.returncode:
        said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        why = next((line for line in reversed(said) if "rror" in line or "orbidden" in line),
                   said[-1] if said else "")
        why = re.sub(r"https?://\S+", "…", why)  # hosts are the tool's affair
        name = pathlib.Path(argv[0]).name
        raise Skipped(f"`{name} {argv[1]}` failed: {why[:160].strip()}")


def into_cache(name, allowed, what, steps, done):
    """`done`, a path in the folder, after `steps`: functions of the folder. A failure is
    remembered, so that a registry is asked once."""
    folder, failed = CACHE / name, CACHE / f"{name}.failed"
    if (folder / done).exists():
        return folder / done
    if failed.exists():
        raise Skipped(f"{failed.read_text().strip()} (remove build/peers/{failed.name} to try"
                      " again)")
    if not allowed:
        raise Skipped(f"not installed, and --no-install: {what}")
    say(f"about to install into build/peers/{name}: {what}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for step in steps:
            step(folder)
        if not (folder / done).exists():
            raise Skipped(f"installed, but there is no {done}")
    except Skipped as why:
        shutil.rmtree(folder, ignore_errors=True)
        failed.write_text(f"{why}\n")
        raise
    return folder / done


def debian(name, package, program, allowed):
    """A program of the system's, or unpacked from its Debian package without installing it:
    no service starts, and no root is needed."""
    found = find(name)
    if found:
        return found
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Skipped(f"no {name} in $PATH, and no apt-get to fetch it with")

    def fetch(folder):
        run(["apt-get", "download", package], folder, 60)

    def unpack(folder):
        for file in folder.glob("*.deb"):
            run(["dpkg-deb", "-x", file, folder], folder, 60)

    return into_cache(name, allowed, f"the Debian package {package}, unpacked only",
                      [fetch, unpack], program)

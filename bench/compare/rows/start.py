"""What one has before the first request: time from the start of the program to its first answer,
idle memory, size on the disk."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

from book import Row
from install import Skipped, say
from machine import Broken, resident_kb
from mock import chat, post
from peers.base import Job

NAME = "start"
FIRST = Row("start", "Small things", "start to first answer", "ms", 0)
IDLE = Row("idle", "Small things", "idle resident memory", "MB", 1)
SIZE = Row("size", "Small things", "size on the disk, stripped, with the libraries it needs beside"
           " the C library", "MB", 1)
ROWS = [FIRST, IDLE, SIZE]
BASE_LIBRARIES = ("libc.", "libm.", "libdl.", "libpthread.", "librt.", "ld-linux", "linux-vdso")


def seconds(options, fast, slow):
    return fast * options.rounds * 0.7 + slow * 15


def first_answer(world, peer, job):
    """(milliseconds, idle KB)"""
    with contextlib.ExitStack() as stack:
        begun = time.monotonic()
        running = peer.start(stack, job)
        body = chat(1024, **running.fields)
        while True:
            try:
                status, _ = post(running.address, body, running.headers, timeout=5)
            except OSError:
                status = 0
            if status == 200:
                break
            if time.monotonic() - begun > peer.start_s:
                raise Broken(f"{peer.title}: no answer within {peer.start_s} s, status {status}")
        took = time.monotonic() - begun
        time.sleep(0.5 if not peer.slow else 2)
        return took * 1000, resident_kb(running.pids())


def weigh(path, folder):
    """Bytes of a program: stripped, and what it is linked with."""
    copy = folder / "stripped"
    shutil.copy(path, copy)
    if shutil.which("strip"):
        subprocess.run(["strip", copy], check=False, capture_output=True)
    linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    libraries = [line.split("=>")[1].split()[0] for line in linked.splitlines() if "=> /" in line]
    return copy.stat().st_size, sum(os.stat(one).st_size for one in libraries if not
                                    pathlib.Path(one).name.startswith(BASE_LIBRARIES))


def tree(folder):
    return sum(f.lstat().st_size for f in pathlib.Path(folder).rglob("*") if not f.is_dir())


def size_of(world, peer):
    program = pathlib.Path(peer.program)
    if peer.name == "portkey":
        return sum(weigh(peer.node, world.new_folder())) + tree(program.parents[4])
    if peer.name == "litellm":
        return tree(program.parents[1])
    return sum(weigh(program, world.new_folder()))


def run(world, peers, book):
    book.expect(ROWS)
    world.mock.script()
    for number in range(world.options.rounds):
        for peer in peers if number % 2 == 0 else reversed(peers):
            if peer.slow and number > 0:
                continue
            try:
                took, idle = first_answer(world, peer, Job(world.mock))
            except (Broken, Skipped) as why:
                for row in (FIRST, IDLE):
                    book.note(row, peer.name, str(why))
                say(str(why))
                continue
            book.add(FIRST, peer.name, number, took)
            book.add(IDLE, peer.name, number, idle / 1024)
            say(f"start {peer.name}: {took:.0f} ms, idle {idle / 1024:.1f} MB")
    for peer in peers:
        book.add(SIZE, peer.name, 0, size_of(world, peer) / 1e6)
    book.remark("size", "LiteLLM and Portkey: the folder they were installed into, with Node for"
                " Portkey, without Python for LiteLLM")

"""Counts, which do not depend on who else uses the machine: system calls per request under
strace, user-space instructions under valgrind."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess

import verify
from book import Row
from install import say
from machine import STOP_S, Broken, read, start
from mock import KEY, PROBE_S, chat
from peers.base import Job
from rounds import Field

NAME = "counts"
CALLS = Row("calls", "Counts", "system calls per request, 1 KB, 64 connections", "", 1)
INSTRUCTIONS = {size: Row(f"instructions_{size}", "Counts",
                          f"user-space instructions per request, {size // 1024} KB", "", 0)
                for size in (1024, 20480)}
EVENTS = {gap: Row(f"instructions_event_{name}", "Counts",
                   f"user-space instructions per relayed stream event, {told}", "", 0)
          for gap, name, told in ((4, "alone", "each in a turn of its own"),
                                  (0, "together", "many in one read"))}
COUNTED = ("weir", "nginx")
SHORT, LONG = 100, 400
# For large blocks glibc has one instruction that callgrind counts once per byte: not here.
TUNABLES = ":".join(f"glibc.cpu.x86_rep_{name}_threshold=1000000000" for name in
                    ("movsb", "stosb"))


def seconds(options, fast, slow):
    return (fast + slow) * 4 + (40 if not options.quick else 15)


def system_calls(world, running, strace):
    """While strace watches, which slows, and so saturates, everybody alike."""
    out = world.new_folder() / "strace.out"
    with contextlib.ExitStack() as stack:
        pids = [arg for pid in running.pids() for arg in ("-p", str(pid))]
        tracer = start(stack, [strace, "-c", "-f", "-o", out, *pids],
                       stderr=subprocess.PIPE, text=True)
        for _ in pids[::2]:
            line = tracer.stderr.readline()
            if "attached" not in line:
                raise Broken(f"strace may not watch here: {line.strip()}")
        shown = world.load(running, seconds=max(1, world.options.seconds), connections=64)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(STOP_S)
    counts = {}
    for line in read(out).splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            counts[fields[-1]] = int(fields[3]) / shown["sent"]
    return {k: round(n, 3) for k, n in sorted(counts.items(), key=lambda item: -item[1])[:8]}, sum(
        counts.values())


def ask_often(address, body, count):
    host = http.client.HTTPConnection(address, timeout=3 * PROBE_S)
    for _ in range(count):
        host.request("POST", "/v1/chat/completions", body, {
            "content-type": "application/json", "authorization": f"Bearer {KEY}"})
        answer = host.getresponse()
        if answer.status != 200 or not answer.read():
            raise Broken(f"under valgrind: status {answer.status}")
    host.close()


def counted(world, peer, valgrind, body, count):
    """Instructions of a whole life with so many requests on one connection."""
    out = world.new_folder()
    with contextlib.ExitStack() as stack:
        running = peer.start(stack, Job(world.mock), wrap=[
            valgrind, "-q", "--tool=callgrind", "--trace-children=yes",
            f"--callgrind-out-file={out}/callgrind.%p"])
        ask_often(running.address, body, count)
        running.process.terminate()
        running.process.wait(60)
    return sum(int(n) for file in out.glob("callgrind.*")
               for n in re.findall(r"(?m)^(?:summary|totals): (\d+)", read(file))[:1])


def instructions(world, peer, valgrind, book):
    """The difference of a long and a short life, so that starting and stopping cancel out."""
    for size, row in INSTRUCTIONS.items():
        lives = [counted(world, peer, valgrind, chat(size), n) for n in (SHORT, LONG)]
        value = (lives[1] - lives[0]) / (LONG - SHORT)
        book.add(row, peer.name, 0, value)
        say(f"{row.key} {peer.name}: {value:,.0f}")
    few, many, streams = 20, 120, 10
    for gap, row in EVENTS.items():
        lives = []
        for events in (few, many):
            world.mock.script(f"200;tokens={events}" + (f";gap={gap}ms" if gap else ""))
            lives.append(counted(world, peer, valgrind, chat(1024, True), streams))
        world.mock.script()
        value = (lives[1] - lives[0]) / (streams * (many - few))
        book.add(row, peer.name, 0, value)
        say(f"{row.key} {peer.name}: {value:,.0f}")


def count_calls(world, peers, book):
    strace = shutil.which("strace")
    if not strace:
        book.remark("calls", "not counted: there is no strace")
        return
    with contextlib.ExitStack() as stack:
        field = Field(stack, world, peers, Job(world.mock), book, [CALLS],
                      lambda peer, running: verify.answers(world, running, peer.exact))
        for running in field.turns(0, set(field.peers)):
            try:
                most, total = system_calls(world, running, strace)
            except (Broken, subprocess.TimeoutExpired) as why:
                book.note(CALLS, running.name, str(why))
                continue
            book.add(CALLS, running.name, 0, total, most=most)
            say(f"system calls {running.name}: {total:.2f} {most}")


def run(world, peers, book):
    book.expect([CALLS, *INSTRUCTIONS.values(), *EVENTS.values()])
    count_calls(world, peers, book)
    valgrind = shutil.which("valgrind")
    if not valgrind:
        book.remark("instructions_1024", "not counted: there is no valgrind")
        return
    os.environ["GLIBC_TUNABLES"] = TUNABLES
    try:
        for peer in peers:
            if peer.name in COUNTED:
                instructions(world, peer, valgrind, book)
            else:
                for row in (*INSTRUCTIONS.values(), *EVENTS.values()):
                    book.note(row, peer.name, f"{peer.title}: instructions are counted of weir"
                              " and nginx only")
    finally:
        del os.environ["GLIBC_TUNABLES"]

"""Resident memory: what a process has more while it holds so many requests, divided by them. A
fresh process each time, warmed by requests like those it will hold."""

import contextlib
import os
import time

from book import Row
from front import Fronted
from install import Skipped, say
from machine import Broken, resident_kb, start
from mock import Mock
from peers.base import Job

NAME = "memory"
MANY, SOME, SOME_HTTP2 = 5000, 500, 1000
RATE, TLS_RATE = 1500, 100  # new ones a second: a handshake costs some six milliseconds
HOLD_S, FILL_S, SETTLE_S = 90, 30, 0.5
SILENT = f"200;latency={HOLD_S}s"
BEGUN = f"200;tokens=3;gap={HOLD_S}s"
WAYS = TLS, HTTP2 = "tls", "http2"
# row, script, stream, how the provider is reached, how many
KINDS = [
    (Row("held_request", "Memory", f"per request in flight, 1 KB, {MANY:,} held", "KB", 1),
     SILENT, False, None, MANY),
    (Row("held_stream", "Memory", f"per held stream, {MANY:,} held", "KB", 1),
     BEGUN, True, None, MANY),
    (Row("held_request_tls", "Memory", f"per request in flight over TLS upstream, {SOME:,} held",
         "KB", 1), SILENT, False, TLS, SOME),
    (Row("held_stream_tls", "Memory", f"per held stream over TLS upstream, {SOME:,} held", "KB", 1),
     BEGUN, True, TLS, SOME),
    (Row("held_request_http2", "Memory", "per request in flight over TLS upstream, HTTP/2 where it"
         f" is spoken, {SOME_HTTP2:,} held", "KB", 1), SILENT, False, HTTP2, SOME_HTTP2),
    (Row("held_stream_http2", "Memory", "per held stream over TLS upstream, HTTP/2 where it is"
         f" spoken, {SOME_HTTP2:,} held", "KB", 1), BEGUN, True, HTTP2, SOME_HTTP2),
]


def seconds(options, fast, slow):
    return (fast * 24 + slow * 40) * (0.3 if options.quick else 1)


def hold(world, peer, job, kind, count, rate):
    """KB per request held."""
    _, script, stream, _, _ = kind
    with contextlib.ExitStack() as stack:
        running = peer.start(stack, job)
        job.mock.script()
        running.wake()
        world.load(running, connections=16, requests=200, stream=stream)
        time.sleep(SETTLE_S)
        before = resident_kb(running.pids())
        job.mock.script(script)
        argv = [*world.load_argv(running, 1024, stream), "-c", count, "-n", count, "--rate", rate,
                "--arrival", "const", f"http://{running.address}"]
        argv[argv.index("30s")] = f"{2 * HOLD_S}s"
        load = start(stack, argv, world.cores.load, stdout=open(os.devnull, "w"))
        until = time.monotonic() + count / rate + FILL_S
        while job.mock.stats()["alpha"]["inflight"] < count:
            if time.monotonic() > until or load.poll() is not None:
                raise Broken(f"{peer.title}: held only"
                             f" {job.mock.stats()['alpha']['inflight']:,} of {count:,}")
            time.sleep(0.05)
        time.sleep(SETTLE_S)
        after = resident_kb(running.pids())
        if job.mock.stats()["alpha"]["inflight"] < count:
            raise Broken(f"{peer.title}: did not hold them")
    job.mock.script()
    return (after - before) / count


def how_many(world, peer, kind):
    """And how many new ones a second."""
    most, rate = peer.holds or (kind[-1], TLS_RATE if kind[3] else RATE)
    if world.options.quick:
        most = min(most, 100)
    return min(most, kind[-1], (world.files - 500) // 2), rate


def measure(world, peers, book, mock, kind):
    row = kind[0]
    for peer in peers:
        if kind[3] and (peer.slow or "tls" in peer.cannot):
            book.note(row, peer.name, peer.cannot.get("tls", f"{peer.title}: left out over TLS"))
            continue
        count, rate = how_many(world, peer, kind)
        job = Job(mock, first_ms=2 * HOLD_S * 1000, connect_ms=FILL_S * 1000)
        try:
            kb = hold(world, peer, job, kind, count, rate)
        except (Broken, Skipped) as why:
            book.note(row, peer.name, str(why))
            say(str(why))
            continue
        book.add(row, peer.name, 0, kb, held=count)
        if count < kind[-1]:
            book.remark(row.key, f"{peer.title} held {count:,} only")
        say(f"{row.key} {peer.name}: {kb:.1f} KB each of {count:,}")


def provider(stack, world, way):
    if way == HTTP2:
        return Fronted(stack, world.weir, world.cores.load, world.new_folder())
    ca = world.folder / "held.pem" if way == TLS else None
    return Mock(stack, world.weir, world.cores.load, ca)


def run(world, peers, book):
    book.expect([kind[0] for kind in KINDS])
    for kind in KINDS:
        with contextlib.ExitStack() as stack:
            try:
                mock = provider(stack, world, kind[3])
            except Broken as why:
                for peer in peers:
                    book.note(kind[0], peer.name, str(why))
                continue
            measure(world, peers, book, mock, kind)

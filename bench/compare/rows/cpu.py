"""CPU per proxied request, in a closed loop; also the most requests a second that were seen."""

import contextlib

import verify
from book import Row
from front import Fronted
from install import say
from machine import Broken
from mock import Mock, difference
from peers.base import Direct, Job
from rounds import Field, shares

NAME, WARM, WARM_RUNS = "cpu", 1000, 8
SIZES, CONNECTIONS, TLS_SIZES = (1024, 20480), (64, 256), (1024, 20480, 204800)
PEAK = Row("peak", "CPU", "most requests/s seen, on its one core, 1 KB", "/s")


def row(size, connections):
    key = f"cpu_{size}_{connections}"
    return Row(key, "CPU", f"CPU per request, {size // 1024} KB body, {connections} connections",
               "µs", 1, key)


def tls_row(size, name="tls", more=""):
    key = f"cpu_{name}_{size}"
    return Row(key, "CPU",
               f"CPU per request over TLS upstream{more}, {size // 1024} KB body, 64 connections",
               "µs", 1, key)


def cases(options):
    connections = CONNECTIONS[:1] if options.quick else CONNECTIONS
    return [(size, n) for size in SIZES for n in connections]


def seconds(options, fast, slow):
    once = options.seconds + 0.6
    return len(cases(options)) * once * ((fast + 1) * options.rounds + slow * 2) + 15 * slow


def measure(world, field, book, rows, options, **how):
    """One row, one round, everybody."""
    number, row_, peaks = rows
    for running in field.turns(number):
        try:
            seen = world.window(running, seconds=options.seconds, **how)
            verify.window(running.name, seen)
        except Broken as why:
            field.strike(running.name, [row_], book, why)
            continue
        book.add(row_, running.name, number, seen.us, **shares(seen))
        peaks.setdefault((running.name, number), []).append(seen.rps)
        say(f"round {number + 1} {row_.key} {running.name}: {seen.us:.1f} µs, busy"
            f" {seen.busy:.0%}, load {seen.load:.0%}, others {seen.others:.0%}")


def run(world, peers, book):
    options = world.options
    with contextlib.ExitStack() as stack:
        def check(peer, running):
            verify.answers(world, running, peer.exact)

        rows = [row(*case) for case in cases(options)]
        book.expect([*rows, PEAK])
        field = Field(stack, world, peers, Job(world.mock), book, rows + [PEAK], check)
        peaks = {}
        for number in range(options.rounds):
            for (size, connections), one in zip(cases(options), rows):
                measure(world, field, book, (number, one, peaks if size == SIZES[0] else {}),
                        options, size=size, connections=connections)
        for (name, number), found in peaks.items():
            if name != "direct":
                book.add(PEAK, name, number, max(found))
        book.remark(PEAK.key, "the provider alone: what weir-bench drives from a core of its own, the proxy's")
        for number in range(options.rounds):
            for running in field.turns(number, {"direct"}):
                seen = max(world.load(running, seconds=options.seconds, connections=n,
                                      cores=world.cores.proxy)["per_second"] for n in CONNECTIONS)
                book.add(PEAK, "direct", number, seen)
        for running in field.running.values():
            running.wake()
            if not running.is_direct:
                check(field.peers[running.name], running)


def connect(world, running):
    """All the handshakes that 64 connections want: until a run of the load makes none."""
    for _ in range(WARM_RUNS):
        before = running.mock.stats()
        world.load(running, requests=WARM)
        books = difference(before, running.mock.stats())
        if not sum(v["accepted"] for v in books.values()):
            break


class Tls:
    """The same with providers that speak TLS."""

    NAME, MORE = "tls", ""

    @staticmethod
    def provider(stack, world):
        return Mock(stack, world.weir, world.cores.load, world.folder / "ca.pem")

    @staticmethod
    def seconds(options, fast, slow):
        return 3 * (options.seconds + 0.6) * (fast + 1) * min(3, options.rounds)

    @classmethod
    def run(cls, world, peers, book):
        options = world.options
        rows = [tls_row(size, cls.NAME, cls.MORE) for size in TLS_SIZES]
        book.expect(rows)
        book.remark(rows[0].key, "the provider alone: without TLS")
        able = [peer for peer in peers if not peer.slow and "tls" not in peer.cannot]
        for peer in peers:
            for one in rows:
                if peer not in able:
                    book.note(one, peer.name, peer.cannot.get(
                        "tls", f"{peer.title}: left out, it takes too long"))
        with contextlib.ExitStack() as stack:
            try:
                mock = cls.provider(stack, world)
            except Broken as why:
                for peer in able:
                    for one in rows:
                        book.note(one, peer.name, str(why))
                return

            def check(peer, running):
                verify.answers(world, running, peer.exact)
                connect(world, running)

            field = Field(stack, world, able, Job(mock), book, rows, check)
            field.running["direct"] = Direct(world.mock)  # plain: the load has no TLS to speak
            for number in range(min(3, options.rounds)):
                for size, one in zip(TLS_SIZES, rows):
                    measure(world, field, book, (number, one, {}), options, size=size)


class Http2(Tls):
    """With providers behind nginx that take HTTP/2, which only weir speaks to them."""

    NAME, MORE = "http2", ", HTTP/2 where it is spoken"

    @staticmethod
    def provider(stack, world):
        return Fronted(stack, world.weir, world.cores.load, world.new_folder())

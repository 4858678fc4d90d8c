"""What a proxy adds to a request's time: alone, and in an open loop at half of what it can do.
Added is its time less that of the provider alone, in the same round at the same rate."""

import contextlib

import verify
from book import Row
from machine import Broken
from peers.base import Job
from rounds import Field, shares

NAME = "latency"
ROWS = {(where, q): Row(f"{where}_{q}", "Latency", f"added {q}, {title}", "µs", 0, "direct_p50")
        for where, title in (("alone", "1 connection"), ("half", "half of saturation, open loop"))
        for q in ("p50", "p99")}
DIRECT = {q: Row(f"direct_{q}", "Latency", f"direct {q}, 1 connection", "µs", 0,
                     "direct_p50" if q == "p50" else None)
          for q in ("p50", "p99")}


def seconds(options, fast, slow):
    return 2 * (options.seconds + 0.6) * ((fast + 1) * options.rounds + slow * 4)


def peaks(world, field, book):
    """Requests a second at most, from this run's CPU rows or seen now."""
    found = {}
    for running in field.turns(0):
        if running.is_direct:
            continue
        found[running.name] = book.median("peak", running.name) or world.load(
            running, seconds=1, connections=64)["per_second"]
    return found


def compare(world, field, book, number, where, only=None, **how):
    """Everybody once, the same way; then what each added."""
    seen = {}
    for running in field.turns(number, only):
        try:
            seen[running.name] = world.window(running, **how)
            verify.window(running.name, seen[running.name])
        except Broken as why:
            seen.pop(running.name, None)
            field.strike(running.name, [ROWS[where, q] for q in ("p50", "p99")], book, why)
    direct = seen.pop("direct", None)
    if not direct:
        return
    for name, window in seen.items():
        for q in ("p50", "p99"):
            added = getattr(window, f"{q}_us") - getattr(direct, f"{q}_us")
            book.add(ROWS[where, q], name, number, added, **shares(window))
    if where == "alone":
        for q in ("p50", "p99"):
            book.add(DIRECT[q], "direct", number, getattr(direct, f"{q}_us"))


def run(world, peers, book):
    book.expect([*DIRECT.values(), *ROWS.values()])
    options = world.options
    with contextlib.ExitStack() as stack:
        def check(peer, running):
            verify.answers(world, running, peer.exact)

        field = Field(stack, world, peers, Job(world.mock), book, list(ROWS.values()), check)
        found = peaks(world, field, book)
        fast = {name: rate for name, rate in found.items() if not field.is_slow(name)}
        for number in range(options.rounds):
            compare(world, field, book, number, "alone", seconds=options.seconds, connections=1)
            if fast:
                compare(world, field, book, number, "half", {"direct", *fast},
                        seconds=options.seconds, rate=min(fast.values()) / 2)
            for name, rate in found.items():
                if name not in fast and number < 2:
                    compare(world, field, book, number, "half", {"direct", name},
                            seconds=2 * options.seconds, rate=max(2, rate / 2))
        if fast:
            book.remark("half_p50", f"open loop at {min(fast.values()) / 2:,.0f} requests a"
                        " second for all but the slow ones, which have half of their own peak")

"""What a request that fails over costs. One request in three meets a first provider that fails, so that nobody's
circuit breaker opens and each failure is one failover; the whole cost of such a request is reckoned
from the same load without failures: three times the mixture less two plain requests. Of silence, which leaves
everybody idle, it is the mixture itself. And what a request costs while the first provider
refuses all connections, everybody's own health tracking on."""

import collections
import contextlib

import verify
from book import Row
from install import say
from machine import Broken
from mock import TOKENS
from peers.base import Job
from rounds import Field, shares

NAME = "failover"
EVERY, PATIENCE_MS, SLOW_MS = 3, 100, 2000
GROUP = "Failover"
# How the load comes. With more connections than a circuit breaker's failures in a row (five of
# weir's), those that end in one turn of a loop would open it.
BUSY, CALM = {"connections": 32}, {"connections": 4}
PLAIN = Row("fail_plain", GROUP, "a plain request beside them, 32 connections", "µs", 1,
            "fail_plain")
DOWN = Row("fail_down", GROUP, "a request while the first provider refuses all", "µs", 1,
           "fail_down")
KEPT = Row("fail_kept", GROUP, "connections made to providers per failover from a 503", "", 2,
           compared=False)
# row; what the provider does; the load; apart: the cost of the request that fails is reckoned
Failure = collections.namedtuple("Failure", "row does load apart")
ANSWERED = Failure(Row("fail_503", GROUP, "a request that fails over, the first provider"
                      " answers 503, 32 connections", "µs", 1, "fail_plain"), "503", BUSY, True)
RESET = Failure(Row("fail_reset", GROUP, "a request that fails over, the first provider resets,"
                    " 4 connections", "µs", 1, "fail_reset"), "reset@status", CALM, True)
SILENT = Failure(Row("fail_timeout", GROUP, "a request, the first provider is silent to one in"
                     f" three for {PATIENCE_MS} ms, 4 connections", "µs", 0,
                     "fail_timeout"), "hang@body", CALM, False)
ROWS = [PLAIN, ANSWERED.row, RESET.row, SILENT.row, KEPT, DOWN]
ALONE = "of the provider alone: plain requests, the same load in the same rounds"
SLOW = f"slow peers: 32 connections throughout, and {SLOW_MS} ms of silence"


def rounds(options):
    return min(3, options.rounds)


def seconds(options, fast, slow):
    return (options.seconds + 0.7) * ((6 * fast + 3) * rounds(options) + 7 * slow) + 24 * slow


def one(world, field, running, load, rows, book, share=0.0):
    try:
        seen = world.window(running, seconds=world.options.seconds,
                            **(BUSY if field.is_slow(running.name) else load))
        verify.window(running.name, seen, share, 0.04)
        return seen
    except Broken as why:
        field.strike(running.name, rows, book, why)
        return None


def control(world, field, row, load, book, number):
    """The provider alone, unfailing, under the load of what is measured next."""
    world.mock.script()
    book.remark(row.key, ALONE)
    for running in field.turns(number, {"direct"}):
        seen = one(world, field, running, load, [row], book)
        if seen:
            book.add(row, "direct", book.rounds(row.key, "direct"), seen.us, **shares(seen))


def plain_requests(world, field, book, number, failure):
    """What a request costs without failures, under that load: who: µs."""
    world.mock.script()
    found, rows = {}, [failure.row] + ([PLAIN] if failure is ANSWERED else [])
    for running in field.turns(number, None if failure is ANSWERED else set(field.peers)):
        seen = one(world, field, running, failure.load, rows, book)
        if seen:
            found[running.name] = seen.us
        if seen and failure is ANSWERED:
            book.add(PLAIN, running.name, number, seen.us, **shares(seen))
    return found


def fail(world, field, book, number, failure):
    """Everybody once, after the plain requests of this round."""
    plain = {}
    if failure is not ANSWERED:
        control(world, field, failure.row, failure.load, book, number)
    if failure.apart:
        plain = plain_requests(world, field, book, number, failure)
    world.mock.script(f"{failure.does};every={EVERY};tokens={TOKENS}")
    for running in field.turns(number, set(plain or field.peers) - {"direct"}):
        who = running.name
        seen = one(world, field, running, failure.load, [failure.row], book, 1 / EVERY)
        if not seen:
            continue
        value = EVERY * seen.us - (EVERY - 1) * plain[who] if failure.apart else seen.us
        book.add(failure.row, who, number, value, plain_us=plain.get(who), **shares(seen))
        if failure is ANSWERED:
            book.add(KEPT, who, number, seen.accepted / max(1, seen.beta))
        say(f"round {number + 1} {failure.row.key} {who}: {value:.1f} µs, busy {seen.busy:.0%},"
            f" others {seen.others:.0%}")


def phase(world, peers, book, job, failures):
    """Some failures, of peers that were seen to survive them."""
    def check(peer, running):
        verify.answers(world, running, peer.exact)
        for failure in failures:
            verify.fails_over(running, failure.does)

    if not peers:
        return
    with contextlib.ExitStack() as stack:
        field = Field(stack, world, peers, job, book, [f.row for f in failures], check)
        field.slow_rounds = 1
        all_slow = all(peer.slow for peer in peers)
        for number in range(field.slow_rounds if all_slow else rounds(world.options)):
            for failure in failures:
                fail(world, field, book, number, failure)
        world.mock.script()


def down(world, peers, book):
    """The first provider refuses for good; the second has it all."""
    with contextlib.ExitStack() as stack:
        field = Field(stack, world, peers, Job(world.mock, health=True), book, [DOWN])
        field.slow_rounds = 1
        for number in range(rounds(world.options)):
            control(world, field, DOWN, BUSY, book, number)
            world.mock.script("refuse")
            for running in field.turns(number, set(field.peers)):
                seen = one(world, field, running, BUSY, [DOWN], book, 1.0)
                if seen:
                    book.add(DOWN, running.name, number, seen.us, **shares(seen))
        world.mock.script()


def run(world, peers, book):
    book.expect(ROWS)
    phase(world, peers, book, Job(world.mock), [ANSWERED, RESET])
    for peer in peers:
        if "timeout" in peer.cannot:
            book.note(SILENT.row, peer.name, peer.cannot["timeout"])
    able = [peer for peer in peers if "timeout" not in peer.cannot]
    for slow, patience in ((False, PATIENCE_MS), (True, SLOW_MS)):
        phase(world, [peer for peer in able if peer.slow == slow], book,
              Job(world.mock, first_ms=patience), [SILENT])
    down(world, peers, book)
    if any(peer.slow for peer in peers):
        book.remark(SILENT.row.key, SLOW)

"""Streams: CPU per relayed event, 100 streams at 100 events a second each; time to first
token."""

import contextlib

import verify
from book import Row
from install import say
from machine import Broken
from peers.base import Job
from rounds import Field, shares

NAME = "streams"
STREAMS, EVENTS, GAP_MS = 100, 100, 10
PACED = f"200;tokens={EVENTS};gap={GAP_MS}ms;latency=2ms;jitter=10ms"
SHORT = "200;tokens=8"
EVENT = Row("event", "Streams", f"CPU per relayed event, {STREAMS} streams paced", "µs", 2, "event")
OTHER = Row("event_translated", "Streams", "the same, translated: Anthropic's API before"
            " OpenAI's", "µs", 2, "event")
FIRST = Row("first_token", "Streams", "added time to first token, 1 connection", "µs", 0, "event")
ROWS = [EVENT, OTHER, FIRST]


def seconds(options, fast, slow):
    paced = 2 * EVENTS * GAP_MS / 1000 * (0.5 if options.quick else 1) + 0.7
    return ((paced + options.seconds + 0.5) * ((fast + 1) * options.rounds + slow * 2)
            + paced * options.rounds)


def paced(world, running, dialect="openai"):
    """CPU per event of whole streams; each connection has two, one after the other."""
    count = STREAMS * (1 if world.options.quick else 2)
    seen = world.window(running, connections=STREAMS, requests=count, stream=True,
                        dialect=dialect)
    verify.window(running.name, seen)
    if seen.events != count * EVENTS:
        raise Broken(f"{running.name}: the provider sent {seen.events} events of {count * EVENTS}")
    return seen


def relay(world, field, book, number):
    for running in field.turns(number):
        try:
            seen = paced(world, running)
        except Broken as why:
            field.strike(running.name, ROWS, book, why)
            continue
        value = seen.cpu_s / seen.events * 1e6
        book.add(EVENT, running.name, number, value, **shares(seen))
        say(f"round {number + 1} event {running.name}: {value:.2f} µs, busy {seen.busy:.0%},"
            f" others {seen.others:.0%}")
        if running.name == "weir":
            seen = paced(world, running, "anthropic")
            book.add(OTHER, "weir", number, seen.cpu_s / seen.events * 1e6, **shares(seen))


def first_token(world, field, book, number):
    seen = {}
    for running in field.turns(number):
        try:
            seen[running.name] = world.window(running, seconds=world.options.seconds,
                                              connections=1, stream=True)
        except Broken as why:
            field.strike(running.name, [FIRST], book, why)
    direct = seen.pop("direct", None)
    for name, window in seen.items() if direct else ():
        book.add(FIRST, name, number, window.first_us - direct.first_us, **shares(window))


def run(world, peers, book):
    book.expect(ROWS)
    with contextlib.ExitStack() as stack:
        def check(peer, running):
            verify.answers(world, running, peer.exact, stream=True)

        field = Field(stack, world, peers, Job(world.mock), book, ROWS, check)
        for peer in peers:
            if peer.name != "weir":
                book.note(OTHER, peer.name, f"{peer.title}: translation is measured of weir only")
        for number in range(world.options.rounds):
            world.mock.script(PACED)
            relay(world, field, book, number)
            world.mock.script(SHORT)
            first_token(world, field, book, number)
        world.mock.script()

"""Who is served meanwhile, when requests that wait at a provider move all at once to one over TLS to which nothing is
open: how long a turn of weir's loop was, and how late the events of streams were."""

import crowd
from book import Row
from install import say
from machine import Broken

NAME, MOVED, GROUP = "stall", 1000, "While many move"
WAYS = {"plain HTTP": "plain", "TLS, HTTP/1.1": "tls", "TLS, HTTP/2": "http2"}


def rows_of(way):
    key = WAYS[way]
    return (
        Row(f"stall_{key}", GROUP, f"{MOVED:,} move over {way}: no turn of the loop was longer than, ms",
            "", 1, compared=False),
        Row(f"stall_late_{key}", GROUP, f"{MOVED:,} move over {way}: events of streams late, p99", "ms", 1,
            compared=False),
        Row(f"stall_last_{key}", GROUP, f"{MOVED:,} move over {way}: until the last was answered", "s", 2,
            compared=False))


def rounds(options):
    return min(3, options.rounds)


def seconds(options, fast, slow):
    return 4 * rounds(options) * 9


def run(world, peers, book):
    if "weir" not in [peer.name for peer in peers]:
        return
    found = {way: rows_of(way) for way in WAYS}
    book.expect([row for rows in found.values() for row in rows])
    for number in range(rounds(world.options)):
        for way in list(WAYS)[::1 if number % 2 == 0 else -1]:
            turn, late, last = found[way]
            try:
                seen = crowd.measure("weir", "moved", MOVED, world.cores, way)
            except Broken as why:
                book.note(turn, "weir", str(why))
                continue
            book.add(turn, "weir", number, float(seen["turn"].replace("+Inf", "inf")) * 1000)
            book.add(late, "weir", number, seen["p99"])
            book.add(last, "weir", number, seen["last_s"])
            say(f"round {number + 1} {turn.key}: turn {seen['turn']} s, late {seen['p99']:.1f} ms")
        late = found["TLS, HTTP/2"][1]
        alone = crowd.measure("direct", "moved", MOVED, world.cores, "TLS, HTTP/2")
        book.add(late, "direct", number, alone["p99"])

"""Taking turns: each round meets everybody once, every other round in reverse order, so that
what changes with time meets all."""

import collections
import contextlib

from install import Skipped, say
from machine import Broken
from peers.base import Direct

SLOW_ROUNDS, STRIKES = 2, 3


class Field:
    """The peers of a row, started for one job, all at rest but the one that is measured."""

    def __init__(self, stack, world, peers, job, book, rows, check=None):
        self.world, self.peers, self.running = world, {}, {}
        self.strikes, self.slow_rounds = collections.Counter(), SLOW_ROUNDS
        for peer in peers:
            try:
                running = self.have(stack, peer, job)
                running.wake()
                if check:
                    check(peer, running)
                running.rest()
            except (Skipped, Broken) as why:
                say(f"{peer.name} is left out of {rows[0].group}: {why}")
                for row in rows:
                    book.note(row, peer.name, f"{peer.title}: {why}")
                continue
            self.peers[peer.name], self.running[peer.name] = peer, running
        self.running = {"direct": Direct(job.mock), **self.running}

    def have(self, stack, peer, job):
        """Started for this job, or still there since an earlier row."""
        kept = self.world.kept.get((peer.name, job))
        if isinstance(kept, Broken):
            raise kept  # once is enough
        if kept and kept.process.poll() is None:
            return kept
        keeper = self.world.stack if job.mock is self.world.mock else stack
        with contextlib.ExitStack() as trial:
            try:
                running = peer.start(trial, job)
            except Broken as why:
                self.world.kept[peer.name, job] = why
                raise
            keeper.push(trial.pop_all())
            keeper.callback(running.wake)  # whoever rests cannot end
        if keeper is self.world.stack:
            self.world.kept[peer.name, job] = running
        return running

    def strike(self, name, rows, book, why):
        """A measurement that is none. Whoever does it too often is left out."""
        say(str(why))
        self.strikes[name] += 1
        if self.strikes[name] == STRIKES:
            say(f"{name} is left out of the rest")
            self.running.pop(name)
        for row in rows:
            book.note(row, name, str(why))  # shown where no round had a number

    def turns(self, number, only=None):
        """Who is measured in this round, in its order, awake while it is its turn."""
        names = [n for n in self.running if only is None or n in only]
        for name in names if number % 2 == 0 else reversed(names):
            running = self.running.get(name)
            if not running or self.is_slow(name) and number >= self.slow_rounds:
                continue
            running.wake()
            try:
                yield running
            finally:
                running.rest()

    def is_slow(self, name):
        return name in self.peers and self.peers[name].slow


def shares(seen):
    return {name: round(value, 4) for name, value in seen._asdict().items()}

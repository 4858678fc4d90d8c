"""What a peer is: how it is had, started and asked."""

import collections
import signal
import contextlib
import os

from machine import family, listens, start, wait_for

# mock: the providers; first_ms: how long the first one may take to answer; health: failing
# targets are set aside, as one would configure it; else each request tries the first one;
# connect_ms: how long a connection may take, TLS and all.
Job = collections.namedtuple("Job", "mock first_ms health connect_ms",
                             defaults=(60000, False, 3000))


class Running:
    """A peer at an address. `headers` and the body's `fields` are what it must be asked with."""

    is_direct = False

    def __init__(self, name, address, process, headers=None, fields=None, mock=None, log=None):
        self.name, self.address, self.process = name, address, process
        self.headers, self.fields, self.mock, self.log = headers or {}, fields or {}, mock, log

    def pids(self):
        return family(self.process.pid)

    def signal(self, which):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)

    def rest(self):
        """Whoever is not measured does nothing beside the one who is."""
        self.signal(signal.SIGSTOP)

    def wake(self):
        self.signal(signal.SIGCONT)
        if self.log:
            with contextlib.suppress(OSError):
                os.truncate(self.log, 0)


class Direct(Running):
    """The control: the load straight at the provider."""

    is_direct = True

    def __init__(self, mock):
        super().__init__("direct", mock.alpha, mock.process, mock=mock)

    def rest(self):
        pass


class Peer:
    """name; title; slow: takes part in two rounds, with less load; exact: its answers are the
    provider's bytes; cannot: what it cannot do or is not configured for, with the reason."""

    slow = False
    exact = True
    start_s = 30
    only = None  # the rows it takes part in, where not in all
    holds = None  # at most so many requests, and so many new ones a second; as they come

    def __init__(self, world, install):
        self.world, self.install = world, install
        self.cannot = {}
        self.program = self.find()

    def run(self, stack, argv, address, **kwargs):
        """Started on the proxy's core, and listening."""
        process = start(stack, argv, self.world.cores.proxy, **kwargs)
        wait_for(process, f"{self.name} starts", lambda: listens(address), self.start_s, 0.001)
        return process

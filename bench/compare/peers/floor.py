"""The floor: libuv and llhttp that carry requests and do nothing else (floor.c)."""

import os

from install import Skipped
from machine import free_address
from peers.base import Peer, Running
from world import ROOT


class Floor(Peer):
    name, title = "floor", "bare libuv"
    only = ("cpu",)

    def find(self):
        program = ROOT / "build/release/bench-floor"
        if not os.access(program, os.X_OK):
            raise Skipped("it is not built: `ninja -C build/release bench-floor`")
        return program

    def version(self):
        return "bare libuv: floor.c"

    def start(self, stack, job, wrap=()):
        address = free_address()
        process = self.run(stack, [*wrap, self.program, address, job.mock.alpha], address)
        return Running(self.name, address, process, mock=job.mock)

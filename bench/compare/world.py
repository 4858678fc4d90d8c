"""What every measurement needs: programs, cores, providers, a folder, the load."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from machine import Broken, Cores, as_child, cpu_s, machine_busy_s, raise_file_limit
from mock import KEY, Mock, chat, difference

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SLACK_S = 40  # of one load run beyond its time
GONE = 0.05  # of the requests may still be owed when a run's time is up

# us: CPU of the proxy (of the provider, for `direct`) per request; busy: its share of a core;
# load: the load tester's; others: CPU of programs that are none of ours, a share of all cores.
Window = collections.namedtuple("Window", "us rps p50_us p99_us first_us events busy load others"
                                " requests alpha beta accepted cpu_s")


def program(name, variable):
    return pathlib.Path(os.environ.get(variable) or ROOT / "build/release" / name)


class World:
    def __init__(self, stack, options):
        self.stack, self.options = stack, options
        self.weir, self.bench = program("weir", "WEIR"), program("weir-bench", "WEIR_BENCH")
        for path in (self.weir, self.bench):
            if not os.access(path, os.X_OK):
                sys.exit(f"compare: no program {path}: `tools/run version && ninja -C build/release"
                         " weir-bench` builds it, or name one in $WEIR and $WEIR_BENCH")
        self.files = raise_file_limit()
        self.cores = Cores()
        self.folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="weir-compare-", ignore_cleanup_errors=True)))
        self.folder.chmod(0o755)
        self.mock = Mock(stack, self.weir, self.cores.load)
        self.bodies = {}
        self.kept = {}  # (peer, job): running, as long as the world; or why it does not

    def new_folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        folder.chmod(0o755)
        return folder

    def body_file(self, size, stream, fields):
        key = size, stream, json.dumps(fields, sort_keys=True)
        if key not in self.bodies:
            self.bodies[key] = self.folder / f"body-{len(self.bodies)}.json"
            self.bodies[key].write_bytes(chat(size, stream, **fields))
        return self.bodies[key]

    def load_argv(self, running, size, stream, dialect="openai"):
        argv = [self.bench, "-q", "--json", "--key", KEY, "--dialect", dialect,
                "--timeout", "30s", "--verify", "nonce"]
        for name, value in running.headers.items():
            argv += ["-H", f"{name}: {value}"]
        if dialect == "openai":
            argv += ["--body", self.body_file(size, stream, running.fields)]
        else:
            argv += ["-m", "gpt-4o", "--stream", "1" if stream else "0"]
        return argv

    def load(self, running, *, connections=64, rate=None, arrival="poisson", seconds=None,
             requests=None, size=1024, stream=False, dialect="openai", cores=None):
        """One run of weir-bench, on the load's cores or others. Every answer must be right, or there is no measurement."""
        argv = self.load_argv(running, size, stream, dialect)
        argv += ["--rate", f"{rate:.0f}", "--arrival", arrival] if rate else [
            "-c", str(connections)]
        argv += ["-n", str(requests)] if requests else [
            "-d", f"{round(seconds * 1000)}ms", "--warmup", "0"]
        argv += ["--drain", "20s", f"http://{running.address}"]
        try:
            run = subprocess.run([str(a) for a in argv], capture_output=True, text=True,
                                 preexec_fn=lambda: as_child(cores or self.cores.load),
                                 timeout=(seconds or 10) + SLACK_S)
            shown = json.loads(run.stdout)
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise Broken(f"{running.name}: no result of the load: {error}") from error
        wrong = {k: n for k, n in shown["outcomes"].items() if n and k != "ok"}
        if wrong or not shown["done"]:
            raise Broken(f"{running.name}: {shown['done']} requests done, failed: {wrong}")
        return shown

    def window(self, running, **how):
        """The same, with what it cost; after a few requests that fill pools and caches."""
        if how.get("rate"):
            self.load(running, **{**how, "seconds": 0.2})
        elif not how.get("stream"):
            few = how.get("connections", 64)
            self.load(running, **{**how, "seconds": None, "requests": 2 * few + 20})
        pids, ours = running.pids(), os.times()
        mock = running.mock or self.mock

        def now():
            return cpu_s(pids), cpu_s([mock.process.pid]), machine_busy_s(), time.monotonic()

        stats, before = mock.stats(), now()
        shown = self.load(running, **how)
        after, books = now(), difference(stats, mock.stats())
        cpu, provider, busy, wall = (b - a for a, b in zip(before, after))
        load = sum(os.times()[:4]) - sum(ours[:4])  # the load tester is our child and has ended
        known = provider + load + (0 if running.is_direct else cpu)
        latency, first = shown["latency_ms"], shown["first_token_ms"] or {}
        return Window(
            cpu / shown["sent"] * 1e6, shown["per_second"], latency["p50"] * 1000,
            latency["p99"] * 1000, first.get("p50", 0) * 1000,
            sum(v["tokens"] for v in books.values()), cpu / wall, load / wall,
            max(0, (busy - known) / wall / os.cpu_count()), shown["sent"],
            books["alpha"]["hits"], books["beta"]["hits"],
            sum(v["accepted"] for v in books.values()), cpu)


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

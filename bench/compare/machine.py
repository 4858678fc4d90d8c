"""Processes and cores, and what the kernel counts of them."""

import contextlib
import ctypes
import os
import pathlib
import platform
import re
import resource
import signal
import socket
import subprocess
import time

START_S, STOP_S = 30, 3
LIBC, PR_SET_PDEATHSIG = ctypes.CDLL(None), 1


class Broken(Exception):
    """Something that must not happen did: there is no measurement."""


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


# ---- what the kernel counts ----

def family(pid):
    children = " ".join(read(f) for f in pathlib.Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid] + [one for child in children.split() for one in family(int(child))]


def cpu_s(pids):
    """User and system time of all their threads, to the nanosecond where the scheduler tells,
    else in ticks."""
    total = 0.0
    for pid in pids:
        threads = [read(f).split() for f in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")]
        if threads and all(threads):
            total += sum(int(thread[0]) for thread in threads) / 1e9
            continue
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if fields:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def machine_busy_s():
    fields = [int(f) for f in read("/proc/stat").splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def resident_kb(pids):
    """What is theirs alone, and what they share counted once."""
    private, shared = 0, [0]
    for pid in pids:
        found = {name: int(kb) for name, kb in re.findall(
            r"(?m)^(\w+):\s+(\d+) kB", read(f"/proc/{pid}/smaps_rollup"))}
        own = found.get("Private_Clean", 0) + found.get("Private_Dirty", 0)
        private += own
        shared.append(found.get("Rss", 0) - own)
    return private + max(shared)


def description():
    cpu = re.search(r"(?m)^model name\s*: (.*)", read("/proc/cpuinfo"))
    system = re.search(r'(?m)^PRETTY_NAME="(.*)"', read("/etc/os-release"))
    return (f"{os.cpu_count()} cores of {cpu[1] if cpu else platform.machine()},"
            f" Linux {platform.release()}, {system[1] if system else 'unknown system'}")


# ---- cores ----

class Cores:
    """The proxy has one core, load and providers the others; nothing is pinned where there
    is one core only."""

    def __init__(self):
        usable = sorted(os.sched_getaffinity(0))
        self.load = set(usable[:-1]) if len(usable) > 1 else None
        self.proxy = {usable[-1]} if len(usable) > 1 else None

    def __str__(self):
        if not self.proxy:
            return "nothing is pinned, there is one core: ratios are worth little"
        load = ",".join(map(str, sorted(self.load)))
        return f"proxy on core {min(self.proxy)}, load and provider on {load}"


def first(pids):
    """Before whatever else the machine does; where that is allowed. Not by SCHED_RR: who fills a core
    so is stopped for 50 ms in every second, and 5,000 handshakes fill one."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, -20)


# ---- processes ----

def raise_file_limit():
    """As many descriptors as we may have; children inherit it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def end(process, seconds=STOP_S):
    """Asked, then killed. Not by process.wait(): its lock may be held for ever by a poll() that
    a signal cut short."""
    for which in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, which)
        until = time.monotonic() + (0 if which == signal.SIGCONT else seconds)
        while time.monotonic() < until:
            if reaped(process):
                return
            time.sleep(0.005)


def reaped(process):
    with contextlib.suppress(ChildProcessError):
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if not pid:
            return False
        process.returncode = os.waitstatus_to_exitcode(status)
    return True


def as_child(cores):
    """Pinned, and never left behind when we are killed ourselves."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if cores:
        os.sched_setaffinity(0, cores)


def start(stack, argv, cores=None, **kwargs):
    """A process that ends with the stack: asked first, then killed. Only ever its own."""
    process = subprocess.Popen([str(arg) for arg in argv], preexec_fn=lambda: as_child(cores),
                               stdin=subprocess.DEVNULL, **kwargs)
    stack.callback(end, process)
    return process


def wait_for(process, what, look, seconds=START_S, pause=0.02):
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        found = look()
        if found:
            return found
        time.sleep(pause)
    raise Broken(f"{what}: not within {seconds} s" if process.poll() is None
                 else f"{what}: it ended")


def listens(address):
    host, port = address.rsplit(":", 1)
    with contextlib.suppress(OSError):
        socket.create_connection((host, int(port)), 1).close()
        return True
    return False


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % s.getsockname()[1]


def first_line(argv):
    try:
        run = subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    lines = [line for line in run.stdout.splitlines() if line.strip()]
    return lines[0].split("Copyright")[0].strip() if lines else "?"

"""Do the tests hold the policy? Makes mutants of src/policy, one small fault each, and runs the
tests of the policy and of its machine on every one of them: a test that fails, crashes or hangs
has killed it.

usage: run.py [--all] [--jobs N] [--only TEXT] [--list]

Without --all a fixed sample. Each mutant that survives is a line; the last says how many were
killed. Exit 1 below 90 %. What cannot be told from the original is in equivalent.txt, with the
reason; what does not compile, or compiles to the same code, is no mutant."""

import argparse
import concurrent.futures
import pathlib
import queue
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

import mutate

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SAMPLE, LEAST_PERCENT = 64, 90
CODE = ["outcome", "failover", "walk", "flight", "verdict", "health", "breaker", "budget", "limits",
        "balance", "latency", "plan", "backoff"]
CONSTANTS = ["plan", "health", "breaker", "budget", "limits", "balance", "latency"]
# Unit tests, and whose mutants can reach them; those of tests/sim are reached by all.
UNITS = {
    "balance": ["balance", "latency", "health"],
    "breaker": ["breaker"],
    "breaker_probes": ["breaker"],
    "budget": ["budget"],
    "flight": ["flight", "walk"],
    "keys": ["health"],
    "latency": ["latency"],
    "leave": ["health", "breaker", "limits", "latency"],
    "limits": ["limits"],
    "outcome": ["outcome", "verdict", "plan", "backoff"],
    "pass": ["health", "outcome", "breaker"],
    "walk": ["walk", "health"],
}
# No warnings; nothing is left to chance that a missing assignment or another bound leaves.
FLAGS = ["-std=gnu17", "-O1", "-w", "-fPIC", "-D_GNU_SOURCE", "-Isrc", "-Itests"]
STRICT = ["-ftrivial-auto-var-init=pattern", "-fsanitize=undefined",
          "-fsanitize-undefined-trap-on-error"]
# So many worlds are enough to tell a mutant, and do not take all day.
FEWER = [(r"\bWORLDS = \d+", "WORLDS = 3000"), (r"\bSTREAMS = \d+", "STREAMS = 4000")]


def arguments():
    parser = argparse.ArgumentParser(description="mutants of src/policy")
    parser.add_argument("--all", action="store_true", help="every mutant, not the sample")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants whose key contains this")
    parser.add_argument("--list", action="store_true", help="name them, run nothing")
    parser.add_argument("--cc", default="cc")
    return parser.parse_args()


def all_mutants():
    headers = [path.read_text() for path in (ROOT / "src/policy").glob("*.h")]
    neighbours = mutate.enumerators(headers)
    paths = [f"src/policy/{name}.c" for name in CODE] + \
        [f"src/policy/{name}.h" for name in CONSTANTS]
    return [m for path in paths
            for m in mutate.mutants_of(path, (ROOT / path).read_text(), neighbours)]


def equivalents():
    """Key to reason: a line each, `path | function | before | after`, the reason indented."""
    found, key = {}, None
    for line in (HERE / "equivalent.txt").read_text().splitlines():
        if line.startswith("    ") and key:
            found[key] = f"{found[key]} {line.strip()}".strip()
        elif line and not line.startswith("#"):
            key = line
            found[key] = ""
    return found


def chosen(mutants, known, args):
    """The sample is the same whatever else there is: it goes by each one's own text."""
    mutants = [m for m in mutants if args.only in m.key()]
    if args.all or args.only:
        return mutants
    mutants = [m for m in mutants if m.path.endswith(".c") and m.key() not in known]
    return sorted(mutants, key=lambda m: zlib.crc32(m.key().encode()))[:SAMPLE]


class Failed(Exception):
    pass


def limit():
    """A mutant that hangs or eats memory ends; one that aborts leaves no core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 26, 1 << 26))


class Bench:
    """A tree of its own with everything built: policy a shared object, the tests linked to it."""

    def __init__(self, folder, cc):
        self.root, self.cc = pathlib.Path(folder), cc.split()
        for name in ("src/base", "src/policy", "src/sim", "tests/sim", "tests/unit", "docs"):
            shutil.copytree(ROOT / name, self.root / name)
        shutil.copy(ROOT / "tests/test.h", self.root / "tests/test.h")
        (self.root / "tests/data").mkdir()
        (self.root / "build").mkdir()
        self.tests = self.find_tests()
        self.seconds = {}
        self.build()
        shutil.copytree(self.root / "build", self.root / "built")

    def find_tests(self):
        found = [self.root / f"tests/unit/test_{name}.c" for name in UNITS]
        found = [path for path in found if path.exists()]
        for path in sorted((self.root / "tests/sim").glob("test_*.c")):
            text = path.read_text()
            if re.search(r'"(rig|proofs)\.h"|"sim/(prove|scene)', text):  # many times as long
                continue
            for pattern, fewer in FEWER:
                text = re.sub(pattern, fewer, text)
            path.write_text(text)
            found.append(path)
        return {path.stem: path.relative_to(self.root) for path in found}

    def run(self, command, **more):
        done = subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
        if done.returncode:
            raise Failed(done.stderr.decode(errors="replace"))

    def compile(self, source):
        name = f"build/{str(source).replace('/', '_')}.o"
        strict = STRICT if str(source).startswith("src/policy") else []
        self.run([*self.cc, *FLAGS, *strict, "-c", str(source), "-o", name])
        return name

    def link_policy(self):
        self.run([*self.cc, "-shared", "-o", "build/libpolicy.so", *self.objects.values()])

    def build(self):
        sources = sorted(p.relative_to(self.root) for folder in ("src/base", "src/policy")
                         for p in (self.root / folder).glob("*.c"))
        self.objects = {str(source): self.compile(source) for source in sources}
        self.link_policy()
        world = self.compile(pathlib.Path("src/sim/world.c"))
        for name, source in self.tests.items():
            self.run([*self.cc, "-o", f"build/{name}", self.compile(source), world,
                      "build/libpolicy.so", "-Wl,-rpath,$ORIGIN"])

    def passes(self, name, seconds):
        try:
            self.run([f"build/{name}"], timeout=seconds, preexec_fn=limit,
                     env={"WEIR_TEST_DATA": "tests/data"})
        except (Failed, subprocess.TimeoutExpired):
            return False
        return True

    def measure(self):
        """The unmutated tests must pass; the quick ones go first, and set their time."""
        for name in self.tests:
            began = time.monotonic()
            if not self.passes(name, 300):
                raise Failed(f"{name} fails on the policy as it is")
            self.seconds[name] = time.monotonic() - began

    def killer(self, mutant):
        """The test that notices, or None."""
        stem = pathlib.Path(mutant.path).stem
        own = {f"test_{name}" for name, reach in UNITS.items() if stem in reach}
        away = {f"test_{name}" for name in UNITS} - own if mutant.path.endswith(".c") else ()
        order = sorted(self.seconds, key=lambda name: (name not in own, self.seconds[name]))
        for name in [name for name in order if name not in away]:
            if not self.passes(name, 5 + 10 * self.seconds[name]):
                return name
        return None

    def try_mutant(self, mutant):
        """"no code", "same code", the test that killed it, or None."""
        path, text = self.root / mutant.path, (ROOT / mutant.path).read_text()
        path.write_text(mutant.apply(text))
        try:
            if path.suffix == ".h":
                self.build()
            else:
                before = (self.root / self.objects[mutant.path]).read_bytes()
                self.compile(mutant.path)
                if (self.root / self.objects[mutant.path]).read_bytes() == before:
                    return "same code"
                self.link_policy()
        except Failed:
            self.restore(mutant, text)
            return "no code"
        try:
            return self.killer(mutant)
        finally:
            self.restore(mutant, text)

    def restore(self, mutant, text):
        (self.root / mutant.path).write_text(text)
        shutil.rmtree(self.root / "build")
        shutil.copytree(self.root / "built", self.root / "build")


def show(mutant):
    where = f"{mutant.path}:{mutant.line}"
    return f"{where}: {mutant.what}: `{mutant.before}` -> `{mutant.after}`"


def judge(mutants, args):
    """(mutant, verdict) of each, as they come."""
    benches = queue.Queue()
    with tempfile.TemporaryDirectory(prefix="weir-mutants-") as folder:
        for n in range(args.jobs):
            bench = Bench(f"{folder}/{n}", args.cc)
            bench.measure()
            benches.put(bench)

        def one(mutant):
            bench = benches.get()
            try:
                return mutant, bench.try_mutant(mutant)
            finally:
                benches.put(bench)

        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            yield from pool.map(one, mutants)


def main():
    args = arguments()
    known, mutants = equivalents(), all_mutants()
    keys = {m.key() for m in mutants}
    wrong = [f"equivalent.txt: no such mutant: {key}" for key in known if key not in keys]
    picked = chosen(mutants, known, args)
    if args.list:
        print("\n".join(m.key() for m in picked))
        return 0
    killed = total = 0
    for mutant, verdict in judge(picked, args):
        if verdict in ("no code", "same code"):
            continue
        if mutant.key() in known:
            if verdict:
                wrong.append(f"equivalent.txt: {verdict} kills {show(mutant)}")
            continue
        total += 1
        killed += verdict is not None
        if verdict is None:
            print(f"# survived: {show(mutant)}", flush=True)
    for line in wrong if args.all else []:
        print(f"# {line}")
    percent = 100 * killed // total if total else 0
    bad = percent < LEAST_PERCENT or (args.all and wrong)
    print("1..1")
    print(f"{'not ok' if bad else 'ok'} 1 - mutants: {killed} of {total} killed ({percent} %)")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())

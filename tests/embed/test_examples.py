"""Every program in examples/ does what it says, with simulated providers of which the first fails."""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
weir, library, *programs = sys.argv[1:]
programs = {os.path.basename(path).removeprefix("example_"): path for path in programs}
CONFIG = """
providers:
  alpha: {{ dialect: openai, base_url: "{alpha}/v1" }}
  beta:  {{ dialect: openai, base_url: "{beta}/v1" }}
  slow:  {{ dialect: openai, base_url: "{slow}/v1" }}
chains:
  story:  {{ retries: 0, steps: [ alpha/one, beta/two ] }}
  quotes: {{ retries: 0, steps: [ alpha/one, beta/two ] }}
  long:   {{ retries: 0, steps: [ slow/one ] }}
"""
USAGE = {"ASAN_OPTIONS": "detect_leaks=0"}  # who is told how to use it just leaves
results = []


def check(name, good, detail=""):
    results.append(bool(good))
    print(("ok" if good else "not ok"), len(results), "-", name)
    if not good:
        print("#", str(detail).replace("\n", "\n# "))


def run(name, *arguments, **env):
    done = subprocess.run([programs[name], *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **env})
    return done.returncode, done.stdout, done.stderr


def run_python(name, *arguments):
    """In a Python of its own; where the library has sanitizers, they must come first."""
    preload = [line.split()[2] for line in subprocess.run(["ldd", library], capture_output=True,
               text=True).stdout.splitlines() if re.search(r"lib[au]s?b?san\.so", line)]
    libuv = [line.split()[2] for line in subprocess.run(["ldd", library], capture_output=True,
             text=True).stdout.splitlines() if "libuv.so" in line]
    env = {**os.environ, "LIBWEIR": library, "LD_PRELOAD": " ".join(preload),
           "ASAN_OPTIONS": "detect_leaks=0"}  # Python's own
    env.update({"LIBUV": libuv[0]} if libuv else {})
    done = subprocess.run([sys.executable, os.path.join(ROOT, "examples", name), *arguments],
                          capture_output=True, text=True, timeout=60, env=env)
    return done.returncode, done.stdout, done.stderr


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_chat(path):
    code, out, err = run("chat", path, "story", "hello nonce=embed-1")
    check("chat prints the second provider's answer", code == 0 and "beta embed-1: tok0" in out,
          out + err)
    check("chat tells the fallback", re.search(r"whole: alpha/one;503;.*beta/two;200;ok;", err), err)
    code, out, err = run("chat", path, "nobody", "hello")
    check("chat shows what weir says to an unknown chain", code == 0 and "model_not_found" in out,
          out + err)
    bad = path + ".bad"
    with open(bad, "w") as file:
        file.write("chains: { c: { steps: [ nobody/m ] } }\n")
    code, out, err = run("chat", bad, "c", "hello", **USAGE)
    check("chat tells what is wrong with its configuration",
          code == 2 and "error[" in err and "nobody" in err, err)


def test_stream(path):
    code, out, err = run("stream", path, "story", "hello nonce=s1")
    check("stream prints words", code == 0 and re.search(r"beta s1: tok0 tok1 tok2", out), out + err)
    child = subprocess.Popen([programs["stream"], path, "long", "hello"], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = child.stdout.read(10)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    check("stream is cancelled by ^C, and ends cleanly",
          first and child.returncode == 1 and "[cut: slow/one" in err, first + out + err)


def test_many(path):
    code, out, err = run("many", path, "story", "50", "50")
    check("many are answered", code == 0 and "50 started, 50 answered, 0 cancelled" in out, out + err)
    code, out, err = run("many", path, "long", "50", "0")
    check("none is answered before its time", code == 0 and "50 started, 50 answered" in out,
          out + err)
    code, out, err = run("many", path, "story", "200", "5")
    found = re.search(r"200 started, (\d+) answered, (\d+) cancelled", out)
    check("many are cancelled when enough are answered",
          code == 0 and found and int(found[1]) >= 5 and int(found[1]) + int(found[2]) == 200,
          out + err)


    code, out, err = run("many", path, "x" * 600, "3", "3")
    check("many starts none whose body has no room", code == 1 and "0 started" in out and
          "could not be started" in err, out + err)


def test_observer(urls):
    code, out, err = run("observer", "c", f"alpha/one={urls['alpha']}/v1",
                         f"beta/two={urls['beta']}/v1")
    check("observer tells each attempt and the fallback", code == 0 and re.search(
        r"call 1: alpha/one answered 503, overloaded.*\nfallback: alpha/one -> beta/two, because "
        r"overloaded\ncall 2: beta/two answered 200, ok.*\nreq_\w+: failed_over by beta/two, 2 calls",
        out), out + err)
    code, out, err = run("observer", "c", "alpha/one=nonsense")
    check("observer hears what is wrong with its calls", code == 2 and "base_url" in err, out + err)
    for name, arguments in (("nothing", []), ("a name too long", ["c" * 600, "alpha/one=http://h"])):
        code, out, err = run("observer", *arguments)
        check(f"observer with {name} says how to use it", code == 2 and not out and
              err == "usage: observer CHAIN TARGET=URL...\n", out + err)


def test_existing(path):
    code, out, err = run("existing", path, "story")
    beats = [int(n) for n in re.findall(r"(\d+)(?=:| beats)", out)]
    check("existing goes on after weir has gone",
          code == 0 and re.search(r"answered, alpha/one;503;.*\n.*weir has gone\n", out) and
          "loop clean" in out and beats[-1] >= beats[-2] + 3, out + err)
    code, out, err = run("existing", path + ".nothing", "story", **USAGE)
    check("existing tells what is wrong with its configuration, and goes on",
          code == 1 and ".nothing" in err and "beats, loop clean" in out, out + err)
    code, out, err = run("existing", path, "x" * 600)
    check("existing has no room for such a chain", code == 2 and "usage" in err, out + err)


def test_service(path):
    port = free_port()
    child = subprocess.Popen([programs["service"], path, str(port)], stderr=subprocess.PIPE, text=True)
    said, until = b"", time.monotonic() + 30
    while not said and time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
                while piece := s.recv(4096):
                    said += piece
        except ConnectionRefusedError:
            time.sleep(0.05)
    check("service answers who connects", b'"text":"beta' in said, said)
    code, _, err = run("service", path, str(port))
    check("service says that its port is taken", code == 1 and str(port) in err and "in use" in err,
          err)
    hasty = socket.create_connection(("127.0.0.1", port), timeout=30)
    hasty.close()
    waiting = socket.create_connection(("127.0.0.1", port), timeout=30)
    child.send_signal(signal.SIGTERM)
    err = child.communicate(timeout=60)[1]
    waiting.close()
    check("service ends cleanly", child.returncode == 0, str(child.returncode) + err)


def test_python(path):
    code, out, err = run_python("ask.py", path, "story", "hello nonce=py")
    check("ask.py prints the answer", code == 0 and "beta py: tok0" in out, out + err)
    check("ask.py leaves its loop clean", "200 from beta/two" in err and "loop clean" in err, err)
    code, out, err = run_python("ask.py", path, "nobody", "hello")
    check("ask.py shows an error as it came", code == 1 and "model_not_found" in out and
          "Traceback" not in err, out + err)
    code, out, err = run_python("ask.py", path)
    check("ask.py says how to use it", code == 1 and "CHAIN PROMPT" in err and
          "Traceback" not in err, err)
    code, out, err = run_python("ask.py", path + ".nothing", "story", "hello")
    check("ask.py says what is wrong", code == 1 and "ask.py: " in err and ".nothing" in err, err)


def test_table():
    with open(os.path.join(ROOT, "examples/README.md")) as file:
        rows = dict(re.findall(r"\| \[`(\w+\.\w+)`\]\(\w+\.\w+\) \| (\d+) \|", file.read()))
    lines = {}
    for name in sorted(os.listdir(os.path.join(ROOT, "examples"))):
        if name.endswith((".c", ".py")):
            with open(os.path.join(ROOT, "examples", name)) as file:
                lines[name] = str(len(file.readlines()))
    check("examples/README.md names all and counts their lines", rows == lines, (rows, lines))
    check("none is longer than 80 lines", all(int(n) <= 80 for n in lines.values()), lines)
    check("all are built", {n.split(".")[0] for n in lines if n.endswith(".c")} == set(programs),
          programs)


mock = subprocess.Popen([weir, "mock", "--vendor", "alpha", "--vendor", "beta", "--vendor", "slow",
                         "--script", "alpha=503", "--script", "slow=200;tokens=40;tps=100"],
                        stdout=subprocess.PIPE, text=True)
try:
    urls = {}
    while len(urls) < 3:
        word, name, url = mock.stdout.readline().split()
        urls[name] = url
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "weir.yaml")
        with open(path, "w") as file:
            file.write(CONFIG.format(**urls))
        for test in (test_chat, test_stream, test_many, test_existing, test_service, test_python):
            test(path)
    test_observer(urls)
    test_table()
finally:
    mock.send_signal(signal.SIGTERM)
    mock.wait(timeout=30)
check("the simulated providers end cleanly", mock.returncode == 0, str(mock.returncode))
print("1..%d" % len(results))
sys.exit(not all(results))

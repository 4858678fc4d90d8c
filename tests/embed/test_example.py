"""The example program asks a chain whose first provider is failing, on its own loop."""
import os
import signal
import subprocess
import sys
import tempfile

example, weir = sys.argv[1:3]
CONFIG = """
listen: 127.0.0.1:4000
providers:
  alpha: {{ dialect: openai, base_url: "{alpha}/v1" }}
  beta:  {{ dialect: openai, base_url: "{beta}/v1" }}
chains:
  story: {{ retries: 0, steps: [ alpha/one, beta/two ] }}
"""
results = []


def check(name, good, detail=""):
    results.append(good)
    print(("ok" if good else "not ok"), len(results), "-", name)
    if not good:
        print("#", detail.replace("\n", "\n# "))


mock = subprocess.Popen([weir, "mock", "--vendor", "alpha", "--vendor", "beta",
                         "--script", "alpha=503"], stdout=subprocess.PIPE, text=True)
try:
    urls = {}
    while len(urls) < 2:
        line = mock.stdout.readline()
        if not line:
            break
        word, name, url = line.split()
        urls[name] = url
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "weir.yaml")
        with open(path, "w") as file:
            file.write(CONFIG.format(**urls))
        run = subprocess.run([example, path, "story", "hello nonce=embed-1"],
                             capture_output=True, text=True, timeout=30)
        wrong = subprocess.run([example, path, "nobody", "hello"],
                               capture_output=True, text=True, timeout=30)
finally:
    mock.send_signal(signal.SIGTERM)
    mock.wait(timeout=30)

said = run.stdout + run.stderr
check("it ends well", run.returncode == 0, said)
check("the second provider's answer arrives whole", "beta embed-1: tok0" in run.stdout, said)
check("it says who answered", "200 application/json from beta/two" in run.stderr, said)
check("the trail shows the fallback", "alpha/one;503;overloaded;" in run.stderr and
      "beta/two;200;ok;" in run.stderr, said)
check("nothing is left on its loop", "loop closed: clean" in run.stderr, said)
check("an unknown chain is told apart", "404 application/json from nobody" in wrong.stderr,
      wrong.stdout + wrong.stderr)
check("the simulated providers end cleanly", mock.returncode == 0, str(mock.returncode))
print("1..%d" % len(results))
sys.exit(not all(results))

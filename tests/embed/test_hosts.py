"""Gateways come and go a thousand times and leave nothing; a host's own timer goes on in time."""
import re
import signal
import subprocess
import sys

weir, rounds, lateness = sys.argv[1:4]
ROUNDS, REQUESTS, AT_ONCE = 1000, 1000, 200
LATE_MAX_MS = 2000  # with sanitizers, on a machine that has much else to do; see docs/embedding.md
results = []


def check(name, good, detail=""):
    results.append(bool(good))
    print(("ok" if good else "not ok"), len(results), "-", name)
    if not good:
        print("#", str(detail).replace("\n", "\n# "))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    print("#", done.stdout.strip())
    return dict(re.findall(r"([a-z0-9]+) (-?[\d.]+)", done.stdout)), done.returncode, \
        done.stdout + done.stderr


mock = subprocess.Popen([weir, "mock", "--vendor", "alpha", "--vendor", "beta", "--vendor", "gamma",
                         "--script", "alpha=503", "--script", "beta=200;tokens=20",
                         "--script", "gamma=reset"], stdout=subprocess.PIPE, text=True)
try:
    urls = {}
    while len(urls) < 3:
        word, name, url = mock.stdout.readline().split()
        urls[name] = url + "/v1"
    for how in ("threads", "turns"):
        values, code, said = run(rounds, how, str(ROUNDS), urls["alpha"], urls["beta"])
        check(f"two gateways on two loops, in {how}, {ROUNDS} times: every request is answered",
              code == 0 and values.get("whole") == str(4 * ROUNDS), said)
        check(f"in {how}: every gateway is closed, every loop is empty",
              values.get("closed") == str(2 * ROUNDS) and values.get("dirty") == "0", said)
        check(f"in {how}: no descriptor and no block of memory is left",
              values.get("descriptors") == "0" and values.get("blocks") == "0", said)
    for what, url in (("503", urls["alpha"]), ("a reset", urls["gamma"])):
        values, code, said = run(lateness, str(REQUESTS), str(AT_ONCE), url, urls["beta"])
        check(f"{REQUESTS} requests fail over from {what}",
              code == 0 and values.get("whole") == values.get("fallbacks") == str(REQUESTS), said)
        check(f"meanwhile the host's timer goes on, past {what}",
              float(values.get("max", "inf")) < LATE_MAX_MS and int(values.get("beats", 0)) > 50, said)
finally:
    mock.send_signal(signal.SIGTERM)
    mock.wait(timeout=60)
print("1..%d" % len(results))
sys.exit(not all(results))

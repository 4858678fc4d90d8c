"""What these scripts share: TAP, and running something to its end."""

import subprocess
import sys

results = []


def check(name, good, detail=""):
    results.append(bool(good))
    print("ok" if good else "not ok", len(results), "-", name)
    if not good:
        print("#", str(detail)[-3000:].replace("\n", "\n# "))
    return bool(good)


def note(text):
    print("#", text)


def run(*command, **options):
    """Its exit status and all that it printed."""
    options.setdefault("timeout", 60)
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    return done.returncode, done.stdout


def finish():
    print(f"1..{len(results)}")
    sys.exit(not all(results) or not results)

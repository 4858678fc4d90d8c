"""What the Dockerfile says holds: its sources are there, it installs what the build asks for, and
the image it ends with runs as nobody special, without a shell."""

import json
import pathlib
import re
import sys

from tap import check, finish, run

weir, root = sys.argv[1], pathlib.Path(sys.argv[2])
lines = re.sub(r"\\\n", " ", (root / "Dockerfile").read_text()).splitlines()
steps = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
stages = []
for word, rest in steps:
    if word == "FROM":
        stages.append((rest, []))
    else:
        stages[-1][1].append((word, rest))
build, image = stages[0][1], dict(stages[-1][1])
shell = " ".join(rest for word, rest in build if word == "RUN")
ignored = (root / ".dockerignore").read_text().split()

check("the last stage begins with nothing", stages[-1][0] == "scratch", stages[-1][0])
for word, rest in build:
    for source in rest.split()[:-1] if word == "COPY" else []:
        check(f"COPY: {source} is here", (root / source).exists())
for tool in re.findall(r"tools/[\w-]+", shell):
    check(f"{tool} is here, and can be run", (root / tool).stat().st_mode & 0o111)
for path in re.findall(r"contrib/\S+", shell):
    check(f"{path} is here", (root / path).is_file())
check("what tools/setup fetches is fetched, not copied",
      {"subprojects/*/", "!subprojects/packagefiles"} <= set(ignored), ignored)
check("no repository and no build is copied", {".git", "build"} <= set(ignored), ignored)

installed = set(re.search(r" install((?:\s+[\w.+-]+)+)", shell)[1].split())
setup = (root / "tools/setup").read_text().split('[ "$goal" = test ]')[0]
# those that are deeper are for releases that have more
wanted = {name for line in re.findall(r"(?m)^\t\S.*\|\| echo (.+)", setup) for name in line.split()}
check("the build finds all that it asks for", wanted <= installed, wanted - installed)
check("and the certificates are installed there", "ca-certificates" in installed)

user = image.get("USER", "")
check("it runs as a user that is not root", re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), user)
check("which /etc/passwd knows", f":{user.split(':')[0]}:" in shell)
for word in ("ENTRYPOINT", "CMD"):
    check(f"{word} needs no shell", json.loads(image[word]))
entry = json.loads(image["ENTRYPOINT"])
check("the program is where it was put", f"/image{entry[0]}" in shell)
for words in (json.loads(image["CMD"]), json.loads(image["HEALTHCHECK"].split("CMD", 1)[1])[1:]):
    status, said = run(weir, words[0], "--help")
    check(f"weir {words[0]} takes {' '.join(words[1:])}",
          status == 0 and all(word in said for word in words if word.startswith("--")), said)
check("SIGTERM drains", image.get("STOPSIGNAL") == "SIGTERM")
finish()

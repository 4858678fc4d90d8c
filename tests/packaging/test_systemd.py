"""The unit: systemd accepts it, finds little to reach through it, and waits as long as weir drains."""

import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

from tap import check, finish, note, run

weir = pathlib.Path(sys.argv[1]).resolve()
contrib = pathlib.Path(sys.argv[2]).resolve() / "contrib"
unit = pathlib.Path(sys.argv[3]).read_text(encoding="utf-8")
EXPOSURE_TENTHS = 20
UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def setting(name):
    return re.findall(rf"^{name}=(.*)$", unit, re.M)


def seconds(text):
    return sum(float(n) * UNITS_S[u] for n, u in re.findall(r"([\d.]+)(ms|h|m|s)", text))


schema = json.loads(run(weir, "schema")[1])
drain = seconds(schema["properties"]["drain_timeout"]["default"])
stop = float(setting("TimeoutStopSec")[0])
check("it may take longer to stop than to drain", drain > 0 and stop >= drain + 20, f"{stop} {drain}")
check("whom a reload has replaced is not signalled", setting("KillMode") == ["mixed"])
commands = setting("ExecStart") + setting("ExecReload")
check("a start and a reload name the same file", len(commands) == 2 and all(
    command.endswith(" -c /etc/weir/weir.yaml") for command in commands), commands)
status, said = run(weir, "check", "--strict", "-c", contrib / "weir.yaml")
check("the configuration that comes with it is clean", status == 0, said)

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    here = re.sub(r"^(Exec\w+=)\S+/weir ", rf"\g<1>{weir} ", unit, flags=re.M)
    (folder / "weir.service").write_text(here, encoding="utf-8")
    sockets = ["weir.socket", "weir-admin.socket"]
    for name in sockets:
        shutil.copy(contrib / "systemd" / name, folder)
    if shutil.which("systemd-analyze"):
        status, said = run("systemd-analyze", "verify", "--man=no",
                           *(folder / name for name in ["weir.service", *sockets]))
        ours = [line for line in said.splitlines() if "weir" in line]
        check("systemd-analyze verify has nothing to say", status == 0 and not ours, said)
        status, said = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                           f"--threshold={EXPOSURE_TENTHS}", folder / "weir.service")
        level = re.search(r"exposure level for \S+: ([\d.]+)", said)
        check(f"systemd-analyze security finds at most {EXPOSURE_TENTHS / 10}",
              status == 0 and level and float(level[1]) <= EXPOSURE_TENTHS / 10, said[-300:])
    else:
        note("systemd-analyze is not installed here: the unit is neither verified nor rated")
    if shutil.which("systemd-sysusers") and shutil.which("systemd-tmpfiles") and os.geteuid() == 0:
        root = folder / "root"
        (root / "etc").mkdir(parents=True)
        said = run("systemd-sysusers", f"--root={root}", contrib / "systemd/weir.sysusers")[1]
        said += run("systemd-tmpfiles", f"--root={root}", "--create", contrib / "systemd/weir.tmpfiles")[1]
        user = re.search(r"^weir:[^:]*:(\d+):", (root / "etc/passwd").read_text(), re.M)
        check("sysusers.d makes its user", user, said)
        keys, log = root / "etc/weir/keys", root / "var/log/weir"
        check("tmpfiles.d makes a folder of keys for root alone, and one of logs for weir",
              keys.is_dir() and keys.stat().st_mode & 0o7777 == 0o700 and keys.stat().st_uid == 0 and
              user and log.stat().st_uid == int(user[1]) and log.stat().st_mode & 0o7777 == 0o750, said)
    else:
        note("no systemd-sysusers and systemd-tmpfiles here, or not root: not tried")
finish()

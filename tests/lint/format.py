"""The house style, as tools/format writes it."""

import re
import subprocess

from report import ROOT, Report, c_files

report = Report("format")
report.look(len(c_files("include", "src", "tests", "bench", "examples")))
run = subprocess.run([ROOT / "tools/format", "--check"], text=True, cwd=ROOT,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
if run.returncode != 0:
    places = re.findall(r"(?m)^(\S+?):(\d+):\d+: error", run.stdout)
    for path, line in dict(places).items():
        report.problem(path, line, f"not in the house style: run tools/format {path}")
    if not places:
        report.problem("tools/format", 1, run.stdout.strip().replace("\n", " / "))
report.finish()

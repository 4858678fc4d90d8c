"""Lock files name packages and hashes, never the registry of whoever wrote them."""

from report import ROOT, Report

report = Report("lock files")
for path in [ROOT / "tests/e2e/package-lock.json"]:
    report.look()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if '"resolved"' in line:
            report.problem(path, number, "names a registry: run npm install in this folder,"
                           " whose .npmrc leaves addresses out, after deleting the lock file")
report.finish()

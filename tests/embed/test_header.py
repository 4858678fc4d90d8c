"""weir.h compiles alone, without a warning, as C and as C++, and declares what it exports."""
import os
import subprocess
import sys
import tempfile

language, std, header = sys.argv[1:4]
compiler = {"c": os.environ.get("CC", "cc"), "cpp": os.environ.get("CXX", "c++")}[language]
suffix = {"c": ".c", "cpp": ".cc"}[language]
program = '#include "weir.h"\n#include "weir.h"\n' \
          'int main(void) { return weir_version() == 0; }\n'

with tempfile.TemporaryDirectory() as folder:
    source = os.path.join(folder, "alone" + suffix)
    with open(source, "w") as file:
        file.write(program)
    run = subprocess.run([compiler, "-std=" + std, "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                          "-fsyntax-only", "-I", os.path.dirname(header), source],
                         capture_output=True, text=True)
print("1..1")
for line in run.stderr.splitlines()[:20]:
    print("#", line)
print(("ok" if run.returncode == 0 else "not ok"), "1 - weir.h compiles as", std)
sys.exit(run.returncode != 0)

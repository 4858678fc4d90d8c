#!/usr/bin/env python3
"""generate.py WEIR WEIR-BENCH README FOLDER: writes the manual pages and the completions of shells,
all from what the two programs say of themselves."""

import pathlib
import sys

import completions
import helptext
import pages


def main():
    weir, bench, readme, folder = sys.argv[1:]
    top, commands, tester = helptext.programs(weir, bench)
    version = helptext.run(weir, "version").split()[1]
    example = pages.readme_example(pathlib.Path(readme).read_text(encoding="utf-8"))
    files = {
        "weir.1": pages.finished(pages.weir_page(top, commands, version)),
        "weir-bench.1": pages.finished(pages.bench_page(tester, version)),
        "weir.yaml.5": pages.finished(pages.yaml_page(pages.schema_of(weir), example, version)),
        "weir": completions.bash_weir(commands),
        "weir-bench": completions.bash_bench(tester),
        "_weir": completions.zsh(commands, tester),
        "weir.fish": completions.fish_weir(commands),
        "weir-bench.fish": completions.fish_bench(tester),
    }
    for name, lines in files.items():
        (pathlib.Path(folder) / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


main()

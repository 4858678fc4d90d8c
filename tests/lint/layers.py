"""Each file includes its own layer and those it stands on, the third-party headers of
its layer, and no circle of files that include each other."""

import re

from report import ROOT, Report, c_files, without_comments

# layer: what it may include of weir, what of third parties
LAYERS = {
    "base": ("", ""),
    "policy": ("base", ""),
    "wire": ("base", "hiredis llhttp nghttp2 yyjson"),
    "dialect": ("base policy/outcome.h policy/classify.h policy/retry_after.h policy/limits.h wire",
                "yyjson"),
    "trace": ("base dialect/pen.h", ""),
    "config": ("base policy dialect trace", "yaml yyjson"),
    "net": ("base wire/h2.h wire/end.h", "uv mbedtls ares"),
    "core": ("base policy wire dialect trace config net weir.h", "uv"),
    "mock": ("base wire net", "uv"),
    "bench": ("base wire dialect/tree.h net mock", "uv yyjson"),
    "sim": ("base policy", ""),
    "app": ("base config mock sim net/tls.h weir.h", "uv yyjson"),
}
THIRD_PARTY = {
    r"uv(\.h|/.*)": "uv",
    r"ares.*": "ares",
    r"(mbedtls|psa)/.*": "mbedtls",
    r"llhttp\.h": "llhttp",
    r"nghttp2/.*": "nghttp2",
    r"hiredis\.h": "hiredis",
    r"yyjson\.h": "yyjson",
    r"yaml\.h": "yaml",
}
# Time is an argument below core, so that the policy runs on a virtual clock.
NO_CLOCK = {"policy": {"time.h", "sys/time.h"}, "sim": {"time.h", "sys/time.h"}}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]')


def complaint(layer, quote, name):
    weir, third = (words.split() for words in LAYERS[layer])
    if quote == '"':
        top = name.split("/")[0]
        if top in (layer, *weir) or name in weir:
            return None
        if "/" not in name and name != "weir.h":
            return f'write the layer too: "{layer}/{name}"'
        return f"{layer} must not include {name}; it may include {' '.join([layer, *weir])}"
    library = next((lib for pat, lib in THIRD_PARTY.items() if re.fullmatch(pat, name)), None)
    if library and library not in third:
        return f"{layer} must not include <{name}>; of third parties it may: {third or 'none'}"
    if name in NO_CLOCK.get(layer, ()):
        return f"{layer} must not read a clock: take now_ms as an argument instead of <{name}>"
    return None


def circles(includes):
    """Each circle once, as the list of its files."""
    done, found = set(), []

    def walk(name, path):
        if name in path:
            found.append(path[path.index(name):] + [name])
        elif name not in done:
            for other in includes.get(name, {}):
                walk(other, path + [name])
            done.add(name)

    for name in includes:
        walk(name, [])
    return found


report = Report("layers")
includes = {}
for path in c_files("src"):
    name = path.relative_to(ROOT / "src")
    layer = name.parts[0]
    if layer not in LAYERS:
        report.problem(path, 1, f"src/{layer} is no layer: put the file into one of {[*LAYERS]}")
        continue
    report.look()
    mine = includes.setdefault(str(name), {})
    for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            text = complaint(layer, *found.groups())
            if text:
                report.problem(path, number, text)
            mine[found[2]] = number
for circle in circles(includes):
    line = includes[circle[0]][circle[1]]
    report.problem(f"src/{circle[0]}", line, f"files include each other: {' -> '.join(circle)};"
                   " move what both need into a third")
report.finish()

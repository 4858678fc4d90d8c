"""Manual pages, in the macros of man(7)."""

import json
import os
import pathlib
import re
import textwrap
import time

from helptext import run

FILES = {
    "./weir.yaml": "the configuration, when no other is named;",
    "/etc/weir/weir.yaml": "likewise, when that is not there.",
}
ENVIRONMENT = {
    "OPENAI_API_KEY, ANTHROPIC_API_KEY, ...": "Keys of well-known vendors; `weir check` names the "
    "variable it looked for.",
    "OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_*": "Where traces go, and how, as OpenTelemetry has it.",
    "SSL_CERT_FILE, SSL_CERT_DIR": "The certificates to trust, instead of the system's.",
    "NOTIFY_SOCKET, LISTEN_FDS, RUNTIME_DIRECTORY, CREDENTIALS_DIRECTORY": "What a service manager "
    "sets: see `sd_notify`(3) and `systemd.exec`(5).",
}
PLACES = {"`defaults`": "`defaults`", "a chain": "a chain", "a step": "a step",
          "a step with targets": "a step", "a target": "a target", "a provider": "a provider"}


def plain(text):
    """As it stands, with every hyphen one that can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)
    return re.sub(r"^([.'])", r"\\&\1", text)


def prose(text):
    """`code` in bold; what begins with hyphens is an option."""
    parts = re.split(r"(`[^`]*`)", text)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"\\fB{plain(part[1:-1])}\\fR"
        else:
            words = plain(part)
            parts[i] = re.sub(r"(?<=\w)\\-(?=\w)", "-", words)
    return re.sub(r"^([.'])", r"\\&\1", "".join(parts))


def code(lines):
    return [".PP", ".RS 4", ".nf", *(plain(line) or "\\&" for line in lines), ".fi", ".RE"]


def options(items):
    for item in items:
        flags = ", ".join(f"\\fB{plain(flag)}\\fR" for flag in item["flags"])
        value = f" \\fI{plain(item['value'])}\\fR" if item["value"] else ""
        yield from [".TP", flags + value, prose(item["says"]) or "\\&"]


def blocks(content, headings=False):
    for kind, what in content:
        if kind == "text":
            yield from [".PP", prose(what)]
        elif kind == "code":
            yield from code(what)
        elif kind == "head":
            yield f".SS {prose(what)}"
        else:
            yield from options(what)


def date():
    """Of the build where it says so, else of the documentation."""
    when = os.environ.get("SOURCE_DATE_EPOCH") or pathlib.Path(__file__).stat().st_mtime
    return time.strftime("%Y-%m-%d", time.gmtime(float(when)))


def finished(lines):
    """Short lines, as the macros have it, and no empty paragraph below a heading."""
    out, literal = [], False
    for line in lines:
        literal = line == ".nf" or (literal and line != ".fi")
        if line == ".PP" and out and out[-1].startswith((".SH", ".SS")):
            continue
        if literal or line.startswith("."):
            out.append(line)
            continue
        for part in textwrap.wrap(line, 78, break_long_words=False, break_on_hyphens=False):
            out.append(re.sub(r"^([.'])", r"\\&\1", part))
    return out


def head(name, section, version, does):
    return [f'.TH {name.upper()} {section} {date()} "weir {version}" "weir"', ".SH NAME",
            f"{plain(name)} \\- {prose(does)}"]


def synopsis(usage):
    return [".nf", *(re.sub(r"^(\s*)(weir[\w\\-]*(?: [a-z]+)?)", r"\1\\fB\2\\fR", plain(line))
                     for line in usage), ".fi"]


def definitions(items):
    for name, says in items.items():
        yield from [".TP", f"\\fB{plain(name)}\\fR", prose(says)]


def weir_page(top, commands, version):
    page = head("weir", 1, version, "a fallback-chain proxy for LLM providers")
    page += [".SH SYNOPSIS", *synopsis(top["usage"]), ".SH DESCRIPTION"]
    listed = False
    for kind, what in top["blocks"]:
        if kind == "code" and not listed:
            listed = True # the commands, which have their own section
            continue
        page += blocks([(kind, what)])
    page.append(".SH COMMANDS")
    for item in commands:
        page += [f".SS weir {item['name']}", prose(item["does"][:1].upper() + item["does"][1:] + ".")]
        page += [".PP", *synopsis(item["usage"]), *blocks(item["blocks"])]
    page += [".SH ENVIRONMENT", *definitions(ENVIRONMENT), ".SH FILES", *definitions(FILES)]
    page += [".SH SEE ALSO", "\\fBweir.yaml\\fR(5), \\fBweir\\-bench\\fR(1)"]
    return page


def bench_page(bench, version):
    page = head("weir-bench", 1, version, "loads an LLM gateway, and checks its answers")
    page += [".SH SYNOPSIS", *synopsis(bench["usage"]), ".SH DESCRIPTION"]
    body = list(blocks(bench["blocks"]))
    first = next(i for i, line in enumerate(body) if line.startswith(".SS"))
    last = max(i for i, line in enumerate(body) if line == ".PP" and body[i + 1].startswith("Exit codes"))
    page += body[:first] + [".SH OPTIONS"] + body[first:last] + [".SH EXIT STATUS"] + body[last:]
    return page + [".SH SEE ALSO", "\\fBweir\\fR(1)"]


class Manual:
    """The schema, read aloud."""

    def __init__(self, schema):
        self.schema, self.places, self.maps = schema, {}, []

    def kind(self, node):
        """What may stand there; the maps among it are told later."""
        if "anyOf" in node:
            kinds = [self.kind(way) for way in node["anyOf"] if "$ref" not in way]
            kinds = [kind for i, kind in enumerate(kinds) if kind and kind not in kinds[:i]]
            ranged = [kind for kind in kinds if " from " in kind]
            kinds = [kind for kind in kinds if kind not in ("a whole number", "a number")] \
                if ranged else kinds
            return ", or ".join(kinds)
        if "enum" in node:
            return " | ".join(f"`{word}`" for word in node["enum"] if isinstance(word, str))
        if "if" in node:
            return "a map"
        kinds = node.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "string" in kinds:
            return node.get("title", "a text")
        if "integer" in kinds or "number" in kinds:
            return "a whole number" if "integer" in kinds else "a number"
        if "array" in kinds:
            return "a list"
        return "a map" if "object" in kinds else ""

    def walk(self, node, path):
        """The maps of known keys at and below a node, with where they stand."""
        for way in node.get("anyOf", []):
            self.walk(way, path)
        for way in ("then", "else"):
            if way in node:
                self.walk(node[way], path)
        if "items" in node:
            self.walk(node["items"], path + "[]")
        if isinstance(node.get("additionalProperties"), dict):
            self.walk(node["additionalProperties"], path + ".NAME")
        if "properties" in node:
            self.add(node, path)
            for name, value in node["properties"].items():
                self.walk(value, f"{path}.{name}".lstrip("."))

    def add(self, node, path):
        own = {}
        for name, value in node["properties"].items():
            if "$ref" not in value:
                own[name] = value
                continue
            places = self.places.setdefault(name, [])
            place = PLACES[node["title"]]
            if place not in places:
                places.append(place)
        if own:
            self.maps.append((path, node["title"], own, node.get("required", [])))

    def key(self, name, node, needed=False):
        kind, otherwise = self.kind(node), node.get("default")
        line = f"\\fB{plain(name)}\\fR" + (f": {prose(kind)}" if kind else "")
        says = node["description"] + (f" Default: `{otherwise}`." if otherwise is not None else "")
        return [".TP", line, prose(says + (" Needed." if needed else ""))]


def yaml_page(schema, example, version):
    manual = Manual(schema)
    manual.walk(schema, "")
    page = head("weir.yaml", 5, version, "the configuration of weir")
    page += [".SH DESCRIPTION",
             prose("One file in YAML. `weir check` says what is wrong with it, and what to write "
                   "instead; unknown keys are errors. `weir schema` prints the JSON Schema."), ".PP",
             prose("Durations are written `250ms`, `20s`, `2m` or `1h30m`, sizes `64KiB` or `32MiB`. In "
                   "any text `${VARIABLE}` stands for a variable of the environment, "
                   "`${VARIABLE:-DEFAULT}` for one that may be missing. A relative path begins at the "
                   "folder of the file."),
             ".SH EXAMPLE", *code(example)]
    seen = set()
    for path, title, keys, needed in manual.maps:
        if json.dumps([title, keys], sort_keys=True) in seen:
            continue
        seen.add(json.dumps([title, keys], sort_keys=True))
        page.append(".SH KEYS" if not path else f".SS {plain(path)}: {prose(title)}")
        for name, node in keys.items():
            page += manual.key(name, node, name in needed)
    page += [".SH SETTINGS", prose("These stand in several places, and the nearest one wins: a target's, "
                                   "its step's, its chain's, that of `defaults`.")]
    for name, places in manual.places.items():
        text = manual.key(name, schema["$defs"][name])
        page += [*text[:-1], text[-1] + " In " + prose(", ".join(places)) + "."]
    return page + [".SH SEE ALSO", "\\fBweir\\fR(1)"]


def readme_example(readme):
    """The first configuration that is shown there."""
    return next(block for block in re.findall(r"^```yaml\n(.*?)^```", readme, re.M | re.S)
                if "chains:" in block).rstrip().split("\n")


def schema_of(weir):
    return json.loads(run(weir, "schema"))

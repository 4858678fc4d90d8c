"""data/models.yaml as a C table: models.py IN OUT. Reads no more YAML than that file has: one map in
braces per model. What it does not understand stops the build, with its line."""

import re
import sys

EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
THINKS = ["unknown", "off", "asked", "on", "always"]
TRISTATE = {"off": "0", "on": "1", "unknown": "-1"}
ABILITIES = {"images": "WEIR_ABLE_IMAGES", "tools": "WEIR_ABLE_TOOLS", "json_schema": "WEIR_ABLE_SCHEMA",
             "image_urls": "WEIR_ABLE_IMAGE_URLS", "pdf": "WEIR_ABLE_PDF", "audio": "WEIR_ABLE_AUDIO",
             "system_turns": "WEIR_ABLE_SYSTEM_TURNS"}
FIELD = re.compile(r"[A-Za-z0-9_.\[\]-]+")


def count(text):
    return f"UINT64_C({int(text)})"


def dollars(text):
    whole, _, part = text.partition(".")
    return f"UINT64_C({int(whole) * 10**9 + int((part + '0' * 9)[:9])})"


def switch(text):
    return {"on": "true", "off": "false"}[text]


def string(text):
    if not re.fullmatch(r"[A-Za-z0-9_/]+", text):
        raise ValueError(text)
    return f'"{text}"'


def fields(words):
    for word in words:
        if not FIELD.fullmatch(word):
            raise ValueError(word)
    return '"' + ",".join(words) + '"'


def efforts(words):
    return " | ".join(f"1u << WEIR_EFFORT_{EFFORTS[EFFORTS.index(w)].upper()}" for w in words) or "0"


# key in the file: bit of what is said, member of weir_model_facts, how it is written
KEYS = {
    "context": ("CONTEXT", "context_tokens", count),
    "output": ("OUTPUT", "output_tokens", count),
    "input_price": ("INPUT_PRICE", "price_in", dollars),
    "output_price": ("OUTPUT_PRICE", "price_out", dollars),
    "cached_price": ("CACHED_PRICE", "price_cached", dollars),
    "prefill": ("PREFILL", "prefill", TRISTATE.__getitem__),
    "prefill_flag": ("PREFILL_FLAG", "prefill_flag", string),
    "prefill_path": ("PREFILL_PATH", "prefill_path", string),
    "thinks": ("THINKS", "thinks", lambda w: f"WEIR_THINKS_{THINKS[THINKS.index(w)].upper()}"),
    "thinks_long": ("THINKS_LONG", "thinks_long", switch),
    "thinks_with_tools": ("THINKS_WITH_TOOLS", "no_thinking_with_tools", {"on": "false", "off": "true"}.__getitem__),
    "thinking_budget": ("THINKING_BUDGET", "thinking_budget", switch),
    "effort": ("EFFORT", "efforts", efforts),
    "max_tokens": ("MAX_TOKENS", "max_tokens", string),
    "refuses": ("REFUSES", "refuses", fields),
    "refuses_thinking": ("REFUSES_THINKING", "refuses_thinking", fields),
    "one_of": ("ONE_OF", "one_of", fields),
}
LISTS = {"effort", "refuses", "refuses_thinking", "one_of"}
PAIR = re.compile(r"\s*([a-z_]+):\s*(\[[^\]]*\]|[^,\[\]{}]+?)\s*(?:,|$)", re.S)


def rows(text):
    """(line, name, text inside the braces) of each model."""
    text = re.sub(r"(?m)(^|\s)#.*$", "", text)
    body = re.match(r"\s*models:\s*\n", text)
    if not body:
        raise SystemExit("models.yaml:1: does not begin with `models:`")
    at = body.end()
    row = re.compile(r'\s*(?:"([^"]+)"|([^\s:"{}]+)):\s*\{([^{}]*)\}[ ]*\n')
    while text[at:].strip():
        found = row.match(text, at)
        line = text.count("\n", 0, at) + 1
        if not found:
            raise SystemExit(f"models.yaml:{line}: not NAME: {{ KEY: VALUE, … }}")
        yield line, found[1] or found[2], found[3].strip()
        at = found.end()


def read(text):
    models = {}
    for line, name, inside in rows(text):
        said, at = {}, 0
        while at < len(inside):
            pair = PAIR.match(inside, at)
            if not pair:
                raise SystemExit(f"models.yaml:{line}: {name}: not KEY: VALUE at {inside[at:at + 20]!r}")
            key, value, at = pair[1], pair[2], pair.end()
            if key == "like":
                said = {**models[value], **said}
            elif key in LISTS:
                said[key] = [w.strip() for w in value.strip("[]").split(",") if w.strip()]
            else:
                said[key] = value
        if name in models:
            raise SystemExit(f"models.yaml:{line}: {name} is there twice")
        models[name] = said
        try:
            yield name, said, written(said)
        except (KeyError, ValueError) as error:
            raise SystemExit(f"models.yaml:{line}: {name}: {error}")


def written(said):
    bits, members, able = [], [], {"can": [], "cannot": []}
    for key, value in said.items():
        if key in ABILITIES:
            able["can" if switch(value) == "true" else "cannot"].append(ABILITIES[key])
            continue
        bit, member, write = KEYS[key]
        bits.append(f"1u << WEIR_MODEL_{bit}")
        members.append(f".{member} = {write(value)}")
    members += [f".{side} = {' | '.join(names)}" for side, names in able.items() if names]
    return f"{' | '.join(bits) or '0'}, {{ {', '.join(members)} }}"


def main(source, target):
    with open(source, encoding="utf-8") as file:
        table = [f'\t{{ "{name}", {row} }},\n' for name, _, row in read(file.read())]
    with open(target, "w", encoding="utf-8") as file:
        file.write("/* Made by models.py from data/models.yaml. */\n" + "".join(table))


main(*sys.argv[1:])

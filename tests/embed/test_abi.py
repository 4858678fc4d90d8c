"""libweir's ABI is the one that is recorded; and what changes it is found, and called by its name."""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
loader = importlib.machinery.SourceFileLoader("abi", str(ROOT / "tools/abi"))
sys.dont_write_bytecode = True
abi = importlib.util.module_from_spec(importlib.util.spec_from_loader("abi", loader))
loader.exec_module(abi)

library, soname = sys.argv[1:3]
HEADER = (ROOT / "include/weir.h").read_text()
RECORDED = abi.RECORD.read_text().splitlines()
results = []


def check(name, good, detail=""):
    results.append(bool(good))
    print(("ok" if good else "not ok"), len(results), "-", name)
    if not good:
        print("#", str(detail).replace("\n", "\n# "))


def stub(header, folder):
    """A library that has the header's ABI and nothing in it."""
    text = re.sub(r"(?s)/\*.*?\*/", "", header)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"(?s)(?<!define )(WEIR_API [^;{]*?\));", r"\1 { __builtin_trap(); }", text)
    path = pathlib.Path(folder)
    (path / "weir.h").write_text(header)
    (path / "stub.c").write_text(text)
    flags = subprocess.run(["pkg-config", "--cflags", "libuv"], text=True,
                           stdout=subprocess.PIPE).stdout.split()
    subprocess.run([os.environ.get("CC", "cc"), "-g", "-shared", "-fPIC", "-fvisibility=hidden", "-w",
                    *flags, f"-Wl,-soname,{soname}", "-o", path / "stub.so", path / "stub.c"],
                   check=True)
    return abi.describe(path / "stub.so", path / "weir.h")


def changed(pattern, by):
    text, n = re.subn(pattern, by, HEADER, count=1)
    assert n == 1, pattern
    return text


# what is done to the header, what it must be found to be, what it must be said of
MUTANTS = [
    ("a function is removed", changed(r"WEIR_API void weir_request_resume\(.*\n", ""),
     "break", "gone: function weir_request_resume"),
    ("a field is moved", changed(r"(\tint status;[^\n]*\n)((?:.|\n)*?)(\tunsigned attempt;)", r"\2\1\3"),
     "break", "changed: struct weir_notice"),
    ("a field is inserted", changed(r"(\tconst char \*config_path;)", r"\tint early;\n\1"),
     "break", "changed: struct weir_gateway_options"),
    ("a field has another type", changed(r"\tuint64_t seed;", "\tunsigned seed;"),
     "break", "changed: struct weir_gateway_options"),
    ("a field has another name", changed(r"\tuint64_t seed;", "\tuint64_t seeds;"),
     "break", "changed: struct weir_gateway_options"),
    ("a struct that may not grow does", changed(r"(\tvoid \(\*on_done\).*?;\n)", r"\1\tint more;\n"),
     "break", "changed: struct weir_request_callbacks"),
    ("a parameter has another type", changed(r"weir_strerror\(int rc\)", "weir_strerror(long rc)"),
     "break", "changed: function weir_strerror"),
    ("a parameter is added", changed(r"(?<=void )weir_gateway_wake\(", "weir_gateway_wake(int hard, "),
     "break", "changed: function weir_gateway_wake"),
    ("a result has another type", changed(r"WEIR_API unsigned weir_version_hex", "WEIR_API uint64_t weir_version_hex"),
     "break", "changed: function weir_version_hex"),
    ("a callback has another type", changed(r"(now_ms\)\()void \*arg", r"\1int arg"),
     "break", "changed: struct weir_gateway_options"),
    ("a value is changed", changed(r"WEIR_ERR_TLS = -9004", "WEIR_ERR_TLS = -9006"),
     "break", "changed: enum weir_error_public"),
    ("a field is added at the end", changed(r"(\tvoid \(\*on_reload\).*?;\n)", r"\1\tint later;\n"),
     "addition", "changed: struct weir_gateway_options"),
    ("a value is added at the end", changed(r"(WEIR_NOTICE_END = 5)", r"\1, WEIR_NOTICE_MORE = 6"),
     "addition", "changed: enum weir_notice_kind"),
    ("a function is added", changed(r"(WEIR_API int weir_setup_chain)", r"WEIR_API int weir_new(int a);\n\1"),
     "addition", "new: function weir_new"),
    ("an initializer says something else", changed(r"(_options\), 0, 0)(, 0)", r"\1, 1"),
     "break", "changed: macro WEIR_GATEWAY_OPTIONS_INIT"),
    ("an initializer says more", changed(r"(_options\)(,[\s\\]+0)+) }", r"\1, 0 }"),
     "addition", "changed: macro WEIR_GATEWAY_OPTIONS_INIT"),
    ("a variable is exported", HEADER + "WEIR_API int weir_level;\n",
     "addition", "new: variable weir_level"),
    ("a function takes what it likes", changed(r"(WEIR_API int weir_setup_chain)",
     r"WEIR_API int weir_new(int a, ...);\n\1"), "addition", "new: function weir_new"),
    ("a comment is changed", changed(r"Threads\.", "Of threads."), None, ""),
]

breaks, additions = abi.compare(RECORDED, abi.describe(library))
check("the library has the recorded ABI", not breaks + additions,
      "\n".join(breaks + additions) + "\nsee tools/abi")
check("there is enough of it", len(RECORDED) > 60 and f"soname {soname}" in RECORDED, len(RECORDED))
with tempfile.TemporaryDirectory() as folder:
    check("so has a library made of the header alone", stub(HEADER, folder) == RECORDED,
          abi.compare(RECORDED, stub(HEADER, folder)))
    for name, header, kind, words in MUTANTS:
        breaks, additions = abi.compare(RECORDED, stub(header, folder))
        found = "break" if breaks else "addition" if additions else None
        check(f"{name}: {kind or 'nothing'}", found == kind and words in "\n".join(breaks + additions),
              (breaks, additions))
for value in ("WEIR_ERR_TLS", "WEIR_ERR_TLS = 1 << 2"):
    try:
        said = list(abi.enums(changed(r"WEIR_ERR_TLS = -9004", value)))
    except SystemExit as why:
        said = str(why)
    check(f"{value} is refused in a sentence", "each value needs a plain number" in said, said)
print("1..%d" % len(results))
sys.exit(not all(results))

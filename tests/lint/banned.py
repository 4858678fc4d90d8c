"""Functions that have no place here, and what to call instead."""

import re

from report import ROOT, Report, c_files, without_comments

ALLOC = "allocate through base/alloc.h, so that tests can make it fail"
BLOCKS = "libuv runs it on a thread of its pool, or it blocks the loop; "
ANYWHERE = {
    r"strcpy|stpcpy|strcat|strncat|strncpy": "copy with a length: weir_slice, weir_buf, memcpy",
    r"sprintf|vsprintf": "use snprintf or weir_buf",
    r"strtok|strtok_r": "walk a weir_slice",
    r"atoi|atol|atoll|atof": "parse with a check of the end",
    r"gets|scanf|fscanf|sscanf": "read with a length and parse with a check",
    r"alloca": "use a buffer of known size or an arena",
    r"strcasecmp|strncasecmp": "use weir_equal_nocase, which knows no locale",
}
IN_SRC = {
    r"malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf": ALLOC,
    r"assert": "use WEIR_ASSERT, which no build turns off",
    r"rand|srand|random|srandom": "take a seeded weir_rng as an argument",
    r"uv_queue_work": BLOCKS + "do the work in slices on the loop",
    r"uv_getaddrinfo|uv_getnameinfo|getaddrinfo|gethostbyname": BLOCKS + "use net/resolve.h",
    r"uv_fs_(?!event)\w+": BLOCKS + "read files at start-up with stdio",
    r"strto(?:l|ul|ll|ull|d|f)\s*\([^,()]*,\s*NULL": "give it an end pointer and check it",
}
EXEMPT = {("src/base/alloc.c", ALLOC)}


def compiled(table):
    # A member of that name, as in ops->free(…), is somebody's own function.
    # The last pattern holds its own parenthesis.
    return [(re.compile(rf"(?<![\w.])(?<!->)(?:{names})" + ("" if r"\(" in names else r"\s*\(")),
             advice) for names, advice in table.items()]


anywhere, in_src = compiled(ANYWHERE), compiled({**ANYWHERE, **IN_SRC})
report = Report("banned functions")
for path in c_files("include", "src", "tests", "bench", "examples"):
    name = path.relative_to(ROOT).as_posix()
    text = without_comments(path.read_text(), strings=False)
    report.look()
    for pattern, advice in in_src if name.startswith(("src/", "include/")) else anywhere:
        if (name, advice) in EXEMPT:
            continue
        for found in pattern.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            report.problem(path, line, f"{found[0].split('(')[0].strip()}: {advice}")
report.finish()

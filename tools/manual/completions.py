"""Completions for bash, zsh and fish: commands, options, and what their values are as far as the
usage tells: words that it lists, files, or anything."""

import re

from helptext import options

FILE = re.compile(r"^(FILE|PATH|OLD|NEW|SCENARIO\.yaml|LOG\.jsonl)\b")
HELP = {"flags": ["-h", "--help"], "value": "", "says": "what it does, and its options"}


def words_of(value):
    """json|text: both. ADDRESS|off: the one that is in small letters."""
    parts = value.split("|")
    return [part for part in parts if re.fullmatch(r"[a-z-]+", part)] if value else []


def kind(value):
    return "file" if FILE.match(value) else "words" if words_of(value) else "any" if value else ""


def all_options(item, commands):
    found = options(item, commands)
    return found + [HELP] * ("--help" not in {flag for opt in found for flag in opt["flags"]})


def operands(item):
    """Words that must come first, and whether files come (then)."""
    literal, files = [], False
    for line in item["usage"]:
        bare = re.sub(r"\[[^\]]*\]|\([^)]*\)", "", line).split()[1:]
        rest = bare[1:] if bare[:1] == [item["name"]] else bare
        if rest[:1] and re.fullmatch(r"[a-z]+", rest[0]):
            literal.append(rest[0])
        previous = ""
        for word in rest:
            files |= bool(FILE.match(word)) and not previous.startswith("-")
            previous = word
    return literal, files


# ---- bash ----

BASH = r"""# bash completion of {program}: written by tools/manual from what it says with --help.
{function}()
{{
	local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} options='' words=''
	local command={start} first={first} files='' value=''

	if [ "$cur" = = ]; then
		cur=''
	elif [ "$prev" = = ]; then
		prev=${{COMP_WORDS[COMP_CWORD - 2]}}
	fi
	COMPREPLY=()
{choose}	case $command in
{cases}	esac
	if [ "$value" = any ]; then
		return
	elif [ "$value" = file ] || {{ [ -z "$value$words" ] && [ "${{cur#-}}" = "$cur" ] && [ "$files" ]; }}; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [ "$value" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$value" -- "$cur")
	elif [ "${{cur#-}}" != "$cur" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	fi
}}
complete -F {function} {program}"""

CHOOSE = r"""	if [ "$COMP_CWORD" = 1 ] && [ "${{cur#-}}" = "$cur" ]; then
		mapfile -t COMPREPLY < <(compgen -W '{names}' -- "$cur")
		return
	fi
	case ${{COMP_WORDS[1]}} in
	-* | =) ;;
	*) command=${{COMP_WORDS[1]}} first=2;;
	esac
"""


def bash_case(item, commands):
    found = all_options(item, commands)
    flags = " ".join(flag for opt in found for flag in opt["flags"])
    literal, files = operands(item)
    yield f"\t{item['name']})"
    yield f"\t\toptions='{flags}'{' files=1' if files else ''}"
    if literal:
        yield f"\t\t[ \"$COMP_CWORD\" != \"$first\" ] || words='{' '.join(literal)}'"
    yield "\t\tcase $prev in"
    for opt in found:
        if opt["value"]:
            value = " ".join(words_of(opt["value"])) if kind(opt["value"]) == "words" else kind(opt["value"])
            yield f"\t\t{' | '.join(opt['flags'])}) value='{value}';;"
    yield "\t\tesac;;"


def bash(program, items, commands, choose):
    name = "_" + program.replace("-", "_")
    cases = "\n".join(line for item in items for line in bash_case(item, commands)) + "\n"
    return BASH.format(program=program, function=name, start="serve" if commands else program, first=1,
                       choose=choose, cases=cases).split("\n")


def bash_weir(commands):
    names = " ".join(item["name"] for item in commands)
    return bash("weir", commands, commands, CHOOSE.format(names=names))


def bash_bench(bench):
    return bash("weir-bench", [bench], [], "")


# ---- zsh ----

def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_option(opt):
    says = re.sub(r"([\[\]:\\])", r"\\\1", opt["says"]) or "see the manual"
    value = ""
    if opt["value"]:
        what = kind(opt["value"])
        action = "_files" if what == "file" else f"({' '.join(words_of(opt['value']))})" if what == "words" else " "
        value = ":" + re.sub(r"([\[\]:\\])", r"\\\1", opt["value"]) + ":" + action
    return " ".join(quoted(f"*{flag}[{says}]{value}") for flag in opt["flags"])


def zsh_arguments(item, commands):
    literal, files = operands(item)
    specs = [zsh_option(opt) for opt in all_options(item, commands)]
    specs += [f"'1:what:({' '.join(literal)})'"] * bool(literal) + ["'*:file:_files'"] * files
    yield "\t\t_arguments -s \\"
    yield from (f"\t\t\t{spec} \\" for spec in specs[:-1])
    yield f"\t\t\t{specs[-1]}"


def zsh(commands, bench):
    lines = ["#compdef weir weir-bench", "# Written by tools/manual from what they say with --help.", "",
             "_weir()", "{", "\tlocal command=serve", "\tlocal -a commands=("]
    lines += [f"\t\t{quoted(item['name'] + ':' + item['does'].replace(':', chr(92) + ':'))}" for item in commands]
    lines += ["\t)", "", "\tif [[ $service = weir-bench ]]; then", *zsh_arguments(bench, []), "\t\treturn", "\tfi",
              "\tif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then",
              "\t\t_describe command commands", "\t\treturn", "\tfi",
              "\tif [[ $words[2] != -* ]]; then", "\t\tcommand=$words[2]", "\t\tshift words",
              "\t\t(( CURRENT-- ))", "\tfi", "\tcase $command in"]
    for item in commands:
        lines += [f"\t{item['name']})", *zsh_arguments(item, commands), "\t\t;;"]
    return lines + ["\tesac", "}", "", '_weir "$@"']


# ---- fish ----

def fish_option(program, condition, opt):
    line = f"complete -c {program}" + (f" -n '{condition}'" if condition else "")
    for flag in opt["flags"]:
        line += f" -l {flag[2:]}" if flag.startswith("--") else f" -s {flag[1:]}"
    if opt["value"]:
        what = kind(opt["value"])
        line += " -r -F" if what == "file" else f" -x -a '{' '.join(words_of(opt['value']))}'" \
            if what == "words" else " -x"
    says = opt["says"].replace("\\", "\\\\").replace("'", "\\'")
    return line + (f" -d '{says}'" if says else "")


def fish_weir(commands):
    names = " ".join(item["name"] for item in commands)
    lines = ["# Written by tools/manual from what it says with --help.", "complete -c weir -f"]
    alone = f"not __fish_seen_subcommand_from {names}"
    for item in commands:
        says = item["does"].replace("'", "\\'")
        lines.append(f"complete -c weir -n '{alone}' -a {item['name']} -d '{says}'")
    for item in commands:
        seen = f"__fish_seen_subcommand_from {item['name']}"
        literal, files = operands(item)
        if literal:
            lines.append(f"complete -c weir -n '{seen}; and not __fish_seen_subcommand_from "
                         f"{' '.join(literal)}' -a '{' '.join(literal)}'")
        if files:
            lines.append(f"complete -c weir -n '{seen}' -F")
        for opt in all_options(item, commands):
            conditions = [seen] + [alone] * (item["name"] == "serve")
            lines += [fish_option("weir", condition, opt) for condition in conditions]
    return lines


def fish_bench(bench):
    return ["# Written by tools/manual from what it says with --help.", "complete -c weir-bench -f",
            *(fish_option("weir-bench", "", opt) for opt in all_options(bench, []))]

"""Tables in Markdown, charts, JSON."""

import itertools
import json

import chart
from install import say
from peers import ALL, BASE
from world import ROOT

FOLDER = ROOT / "bench"
BEGIN, END = "<!-- compare: begin -->", "<!-- compare: end -->"
CHARTS = {"cpu.svg": ("cpu_1024_64", "CPU per proxied request, 1 KB, 64 connections"),
          "failover.svg": ("fail_503", "CPU of a request that fails over, the first provider answers 503"),
          "memory.svg": ("held_stream", "Memory per held stream")}


def figure(value, digits):
    return f"{value:,.{digits}f}"


def cell(book, row, who, mark):
    values = book.values(row.key, who)
    if not values:
        return "–" + (mark(book.notes.get((row.key, who))) if who != "direct" else "")
    text = figure(book.median(row.key, who), row.digits)
    if len(values) > 1:
        text += f" ({figure(min(values), row.digits)}–{figure(max(values), row.digits)})"
    ratio = book.ratio(row.key, who, BASE)
    if ratio is not None and row.compared and who not in (BASE, "direct"):
        shown = f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:,.0f} ×"
        text += f", **{shown}**" if who == "weir" else f", {shown}"
    return text


class Footnotes:
    def __init__(self):
        self.texts = []

    def __call__(self, text):
        if not text:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return f" [{self.texts.index(text) + 1}]"

    def lines(self):
        return [f"[{i}] {text.strip()}  " for i, text in enumerate(self.texts, 1)]


def table(book, rows, peers, mark):
    direct = any(book.values(row.key, "direct") for row in rows)
    names = (["direct"] if direct else []) + [
        peer.name for peer in peers if peer.only is None or
        any(book.values(row.key, peer.name) for row in rows)]
    titles = ["the provider alone" if n == "direct" else ALL[n].title for n in names]
    yield "| | " + " | ".join(titles) + " |"
    yield "|---|" + "---|" * len(names)
    for row in rows:
        title = row.title + (f", {row.unit}" if row.unit else "")
        for remark in book.remarks.get(row.key, ()):
            title += mark(remark)
        if book.doubt(row.key):
            title += mark(f"no verdict: {book.doubt(row.key)}")
        yield f"| {title} | " + " | ".join(cell(book, row, n, mark) for n in names) + " |"


def head(about):
    versions = "; ".join(about["versions"].values())
    yield f"{about['date']}, {about['machine']}; {about['pinned']}; load average before it"
    yield f"{about['load_average']}. {versions}."
    yield ""
    yield (f"Medians of {about['rounds']} round{'s' * (about['rounds'] > 1)} of {about['seconds']}"
           " s, least–most in brackets; `×` is the median of the")
    yield f"ratios to {BASE} within a round."
    for name, why in about["skipped"].items():
        yield f"* {name} is skipped: {why}."


def tables(book, peers, about, judged):
    mark = Footnotes()
    yield from head(about)
    # In the order of the groups' first rows.
    groups = {}
    for row in book.rows.values():
        groups.setdefault(row.group, []).append(row)
    for group, rows in groups.items():
        yield from ["", f"### {group}", ""]
        yield from table(book, rows, peers, mark)
    busy = book.seen("cpu_1024_64", "weir", "busy")
    if busy is not None:
        others = book.seen("cpu_1024_64", "weir", "others")
        yield from ["", f"In the first row weir used {busy:.0%} of its core, and programs that are"
                    f" none of ours {others:.0%} of the machine."]
    yield from ["", *mark.lines()]
    for name, why in book.broken.items():
        yield f"* the rows of `{name}` ended early: {why}"
    yield from ["", "### Targets", "", "| | wanted | found | |", "|---|---|---|---|"]
    for one in judged:
        yield f"| {one.title} | {one.wanted} | {one.found} | {one.verdict} |"


def splice(path, lines):
    """What stands between the markers is replaced; the prose round them stays."""
    text = path.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        say(f"{path} is left as it is: it needs one {BEGIN} and one {END}")
        return
    before, rest = text.split(BEGIN)
    path.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])
    say(f"wrote {path}")


def charts(book, peers, about, folder):
    drawn = []
    for name, (key, title) in CHARTS.items():
        bars = [(peer.title, book.median(key, peer.name), book.values(key, peer.name))
                for peer in peers if book.values(key, peer.name)]
        if not bars:
            continue
        row = book.rows[key]
        (folder / name).write_text(chart.draw(title, row.unit, row.digits, bars, about))
        drawn += [f"![{title}]({name})", ""]
    return drawn


def write(book, peers, about, judged, options):
    lines = list(tables(book, peers, about, judged))
    print("\n".join(lines), flush=True)
    if options.publish:
        drawn = charts(book, peers, about, options.publish)
        splice(options.publish / "README.md", list(itertools.chain(drawn, lines)))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({**about, "rows": [row._asdict() for row in book.rows.values()],
                       "notes": [{"row": r, "who": w, "why": t} for (r, w), t in
                                 book.notes.items()],
                       "remarks": book.remarks, "broken": book.broken,
                       "targets": [one._asdict() for one in judged],
                       "measurements": book.windows}, out, indent=1, ensure_ascii=False)
            out.write("\n")


def exit_code(book):
    """1: some row has no verdict, as the control drifted or is missing, or something broke."""
    doubted = [key for key in book.rows if book.doubt(key)]
    for key in doubted:
        say(f"{key}: no verdict, {book.doubt(key)}; repeat it when the machine is quiet")
    return 1 if doubted or book.broken else 0

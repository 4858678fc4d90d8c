"""One small SVG: a dot for each median, a line from the least to the most, a logarithmic axis,
since peers differ by factors. Readable on light and on dark pages."""

import html
import math

WIDTH, LEFT, RIGHT, TOP, STEP = 640, 96, 90, 46, 28
STYLE = """text{font:13px system-ui,sans-serif;fill:#24292f}.s{fill:#57606a;font-size:11px}
.g{stroke:#d0d7de}.b{stroke:#57606a;stroke-width:2}.d{fill:#57606a}.w{fill:#0969da}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#8d96a0}.g{stroke:#3d444d}
.b{stroke:#8d96a0}.d{fill:#8d96a0}.w{fill:#4493f8}}"""


def ticks(least, most):
    """1, 2, 5 times powers of ten that hold all values."""
    steps = [m * 10.0 ** e for e in range(-3, 9) for m in (1, 2, 5)]
    low = max(s for s in steps if s <= least)
    high = min(s for s in steps if s >= most and s > low)
    inner = [s for s in steps if low <= s <= high]
    return inner if len(inner) < 8 else [low] + [
        s for s in inner[1:-1] if math.log10(s) == int(math.log10(s))] + [high]


def draw(title, unit, digits, bars, about):
    values = [max(v, 1e-3) for _, _, found in bars for v in found]
    marks = ticks(min(values), max(values))
    height = TOP + STEP * len(bars) + 44
    span = math.log(marks[-1] / marks[0])

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(max(value, 1e-3) / marks[0]) / span

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
           f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
           f'<text x="8" y="20">{html.escape(title)}, {unit} (logarithmic)</text>']
    bottom = TOP + STEP * len(bars)
    for mark in marks:
        out.append(f'<path class="g" d="M{x(mark):.1f} {TOP - 10}V{bottom}"/><text class="s"'
                   f' text-anchor="middle" x="{x(mark):.1f}" y="{bottom + 14}">{mark:g}</text>')
    for i, (name, median, found) in enumerate(bars):
        y = TOP + STEP * i + 6
        shown = f"{median:,.{digits}f}"
        out.append(f'<text text-anchor="end" x="{LEFT - 12}" y="{y + 4}">{html.escape(name)}</text>'
                   f'<path class="b" d="M{x(min(found)):.1f} {y}H{x(max(found)):.1f}"/>'
                   f'<circle class="{"w" if name == "weir" else "d"}" r="5" cx="{x(median):.1f}"'
                   f' cy="{y}"/><text class="s" x="{x(max(found)) + 10:.1f}" y="{y + 4}">{shown}'
                   "</text>")
    said = f"{about['date']}; {about['machine']}"
    out.append(f'<text class="s" x="8" y="{bottom + 36}">{html.escape(said)}</text></svg>')
    return "\n".join(out) + "\n"

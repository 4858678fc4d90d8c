"""All measurements of a run, and what is reckoned from them."""

import collections
import statistics

DRIFT_MAX = 0.10  # of the control over all rounds; above it nothing can be said

# key; group: the table it stands in; title; unit; digits; control: the row, it may be itself, whose
# `direct` was measured beside it and decides by its drift whether there is a verdict; compared:
# ratios mean something.
Row = collections.namedtuple("Row", "key group title unit digits control compared",
                             defaults=(0, None, True))


def spread_of(values):
    return (max(values) - min(values)) / statistics.median(values)


class Book:
    def __init__(self):
        self.rows = {}  # key: Row, in the order of the tables
        self.found = collections.defaultdict(dict)  # (row, who): {round: value}
        self.windows = []  # everything that was seen, for --json
        self.notes = {}  # (row, who): why there is no number
        self.remarks = collections.defaultdict(list)  # row: what must be known of it
        self.broken = {}  # a group of rows: why it ended early

    def expect(self, rows):
        """They stand in the tables in this order."""
        for row in rows:
            self.rows.setdefault(row.key, row)

    def add(self, row, who, number, value, **seen):
        self.expect([row])
        self.found[row.key, who][number] = value
        self.windows.append({"row": row.key, "who": who, "round": number, "value": value,
                             "unit": row.unit, **seen})

    def note(self, row, who, why):
        self.expect([row])
        self.notes[row.key, who] = why

    def remark(self, key, text):
        if text not in self.remarks[key]:
            self.remarks[key].append(text)

    def values(self, key, who):
        return list(self.found.get((key, who), {}).values())

    def median(self, key, who):
        values = self.values(key, who)
        return statistics.median(values) if values else None

    def ratios(self, key, who, base):
        """Paired: of neighbours in one round."""
        own, other = self.found.get((key, who), {}), self.found.get((key, base), {})
        return [own[i] / other[i] for i in own if other.get(i)]

    def ratio(self, key, who, base):
        found = self.ratios(key, who, base)
        return statistics.median(found) if found else None

    def drift(self, key):
        """Of the row's control, 0 where it has none."""
        values = self.values(self.rows[key].control, "direct")
        return spread_of(values) if values and statistics.median(values) else 0

    def rounds(self, key, who):
        return len(self.found.get((key, who), {}))

    def doubt(self, key):
        """Why there is no verdict on a row, or None."""
        control = self.rows[key].control
        if control and not self.values(control, "direct") and self.values(key, "weir"):
            return "no control was measured beside it"
        if self.drift(key) > DRIFT_MAX:
            return f"the control drifted by {self.drift(key):.0%}, more than {DRIFT_MAX:.0%}"
        return None

    def seen(self, key, who, name):
        """The median of something that was seen in that row's windows."""
        values = [w[name] for w in self.windows
                  if w["row"] == key and w["who"] == who and name in w]
        return statistics.median(values) if values else None

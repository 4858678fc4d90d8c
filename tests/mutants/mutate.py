"""Makes mutants of C in the house style: small faults, one at a time.

In functions: a comparison moves its edge, a condition or one clause of it is dropped, operators
are exchanged, a number is one more, an enumerator is its neighbour, a statement is missing. In
tables: each cell is another. Assertions are left alone; they are the program's own check."""

import re
from typing import NamedTuple

TOKEN = re.compile(r"""
    (?P<blank>\s+|/\*.*?\*/|//[^\n]*|^\#(?:\\\n|[^\n])*)
  | (?P<str>"(?:\\.|[^"\\\n])*")
  | (?P<chr>'(?:\\.|[^'\\\n])*')
  | (?P<id>[A-Za-z_]\w*)
  | (?P<num>\.?\d(?:[\w.]|[eE][+-])*)
  | (?P<op>->|\+\+|--|<<=|>>=|[<>=!]=|&&|\|\||<<|>>|[-+*/%&|^]=|.)
""", re.S | re.M | re.X)

EDGES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
LOGIC = {"&&": "||", "||": "&&"}
OTHER = {"+": "-", "-": "+", "*": "/", "/": "*", "&": "|", "<<": ">>", ">>": "<<"}
ASSIGN = {"+=": "-=", "-=": "+=", "|=": "=", "&=": "=", "<<=": "=", "/=": "="}
STEPS = {"++": "--", "--": "++"}
# What stands in a table of src/policy by itself, and what may stand in its place.
WORDS = [["RETURN", "SAME", "NEXT_KEY", "NEXT_STEP", "REPAIR"],
         ["NOBODY", "KEY", "MODEL", "TARGET"], ["LIMIT", "SERVER"], ["false", "true"]]
NEIGHBOUR = {word: words[(i + 1) % len(words)] for words in WORDS for i, word in enumerate(words)}
OPENS, CLOSES = "([{", ")]}"


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Mutant(NamedTuple):
    path: str
    function: str  # "": a table, or a constant
    line: int
    what: str
    start: int
    end: int
    new: str
    before: str  # the lines it changes, in one, and what becomes of them
    after: str

    def key(self):
        return f"{self.path} | {self.function} | {self.before} | {self.after}"

    def apply(self, text):
        """Lines stay where they are."""
        gone = text[self.start:self.end]
        return text[:self.start] + self.new + "\n" * gone.count("\n") + text[self.end:]


def tokens_of(text):
    return [Token(m.lastgroup, m[0], m.start(), m.end())
            for m in TOKEN.finditer(text) if m.lastgroup != "blank"]


def enumerators(headers):
    """Each enumerator's neighbour, of named enums."""
    found = {}
    for text in headers:
        for body in re.findall(r"enum weir_\w+ \{(.*?)\}", re.sub(r"/\*.*?\*/", "", text, flags=re.S),
                               re.S):
            names = [n for n in re.findall(r"\b[A-Z]\w+", body) if not n.endswith("_N")]
            found.update((n, names[(i + 1) % len(names)]) for i, n in enumerate(names))
    return found


class File:
    def __init__(self, path, text, neighbours):
        self.path, self.text, self.neighbours = path, text, neighbours
        self.tokens = tokens_of(text)
        self.match = self.pairs()
        self.functions = self.find_functions()
        self.mutants = []

    def pairs(self):
        match, stack = {}, []
        for i, t in enumerate(self.tokens):
            if t.kind == "op" and t.text in OPENS:
                stack.append(i)
            elif t.kind == "op" and t.text in CLOSES:
                match[i] = stack.pop()
                match[match[i]] = i
        return match

    def find_functions(self):
        """(first token of the body, last, name): its { stands alone at the left edge."""
        found = []
        for i, t in enumerate(self.tokens):
            if t.text == "{" and self.text[t.start - 1:t.start + 2] == "\n{\n":
                opening = self.match[i - 1] if self.tokens[i - 1].text == ")" else i
                found.append((i, self.match[i], self.tokens[opening - 1].text))
        return found

    def add(self, what, function, start, end, new):
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        mutant = Mutant(self.path, function, self.text.count("\n", 0, start) + 1, what, start, end,
                        new, "", "")
        lines = [" ".join(s.split()) for s in
                 (self.text[first:last], self.text[first:start] + new + self.text[end:last])]
        self.mutants.append(mutant._replace(before=lines[0], after=lines[1]))

    def all(self):
        inside = 0
        for first, last, name in self.functions:
            self.table(inside, first)
            self.body(first, last, name)
            inside = last + 1
        self.table(inside, len(self.tokens))
        return self.mutants

    def table(self, first, last):
        """Cells and constants outside of functions."""
        i = first
        while i < last:
            t = self.tokens[i]
            if t.text in ("_Static_assert", "__attribute__"):
                i = self.match[i + 1]
            elif t.kind == "str" and self.within_braces(i):
                self.add("another word", "", t.start + 1, t.start + 1, "x")
            elif t.kind == "num" and self.within_braces(i) and self.tokens[i - 1].text != "[":
                self.number("", i)
            elif t.text in NEIGHBOUR and self.within_braces(i):
                self.add("another cell", "", t.start, t.end, NEIGHBOUR[t.text])
            elif t.text == "TO" and self.within_braces(i):
                self.add("a move less", "", t.start, self.tokens[i + 3].end, "0")
            i += 1

    def within_braces(self, i):
        """In an initializer or an enum, not in a struct."""
        for j in range(i, -1, -1):
            if self.tokens[j].text == "{" and self.match[j] > i:
                return self.tokens[j - 1].text in ("=", "{", ",", "enum") or \
                    self.tokens[j - 2].text == "enum"
        return False

    def number(self, function, i):
        t = self.tokens[i]
        found = re.fullmatch(r"(\d+)([uUlL]*)", t.text)
        if not found:
            return
        index = self.tokens[i - 1].text == "["
        value = int(found[1]) - 1 if index and int(found[1]) else int(found[1]) + 1
        self.add("another number", function, t.start, t.end, f"{value}{found[2]}")

    def body(self, first, last, name):
        i = first + 1
        while i < last:
            t = self.tokens[i]
            if t.text == "WEIR_ASSERT":
                i = self.match[i + 1]
            elif t.kind == "num":
                self.number(name, i)
            elif t.kind == "id":
                self.word(name, i)
            elif t.kind == "str":
                self.add("another word", name, t.start + 1, t.start + 1, "x")
            elif t.kind == "op":
                self.operator(name, i)
            i += 1
        self.statements(first, last, name)

    def word(self, name, i):
        t, previous = self.tokens[i], self.tokens[i - 1].text
        if t.text in ("true", "false"):
            self.add("another cell", name, t.start, t.end, NEIGHBOUR[t.text])
        elif t.text in self.neighbours and previous not in ("case", "["):
            self.add("its neighbour", name, t.start, t.end, self.neighbours[t.text])
        elif t.text == "if":
            self.always(name, i + 2, self.match[i + 1])
        elif t.text == "case":
            self.case(name, i)

    def case(self, name, i):
        """A label less, unless what it leads to is nothing."""
        j = i
        while self.tokens[j].text == "case":
            j += 3
        if self.tokens[j].text != "break":
            self.add("a case less", name, self.tokens[i].start, self.tokens[i + 2].end, "")

    def always(self, name, first, end):
        """A condition; one of several clauses loses them one by one."""
        if any(t.text in LOGIC for t in self.tokens[first:end]):
            return
        for value in "10":
            self.add(f"always {value}", name, self.tokens[first].start, self.tokens[end - 1].end,
                     value)

    def is_binary(self, i):
        """Its neighbours stand apart: the house style."""
        t = self.tokens[i]
        return self.text[t.start - 1] in " \n\t" and self.text[t.end] in " \n"

    def operator(self, name, i):
        t = self.tokens[i]
        if t.text in EDGES:
            if not self.is_least(i):
                self.add("another edge", name, t.start, t.end, EDGES[t.text])
        elif t.text in LOGIC:
            self.add("another junction", name, t.start, t.end, LOGIC[t.text])
            self.clauses(name, i)
        elif t.text in ASSIGN:
            self.add("another assignment", name, t.start, t.end, ASSIGN[t.text])
        elif t.text in STEPS and not self.in_for(i):
            self.add("another direction", name, t.start, t.end, STEPS[t.text])
        elif t.text == "!":
            self.add("no negation", name, t.start, t.end, "")
        elif t.text in OTHER and self.is_binary(i):
            self.add("another operator", name, t.start, t.end, OTHER[t.text])
        elif t.text == "?":
            self.always(name, self.back(i, ("&&", "||")), i)

    def is_least(self, i):
        """a < b ? a : b, a > b ? a - b : 0: the edge makes no difference."""
        first, last = self.back(i), self.ahead(i)
        if self.tokens[last + 1].text != "?":
            return False
        middle = self.ahead(last + 1)
        a, b = self.words(first, i - 1), self.words(i + 1, last)
        values = [self.words(last + 2, middle), self.words(middle + 2, self.ahead(middle + 1))]
        return sorted(values) == sorted([a, b]) or values == [f"{a} - {b}", "0"]

    def words(self, first, last):
        return " ".join(t.text for t in self.tokens[first:last + 1])

    def in_for(self, i):
        """In the head of a loop: it would only never end."""
        while i > 0 and self.tokens[i].text not in "{}":
            if self.tokens[i].text == "(" and self.tokens[i - 1].text == "for":
                return True
            i -= 1
        return False

    ENDS = ("&&", "||", "?", ":", ",", ";", "=", "return", "|=", "&=", "+=", "-=", "{", "}")

    def back(self, i, but=()):
        """The first token of the operand that ends before i."""
        j = i - 1
        while True:
            t = self.tokens[j].text
            if t in CLOSES and self.tokens[j].kind == "op":
                j = self.match[j]
            elif t in OPENS or (t in self.ENDS and t not in but):
                return j + 1
            j -= 1

    def ahead(self, i):
        """The last token of the operand that begins after i."""
        j = i + 1
        while True:
            t = self.tokens[j].text
            if t in OPENS and self.tokens[j].kind == "op":
                j = self.match[j]
            elif t in CLOSES or t in self.ENDS:
                return j - 1
            j += 1

    def clauses(self, name, i):
        """Without the operand behind it; at the first of a chain, also that before it."""
        neutral = "1" if self.tokens[i].text == "&&" else "0"
        start = self.back(i)
        if self.tokens[start - 1].text != self.tokens[i].text:
            self.add("a clause less", name, self.tokens[start].start, self.tokens[i - 1].end,
                     neutral)
        self.add("a clause less", name, self.tokens[i + 1].start,
                 self.tokens[self.ahead(i)].end, neutral)

    def statements(self, first, last, name):
        """Each that stands by itself; what depends on an if is left to the if."""
        i = first + 1
        while i < last:
            t = self.tokens[i]
            if t.text in ("if", "for", "while", "switch"):
                i = self.match[i + 1] + 1
                i = i if self.tokens[i].text in ("{", "if", "for") else self.skip(i)
                continue
            if t.text == "else":
                i += 1
                if self.tokens[i].text not in ("{", "if"):
                    self.remove(name, i)
                    i = self.skip(i)
                continue
            if t.text in ("case", "default"):
                i += 3 if t.text == "case" else 2
                continue
            if t.text in ("{", "}", "do"):
                i += 1
                continue
            if t.text not in ("return", "break", "continue", "goto", "WEIR_ASSERT"):
                self.remove(name, i)
            i = self.skip(i)

    def skip(self, i):
        while self.tokens[i].text != ";":
            i = self.match[i] + 1 if self.tokens[i].text in OPENS else i + 1
        return i + 1

    def remove(self, name, i):
        end = self.skip(i) - 1
        if end - i < 2 or self.is_declaration(i, end):
            return
        self.add("a statement less", name, self.tokens[i].start, self.tokens[end].end, ";")

    def is_declaration(self, i, end):
        words = [t.text for t in self.tokens[i:min(i + 3, end)]]
        return words[0] in ("struct", "const", "enum", "static", "unsigned", "bool", "double") or \
            re.fullmatch(r"u?int\d+_t|int", words[0]) is not None or \
            (self.tokens[i].kind == "id" and self.tokens[i + 1].kind == "id")


def mutants_of(path, text, neighbours):
    """All of them, none twice."""
    found = File(path, text, neighbours).all()
    return list({(m.start, m.end, m.new): m for m in found}.values())

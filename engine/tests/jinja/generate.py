#!/usr/bin/env python3
"""Makes random Jinja templates over document.yaml, for `make differential`.

    python generate.py --seed 1 --count 2000 --into FILE

The same seed gives the same templates on any machine. Most of them render, some fail: a generator that avoids every
error would never look at the rules for errors. Generated templates stay far below the bounds of the engine.
"""

import argparse
import json
import random
from pathlib import Path

TEXTS = [
    "state.svc", "state.owner", "room", "variables.title", "state.text.accents", "state.text.cjk", "state.text.emoji",
    "state.text.quotes", "state.text.lines", "state.text.html", "state.text.padded", "state.text.title",
    "state.text.windows", "state.text.backslash", "state.image", "state.labels", "state.empty.text",
    "limits.memory", "configData.boardUrl", "notify.message", "state.numbers.text", "state.numbers.float", "state.json",
]
NUMBERS = [
    "state.numbers.small", "state.numbers.negative", "state.numbers.big", "state.numbers.tenth", "state.numbers.one",
    "state.numbers.half", "state.numbers.third", "state.numbers.minusZero", "state.numbers.tiny", "state.numbers.huge",
    "state.empty.zero", "state.empty.zeroFloat", "limits.cpu", "ratio", "state.targets[0].weight",
]
LISTS = [
    "state.list", "state.words", "state.mixed", "state.nested", "state.targets", "state.empty.list", "tags",
    "team.members", "limits.tags", "configData.defaults.zones", "notify.mentions",
]
MAPS = ["state.map", "state.odd", "state.empty.map", "limits", "state.targets[1]", "configData", "state.flags", "team"]
OTHERS = ["none", "true", "false", "missing", "state.nothing", "state.empty.nothing", "state.nothing.deeper", "enabled"]
WORDS = ["a", "Zoë", "x,y", "", " ", "日本", "🚀", "b=1", "it's", "<&>", "-", "A b C", "10", "3.5", "é\n", "yes", "null", "# x"]
KEYS = ["a", "b", "C", "id", "index", "count", "a.b", "1", "", "nothing", "name", "owner"]
ATTRIBUTES = ["id", "weight", "owner.name", "owner.team", "tags", "ring", "nothing", "0", "tags.0"]
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence",
    "iterable", "callable", "odd", "even", "lower", "upper", "true", "false", "escaped",
]
SPECS = ["%s", "%r", "%5s|", "%-6s|", "%.2s", "%d", "%05d", "%+d", "%x", "%.2f", "%e", "%g", "%8.3f|", "%a", "%%", "%c"]
FORMATS = ["{}", "{:>6}|", "{:<6}|", "{:^7}|", "{!r}", "{:d}", "{:.2f}", "{:,}", "{:x}", "{:e}", "{:05}", "{0} {0}", "{:%}", "{{}}{}"]
ROUNDS = ["", "1", "2", "-1", "0, 'floor'", "1, 'ceil'"]
DICTSORTS = ["", "(true)", "(by='value')", "(reverse=true)"]
BLOCK_FILTERS = ["upper", "trim", "indent(2, true)", "json_dumps", "replace('a', '_')", "e", "center(30)", "length"]


class Generator:
    """Draws templates. `depth` bounds how far expressions and blocks nest; names in scope are texts of Jinja."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = []

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        """Draws one of the ways to go on and takes it."""
        chosen = self.random.choice(choices)
        return chosen() if callable(chosen) else chosen

    def word(self):
        return self.literal(self.random.choice(WORDS))

    def literal(self, text):
        quote = "'" if "'" not in text and self.chance(0.5) else '"'
        return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n") + quote

    def key(self):
        return self.literal(self.random.choice(KEYS))

    def integer(self):
        return str(self.random.choice([0, 1, 2, 3, 5, 7, 10, -1, -2, 100, 2**31, 2**53 + 1, 2**64]))

    # Expressions by the kind of value that they are likely to give.

    def number(self, depth):
        if depth <= 0 or self.chance(0.3):
            return self.pick(self.integer, lambda: self.random.choice(NUMBERS), lambda: self.random.choice(["0.5", "1e3", "2.5", "1e-5", "1.0"]))
        operator = self.random.choice(["+", "-", "*", "/", "//", "%", "+", "-", "*"])
        return self.pick(
            lambda: f"({self.number(depth - 1)} {operator} {self.number(depth - 1)})",
            lambda: f"{self.number(depth - 1)} {operator} {self.number(depth - 1)}",
            lambda: f"({self.number(depth - 1)} ** {self.random.choice(['2', '0', '3', '-1', '0.5'])})",
            lambda: f"{self.list(depth - 1)}|length",
            lambda: f"({self.number(depth - 1)})|round({self.random.choice(ROUNDS)})",
            lambda: f"({self.any(depth - 1)})|{self.random.choice(['int', 'float', 'abs', 'int(5)', 'float(1.5)'])}",
            lambda: f"({self.text(depth - 1)}).{self.random.choice(['find', 'count', 'rfind', 'index'])}({self.word()})",
            lambda: f"{self.list(depth - 1)}|{self.random.choice(['sum', 'max', 'min', 'first', 'last'])}",
            lambda: f"-{self.number(depth - 1)}",
        )

    def text(self, depth):
        if depth <= 0 or self.chance(0.25):
            return self.pick(self.word, lambda: self.random.choice(TEXTS), lambda: self.random.choice(TEXTS))
        inner = depth - 1
        return self.pick(
            lambda: f"({self.text(inner)} ~ {self.any(inner)})",
            lambda: f"({self.text(inner)})|{self.text_filter()}",
            lambda: f"({self.text(inner)})|{self.text_filter()}",
            lambda: f"({self.text(inner)}).{self.text_method()}",
            lambda: f"({self.text(inner)}){self.slice()}",
            lambda: f"({self.any(inner)})|{self.random.choice(['string', 'json_dumps', 'tojson', 'to_nice_yaml', 'pprint', 'e', 'json_dumps(indent=2)', 'to_nice_yaml(indent=4)'])}",
            lambda: f"({self.list(inner)})|join({self.word()})",
            lambda: f"({self.literal(self.random.choice(SPECS))} % ({self.any(inner)},))",
            lambda: f"({self.literal(self.random.choice(SPECS))})|format({self.any(inner)})",
            lambda: f"{self.literal(self.random.choice(FORMATS))}.format({self.any(inner)})",
            lambda: f"({self.text(inner)} * {self.random.choice(['0', '1', '2', '3'])})",
        )

    def text_filter(self):
        number = self.random.choice(["0", "1", "3", "5", "8", "12", "20"])
        return self.pick(
            *["upper", "lower", "title", "capitalize", "trim", "wordcount", "striptags", "urlencode", "to_base64", "e",
              "safe", "reverse", "first", "last", "length", "forceescape", "kv_comma_pairs_to_json", "list|length"],
            f"center({number})", f"indent({number}, {self.random.choice(['true', 'false'])})", f"truncate({number}, {self.random.choice(['true', 'false'])}, '…', 0)",
            f"wordwrap({max(int(number), 1)})", f"replace({self.word()}, {self.word()})", f"default({self.word()}, true)",
            f"trim({self.word()})", f"batch({max(int(number), 1)})|list|length", "urlize", "wordwrap(7, false)",
        )

    def text_method(self):
        return self.pick(
            *["upper()", "lower()", "title()", "strip()", "swapcase()", "capitalize()", "casefold()", "isdigit()",
              "isalpha()", "split()|length", "splitlines()|length", "lstrip()", "rstrip()", "isupper()", "expandtabs(3)",
              "zfill(6)"],
            f"replace({self.word()}, {self.word()})", f"center(9, {self.literal('*')})", f"startswith({self.word()})",
            f"endswith({self.word()})", f"join({self.list(0)})", f"partition({self.word()})", f"removeprefix({self.word()})",
            f"ljust(8, {self.literal('.')})", f"rjust(8)", f"rsplit({self.word()}, 1)",
        )

    def slice(self):
        part = lambda: self.random.choice(["", "", "0", "1", "2", "-1", "-3", "9"])
        return self.random.choice([f"[{part() or '0'}]", f"[{part()}:{part()}]", f"[{part()}:{part()}:{self.random.choice(['', '1', '2', '-1', '-2'])}]"])

    def list(self, depth):
        if depth <= 0 or self.chance(0.3):
            return self.pick(lambda: self.random.choice(LISTS), lambda: self.random.choice(LISTS), lambda: f"range({self.random.choice(['3', '1, 4', '5, 0, -2', '0'])})")
        inner = depth - 1
        attribute = self.literal(self.random.choice(ATTRIBUTES))
        return self.pick(
            lambda: "[" + ", ".join(self.any(inner) for _ in range(self.random.randrange(4))) + "]",
            lambda: f"({self.list(inner)}){self.slice()}",
            lambda: f"({self.text(inner)}).split({self.random.choice(['', self.word(), self.word() + ', 1'])})",
            lambda: f"({self.text(inner)})|list",
            lambda: f"({self.list(inner)})|{self.random.choice(['sort', 'unique|list', 'reverse|list', 'sort(reverse=true)', 'batch(2)|list', 'slice(2)|list', 'select|list', 'reject|list', 'list', 'sort(case_sensitive=true)', 'batch(3, 0)|list'])}",
            lambda: f"({self.list(inner)})|map({self.random.choice(['attribute=' + attribute, self.literal(self.random.choice(['string', 'upper', 'length', 'tojson', 'int', 'first'])), 'attribute=' + attribute + ', default=0'])})|list",
            lambda: f"({self.list(inner)})|{self.random.choice(['select', 'reject'])}({self.literal(self.random.choice(TESTS))})|list",
            lambda: f"state.targets|{self.random.choice(['selectattr', 'rejectattr'])}({attribute}{self.attribute_test()})|list",
            lambda: f"state.targets|{self.random.choice(['sort', 'unique', 'groupby'])}(attribute={attribute})|list",
            lambda: f"({self.map(inner)}).{self.random.choice(['items()', 'keys()', 'values()'])}|list",
            lambda: f"({self.map(inner)})|dictsort{self.random.choice(DICTSORTS)}",
            lambda: f"({self.list(inner)} + {self.list(inner)})",
        )

    def attribute_test(self):
        test = self.literal(self.random.choice(TESTS))
        return self.random.choice(["", f", {test}", f", 'eq', {self.word()}", ", '>', 1"])

    def map(self, depth):
        if depth <= 0 or self.chance(0.5):
            return self.random.choice(MAPS)
        pair = lambda: f"{self.pick(self.key, self.key, self.integer)}: {self.any(depth - 1)}"
        return self.pick(
            lambda: "{" + ", ".join(pair() for _ in range(self.random.randrange(4))) + "}",
            lambda: f"dict({self.map(depth - 1)}, extra={self.any(depth - 1)})",
            lambda: f"({self.map(depth - 1)}|json_dumps|from_json)",
        )

    def condition(self, depth):
        if depth <= 0:
            return self.pick(lambda: self.any(0), lambda: self.random.choice(OTHERS))
        inner = depth - 1
        return self.pick(
            lambda: f"{self.any(inner)} {self.random.choice(['==', '!=', '<', '>', '<=', '>='])} {self.any(inner)}",
            lambda: f"{self.number(inner)} {self.random.choice(['==', '!=', '<', '>', '<=', '>='])} {self.number(inner)}",
            lambda: f"{self.any(inner)} {self.random.choice(['in', 'not in'])} {self.pick(lambda: self.list(inner), lambda: self.text(inner), lambda: self.map(inner))}",
            lambda: f"{self.any(inner)} {self.random.choice(['is', 'is not'])} {self.random.choice(TESTS)}",
            lambda: f"({self.condition(inner)} {self.random.choice(['and', 'or'])} {self.condition(inner)})",
            lambda: f"not {self.condition(inner)}",
            lambda: self.any(inner),
        )

    def any(self, depth):
        choices = [lambda: self.text(depth), lambda: self.text(depth), lambda: self.number(depth), lambda: self.list(depth), lambda: self.map(depth), lambda: self.random.choice(OTHERS)]
        if self.names:
            choices += [lambda: self.random.choice(self.names)] * 3
        if depth > 0:
            choices += [
                lambda: f"({self.any(depth - 1)} if {self.condition(depth - 1)} else {self.any(depth - 1)})",
                lambda: f"({self.any(depth - 1)} {self.random.choice(['and', 'or'])} {self.any(depth - 1)})",
                lambda: f"({self.any(depth - 1)})|default({self.any(depth - 1)}{self.random.choice(['', ', true'])})",
                lambda: f"({self.map(depth - 1)})[{self.key()}]",
                lambda: f"({self.map(depth - 1)}).get({self.key()}{self.random.choice(['', ', 0'])})",
                lambda: f"({self.condition(depth - 1)})",
                lambda: "(" + self.any(depth - 1) + ",)",
            ]
        return self.pick(*choices)

    # Statements.

    def mark(self):
        return self.random.choice(["", "", "", "-", "-", "+"])

    def tag(self, text):
        return "{%" + self.mark() + " " + text + " " + self.mark() + "%}"

    def plain(self):
        return self.random.choice(["", " ", "\n", "text ", "\n  - ", "  \n", "é ", "🚀", ": ", "\t", "\r\n", "a.b ", "\n\n", "}", "% ", "|"])

    def output(self, depth):
        return "{{" + self.random.choice(["", "", "-"]) + " " + self.any(depth) + " " + self.random.choice(["", "", "-"]) + "}}"

    def inside(self, depth, *names):
        before = list(self.names)
        self.names += names
        body = self.body(depth)
        self.names = before
        return body

    def loop(self, depth):
        unpack = self.chance(0.3)
        source = f"({self.map(1)}).items()" if unpack else self.list(2)
        guard = f" if {self.condition(1)}" if self.chance(0.2) else ""
        names = ["k", "v"] if unpack else ["x"]
        seen = [*names, "loop.index", "loop.last", "loop.previtem", "loop.length", "loop.cycle('a', 'b')", "loop.revindex0", "loop.changed(" + names[0] + ")"]
        body = self.inside(depth - 1, *seen)
        if self.chance(0.2):
            body += self.tag(f"if {self.condition(1)}") + self.tag(self.random.choice(["break", "continue"])) + self.tag("endif") + self.plain()
        otherwise = self.tag("else") + self.body(depth - 1) if self.chance(0.3) else ""
        return self.tag(f"for {', '.join(names)} in {source}{guard}") + body + otherwise + self.tag("endfor")

    def branch(self, depth):
        text = self.tag(f"if {self.condition(2)}") + self.body(depth - 1)
        if self.chance(0.3):
            text += self.tag(f"elif {self.condition(1)}") + self.body(depth - 1)
        if self.chance(0.5):
            text += self.tag("else") + self.body(depth - 1)
        return text + self.tag("endif")

    def assign(self, depth):
        if self.chance(0.3):
            through = self.random.choice(["", "|upper", "|trim", "|length"])
            text = self.tag(f"set s{through}") + self.body(depth - 1) + self.tag("endset")
        else:
            text = self.tag(f"set s = {self.any(2)}")
        self.names.append("s")
        return text

    def macro(self, depth):
        body = self.inside(depth - 1, "p", "q", *(["varargs", "kwargs"] if self.chance(0.3) else []))
        text = self.tag(f"macro m(p, q={self.any(0)})") + body + self.tag("endmacro")
        self.names.append(f"m({self.any(1)})")
        return text + "{{ m(" + self.random.choice(["", self.any(1), f"q={self.any(1)}", f"{self.any(0)}, {self.any(0)}"]) + ") }}"

    def statement(self, depth):
        return self.pick(
            lambda: self.loop(depth),
            lambda: self.loop(depth),
            lambda: self.branch(depth),
            lambda: self.branch(depth),
            lambda: self.assign(depth),
            lambda: self.macro(depth),
            lambda: self.tag(f"with w = {self.any(1)}") + self.inside(depth - 1, "w") + self.tag("endwith"),
            lambda: self.tag(f"filter {self.random.choice(BLOCK_FILTERS)}") + self.body(depth - 1) + self.tag("endfilter"),
            lambda: "{#" + self.mark() + " note " + self.mark() + "#}",
            lambda: "{%" + self.random.choice(["", "-"]) + " raw " + self.random.choice(["", "-"]) + "%}" + " {{ x }} " + "{%" + self.mark() + " endraw " + self.random.choice(["", "-"]) + "%}",
        )

    def body(self, depth):
        parts = []
        for _ in range(self.random.randrange(1, 3)):
            parts.append(self.plain())
            parts.append(self.output(2) if depth <= 0 or self.chance(0.55) else self.statement(depth))
        parts.append(self.plain())
        return "".join(parts)

    def template(self):
        self.names = []
        if self.chance(0.4):
            return self.plain() + "{{ " + self.any(3) + " }}" + self.plain()
        return self.body(self.random.choice([1, 2, 2, 3]))


def main():
    parser = argparse.ArgumentParser(description="Make random Jinja templates.")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--into", type=Path, required=True)
    arguments = parser.parse_args()
    cases = []
    for index in range(arguments.count):
        # Each template has a seed of its own, so that one of them can be made again alone.
        generator = Generator(arguments.seed * 1_000_000 + index)
        macros = {"a-macro": "{%- macro lib(t) -%}<{{ t }}>{%- endmacro -%}"} if generator.chance(0.2) else {}
        cases.append({"name": f"seed {arguments.seed}, template {index}", "template": generator.template(), "macros": macros, "handler": "notify"})
    arguments.into.write_text(json.dumps(cases, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()

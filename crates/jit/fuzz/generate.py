"""Random Python programs for `differential.py`: deterministic, terminating, aimed at what a JIT assumes.

Expressions are typed loosely: variables have a kind (i int, f float, n int or float, s str, l list of ints, t tuple,
d dict, e set, o object), and most expressions respect it, so that programs run far; a few do not. Loops are bounded by
construction, calls go to functions defined earlier only (or recurse with a depth), and what may grow is cut.
"""

import random

PRELUDE = '''\
import sys
NOUT = 0
HASH = 7
G0, G1, G2 = 3, 1 << 61, 2.5
GL = [1, 2, 3]
inf = float("inf")
nan = float("nan")

def out(*values):
    global NOUT, HASH
    NOUT += 1
    text = repr(values)
    HASH = (HASH * 33 + sum(text.encode("utf-8", "replace"))) & 0xFFFFFFFFFFFF
    if NOUT < 400:
        print(NOUT, text)

def poke(name, value):
    sys._getframe(1).f_locals[name] = value

def where(e):
    tb, found = e.__traceback__, []
    while tb is not None:
        found.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    return type(e).__name__, str(e), found[-4:]

def chain(e):
    found = []
    while e is not None and len(found) < 4:
        found.append(where(e))
        e = e.__context__
    return found

def starred(*args, scale=1, **named):
    return (len(args) * 10 + len(named)) * scale

def keywords(a, b=2, *, c=3):
    return a + b * c

def forwarded(*args, **named):
    return starred(*args, **named)

class Manager:
    def __init__(self, mute):
        self.mute = mute
        self.count = 0
    def __enter__(self):
        self.count += 1
        return self
    def __exit__(self, kind, value, tb):
        self.count += 2 if kind is None else 100
        return self.mute

class Error(Exception):
    pass
'''

INTS = [0, 1, 2, 3, -1, -2, 5, 7, 10, 63, 64, 100, 255, -7, -100, 1000003, 2**31 - 1, 2**31, -2**31, 2**32, 2**53, 2**53 + 1,
        2**61, 2**62 - 1, 2**62, -2**62, -2**62 - 1, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64, 2**65]
SMALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16, -1, -2, -3, -5, 31, 100]
FLOATS = ["0.0", "-0.0", "1.0", "0.5", "2.5", "-3.25", "1e10", "1e308", "5e-324", "inf", "-inf", "nan", "3.0", "1e16", "0.1"]
STRS = ["", "a", "ab", "xyz", "hello", "é", "日本", "0", "12", "a b c", "\U0001f600z"]
NEW = {"i": "i", "f": "f", "n": "n", "s": "s", "l": "l", "t": "t", "d": "d", "e": "e", "o": "o"}


class Function:
    """A callable that was generated: its name, the kinds of its parameters and result, and what a call costs."""

    def __init__(self, name, params, result, cost, generator=False, keywords=()):
        self.name, self.params, self.result, self.cost = name, params, result, cost
        self.generator, self.keywords = generator, keywords


class Class:
    """A class that was generated."""

    def __init__(self, name, attributes, methods, properties, slots):
        self.name, self.attributes, self.methods, self.properties = name, attributes, methods, properties
        self.slots = slots


WORD = "0xFFFFFFFFFFFFFFFF"


class Generator:
    """Makes one program from a seed."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines = []
        self.level = 0
        self.vars = {}
        self.functions = []
        self.classes = []
        self.counter = 0
        self.weight = 1
        self.cost = 0
        self.in_loop = 0
        self.loop_vars = set()
        self.globals_ok = False
        self.in_generator = False
        self.locked = set()
        # Tight programs seldom raise and loop more; they reach deeper into what the compiler does.
        self.tight = seed % 2 == 1

    # Small things.

    def w(self, text):
        self.lines.append("    " * self.level + text)

    def chance(self, p):
        return self.r.random() < p

    def pick(self, items):
        return self.r.choice(items)

    def fresh(self, prefix):
        self.counter += 1
        return f"{prefix}{self.counter}"

    def of(self, kind):
        return [v for v, k in self.vars.items() if k == kind]

    def var(self, kind):
        found = self.of(kind)
        return self.pick(found) if found else None

    def target(self, kind):
        found = [v for v in self.of(kind) if v not in self.locked]
        if found and self.chance(0.75):
            return self.pick(found)
        name = self.fresh(kind)
        return name

    # Expressions.

    def e(self, kind, depth=2):
        """An expression of a kind."""
        if not self.tight and self.chance(0.012):
            kind = self.pick("ifsnlt")
        return getattr(self, "e_" + kind)(depth)

    def leaf_i(self):
        v = self.var("i")
        if v and self.chance(0.7):
            return v
        if self.globals_ok and self.chance(0.15):
            return self.pick(["G0", "G1"])
        return f"({self.pick(INTS)})" if self.chance(0.3) else str(self.pick(SMALL)) if self.chance(0.8) else "True"

    def e_i(self, d):
        if d <= 0 or self.chance(0.15):
            return self.leaf_i()
        choice = self.r.randrange(38)
        a = lambda: self.e("i", d - 1)
        if choice < 9:
            return f"({a()} {self.pick(['+', '-', '+', '-', '*', '&', '|', '^'])} {a()})"
        if choice < 11:
            op = self.pick(["//", "%"])
            right = self.pick([str(self.pick([1, 2, 3, 7, 8, 10, -1, -2, -3, -8, 2**40])), f"({a()} or 3)", a() if not self.tight else "5"])
            return f"({a()} {op} {right})"
        if choice == 11:
            return f"({a()} << {self.pick(['1', '3', '31', '62', f'({a()} & 31)', f'({a()} % 67)'])})"
        if choice == 12:
            return f"({a()} >> {self.pick(['1', '5', '63', '64', f'({a()} & 63)', f'({a()} % 90)'])})"
        if choice == 13:
            return f"({self.pick(['-', '~', '+'])}{a()})"
        if choice == 14:
            return f"({self.boolean(d - 1)} + {a()})"
        if choice == 15:
            return f"len({self.e(self.pick('sltde'), d - 1)})"
        if choice == 16:
            return f"{self.pick(['abs', 'int', 'bool', 'hash'])}({a()})"
        if choice == 17:
            return f"({a()} if {self.boolean(d - 1)} else {a()})"
        if choice in (18, 19, 20):
            return self.item(d)
        if choice == 21:
            return f"{self.e_d(0)}.get({self.key(d)}, {a()})"
        if choice == 22:
            return f"{self.pick(['min', 'max'])}({a()}, {a()})"
        if choice == 23:
            v = self.fresh("i")
            text = f"(({v} := {a()}) + {v})"
            return text
        if choice == 24:
            g = self.generator(d - 1)
            return self.pick([f"sum({self.e_l(d - 1)})", f"sum({g})", f"sum({g})", f"len(set({g}))", f"len(tuple({g}))"])
        if choice == 25:
            return f"ord(({self.e_s(d - 1)} + 'q')[{self.pick(['0', '-1'])}])"
        if choice == 26:
            return f"({self.e_l(d - 1)}).count({a()})"
        if choice == 27:
            return f"({a()} {self.pick(['and', 'or'])} {a()})"
        if choice == 28:
            return f"divmod({a()}, {a()} or 7)[{self.pick('01')}]"
        if choice == 29:
            return f"(({a()} % 50) ** 2)"
        if choice in (30, 31):
            return self.attribute() or self.leaf_i()
        if choice == 34:
            op = self.pick([f"+ {a()}", f"- {a()}", f"* {a()}", f"^ {a()}", "<< 13", "<< 40", "* 0xFF51AFD7ED558CCD"])
            return f"(({a()} {op}) & {WORD})"
        if choice == 35:
            op = self.pick([">> 7", ">> 60", "<< 17", "^ 0xFF51AFD7ED558CCD", "% 97", "+ 1", f"| {a()}", "// 3", "& 255"])
            return f"(({a()} & {WORD}) {op})"
        if choice == 37:
            x, y = self.leaf_i(), self.leaf_i()
            return self.pick([f"starred({x}, {y})", f"starred({x}, scale={y} & 3, z={x})", f"forwarded({x}, *({y}, 1), k={x})",
                              f"keywords({x} & 255, c={y} & 255)", f"keywords(*({x} & 7, {y} & 7))", f"forwarded(*{self.e_l(0)})",
                              f"keywords(b={x} & 7, a={y} & 7)", "forwarded()"])
        if choice == 36:
            return f"(({a()} & {WORD}) {self.pick(['<', '<=', '==', '!=', '>', '>='])} ({a()} & {WORD}))"
        return self.call("i", d) or self.leaf_i()

    def item(self, d):
        kind = self.pick("llt")
        v = self.var(kind)
        if not v:
            return self.leaf_i()
        i = self.pick(["0", "-1", "1", f"{self.leaf_i()} % len({v})", f"-({self.leaf_i()} % len({v})) - 1", self.leaf_i()])
        if self.tight:
            i = self.pick([f"{self.leaf_i()} % len({v})", f"-({self.leaf_i()} % len({v})) - 1"])
            return f"({v}[{i}] if {v} else 4)"
        return f"{v}[{i}]"

    def attribute(self):
        v = self.var("o")
        if not v or not self.classes:
            return None
        c = self.pick(self.classes)
        names = c.attributes[:1] * 3 + c.attributes + c.properties
        return f"{v}.{self.pick(names)}" if names else None

    def float_attribute(self):
        v = self.var("o")
        return f"{v}.{self.pick(['f0', 'f0', 'f1'])}" if v and self.classes else None

    def key(self, d):
        return self.pick([repr(self.pick(STRS[1:5])), str(self.pick([0, 1, 2, 3])), f"({self.leaf_i()} % 5)", "1.0"])

    def boolean(self, d=1):
        a = lambda k="i": self.e(k, d - 1)
        c = self.r.randrange(16)
        op = lambda: self.pick(["<", "<=", ">", ">=", "==", "!="])
        if c < 5:
            return f"({a()} {op()} {a()})"
        if c == 5:
            return f"({a('n')} {op()} {a('n')})"
        if c == 6:
            return f"({a()} {op()} {a()} {op()} {a()})"
        if c == 7:
            return f"({a('s')} {op()} {a('s')})"
        if c == 8:
            return f"({a()} {self.pick(['in', 'not in'])} {self.e(self.pick('lted'), d - 1)})"
        if c == 9:
            return f"(not {a()})"
        if c == 10:
            return f"({self.pick([self.boolean(d - 1), a('s'), a('l')]) if d > 0 else a()} {self.pick(['and', 'or'])} {a()} > 1)"
        if c == 11:
            v = self.pick(list(self.vars) or ["None"])
            return f"({v} {self.pick(['is', 'is not'])} {self.pick(['None', 'True', v])})"
        if c == 12 and self.chance(0.5):
            return f"{self.pick(['any', 'all'])}({self.generator(d - 1, self.chance(0.7))})"
        if c == 12:
            return f"isinstance({self.pick(list(self.vars) or ['1'])}, {self.pick(['int', 'float', 'str', '(list, tuple)'])})"
        if c == 13:
            return f"({a('f')} {op()} {a('f')})"
        if c == 14:
            return f"({a('l')} {op()} {a('l')})"
        return f"({a()} % {self.pick([2, 3, 5])} == {self.pick([0, 1])})"

    def e_f(self, d):
        v = self.var("f")
        if d <= 0 or self.chance(0.2):
            return v if v and self.chance(0.6) else f"({self.pick(FLOATS)})"
        a = lambda: self.e("f", d - 1)
        c = self.r.randrange(16)
        if c >= 14:
            return self.float_attribute() or a()
        if c < 5:
            return f"({a()} {self.pick('+-*')} {a()})"
        if c < 7:
            return f"({a()} {self.pick('+-*')} {self.e('i', d - 1)})"
        if c == 7:
            return f"({self.e('i', d - 1)} {self.pick('+-*')} {a()})"
        if c == 8:
            return f"({a()} {self.pick(['/', '//', '%'])} {self.pick(['2', '0.5', '-3', f'({a()} or 1.5)', a() if not self.tight else '7.5'])})"
        if c == 9:
            return f"({self.e('i', d - 1)} / {self.pick(['2', '3', '-7', self.leaf_i() if not self.tight else '9'])})"
        if c == 10:
            return f"{self.pick(['abs', 'float', '-', '+'])}({a()})"
        if c == 11:
            return f"({a()} if {self.boolean(d - 1)} else {a()})"
        if c == 12:
            # Squares differ in the last bit: the interpreter multiplies.
            return f"({a()} ** {self.pick(['0.5', '-1', '3'])})" if not self.tight else f"(abs({a()} % 100.0) ** {self.pick(['0.5', '3', '1.5'])})"
        return self.call("f", d) or f"float({self.leaf_i()} % 1000)"

    def e_n(self, d):
        v = self.var("n")
        if v and self.chance(0.5):
            return v
        if self.globals_ok and self.chance(0.1):
            return "G2"
        return self.e(self.pick("if"), d)

    def e_s(self, d):
        v = self.var("s")
        if d <= 0 or self.chance(0.3):
            return v if v and self.chance(0.7) else repr(self.pick(STRS))
        a = lambda: self.e("s", d - 1)
        c = self.r.randrange(11)
        if c < 3:
            return f"({a()} + {a()})"
        if c == 3:
            return f"({a()})[{self.slice(d)}]"
        if c == 4:
            return f"({a()} * {self.pick(['2', '0', '-1', '3'])})"
        if c == 5:
            return f"str({self.e(self.pick('inl'), d - 1)})"
        if c == 6:
            return f"f'{{{self.leaf_i()}}}:{{{self.pick(list(self.vars) or ['G0'])}!r:>3}}'" if "o" not in self.vars.values() else a()
        if c == 7:
            return f"({a()}).{self.pick(['upper()', 'strip()', 'replace(chr(97), chr(98))', 'title()', 'lower()', 'zfill(4)'])}"
        if c == 8:
            return f"{self.pick(['-', ','])!r}.join(map(str, {self.e_l(0)}))"
        if c == 9:
            return f"'%s|%d' % ({a()}, {self.leaf_i()})"
        return self.call("s", d) or f"({a()} + 'k')[{self.pick(['0', '-1'])}]"

    def slice(self, d):
        part = lambda: self.pick(["", "", "1", "-1", "2", "-3", "5", f"({self.leaf_i()} % 6)"])
        return f"{part()}:{part()}" + (f":{self.pick(['', '1', '-1', '2', '-2'])}" if self.chance(0.4) else "")

    def generator(self, d, truth=False):
        """What a comprehension or generator expression of ints, or of truth values, has in its brackets."""
        x = self.fresh("c")
        source = self.pick([f"range({self.r.randrange(1, 9)})", self.e_l(d - 1), self.e_t(d - 1)])
        self.vars[x] = "i"
        self.locked.add(x)
        body = self.boolean(0) if truth else self.e_simple(d - 1)
        cond = f" if {self.boolean(0)}" if self.chance(0.4) else ""
        del self.vars[x]
        return f"{body} for {x} in {source}{cond}"

    def e_l(self, d):
        v = self.var("l")
        if d <= 0 or self.chance(0.25):
            if v and self.chance(0.75):
                return v
            return "[" + ", ".join(str(self.pick(SMALL)) for _ in range(self.r.randrange(1, 6))) + "]"
        c = self.r.randrange(10)
        if c == 0:
            return f"({self.e_l(d - 1)} + {self.e_l(d - 1)})"
        if c == 1:
            return f"({self.e_l(d - 1)})[{self.slice(d)}]"
        if c == 2:
            return f"sorted({self.e_l(d - 1)}{self.pick(['', ', reverse=True', ', key=lambda q: -q', ', key=lambda q: (q % 3, q)'])})"
        if c in (3, 4, 5):
            g = self.generator(d)
            return self.pick([f"[{g}]", f"[{g}]", f"list({g})", f"sorted(set({g}))", f"[*tuple({g})]"])
        if c == 6:
            return f"list(range({self.r.randrange(0, 9)}, {self.pick(['10', '-3', '4'])}, {self.pick(['1', '-1', '2', '3'])}))"
        if c == 7:
            return f"[{self.e('i', d - 1)}, *{self.e_l(d - 1)}]"
        if c == 8:
            return f"list({self.e(self.pick('tle'), d - 1) if self.chance(0.6) else self.e_t(d - 1)})"
        return self.call("l", d) or f"[{self.e('i', d - 1)}, {self.e('i', d - 1)}]"

    def e_simple(self, d):
        """An int expression without walrus and calls (for comprehensions)."""
        return f"({self.leaf_i()} {self.pick(['+', '-', '*', '&', '^', '|'])} {self.leaf_i()})"

    def e_t(self, d):
        v = self.var("t")
        if v and (d <= 0 or self.chance(0.5)):
            return v
        c = self.r.randrange(4)
        if c == 0 and d > 0:
            return f"tuple({self.e_l(d - 1)})"
        if c == 1 and v:
            return f"({v} + ({self.leaf_i()},))[-4:]"
        return f"({self.e('i', d - 1)}, {self.e('i', d - 1)}, {self.leaf_i()})"

    def e_d(self, d):
        v = self.var("d")
        if v and self.chance(0.8):
            return v
        if self.chance(0.3):
            x = self.fresh("c")
            return f"{{{x} % 5: {x} * {self.pick(SMALL)} for {x} in {self.e_l(0)}}}"
        return "{" + ", ".join(f"{self.key(0)}: {self.leaf_i()}" for _ in range(self.r.randrange(4))) + "}"

    def e_e(self, d):
        v = self.var("e")
        if v and self.chance(0.7):
            return v
        return f"({{{self.leaf_i()}, {self.leaf_i()}}} {self.pick('|&-^')} set({self.e_l(0)}))"

    def e_o(self, d):
        v = self.var("o")
        if v and self.chance(0.8) or not self.classes:
            return v or "None"
        return f"{self.pick(self.classes).name}({self.leaf_i()})"

    def arguments(self, f, d):
        parts = [self.e(k, min(d - 1, 1)) for k in f.params]
        if f.params and self.chance(0.15) and all(k == "i" for k in f.params):
            return f"*{tuple(self.pick(SMALL) for _ in f.params)!r}"
        if f.keywords and self.chance(0.5):
            name, kind = self.pick(f.keywords)
            parts.append(f"{name}={self.e(kind, 1)}")
        return ", ".join(parts)

    def call(self, kind, d):
        if kind == "i" and self.chance(0.35) and self.var("o"):
            methods = [m for c in self.classes for m in c.methods]
            if methods:
                name, params = self.pick(methods)
                self.cost += self.weight * 8
                return f"{self.var('o')}.{name}({', '.join(self.leaf_i() for _ in range(params))})"
        limit = 60_000
        usable = [f for f in self.functions if f.result == kind and not f.generator and f.cost * self.weight + self.cost < limit]
        if not usable:
            return None
        f = self.pick(usable)
        self.cost += f.cost * self.weight
        return f"{f.name}({self.arguments(f, d)})"

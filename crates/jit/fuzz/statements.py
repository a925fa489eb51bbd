"""Statements, functions, classes and whole programs for `differential.py` (expressions: `generate.py`)."""

from generate import PRELUDE, SMALL, STRS, Class, Function, Generator


class Program(Generator):
    """A generator of whole programs."""

    # Blocks.

    def block(self, n, keep=False):
        """A nested block of up to `n` statements. New variables are forgotten: they may be unbound behind it."""
        self.level += 1
        before, start = dict(self.vars), len(self.lines)
        for _ in range(self.r.randrange(1, n + 1)):
            self.statement()
        if len(self.lines) == start:
            self.w("pass")
        if not keep and not self.chance(0.03):
            self.vars = before
        self.level -= 1

    def looped(self, rounds, n, locked=()):
        """The block of a loop with so many rounds."""
        self.weight *= rounds
        self.in_loop += 1
        self.locked.update(locked)
        self.block(n)
        self.in_loop -= 1
        self.weight //= rounds
        self.locked.difference_update(locked)

    def rounds(self):
        n = self.pick([8, 20, 60, 150] if self.tight else [1, 2, 5, 8, 12, 20, 40]) if self.weight == 1 else self.pick([0, 1, 2, 3, 4, 6, 9])
        while n > 2 and self.weight * n > 400:
            n //= 2
        return n

    TABLE = [
        ("assign", 14), ("augmented", 9), ("swap", 2), ("if", 7), ("for_range", 5), ("for_items", 5), ("while", 4),
        ("try", 5), ("with", 2), ("list_change", 5), ("dict_change", 4), ("set_change", 2), ("object_change", 5),
        ("closure", 2), ("generator_use", 2), ("locals", 1), ("frame", 1), ("delete", 1), ("match", 2), ("jump", 3),
        ("out", 4), ("global", 1), ("unpack", 2), ("raise", 1), ("yield", 3), ("assert", 1), ("late", 1), ("mixed", 2), ("poke", 1),
    ]
    NAMES = [n for n, _ in TABLE]
    WEIGHTS = [w for _, w in TABLE]

    def statement(self):
        self.cost += self.weight
        name = self.r.choices(self.NAMES, self.WEIGHTS)[0]
        if self.level > 5 and name in ("if", "for_range", "for_items", "while", "try", "with", "closure", "match"):
            name = "assign"
        if self.cost > 30_000 and name in ("for_range", "for_items", "while", "closure", "generator_use"):
            name = "augmented"
        getattr(self, "s_" + name)()

    # Assignments.

    def set(self, kind, text, target=None):
        v = target or self.target(kind)
        self.w(f"{v} = {text}")
        self.vars[v] = kind
        self.clamp(v, kind)
        return v

    def clamp(self, v, kind):
        if kind == "i":
            self.w(f"if not -0x8000000000000000000 < {v} < 0x8000000000000000000: {v} %= 1000003")
        elif kind in "sl":
            self.w(f"if len({v}) > 24: {v} = {v}[:5]")

    def s_assign(self):
        kind = self.pick("iiiiiiffnsllttdeo")
        self.set(kind, self.e(kind, 3))

    def s_mixed(self):
        self.set("n", self.pick([self.e_i(2), self.e_f(2), self.boolean(1)]) if not self.chance(0.4)
                 else f"({self.e_i(1)} if {self.boolean(1)} else {self.e_f(1)})")

    def s_augmented(self):
        kind = self.pick("iiiiffnsl")
        found = [v for v in self.of(kind) if v not in self.locked]
        if not found:
            return self.s_assign()
        v = self.pick(found)
        if kind == "i":
            op = self.pick(["+=", "-=", "+=", "*=", "^=", "|=", "&=", ">>=", "//=", "%="])
            right = self.e("i", 2)
            right = f"({right}) % 20" if op == ">>=" else f"({right} or 5)" if op in ("//=", "%=") else right
            self.w(f"{v} {op} {right}")
        elif kind in "fn":
            self.w(f"{v} {self.pick(['+=', '-=', '*='])} {self.e(self.pick('fi' if kind == 'n' else 'ffi'), 2)}")
            if kind == "n":
                self.w(f"if not -1e30 < {v} < 1e30: {v} = {self.pick(['1', '2.5', 'True'])}")
        else:
            self.w(f"{v} += {self.e(kind, 1)}")
        self.clamp(v, kind)

    def s_swap(self):
        found = [v for v in self.of("i") if v not in self.locked]
        if len(found) >= 2:
            a, b = self.r.sample(found, 2)
            self.w(f"{a}, {b} = {b}, {self.pick([a, f'({a} + {b})', f'({a} - {b})'])}")
            self.clamp(a, "i")
            self.clamp(b, "i")

    def s_unpack(self):
        a, b, c = self.fresh("i"), self.fresh("i"), self.fresh("l")
        form = self.r.randrange(4)
        if form == 0:
            self.w(f"{a}, {b}, _ = {self.e_t(1)}")
        elif form == 1:
            self.w(f"{a}, *{c} = {self.e_l(1)} or [4]")
            self.w(f"{b} = len({c})")
            self.vars[c] = "l"
        elif form == 2:
            self.w(f"{a} = {b} = {self.e('i', 2)}")
        else:
            self.w(f"{a}, ({b}, _) = {self.e('i', 1)}, ({self.e('i', 1)}, {self.e_n(1)})")
        self.vars[a] = self.vars[b] = "i"
        self.clamp(a, "i")
        self.clamp(b, "i")

    # Control.

    def s_if(self):
        self.w(f"if {self.boolean(2)}:")
        before = dict(self.vars)
        self.block(3)
        if self.chance(0.3):
            self.w(f"elif {self.boolean(2)}:")
            self.block(2)
        if self.chance(0.5):
            self.w("else:")
            self.block(3)
        self.vars = before

    def loop_else(self):
        if self.chance(0.2):
            self.w("else:")
            self.block(2)

    def s_for_range(self):
        n, v = self.rounds(), self.fresh("i")
        bounds = self.pick([f"{n}", f"{n}", f"1, {n + 1}", f"{n}, 0, -1", f"-{n}, {n}, 2", f"0, {n * 3}, 3",
                            f"2**62 - {n // 2}, 2**62 + {n - n // 2}", f"{self.leaf_i()} % {n + 1}"])
        self.w(f"for {v} in range({bounds}):")
        self.vars[v] = "i"
        self.looped(max(n, 1), 5, [v] if self.chance(0.8) else [])
        if n == 0 or "%" in bounds:
            self.vars.pop(v, None)
        self.loop_else()

    def s_for_items(self):
        v, w = self.fresh("i"), self.fresh("i")
        before = dict(self.vars)
        form = self.r.randrange(11 if self.classes else 9)
        kinds = {v: "i"}
        rounds = 8
        if form == 0:
            head = f"{v} in {self.e_l(1)}"
        elif form == 1:
            head = f"{v} in {self.e_t(1)}"
        elif form == 2:
            head, kinds = f"{v}, {w} in enumerate({self.e_l(1)})", {v: "i", w: "i"}
        elif form == 3:
            head, kinds = f"{v}, {w} in zip({self.e_l(1)}, {self.e_t(1)})", {v: "i", w: "i"}
        elif form == 4:
            head, kinds = f"{v} in {self.e_s(1)}", {v: "s"}
        elif form == 5:
            head, kinds = f"{v}, {w} in list({self.e_d(1)}.items())", {w: "i", v: "n"}
        elif form == 6:
            head = f"{v} in sorted({self.e_e(1)})"
        elif form >= 9:
            n = self.rounds()
            rounds = max(3 * n, 1)
            head, kinds = f"{v} in [{self.e_o(1)}, {self.e_o(0)}, {self.e_o(0)}] * {n}", {v: "o"}
        elif form == 7:
            n = self.rounds()
            rounds = max(n, 1)
            head = f"{v} in [{self.e('i', 1)}, {self.e('i', 1)}] * {n}"
        else:
            n = self.rounds()
            rounds = max(2 * n, 1)
            head, kinds = f"{v} in [{self.e('i', 1)}, {self.e('f', 1)}] * {n}", {v: "n"}
        self.w(f"for {head}:")
        self.vars.update(kinds)
        self.looped(rounds, 4, list(kinds))
        self.vars = before
        self.loop_else()

    def s_while(self):
        n, v = self.rounds(), self.fresh("w")
        self.w(f"{v} = 0")
        self.vars[v] = "i"
        if self.chance(0.3):
            self.w("while True:")
            self.w(f"    if {v} >= {n}: break")
        else:
            extra = f" and {self.boolean(1)}" if self.chance(0.2) else ""
            self.w(f"while {v} < {n}{extra}:")
        self.w(f"    {v} += 1")
        self.looped(max(n, 1), 5, [v])
        self.loop_else()

    def s_jump(self):
        if self.in_loop:
            self.w(f"if {self.boolean(1)}: {self.pick(['break', 'continue', 'continue'])}")
        elif self.chance(0.3) and self.level > 1:
            self.w(f"if {self.boolean(1)}: {'return' if self.in_generator else 'return ' + self.e_n(1)}")

    def s_try(self):
        self.w("try:")
        self.block(4)
        if self.chance(0.5):
            self.level += 1
            self.w(self.pick([f"{self.e_l(0)}[{self.leaf_i()}]", f"{self.leaf_i()} // ({self.leaf_i()} % 3)",
                              f"{self.e_d(0)}[{self.key(0)}]", "None + 1", f"raise Error({self.leaf_i()})",
                              f"if {self.boolean(1)}: raise ValueError({self.leaf_i()})", f"int({self.e_s(1)})"]))
            self.level -= 1
        last_only = self.chance(0.15)
        if not last_only:
            name = self.fresh("x")
            if self.chance(0.4):
                # Nobody sees the exception itself, or only by asking for it.
                kind = self.pick(["KeyError", "IndexError", "ZeroDivisionError", "(KeyError, ZeroDivisionError)"])
                self.w(f"except {kind}:")
                if self.chance(0.3):
                    self.w(f"    if {self.boolean(1)}: out(chain(sys.exception()))")
                self.block(2)
            kind = self.pick(["Exception", "(ValueError, IndexError, ZeroDivisionError, KeyError, TypeError, Error)"])
            self.w(f"except {kind} as {name}:")
            if self.chance(0.5):
                self.w(f"    out({self.pick(['where', 'chain'])}({name}))")
            self.block(2)
            if self.chance(0.3):
                self.w("else:")
                self.block(2)
        if last_only or self.chance(0.3):
            self.w("finally:")
            loop, self.in_loop = self.in_loop, 0
            generator, level = self.in_generator, self.level
            self.w("    pass")
            self.set_in_block()
            self.in_loop, self.in_generator, self.level = loop, generator, level

    def set_in_block(self):
        self.level += 1
        before = dict(self.vars)
        self.s_augmented()
        self.vars = before
        self.level -= 1

    def s_with(self):
        v = self.fresh("m")
        self.w(f"with Manager({self.pick(['False', 'True', 'True'])}) as {v}:")
        self.block(3)
        self.w(f"{self.set_target('i')} = {v}.count" if self.chance(0.0) else f"if {v}.count > 1: pass")

    def s_raise(self):
        if not self.tight and self.chance(0.5):
            self.w(f"if {self.boolean(1)} and {self.boolean(1)}: raise {self.pick(['Error', 'ValueError', 'KeyError'])}({self.leaf_i()})")

    def s_assert(self):
        if self.tight:
            return self.s_assign()
        self.w(f"assert {self.boolean(1)} or {self.boolean(1)}, {self.leaf_i()}")

    def s_match(self):
        v = self.pick(list(self.vars) or ["G0"])
        names = [self.fresh("i"), self.fresh("i")]
        self.w(f"match {v}:")
        self.level += 1
        cases = ["0 | 1", "int(3)", "str()", f"[{names[0]}, *_]", f"({names[0]}, {names[1]}, *_)", "float()", "{'a': _}", "None",
                 f"int() as {names[0]} if {self.boolean(1)}", "bool()", "-1"]
        for c in self.r.sample(cases, self.r.randrange(1, 5)):
            self.w(f"case {c}:")
            self.block(2)
        self.w("case _:")
        self.block(2)
        self.level -= 1

    # Changes of objects.

    def s_list_change(self):
        v = self.var("l")
        if not v or v in self.locked:
            return self.set("l", self.e("l", 2))
        a = self.e("i", 1)
        self.w(self.pick([
            f"{v}.append({a})", f"{v}.append({a})", f"{v}[{self.leaf_i()} % len({v})] = {a}", f"{v}[-1] = {a}", f"{v}[0] += {a}",
            f"{v}.insert({self.leaf_i()} % 4, {a})", f"{v}.extend({self.e_t(1)})", f"if {v}: {v}.pop()", f"{v}[{self.slice(1).split(':')[0]}:] = [{a}, 3]",
            f"{v}.sort()", f"{v}.reverse()", f"if len({v}) > 2: del {v}[{self.pick(['0', '-1', '1', '1:', '::2'])}]",
            f"{v} *= 2", f"{v}[{self.leaf_i()}{f' % len({v})' if self.tight else ''}] = {a}", f"{v}.sort(key=lambda q: (q % 5, q))",
        ]))
        self.clamp(v, "l")
        self.w(f"for q, z in enumerate({v}):")
        self.w(f"    if not isinstance(z, int) or not -0x8000000000000000000 < z < 0x8000000000000000000: {v}[q] = q")

    def s_dict_change(self):
        v = self.var("d")
        if not v:
            return self.set("d", self.e_d(2))
        k = self.key(1)
        self.w(self.pick([
            f"{v}[{k}] = {self.e('i', 1)}", f"{v}[{k}] = {v}.get({k}, 0) + 1", f"{v}.setdefault({k}, {self.leaf_i()})",
            f"{v}.pop({k}, None)", f"{v}.update(a={self.leaf_i()})", f"{v} = dict(sorted({v}.items(), key=repr))", f"if {k} in {v}: del {v}[{k}]",
            f"{v} |= {self.e_d(0)}",
        ]))

    def s_set_change(self):
        v = self.var("e")
        if not v:
            return self.set("e", self.e_e(2))
        self.w(self.pick([f"{v}.add({self.e('i', 1)})", f"{v}.discard({self.leaf_i()})", f"{v} ^= {self.e_e(1)}"]))
        self.w(f"if len({v}) > 12: {v} = set()")

    def s_object_change(self):
        v = self.var("o")
        if not self.classes:
            return
        if not v:
            self.set("o", self.e_o(1))
            return
        c = self.pick(self.classes)
        a = self.pick(c.attributes)
        op = self.pick(["=", "+=", "-=", "="])
        if self.chance(0.4):
            a = self.pick(["f0", "f1"])
            self.w(f"{v}.{a} {op} {self.e('n' if self.chance(0.1) else 'f', 2)}")
            self.w(f"if not -1e30 < {v}.{a} < 1e30: {v}.{a} = {self.pick(['1.5', '1.5', '-0.0', '1e-300', '2', 'True'])}")
            return
        self.w(f"{v}.{a} {op} {self.e('i', 2)}")
        self.w(f"if not -0x8000000000000000000 < {v}.{a} < 0x8000000000000000000: {v}.{a} = 1")
        if self.chance(0.2):
            self.w(self.pick([f"{v}({self.leaf_i()})", f"{v} = {v} + {self.leaf_i()}", f"out({v} < {v}, len({v}), bool({v}), {v}[2])",
                              f"out([*{v}])", f"out({v} == {v}, {v} != None)", f"out(getattr({v}, 'late', None))"]))

    def s_late(self):
        v = self.var("o")
        if v:
            n = self.r.randrange(3)
            self.w(self.pick([f"{v}.late{n} = {self.leaf_i()}", f"out(getattr({v}, 'late{n}', 'none'))",
                              f"if hasattr({v}, 'late{n}'): del {v}.late{n}"]))

    # Closures, generators, frames.

    def s_closure(self):
        f, v = self.fresh("g"), [x for x in self.of("i") if x not in self.locked]
        v = [x for x in v if x not in ("q", "rest")]
        outer, loop, generator = dict(self.vars), self.in_loop, self.in_generator
        self.in_loop, self.in_generator = 0, False
        captured = self.pick(v) if v else None
        p = self.fresh("i")
        self.w(f"def {f}({p}, q={self.leaf_i()}):")
        if captured and self.chance(0.6):
            self.w(f"    nonlocal {captured}")
            self.w(f"    {captured} = ({captured} + {p}) % 1000")
        self.vars = {p: "i", "q": "i"}
        if captured:
            self.vars[captured] = "i"
            self.locked.add(captured)
        self.block(3, keep=True)
        self.w(f"    return {self.e_i(1)}")
        self.locked.discard(captured)
        self.vars, self.in_loop, self.in_generator = outer, loop, generator
        x = self.fresh("i")
        self.w(f"for {x} in range({self.pick([2, 5, 9])}): out({f}({x}{self.pick(['', ', 3', ', q=-2'])}))")

    def s_generator_use(self):
        usable = [f for f in self.functions if f.generator and f.cost * self.weight + self.cost < 60_000]
        if usable:
            f = self.pick(usable)
            self.cost += f.cost * self.weight
            call = f"{f.name}({self.arguments(f, 1)})"
            if self.chance(0.5):
                return self.loop_over(call)
            self.w(self.pick([f"out(list({call}))", f"out(sum(1 for _ in {call}))", f"for _ in {call}: out(_)", f"out(next({call}, None))"]))
        else:
            x = self.fresh("c")
            self.w(f"out(sum({x} * 2 for {x} in {self.e_l(1)}), any({x} > 3 for {x} in {self.e_l(1)}))")

    def loop_over(self, call):
        """A loop over a generator made for it, with statements in its body."""
        x = self.fresh("x")
        t = self.fresh("n")
        self.w(f"{t} = {self.pick(['0', '0', '1.5', '-7', '2**61'])}")
        self.w(f"for {x} in {call}:")
        outer, weight = dict(self.vars), self.weight
        self.level += 1
        self.in_loop += 1
        self.weight *= 6
        form = self.r.randrange(6)
        if form == 0:
            self.w(f"if type({x}) is int and {x} % {self.pick([2, 3, 7])} == 1: {self.pick(['continue', 'break'])}")
        elif form == 1:
            self.w(f"if type({x}) is not int: break")
        for _ in range(self.r.randrange(0, 3)):
            self.statement()
        self.w(f"if type({x}) in (int, float, bool): {t} {self.pick(['+=', '-=', '+= 3 *'])} {x}")
        self.w(f"else: {t} += 1")
        self.level -= 1
        self.in_loop -= 1
        self.vars, self.weight = outer, weight
        if self.chance(0.2):
            self.w(f"else: {t} -= 1")
        self.w(f"out({t})")

    def s_yield(self):
        if not self.in_generator:
            return self.s_out()
        form = self.r.randrange(4)
        if form < 2:
            self.w(f"yield {self.e_n(2)}")
        elif form == 2:
            self.w(f"yield from {self.e_l(1)}")
        else:
            self.w(f"_ = yield {self.leaf_i()}")

    def s_locals(self):
        self.w(self.pick([
            "out(sorted((k, v) for k, v in locals().items() if isinstance(v, (int, str))))",
            "out(sorted((k, v) for k, v in sys._getframe().f_locals.items() if isinstance(v, int)))",
            "out(len(locals()))",
        ]))

    def s_poke(self):
        """A callee writes a local variable of its caller."""
        v = self.var("i")
        if v and v not in self.locked:
            self.w(f"if {self.boolean(1)}: poke({v!r}, {self.pick([self.leaf_i(), '2.5', repr('text')]) if not self.tight else self.leaf_i()})")

    def s_frame(self):
        self.w(self.pick(["out(sys._getframe().f_lineno)", "out(sys._getframe(0).f_code.co_name, sys._getframe(1).f_code.co_name)",
                          "out(sys._getframe(1).f_lineno)"]))

    def s_delete(self):
        v = [x for x in self.vars if x not in self.locked]
        if not v:
            return
        v = self.pick(v)
        self.w("try:")
        self.w(f"    if {self.boolean(1)}: del {v}")
        self.w(f"    out({v})")
        self.w("except UnboundLocalError as x:")
        self.w("    out(str(x))")
        self.w(f"    {v} = {self.e(self.vars[v], 1)}")

    def s_out(self):
        names = self.r.sample(list(self.vars), min(len(self.vars), 3))
        self.w(f"out({', '.join(f'sorted({n})' if self.vars[n] == 'e' else n for n in names) or '0'})")

    def s_global(self):
        if self.globals_ok:
            self.w(f"globals()['G0'] = {self.leaf_i()} % 1000" if self.chance(0.5) else f"GL.append({self.leaf_i()} % 9); del GL[:-4]; out(GL)")

    # Functions, classes, programs.

    def parameters(self):
        kinds = [self.pick("iiiiffnslto") for _ in range(self.r.randrange(1, 4))]
        return [k if k != "o" or self.classes else "i" for k in kinds]

    def function(self):
        name, kinds = self.fresh("f"), self.parameters()
        params = [self.fresh(k) for k in kinds]
        generator = self.chance(0.15)
        recursive = not generator and self.chance(0.12)
        self.vars = dict(zip(params, kinds))
        self.cost, self.weight, self.in_generator, self.globals_ok, self.locked = 0, 1, generator, True, set()
        keywords, head = [], list(params)
        if self.chance(0.4):
            k = self.fresh("i")
            head.append(f"{k}={self.pick(SMALL)}")
            keywords.append((k, "i"))
            self.vars[k] = "i"
        if self.chance(0.2):
            head.append("*rest")
            self.vars["rest"] = "t"
        if self.chance(0.2):
            k = self.fresh("f")
            head.append(f"{k}=1.5" if "*rest" in head else f"*, {k}=1.5")
            keywords.append((k, "f"))
            self.vars[k] = "f"
        self.w(f"def {name}({', '.join(head)}):")
        self.level = 1
        if recursive:
            first = params[0]
            if kinds[0] == "i":
                self.w(f"if {first} > 12: {first} %= 13")
                self.w(f"if {first} > 0: out({name}({', '.join([f'{first} - 1'] + params[1:])}))")
        for kind in self.r.sample("iiflsde", 4):
            self.set(kind, self.e(kind, 1))
        for _ in range(self.r.randrange(3, 9)):
            self.statement()
        if self.chance(0.4) and any(f.generator for f in self.functions):
            self.s_generator_use()
        result = self.pick("iiiifsln")
        if generator:
            self.w(f"yield {self.e_n(1)}")
        else:
            self.w(f"return {self.e(result, 2)}")
        self.level = 0
        self.w("")
        cost = (self.cost + 10) * (12 if recursive else 1)
        self.functions.append(Function(name, kinds, result, cost, generator, keywords))

    def small_generator(self):
        """A small generator function, likely to be built in place, and one that calls it in loops."""
        name, a, b = self.fresh("f"), self.fresh("i"), self.fresh("i")
        self.vars, self.in_generator, self.locked = {a: "i", b: "i"}, True, {b}
        self.cost, self.weight, self.globals_ok = 0, 1, False
        self.w(f"def {name}({a}, {b}=9):")
        self.level = 1
        if self.chance(0.3):
            self.w(f"yield {self.e_n(1)}")
        form = self.r.randrange(4)
        if form == 0:
            self.w(f"for _ in range({b} % 20):")
        elif form == 1:
            self.w(f"while {b} % 32 > 1:")
        elif form == 2:
            self.w(f"for {a} in {self.e_l(1)}:")
        else:
            self.w(f"for {a} in ({a} + k for k in range({b} % 11) if k != 3):")
        self.level = 2
        if form == 1:
            self.w(f"{b} = {b} % 32 - 1")
        if self.chance(0.4):
            self.w(f"if {self.boolean(1)}: {self.pick(['continue', 'return', 'yield 5'])}")
        form = self.r.randrange(8)
        if form == 0:
            self.w("try:")
            self.w(f"    {a} = {a} // ({b} % 5)")
            self.w(f"except ZeroDivisionError: {a} += 2")
        elif form == 1:
            self.w(f"yield from {self.pick([self.e_l(1), f'range({b} % 4)', f'(k * {a} for k in range(3))'])}")
        elif form == 2:
            others = [f.name for f in self.functions if f.generator and f.params == ["i", "i"] and f.cost == 200]
            if others:
                self.w(f"yield from {self.pick(others)}({a}, {b} % 6)")
        self.w(f"yield {self.pick([a, self.e_n(1), self.e_n(2)])}")
        if self.chance(0.6):
            self.w(f"{a} {self.pick(['+=', '-=', '*=', '^='])} {self.pick([b, '1', '3', '7'])}")
        self.level = 0
        self.w("")
        self.functions.append(Function(name, ["i", "i"], "n", 200, True, ()))
        self.in_generator = False

    def helper(self):
        """A small function, likely to be inlined."""
        name = self.fresh("f")
        a, b = self.fresh("i"), self.fresh("i")
        kinds = self.pick(["ii", "ii", "if", "il", "oi", "io"]) if self.classes else "ii"
        self.vars = {a: kinds[0], b: kinds[1]}
        self.cost, self.weight, self.in_generator, self.globals_ok, self.locked = 0, 1, False, True, set()
        self.w(f"def {name}({a}, {b}):")
        self.level = 1
        result = self.pick("iif")
        form = self.r.randrange(5)
        if form == 0:
            self.w(f"if {self.boolean(1)}: return {self.e(result, 1)}")
        elif form == 1:
            self.set("i", self.e("i", 2))
            self.s_if()
        elif form == 2 and self.classes:
            self.s_object_change()
        elif form == 3:
            self.w(f"for i in range({self.pick(['3', '5', '9'])}):")
            self.vars["i"] = "i"
            self.looped(5, 2, ["i"])
            self.w("i = 1")
        self.w(f"return {self.e(result, 2)}")
        self.level = 0
        self.functions.append(Function(name, list(kinds), result, self.cost + 5))

    def klass(self):
        name = self.fresh("C")
        base = self.pick(self.classes) if self.classes and self.chance(0.6) else None
        slots = self.chance(0.25) and not base
        attributes = list(base.attributes) if base else []
        attributes += [a for a in (f"a{self.r.randrange(4)}" for _ in range(2)) if a not in attributes]
        attributes = list(dict.fromkeys(attributes + ["a0"]))
        methods, properties = list(base.methods) if base else [], list(base.properties) if base else []
        self.vars, self.globals_ok, self.in_generator, self.locked = {"x": "i"}, True, False, set()
        self.w(f"class {name}{f'({base.name})' if base else ''}:")
        if slots:
            self.w(f"    __slots__ = {(*attributes, 'f0', 'f1')!r}")
        self.w("    shared = 5")
        self.w("    def __init__(self, x):")
        if base and self.chance(0.7):
            self.w("        super().__init__(x)")
        for i, a in enumerate(attributes if not base or self.chance(0.5) else attributes[::-1]):
            self.w(f"        self.{a} = {self.pick(['x', f'x + {i}', str(i), 'x % 7'])}")
        for a in self.pick([["f0", "f1"], ["f1", "f0"]]):
            self.w(f"        self.{a} = {self.pick(['x * 0.5', '0.0', '2.5', 'x / 4'] if self.chance(0.9) else ['x', '-0.0', '1e-300'])}")
        if self.chance(0.6):
            self.w(f"    def m{self.r.randrange(4)}(self, x):")
            self.w("        self.f0 = (self.f0 + x * self.f1) % 1000.0")
            self.w(f"        self.f1 = {self.pick(['self.f0 * 0.25', '-self.f1', 'self.f1 / 2'])}")
            self.w("        return x")
        self.w("    def __repr__(self):")
        self.w(f"        return f'<{name} {{self.a0}} {{self.f0}} {{self.f1}}>'")
        for n in range(self.r.randrange(1, 3)):
            m = f"m{self.r.randrange(4)}"
            self.w(f"    def {m}(self, x):")
            a = self.pick(attributes)
            if self.chance(0.5):
                self.w(f"        self.{a} = (self.{a} {self.pick('+-^')} x) % 100003")
            up = f" + super().{m}(x)" if base and (m, 1) in base.methods and self.chance(0.6) else ""
            self.w(f"        return self.{self.pick(attributes)} * {self.pick(SMALL)} + x{up} + self.shared")
            methods = [*methods, (m, 1)] if (m, 1) not in methods else methods
        self.w("    @property")
        p = f"p{self.r.randrange(2)}"
        self.w(f"    def {p}(self): return self.{self.pick(attributes)} + {self.pick(SMALL)}")
        properties = list(dict.fromkeys(properties + [p]))
        operators = ["def __add__(self, o): return type(self)((self.a0 + o) % 1009)", "def __lt__(self, o): return self.a0 < o.a0",
                     "def __len__(self): return 3", "def __bool__(self): return self.a0 % 2 == 0", "def __getitem__(self, i): return i + self.a0",
                     "def __eq__(self, o): return self is o", "def __call__(self, x): self.a0 = x; return x",
                     "def __iter__(self): yield self.a0; yield 2", "def __radd__(self, o): return o - 1"]
        for o in operators:
            if self.chance(0.6 if not base else 0.2):
                self.w("    " + o)
        self.w("")
        self.classes.append(Class(name, attributes, methods, properties, slots))

    def event(self):
        """A change of something that hot code relies on."""
        plain = [f for f in self.functions if not f.generator]
        options = ["G0 = G0 + 1", "G1 = 2.5", "G0 = 'text'", "len = lambda x: 3", "if 'len' in globals(): del len", "G2 = 7", "abs = int"]
        if len(plain) > 1:
            f, g = self.r.sample(plain, 2)
            options += [f"{f.name}.__defaults__ = ({self.pick(SMALL)},)", f"{f.name}.__code__ = {g.name}.__code__", f"{f.name} = {g.name}"]
        for c in self.classes[:2]:
            for m, _ in c.methods[:1]:
                options += [f"{c.name}.{m} = lambda self, x: x + 1", f"{c.name}.{m} = lambda self, x: x * 2.0"]
            options += [f"{c.name}.shared = {self.pick(SMALL)}", f"{c.name}.{c.properties[0]} = property(lambda self: 42)",
                        f"{c.name}.shared = property(lambda self: self.a0)", f"del {c.name}.shared",
                        f"{c.name}.__getattr__ = lambda self, n: 1", f"{c.name}.__setattr__ = lambda self, n, v: object.__setattr__(self, n, v)"]
        return self.pick(options)

    def value(self, kind):
        return {"i": str(self.pick(SMALL)) if self.chance(0.8) else self.e_i(0), "o": f"{self.pick(self.classes).name}(3)" if self.classes else "1"}.get(kind) \
            or self.e(kind, 1)

    def driver(self, f):
        """Calls a function often, with arguments of its kinds, then of others, with changes between."""
        self.vars, self.globals_ok, self.cost, self.weight = {}, False, 0, 1
        n = max(4, min(45, 60_000 // max(f.cost, 1)))
        sets = []
        for i in range(self.r.randrange(3, 7)):
            kinds = f.params if i < 3 or self.chance(0.5) else [self.pick("ifsl") if self.chance(0.5) else k for k in f.params]
            sets.append("(" + "".join(self.value(k) + ", " for k in kinds) + ")")
        self.w(f"for r in range({n}):")
        for _ in range(self.r.randrange(0, 3)):
            self.w(f"    if r == {self.r.randrange(1, n)}:")
            self.w("        try:")
            self.w(f"            {self.event()}")
            self.w("        except Exception as x: out(where(x))")
        self.w("    try:")
        self.w(f"        args = [{', '.join(sets)}]")
        self.w(f"        args = args[r % 3 if r < {n * 2 // 3} else r % len(args)]")
        self.w(f"        v = {f.name}(*args)")
        self.w(f"        out(list(v)[:50])" if f.generator else "        out(v)")
        self.w("    except Exception as x: out(where(x))")

    def program(self):
        for _ in range(self.r.randrange(1, 4) if self.tight else self.r.randrange(0, 3)):
            self.klass()
        for _ in range(self.r.randrange(1, 5) if self.tight else 0):
            self.helper()
        for _ in range(self.r.randrange(0, 3)):
            self.small_generator()
        for _ in range(self.r.randrange(1, 4)):
            self.function()
        for f in self.functions:
            self.driver(f)
        self.w("print(NOUT, HASH)")
        if self.chance(0.05):
            self.w(f"{self.functions[-1].name}()")
        return PRELUDE + "\n" + "\n".join(self.lines) + "\n"


def program(seed):
    """The program of a seed."""
    return Program(seed).program()

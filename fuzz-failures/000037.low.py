# low: status -6 for 0; stderr: thread 'main' (3568) panicked at crates/jit/src/passes/mod.rs:44:9: after build: b72: v777 uses v756, which does not dominate it thread 'main' (3568) panicked a
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

class C1:
    shared = 5
    def __init__(self, x):
        self.a0 = x % 7
        self.a2 = x
    def __repr__(self):
        return f'<C1 {self.a0}>'
    def m2(self, x):
        return self.a2 * -1 + x + self.shared
    def m1(self, x):
        self.a0 = (self.a0 + x) % 100003
        return self.a2 * 11 + x + self.shared
    @property
    def p1(self): return self.a2 + 31
    def __bool__(self): return self.a0 % 2 == 0
    def __getitem__(self, i): return i + self.a0
    def __eq__(self, o): return self is o
    def __call__(self, x): self.a0 = x; return x
    def __iter__(self): yield self.a0; yield 2

class C2(C1):
    shared = 5
    def __init__(self, x):
        self.a1 = x + 0
        self.a2 = 1
        self.a0 = x + 2
    def __repr__(self):
        return f'<C2 {self.a0}>'
    def m0(self, x):
        self.a2 = (self.a2 + x) % 100003
        return self.a2 * 4 + x + self.shared
    def m1(self, x):
        return self.a2 * 3 + x + super().m1(x) + self.shared
    @property
    def p0(self): return self.a2 + 7
    def __add__(self, o): return type(self)((self.a0 + o) % 1009)
    def __bool__(self): return self.a0 % 2 == 0
    def __eq__(self, o): return self is o
    def __call__(self, x): self.a0 = x; return x

class C3(C2):
    shared = 5
    def __init__(self, x):
        super().__init__(x)
        self.a0 = x + 0
        self.a2 = x % 7
        self.a1 = x
    def __repr__(self):
        return f'<C3 {self.a0}>'
    def m2(self, x):
        return self.a0 * 13 + x + super().m2(x) + self.shared
    def m3(self, x):
        self.a2 = (self.a2 + x) % 100003
        return self.a2 * 1 + x + self.shared
    @property
    def p0(self): return self.a0 + -1
    def __eq__(self, o): return self is o
    def __radd__(self, o): return o - 1

def f4(i5, i6):
    i6.a1 = min(((i7 := (9223372036854775808)) + i7), (-2 // 8))
    if not -0x8000000000000000000 < i6.a1 < 0x8000000000000000000: i6.a1 = 1
    return ((i8 := (i5 >> 1)) + i8)
def f9(i10, i11):
    o12 = C3(-5)
    return (3)
def f13(i14, i15):
    o16 = C1(i14)
    return (-o16.a1)
def f17(i18):
    i18 = i18
    if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
    d20 = {c19 % 5: c19 * 7 for c19 in [8, 8, -5, 7, 7]}
    e21 = ({100, i18} | set([100, -3, 7, 10, -2]))
    s22 = str([3, -3, 16, 2, 5])
    if len(s22) > 24: s22 = s22[:5]
    t23 = (((len([-1, 4, 9, 3]) % 50) ** 2), ((1 * G1) * (True ^ i18)), i18)
    with Manager(True) as m24:
        out(sys._getframe().f_lineno)
        match s22:
            case int(3):
                match t23:
                    case 0 | 1:
                        i18 = (((i18 << ((i18 + i18) % 67)) % 50) ** 2)
                        if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
                    case [i27, *_]:
                        f29 = (i18 / 2)
                    case _:
                        s22 = ('%s|%d' % (s22, i18) + (('xyz').title() * 3))
                        if len(s22) > 24: s22 = s22[:5]
                i18 = f13(5, list(range(4, 10, 3)))
                if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
            case str():
                for i31 in range(2**62 - 75, 2**62 + 75):
                    if ([10, 7, 5, -5] or ((i32 := 10) + i32) > 1):
                        e21 ^= e21
                        if len(e21) > 12: e21 = set()
                        f33 = float(0 % 1000)
                    else:
                        t23 = (((i31 + i18) + i31), ([(c34 | G0) for c34 in [16, 100, 11, 3, 0]]).count((-7)), i18)
                        e35 = e21
                    o36 = C3(i18)
                if ([-3] == [16, 2, 5]):
                    out(d20, s22, t23)
                else:
                    f37 = (+(-((1e308))) + ((5e-324) + ((-0.0) - (1e308))))
            case {'a': _}:
                l40 = sorted([i18, i18], key=lambda q: (q % 3, q))
                if len(l40) > 24: l40 = l40[:5]
                i18 = (i18 >> 64)
                if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
            case _:
                match i18:
                    case None:
                        f43 = ((((nan) / -3) - (1e10)) - (5e-324))
                    case str():
                        GL.append(i18 % 9); del GL[:-4]; out(GL)
                        l47 = [i18, *(([1, 6, 31] + [-2, -3, 5, -3]))[5:2:-1]]
                        if len(l47) > 24: l47 = l47[:5]
                    case (i41, i42, *_):
                        o48 = C2(i18)
                        i18 = G1
                        if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
                    case _:
                        globals()['G0'] = i18 % 1000
                w49 = 0
                while w49 < 150:
                    w49 += 1
                    if ((i18 + w49) > (w49 if (i18 >= i18) else i18) <= ((w49 <= (0.5)) + w49)):
                        f50 = (-inf)
                    elif ((i18 + i18) == len([13]) >= (i18 | 4)):
                        l51 = [2]
                        if len(l51) > 24: l51 = l51[:5]
                        o52 = C3(i18)
                    else:
                        e21.add(ord((s22 + 'q')[0]))
                        if len(e21) > 12: e21 = set()
                    l54 = [((-7) % -8), i18]
                    if len(l54) > 24: l54 = l54[:5]
                    for i55 in [C1(w49), C2(w49), C1(w49)] * 2:
                        i18 += i55.a0
                        if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
                        o57 = i55
    if m24.count > 1: pass
    if ((i18 * i18) <= (i18 - G1)):
        o58 = C3(i18)
        for i59 in [o58, o58, o58] * 150:
            w61 = 0
            while w61 < 2:
                w61 += 1
                i59.late0 = (1000003)
                e21.discard(i18)
                if len(e21) > 12: e21 = set()
                i65 = (sorted(list(t23))).count(([i18, *[2]]).count(([100, 10]).count(0)))
                if not -0x8000000000000000000 < i65 < 0x8000000000000000000: i65 %= 1000003
                i65, i18 = i18, (i65 + i18)
                if not -0x8000000000000000000 < i65 < 0x8000000000000000000: i65 %= 1000003
                if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
                match t23:
                    case bool():
                        if (5 < i18): poke('i18', i65)
                        if isinstance(d20, int): poke('i65', 13)
                    case None:
                        out(t23, d20, w61)
                    case str():
                        i18 -= ((w61 if (i65 or 4 > 1) else i65) or (w61 if (11 <= i18) else i65))
                        if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
                        i68 = ord((','.join(map(str, [13, 31])) + 'q')[0])
                        if not -0x8000000000000000000 < i68 < 0x8000000000000000000: i68 %= 1000003
                    case 0 | 1:
                        f69 = (5e-324)
                        i70 = i65
                        if not -0x8000000000000000000 < i70 < 0x8000000000000000000: i70 %= 1000003
                    case _:
                        out(sum(c71 * 2 for c71 in [(i65 ^ (-4611686018427387905)) for c72 in [11, 13, 9, 13]]), any(c71 > 3 for c71 in [9, 5, 100, 1]))
                        i18 %= ((((i73 := i18) + i73) + (i65 if ((2.5) != (1e308)) else i65)) or 5)
                        if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
            out(i18, w61, i59)
            i18 = w61
            if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
        for i74 in ([100, 100, 2, 16, 31])[-3:-1]:
            f77 = (0.0)
            for i78 in [8]:
                out(o58, sorted(e21), i74)
                def g80(i81, q=i74):
                    pass
                    return (16 // (q or 3))
                for i82 in range(9): out(g80(i82, q=-2))
    elif ((i18 * 16) < (((63) % 50) ** 2)):
        w83 = 0
        while w83 < 8:
            w83 += 1
            with Manager(False) as m84:
                i18 = f4(w83, C1(i18))
                if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
            if m84.count > 1: pass
            i18 = int(d20.get(3, (i18 * i18)))
            if not -0x8000000000000000000 < i18 < 0x8000000000000000000: i18 %= 1000003
        else:
            if isinstance(i18, (list, tuple)):
                out(t23, d20, w83)
            else:
                f85 = (inf)
        o86 = C3(True)
    o87 = C3(i18)
    try:
        if (s22 is not s22): del i18
        out(i18)
    except UnboundLocalError as x:
        out(str(x))
        i18 = ((2305843009213693952) // -2)
    return (1e16)

for r in range(45):
    if r == 40:
        try:
            C2.shared = 11
        except Exception as x: out(where(x))
    if r == 18:
        try:
            f4 = f17
        except Exception as x: out(where(x))
    try:
        args = [(1, C2(3), ), (-5, C1(3), ), (9, C2(3), ), (6, C1(3), ), (9, C1(3), ), (4, C3(3), )]
        args = args[r % 3 if r < 30 else r % len(args)]
        v = f4(*args)
        out(v)
    except Exception as x: out(where(x))
for r in range(45):
    if r == 23:
        try:
            C1.m2 = lambda self, x: x * 2.0
        except Exception as x: out(where(x))
    if r == 8:
        try:
            del C2.shared
        except Exception as x: out(where(x))
    try:
        args = [(13, 8, ), (31, 8, ), (-5, 4, ), (11, 10, ), (7, 0, ), (11, 5, )]
        args = args[r % 3 if r < 30 else r % len(args)]
        v = f9(*args)
        out(v)
    except Exception as x: out(where(x))
for r in range(45):
    try:
        args = [(2, ([3, 3, -3])[5:1], ), (13, list(range(0, -3, 3)), ), (3, list((-1, True, 100)), ), (7, [(c91 | c91) for c91 in (-2, (-2147483648), (4611686018427387904)) if (c91 not in {})], )]
        args = args[r % 3 if r < 30 else r % len(args)]
        v = f13(*args)
        out(v)
    except Exception as x: out(where(x))
for r in range(4):
    try:
        args = [(100, ), (-2, ), (-5, ), (3, ), ([10, *[8, 11]], ), ('12', )]
        args = args[r % 3 if r < 2 else r % len(args)]
        v = f17(*args)
        out(v)
    except Exception as x: out(where(x))
print(NOUT, HASH)

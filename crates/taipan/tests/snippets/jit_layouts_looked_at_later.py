# Made by the fuzzer: an attribute is looked at while code is compiled, after the layout of its instance has changed to one with doubles.
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

class C1:
    shared = 5
    def __init__(self, x):
        self.a2 = x + 0
        self.a0 = x % 7
        self.f1 = x / 4
        self.f0 = 0.0
    def m0(self, x):
        self.f0 = (self.f0 + x * self.f1) % 1000.0
        self.f1 = -self.f1
        return x
    def __repr__(self):
        return f'<C1 {self.a0} {self.f0} {self.f1}>'
    def m3(self, x):
        return self.a2 * -3 + x + self.shared
    def m2(self, x):
        return self.a2 * -1 + x + self.shared
    @property
    def p1(self): return self.a2 + -1
    def __add__(self, o): return type(self)((self.a0 + o) % 1009)
    def __call__(self, x): self.a0 = x; return x

class C2(C1):
    shared = 5
    def __init__(self, x):
        super().__init__(x)
        self.a2 = x % 7
        self.a0 = x % 7
        self.a3 = x
        self.f1 = -0.0
        self.f0 = 0.0
    def m1(self, x):
        self.f0 = (self.f0 + x * self.f1) % 1000.0
        self.f1 = self.f1 / 2
        return x
    def __repr__(self):
        return f'<C2 {self.a0} {self.f0} {self.f1}>'
    def m2(self, x):
        self.a0 = (self.a0 + x) % 100003
        return self.a2 * 16 + x + self.shared
    @property
    def p0(self): return self.a0 + 2

class C3(C1):
    shared = 5
    def __init__(self, x):
        self.a2 = 0
        self.a0 = x
        self.a3 = x % 7
        self.f0 = 2.5
        self.f1 = x / 4
    def __repr__(self):
        return f'<C3 {self.a0} {self.f0} {self.f1}>'
    def m2(self, x):
        self.a2 = (self.a2 ^ x) % 100003
        return self.a0 * 0 + x + super().m2(x) + self.shared
    def m3(self, x):
        return self.a3 * 2 + x + super().m3(x) + self.shared
    @property
    def p0(self): return self.a0 + 16
    def __getitem__(self, i): return i + self.a0
    def __eq__(self, o): return self is o
    def __call__(self, x): self.a0 = x; return x

def f4(i5, i6):
    o7 = C2(i5)
    return i5
def f8(i9, i10):
    for i in range(9):
        w11 = 0
        while True:
            if w11 >= 9: break
            w11 += 1
            i10.f1 -= ((w11 + i) - sum((i | (18446744073709551616)) for c12 in [9, 1]))
            if not -1e30 < i10.f1 < 1e30: i10.f1 = 1e-300
            if ([i, -2] != [*tuple((i9 - i) for c13 in (G1, (-2), i9))]):
                for i14 in range(4):
                    t15 = (max((i14 >> 5), ((w11 <= w11 >= i9) + i9)), i9, G0)
                    for i16 in [ord(('a b c' + 'q')[-1]), (abs((1e308) % 100.0) ** 1.5)] * 1:
                        out(i, i9, i14)
                        i9 = i14
                        if not -0x8000000000000000000 < i9 < 0x8000000000000000000: i9 %= 1000003
                        n18 = (+(w11 - i))
                s19 = ((('日本' + '') + 'k')[0] + (('0' + 'é') + ('日本' + 'a')))
                if len(s19) > 24: s19 = s19[:5]
                i20, (i21, _) = (i9 ^ i), ((i9 + -1), i10.f0)
                if not -0x8000000000000000000 < i20 < 0x8000000000000000000: i20 %= 1000003
                if not -0x8000000000000000000 < i21 < 0x8000000000000000000: i21 %= 1000003
            i10.a3 -= (i - ((i9 & 0xFFFFFFFFFFFFFFFF) >> 60))
            if not -0x8000000000000000000 < i10.a3 < 0x8000000000000000000: i10.a3 = 1
            out(getattr(i10, 'late', None))
            i9 = (hash(i) % 5)
            if not -0x8000000000000000000 < i9 < 0x8000000000000000000: i9 %= 1000003
    i = 1
    return (len('12') % 5)
def f23(i24, i25):
    for i in range(9):
        for i26 in range(2**62 - 0, 2**62 + 1):
            d27 = {}
            for i28 in range(i26 % 5):
                if (-2 == i24 <= (i28 * i28)):
                    i25 += f8(f4(i24, (1e16)), C1(i28))
                    if not -0x8000000000000000000 < i25 < 0x8000000000000000000: i25 %= 1000003
                    match i26:
                        case int() as i29 if ((2.5) <= i26):
                            e31 = ({i24, True} & set([-5]))
                            out(i28, i, sorted(e31))
                        case _:
                            globals()['G0'] = i24 % 1000
                elif (sorted(set((i & i24) for c32 in range(6))) != [True, i28]):
                    try:
                        n33 = (ord(('' + 'q')[0]) if (d27 is None) else (2.5))
                    except Exception as x34:
                        out(where(x34))
                        d27.setdefault(1.0, i28)
                        l35 = [-3, 3, 5, 13]
                        if len(l35) > 24: l35 = l35[:5]
                    else:
                        i26 = ((i36 := (len(({i, i28} - set([8, -5, 100]))) - (G0 % 7))) + i36)
                        if not -0x8000000000000000000 < i26 < 0x8000000000000000000: i26 %= 1000003
                        t37 = ((len(({i25, i26} ^ set([3, 0]))) - -3), ((i26 >= 100) + i26), -5)
                    finally:
                        pass
                        i24 = G0
                        if not -0x8000000000000000000 < i24 < 0x8000000000000000000: i24 %= 1000003
                    i38, *l40 = [11, 5] or [4]
                    i39 = len(l40)
                    if not -0x8000000000000000000 < i38 < 0x8000000000000000000: i38 %= 1000003
                    if not -0x8000000000000000000 < i39 < 0x8000000000000000000: i39 %= 1000003
                else:
                    d27.setdefault(1.0, i24)
                    e41 = ({(2147483647), i25} & set([-2, 2]))
                    t42 = (((~i24) if (i24 != (7)) else G0), ((('😀z' <= 'a') + i28) * (i24 - i24)), i28)
        out(i26, i24, i25)
    i = 1
    return ((i25 if (G1 % 3 == 0) else i) % 10)
def f43(i44, i45):
    s46 = ('0' + 'k')[0]
    if len(s46) > 24: s46 = s46[:5]
    i44 = forwarded(True, *(9, 1), k=True)
    if not -0x8000000000000000000 < i44 < 0x8000000000000000000: i44 %= 1000003
    f47 = ((0.1) if (not (9223372036854775808)) else (2.5))
    d49 = {c48 % 5: c48 * 7 for c48 in [13, 7, -5]}
    l53 = [*tuple((i45 * 5) for c50 in (i44, 1, i44))]
    if len(l53) > 24: l53 = l53[:5]
    l53[i45 % len(l53)] = f8(i44, C1(-2))
    if len(l53) > 24: l53 = l53[:5]
    for q, z in enumerate(l53):
        if not isinstance(z, int) or not -0x8000000000000000000 < z < 0x8000000000000000000: l53[q] = q
    w54 = 0
    while w54 < 20:
        w54 += 1
        f47 = float(G1 % 1000)
        _ = yield w54
        if 0 in d49: del d49[0]
        for i55 in [((-1 & 0xFFFFFFFFFFFFFFFF) | i44), ((0.5) // 2)] * 6:
            pass
    yield from l53
    o57 = C2(i45)
    d49[1.0] = d49.get(1.0, 0) + 1
    try:
        i44 = (([(c58 | w54) for c58 in (G0, i44, i45)] + [-2, 16, 5])).count(((((i45 & 0xFFFFFFFFFFFFFFFF) == (i45 & 0xFFFFFFFFFFFFFFFF)) & 0xFFFFFFFFFFFFFFFF) < ((1 + G1) & 0xFFFFFFFFFFFFFFFF)))
        if not -0x8000000000000000000 < i44 < 0x8000000000000000000: i44 %= 1000003
        if (((2147483648) ^ i44) in ({i44, w54} & set([-2, -5]))):
            for i59 in (s46 * -1):
                out(len(locals()))
            for i61 in [C1(10), o57, C3(i44)] * 150:
                if (s46 is not None): break
                l53.sort()
                if len(l53) > 24: l53 = l53[:5]
                for q, z in enumerate(l53):
                    if not isinstance(z, int) or not -0x8000000000000000000 < z < 0x8000000000000000000: l53[q] = q
                f47 -= f47
                try:
                    i44 *= (((i45 if (f47 >= (2.5)) else i44) % 50) ** 2)
                    if not -0x8000000000000000000 < i44 < 0x8000000000000000000: i44 %= 1000003
                    out(sys._getframe(0).f_code.co_name, sys._getframe(1).f_code.co_name)
                    raise Error((2147483647))
                finally:
                    pass
                    i44 //= ((((not 7) + (2)) % 5) or 5)
                    if not -0x8000000000000000000 < i44 < 0x8000000000000000000: i44 %= 1000003
        else:
            pass
        if any((i44 ^ i45) for c63 in (i44, i44, i45)):
            try:
                if ((0.0) > f47): del s46
                out(s46)
            except UnboundLocalError as x:
                out(str(x))
                s46 = (s46).zfill(4)
            out(sum(c64 * 2 for c64 in [i45, w54]), any(c64 > 3 for c64 in list([100, 16, 100, 3, -2])))
            i45 = (l53[-(i45 % len(l53)) - 1] if l53 else 4)
            if not -0x8000000000000000000 < i45 < 0x8000000000000000000: i45 %= 1000003
        if (((i44 & 0xFFFFFFFFFFFFFFFF) > ((2147483648) & 0xFFFFFFFFFFFFFFFF)) != (w54 % (i45 or 3)) <= i44):
            d49.pop('hello', None)
        else:
            if hasattr(o57, 'late2'): del o57.late2
            for i65 in range(0, 450, 3):
                if (i45 == i45): continue
                def g66(i67, q=i65):
                    nonlocal w54
                    w54 = (w54 + i67) % 1000
                    q %= (i67 or 5)
                    if not -0x8000000000000000000 < q < 0x8000000000000000000: q %= 1000003
                    with Manager(True) as m68:
                        i67 = ((divmod(([9, 13, -5, -5]).count(q), ((G1 & 0xFFFFFFFFFFFFFFFF) >> 60) or 7)[1] & 0xFFFFFFFFFFFFFFFF) != (((i67 * (9223372036854775807)) and q) & 0xFFFFFFFFFFFFFFFF))
                        if not -0x8000000000000000000 < i67 < 0x8000000000000000000: i67 %= 1000003
                        q = i67
                        if not -0x8000000000000000000 < q < 0x8000000000000000000: q %= 1000003
                        out(q, w54, i67)
                    if m68.count > 1: pass
                    return (w54 | q)
                for i69 in range(2): out(g66(i69, 3))
                out(sys._getframe(0).f_code.co_name, sys._getframe(1).f_code.co_name)
            else:
                out(sorted((k, v) for k, v in sys._getframe().f_locals.items() if isinstance(v, int)))
            out(sum(c70 * 2 for c70 in list(l53)), any(c70 > 3 for c70 in ([-2, 8] + [-2, 10])))
        raise Error(i45)
    except KeyError:
        if (i45 < w54): out(chain(sys.exception()))
        o57.f1 -= (((3.0) * f47) * (f47 if (i44 >= w54) else f47))
        if not -1e30 < o57.f1 < 1e30: o57.f1 = 1.5
        i44, w54 = w54, (i44 + w54)
        if not -0x8000000000000000000 < i44 < 0x8000000000000000000: i44 %= 1000003
        if not -0x8000000000000000000 < w54 < 0x8000000000000000000: w54 %= 1000003
    except (ValueError, IndexError, ZeroDivisionError, KeyError, TypeError, Error) as x71:
        t73 = ((7), ((i44 ^ i44) if any((w54 in l53) for c72 in (w54, i45, i45) if ('0' <= s46)) else (i44 and w54)), -5)
        out(l53, w54, t73)
    else:
        w74 = 0
        while w74 < 20:
            w74 += 1
            i75, i76, _ = (i44, True, i44)
            if not -0x8000000000000000000 < i75 < 0x8000000000000000000: i75 %= 1000003
            if not -0x8000000000000000000 < i76 < 0x8000000000000000000: i76 %= 1000003
            if ((s46 * 0) > s46):
                l53 += sorted(set((-3 + i45) for c78 in range(3)))
                if len(l53) > 24: l53 = l53[:5]
                for i79 in (w74, G1, -1):
                    f47 += f47
                    for i81 in range(0, 3, 3):
                        i75 = ((l53[-(i79 % len(l53)) - 1] if l53 else 4) * (sum((i75 & -5) for c82 in l53) + divmod(i45, (18446744073709551616) or 7)[1]))
                        if not -0x8000000000000000000 < i75 < 0x8000000000000000000: i75 %= 1000003
                        i83, i84, _ = tuple([-5, 13, 13])
                        if not -0x8000000000000000000 < i83 < 0x8000000000000000000: i83 %= 1000003
                        if not -0x8000000000000000000 < i84 < 0x8000000000000000000: i84 %= 1000003
                        l53[5 % len(l53)] = (((0) in l53) + i84)
                        if len(l53) > 24: l53 = l53[:5]
                        for q, z in enumerate(l53):
                            if not isinstance(z, int) or not -0x8000000000000000000 < z < 0x8000000000000000000: l53[q] = q
                    else:
                        t86 = (((divmod(G1, i81 or 7)[0] & 0xFFFFFFFFFFFFFFFF) % 97), (starred((36893488147419103232), scale=i76 & 3, z=(36893488147419103232)) * (i45 | (9007199254740992))), i76)
                out(w54, i44, i45)
            else:
                try:
                    l53 *= 2
                    if len(l53) > 24: l53 = l53[:5]
                    for q, z in enumerate(l53):
                        if not isinstance(z, int) or not -0x8000000000000000000 < z < 0x8000000000000000000: l53[q] = q
                    if isinstance(w54, (list, tuple)):
                        n87 = G2
                        t89 = (((i76 - -2) + (i76 & i75)), len(tuple((i76 | G1) for c88 in range(8))), i75)
                    else:
                        out(sorted((k, v) for k, v in sys._getframe().f_locals.items() if isinstance(v, int)))
                    out(i75, i76, i45)
                except ZeroDivisionError:
                    i76, i45 = i45, (i76 - i45)
                    if not -0x8000000000000000000 < i76 < 0x8000000000000000000: i76 %= 1000003
                    if not -0x8000000000000000000 < i45 < 0x8000000000000000000: i45 %= 1000003
                except (ValueError, IndexError, ZeroDivisionError, KeyError, TypeError, Error) as x90:
                    out(chain(x90))
                    f47 -= f47
                else:
                    try:
                        i92 = ((l53).count((True - (-2147483648))) >> (forwarded(w54, *(i75, 1), k=w54) & 63))
                        if not -0x8000000000000000000 < i92 < 0x8000000000000000000: i92 %= 1000003
                        i92 = ((len(set((16 - i76) for c93 in l53 if (w54 == w54))) + min(G0, (i45 * 2))) & 0xFFFFFFFFFFFFFFFF)
                        if not -0x8000000000000000000 < i92 < 0x8000000000000000000: i92 %= 1000003
                        e94 = ({i76, i76} | set(l53))
                        raise Error(i45)
                    except (KeyError, ZeroDivisionError):
                        n96 = (min(G1, ((i76 & 0xFFFFFFFFFFFFFFFF) >= (i76 & 0xFFFFFFFFFFFFFFFF))) | (len(s46) + (i45 - i76)))
                        o57 = o57
                    except Exception as x95:
                        out(chain(x95))
                        l97 = [2]
                        if len(l97) > 24: l97 = l97[:5]
                    else:
                        globals()['G0'] = i45 % 1000
                    finally:
                        pass
                        f47 += (((2.5) + i76) % -3)
                    out(i44, s46, i76)
                i44 = (len((s46 + '日本')) & divmod(True, ((i98 := (1)) + i98) or 7)[0])
                if not -0x8000000000000000000 < i44 < 0x8000000000000000000: i44 %= 1000003
        out(sum(c99 * 2 for c99 in [i44, *[-5]]), any(c99 > 3 for c99 in sorted(set((w54 + 8) for c100 in range(3)))))
    yield (w54 or i44)

def f101(n102, o103, f104):
    e105 = ({8, 10} - set([-5, 13, 100]))
    l107 = [*tuple((True & c106) for c106 in (G1, (-2), 1) if (n102 >= n102))]
    if len(l107) > 24: l107 = l107[:5]
    d108 = {}
    i109 = (l107[-((1) % len(l107)) - 1] if l107 else 4)
    if not -0x8000000000000000000 < i109 < 0x8000000000000000000: i109 %= 1000003
    globals()['G0'] = i109 % 1000
    for i110 in range(8):
        if ((-0.0) != ((1e16) * i110)):
            e105.discard(i109)
            if len(e105) > 12: e105 = set()
        o103.f0 = o103.f0
        if not -1e30 < o103.f0 < 1e30: o103.f0 = 1.5
    out(sorted(e105), i110, l107)
    f104 += f104
    return '-'.join(map(str, l107))

for r in range(45):
    if r == 18:
        try:
            len = lambda x: 3
        except Exception as x: out(where(x))
    try:
        args = [(13, ((1e308) - (1e308)), ), (100, ((3.0) + (1e10)), ), (7, ((3.0) + (-0.0)), ), (3, ((5e-324) * (0.1)), )]
        args = args[r % 3 if r < 30 else r % len(args)]
        v = f4(*args)
        out(v)
    except Exception as x: out(where(x))
for r in range(33):
    try:
        args = [(6, C1(3), ), (6, C3(3), ), (-5, C1(3), ), (10, C2(3), ), (list((True, True, 16)), ([6, -1, 100, -1] + [11, -1]), )]
        args = args[r % 3 if r < 22 else r % len(args)]
        v = f8(*args)
        out(v)
    except Exception as x: out(where(x))
for r in range(4):
    try:
        args = [(9, 31, ), (4, -3, ), (-5, True, ), (9, 9, )]
        args = args[r % 3 if r < 2 else r % len(args)]
        v = f23(*args)
        out(v)
    except Exception as x: out(where(x))
for r in range(5):
    if r == 1:
        try:
            G1 = 2.5
        except Exception as x: out(where(x))
    if r == 4:
        try:
            if 'len' in globals(): del len
        except Exception as x: out(where(x))
    try:
        args = [(11, 9, ), (3, 3, ), (-1, 10, )]
        args = args[r % 3 if r < 3 else r % len(args)]
        v = f43(*args)
        out(list(v)[:50])
    except Exception as x: out(where(x))
for r in range(45):
    try:
        args = [((inf), C1(3), ((0.5) + (5e-324)), ), (((nan) / -3), C2(3), (1e10), ), (([5, 6, 11]).count((18446744073709551616)), C1(3), (1e10), ), (((0.0) / -3), C2(3), ((3.0) - 13), ), (float(True % 1000), C1(3), (5e-324), ), (((nan) // 0.5), C1(3), (3.0), )]
        args = args[r % 3 if r < 30 else r % len(args)]
        v = f101(*args)
        out(v)
    except Exception as x: out(where(x))
print(NOUT, HASH)

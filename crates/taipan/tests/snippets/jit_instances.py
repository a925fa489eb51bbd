# Instances made in hot code, __init__ of all kinds, exceptions of inlined calls, keyword arguments.

import sys


def tbl(e):
    tb = e.__traceback__
    l = []
    while tb:
        l.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    return (type(e).__name__, str(e), l)


class I1:

    def __init__(s, x):
        s.a = x
        if x == 7:
            raise ValueError(x)
        s.b = 10 // (x - 9)


class I2:

    def __init__(s, x):
        s.a = x
        if x == 12:
            return 5


class I3:

    def __new__(cls, x):
        o = super().__new__(cls)
        o.n = x
        return o if x % 3 else [x]

    def __init__(s, x):
        s.a = x


class Meta(type):

    def __call__(cls, x):
        return ('meta', x) if x % 2 else super().__call__(x)


class I4(metaclass=Meta):

    def __init__(s, x):
        s.a = x


class I5(list):

    def __init__(s, x):
        super().__init__([x])
        s.a = x


class I6(Exception):

    def __init__(s, x):
        s.a = x


class I7:

    def __init__(s, x):
        s.a = x
        s.b = s
        if x % 4 == 3:
            s.__class__ = I8
        s.c = x


class I8(I7):
    a2 = 5


class I9:
    a = 3


class I10:
    __slots__ = ('a', 'q')

    def __init__(s, x):
        if x % 5:
            s.a = x


class I11:

    def __init__(s, x, acc=[]):
        acc.append(x)
        s.a = len(acc)
        acc[5:] = []


def make(c, n):
    out = []
    for i in range(n):
        try:
            o = c(i) if c is not I9 else c()
            out.append((type(o).__name__, getattr(o, 'a', None), len(vars(o)) if hasattr(o, '__dict__') else None))
        except Exception as e:
            out.append(tbl(e))
    return out


def make1(n):
    out = []
    for i in range(n):
        try:
            o = I1(i)
            out.append((o.a, o.b))
        except Exception as e:
            out.append(tbl(e))
    return out


def make2(n):
    out = []
    for i in range(n):
        try:
            o = I2(i)
            out.append(o.a)
        except Exception as e:
            out.append(tbl(e))
    return out


def make3(n):
    return [I3(i) if i % 3 == 0 else I3(i).a for i in range(n)]


def make4(n):
    return [x if isinstance(x, tuple) else x.a for x in (I4(i) for i in range(n))]


def make5(n):
    return [I5(i) + [I5(i).a] for i in range(n)]


def make7(n):
    out = []
    for i in range(n):
        o = I7(i)
        out.append((type(o).__name__, o.a, o.b is o, o.c))
    return out


def make10(n):
    out = []
    for i in range(n):
        o = I10(i)
        try:
            out.append(o.a)
        except AttributeError as e:
            out.append(str(e))
    return out


def make11(n):
    return [I11(i).a for i in range(n)]


for r in range(5):
    for c in (I1, I2, I3, I4, I5, I6, I7, I9, I10, I11):
        print(make(c, 16))
    print(make1(16))
    print(make2(16))
    print(make3(16))
    print(make4(9))
    print(make5(6))
    print(make7(12))
    print(make10(12))
    print(make11(12))
I1.__init__ = lambda s, x: setattr(s, 'a', x) or setattr(s, 'b', -x)
I2.__new__ = lambda cls, x: 'new'
print(make1(6), I2(3))


def unb(x, y):
    if x:
        z = y
    return z


def delp(x):
    if x % 3 == 0:
        del x
    return x + 1


def lp(n, k):
    for i in range(n):
        if i == k:
            break
    else:
        i = -1
    return i


def call_unb(n):
    out = []
    for i in range(n):
        try:
            out.append(unb(i % 4, i))
        except UnboundLocalError as e:
            out.append(tbl(e))
        try:
            out.append(delp(i))
        except UnboundLocalError as e:
            out.append(tbl(e))
        out.append(lp(i % 5, 2))
    return out


def mdef(x, acc=[], *, d={}):
    acc.append(x)
    d[x] = 1
    if len(acc) > 4:
        acc.clear()
        d.clear()
    return len(acc) + len(d)


def call_mdef(n):
    return [mdef(i) for i in range(n)] + [mdef(i, [1]) for i in range(n)] + [mdef(i, d={}) for i in range(3)]


def three(a, b, c):
    return a + b // c


def two(a, b):
    x = three(a, b, a - 3)
    return three(x, b, a - 5)


def one(n):
    out = []
    for i in range(n):
        try:
            out.append(two(i, 7))
        except ZeroDivisionError as e:
            out.append(tbl(e))
    return out


def sh(n):
    x = 'outer'
    y = [x for x in range(n)]
    z = {x: [x for x in range(x)] for x in range(3)}
    return (x, y[-1:], z)


def stack(n):
    out = []

    def a(k):
        return b(k + 1)

    def b(k):
        f = sys._getframe()
        l = []
        while f and f.f_code.co_name != 'stack':
            l.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno, f.f_locals['k']))
            f = f.f_back
        return l
    for i in range(n):
        out.append(a(i))
    return out[-2:]


def many(n):
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = 0
    b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = b8 = b9 = 1.5
    for i in range(n):
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 = (a1 + 1, a2 + i, a3 ^ i, a4 - 1, a5 + 2, a6 * 2 % 97, a7 + a8, a8 + 1, a9 - i, a0 + 1)
        b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 = (b1 + 0.5, b2 * 1.01, b3 - b4, b4 + i, b5 / 2, b6 + a1, b7, b8 + b9, b9 - 1, b0)
        if i % 11 == 10:
            a3 = float(a3)
        if i % 13 == 12:
            b4 = int(b4)
            a3 = int(a3)
        if i % 17 == 16:
            b9 = 1
        a3 = int(a3)
    return ([a0, a1, a2, a3, a4, a5, a6, a7, a8, a9], [round(x, 3) for x in (b0, b1, b2, b3, b4, b5, b6, b7, b8, b9)])


def kw(a, b=2, *, c=3):
    return (a, b, c)


def kws(n):
    out = []
    for i in range(n):
        out.append(kw(i, c=i))
        out.append(kw(b=i, a=1))
        out.append(kw(i))
        try:
            out.append(kw(i, i, i))
        except TypeError as e:
            out.append(str(e))
        try:
            out.append(kw(c=1))
        except TypeError as e:
            out.append(str(e))
        try:
            out.append(kw(1, a=1))
        except TypeError as e:
            out.append(str(e))
    return out[-6:]


def ent(n, m):
    t = 0
    for i in range(n):
        j = 0
        x = i if i % 2 else i * 1.5
        while j < m:
            j += 1
            t += x
            for k in (1, 2.5, 'a')[:i % 3]:
                if j % 7 == 3:
                    continue
                t += k if k != 'a' else 0
            else:
                x = x + 1
    return t


for r in range(6):
    print(call_unb(12))
    print(call_mdef(9))
    print(one(8))
    print(sh(6))
    print(stack(12))
    print(many(60))
    print(kws(8))
    print(ent(9, 20))

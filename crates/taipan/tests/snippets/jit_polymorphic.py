# Receivers of several classes, whose class, attributes and methods change in between.

import zlib


class A:

    def __init__(s):
        s.x = 1

    def m(s, z=None):
        return 1000 + z

    def p(s):
        return s.x


class B:

    def __init__(s):
        s.x = 2

    def m(s, z=None):
        return 2000 + z

    def p(s):
        return s.x + 5


class S1:
    __slots__ = ('x',)

    def __init__(s):
        s.x = 3

    def m(s, z=None):
        return 3000 + z

    def p(s):
        return s.x


class S2:
    __slots__ = ('x',)

    def __init__(s):
        s.x = 4

    def m(s, z=None):
        return 4000 + z

    def p(s):
        return s.x * 2


FLIP = {A: B, B: A, S1: S2, S2: S1}


def flip(o, yes=True):
    if yes:
        o.__class__ = FLIP[o.__class__]
    return o.x


def t9(objs, n):
    out = []
    for i in range(n):
        o = objs[i % len(objs)]
        out.append(o.m(flip(o, i % 500 == 499)))
    return out


def late(o, i):
    if i % 700 == 699:
        o.m = lambda z: -z
    if i % 700 == 30:
        o.__dict__.pop('m', None)
    return 1


def t10(objs, n):
    out = []
    for i in range(n):
        o = objs[i % len(objs)]
        out.append(o.m(late(o, i)))
    return out


def t11(objs, n):
    out = []
    for i in range(n):
        o = objs[i % len(objs)]
        a = o.x + o.p()
        flip(o, i % 600 == 599)
        out.append((a, o.p(), o.x))
        if i % 900 == 800:
            o.x = float(o.x)
        if i % 900 == 850:
            o.x = int(o.x)
        if i == 1500 and hasattr(o, '__dict__'):
            o.y = 5
    return out


def diff(a):
    last = None
    r = []
    for i, x in enumerate(a):
        if x != last:
            r.append((i, x))
        last = x
    return (r[:12], len(r))


for r in range(3):
    for mk in (lambda: [A(), B()], lambda: [S1(), S2()], lambda: [A(), S1()], lambda: [A(), B(), S1()]):
        print(diff(t9(mk(), 3000)))
        if r < 2:
            print(diff(t11(mk(), 3000)))
    print(diff(t10([A(), B()], 3000)))
for k in range(6):
    ns = {}
    exec('\nV = 0\nclass T:\n    def __bool__(self):\n        global V\n        V += 1\n        return True\n    def __lt__(self, o):\n        global V\n        V += 1\n        return True\ndef a(t, n):\n    s = []\n    for i in range(n):\n        if t: s.append(V)\n    return s\ndef b(t, n):\n    s = []\n    for i in range(n):\n        if t < i: s.append(V)\n    return s\ndef warm(f):\n    class X: pass\n    for i in range(5): f([1] if f is a else -1, 10)\n    return f(T(), 9)\n', ns)
    print(ns['warm'](ns['a' if k % 2 else 'b']))

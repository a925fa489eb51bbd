# Special methods and generators that change globals, classes and locals of the loop that runs them.

import sys
G = 0


class T:

    def __bool__(self):
        global G
        G += 1
        return G % 3 != 0

    def __lt__(self, o):
        global G
        G += 10
        return True

    def __eq__(self, o):
        global G
        G += 100
        return True


def t1(t, n):
    s = []
    for i in range(n):
        if t:
            s.append(G)
        else:
            s.append(-G)
    return s


def t2(t, n):
    s = []
    for i in range(n):
        if t < i:
            s.append(G)
        if t == i:
            s.append(G)
    return s


def t3(t, n):
    s = []
    for i in range(n):
        while not t:
            s.append(('w', G))
        s.append(G)
    return s


for r in range(4):
    G = 0
    print(t1(T(), 12))
    G = 0
    print(t2(T(), 8))
    G = 0
    print(t3(T(), 8))


def gen(n):
    global H
    for i in range(n):
        H = i * i
        yield i


H = 5


def t4(n):
    s = []
    for x in gen(n):
        s.append((x, H))
    return s


for r in range(6):
    print(t4(12))


class C:
    v = 1

    def m(self):
        return 'm'


class It:

    def __init__(s, n):
        s.n = n

    def __iter__(s):
        return s

    def __next__(s):
        s.n -= 1
        if s.n < 0:
            raise StopIteration
        C.v = s.n
        if s.n == 5:
            C.m = lambda self: 'new'
        return s.n


def t5(n):
    s = []
    c = C()
    for x in It(n):
        s.append((x, c.v, c.m()))
    return s


for r in range(6):
    C.m = lambda self: 'm'
    print(t5(12))


class B1:

    def __bool__(s):
        sys._getframe(1).f_locals['loc'] = 'poked'
        return True


def t6(b, n):
    s = []
    for i in range(n):
        loc = i
        if b:
            s.append(loc)
    return s


for r in range(4):
    print(t6(B1(), 9))


def geng(n):
    for i in range(n):
        f = sys._getframe(1)
        if f.f_code.co_name == 't7':
            f.f_locals['acc'] = i * 100
        yield i


def t7(n):
    acc = 0
    s = []
    for x in geng(n):
        s.append((x, acc))
        acc = -1
    return s


for r in range(4):
    print(t7(9))


def drain(it):
    return list(it)


def t8(n):
    l = list(range(n))
    it = iter(l)
    out = []
    for x in it:
        out.append(x)
        if x == n - 8:
            out.append(drain(it))
            l.append(99)
    return (out, l[-1], list(it))


for r in range(6):
    print(t8(20))


class A:

    def __init__(s):
        s.x = 1

    def m(s, z=None):
        return ('A', z)


class B:

    def __init__(s):
        s.x = 2

    def m(s, z=None):
        return ('B', z)


class S1:
    __slots__ = ('x',)

    def __init__(s):
        s.x = 3

    def m(s, z=None):
        return ('S1', z)
    k = 's1'


class S2:
    __slots__ = ('x',)

    def __init__(s):
        s.x = 4

    def m(s, z=None):
        return ('S2', z)
    k = 's2'


FLIP = {A: B, B: A, S1: S2, S2: S1}


def flip(o, yes=True):
    if yes:
        o.__class__ = FLIP[o.__class__]
    return o.x


def t9(objs, n):
    out = []
    for i in range(n):
        o = objs[i % len(objs)]
        out.append(o.m(flip(o, i % 3 == 0)))
    return out


def t10(objs, n):
    out = []
    for i in range(n):
        o = objs[i % len(objs)]
        out.append((o.m(), isinstance(o, (A, S1)), isinstance(o, A), isinstance(o, S1), type(o).__name__))
        flip(o, i % 4 == 1)
        out.append((isinstance(o, A), isinstance(o, S1), isinstance(o, S2), type(o).__name__))
        flip(o, i % 5 == 1)
        out.append((o.x, o.m(), isinstance(o, S1)))
    return out


def t11(o, n):
    out = []
    for i in range(n):
        a = o.m()
        b = o.k
        flip(o, i % 7 == 6)
        out.append((isinstance(o, S1), o.k, o.m(), a, b))
    return out


def t12(o):
    a = o.m()
    o.__class__ = FLIP[type(o)]
    return (a, isinstance(o, A), isinstance(o, S1), isinstance(o, S2), o.m())


for r in range(4):
    for objs in ([A(), B()], [A()], [S1(), S2()], [S1()], [A(), S1()]):
        print(t9(objs, 14))
        print(t10(objs, 14))
    print(t11(S1(), 40))
o = A()
q = S1()
for r in range(30):
    print(t12(o))
    print(t12(q))

# Subclasses of built-in types, keys with their own __eq__, instances whose class changes.

import sys, math


class A:

    def __init__(s):
        s.v = 1

    def m(s):
        return 'A'
    k = 1


class B(A):

    def m(s):
        return 'B'
    k = 2


def change(o, i):
    if i % 7 == 3:
        o.__class__ = B
    if i % 7 == 5:
        o.__class__ = A


def f(o, i):
    a = (o.m(), o.k, o.v)
    change(o, i)
    return (a, o.m(), o.k, o.v, isinstance(o, B), type(o).__name__)


o = A()
for i in range(60):
    print(f(o, i))


def g(n):
    o = A()
    out = []
    for i in range(n):
        out.append(o.m())
        change(o, i)
        out.append(o.m() + str(o.k))
    return out


for i in range(4):
    print(g(40))


class MyInt(int):

    def __add__(s, o):
        return 'added'

    def __lt__(s, o):
        return True


class MyList(list):

    def __getitem__(s, i):
        return 'item'

    def __iter__(s):
        return iter('xy')

    def __len__(s):
        return 77

    def append(s, x):
        list.append(s, -x)


class MyStr(str):

    def __getitem__(s, i):
        return 'c'

    def __add__(s, o):
        return 'sadd'


class MyDict(dict):

    def __missing__(s, k):
        return 'missing'

    def get(s, k, d=None):
        return 'got'


class MyTuple(tuple):

    def __getitem__(s, i):
        return 'titem'


class MyFloat(float):

    def __mul__(s, o):
        return 'fmul'


def use(a, b):
    out = []
    for i in range(3):
        try:
            out.append(a + b)
        except TypeError:
            out.append('T')
        try:
            out.append(a < b)
        except TypeError:
            out.append('T')
        try:
            out.append(a * b if not (isinstance(a, (str, list)) or isinstance(b, (str, list))) or max(a if isinstance(a, (int, float)) else 0, b if isinstance(b, (int, float)) else 0) < 100 else 0)
        except TypeError:
            out.append('T')
    return out


def seq(s, k):
    out = []
    for i in range(3):
        try:
            out.append(s[k])
        except Exception as e:
            out.append(type(e).__name__)
        try:
            out.append(len(s))
        except Exception as e:
            out.append(type(e).__name__)
        try:
            out.append([x for x in s])
        except Exception as e:
            out.append(type(e).__name__)
        try:
            s.append(3)
        except Exception as e:
            out.append(type(e).__name__)
    return out


def get(d, k):
    out = []
    for i in range(3):
        try:
            out.append(d[k])
        except Exception as e:
            out.append(type(e).__name__)
        try:
            out.append(d.get(k, 5))
        except Exception as e:
            out.append(type(e).__name__)
        out.append(k in d)
    return out


for r in range(3):
    for a in (1, MyInt(2), True, 2.5, MyFloat(3.5), 's', MyStr('t'), [1], MyList([2]), 2 ** 62):
        for b in (1, MyInt(2), True, 2.5, MyFloat(3.5), 's', MyStr('t'), [1], MyList([2]), 2 ** 62):
            for _ in range(4):
                z = use(a, b)
            print(z)
    for s in ([1, 2], MyList([1, 2]), (1, 2), MyTuple((1, 2)), 'ab', MyStr('ab'), {0: 1}, MyDict({0: 1}), b'ab', range(3)):
        for k in (0, -1, True, MyInt(1), 5, 0.0):
            for _ in range(4):
                z = seq(s, k)
            print(str(z)[:200])


class K:

    def __init__(s, h):
        s.h = h

    def __hash__(s):
        return hash(s.h)

    def __eq__(s, o):
        return o == s.h


for r in range(3):
    for d in ({'a': 1}, {K('a'): 2}, {1: 3}, {True: 4}, {1.0: 5}, MyDict(a=6), {2 ** 70: 7}, {}):
        for k in ('a', 'b', 1, True, 1.0, 2 ** 70, K('a'), None, []):
            for _ in range(5):
                try:
                    z = get(d, k)
                except TypeError as e:
                    z = str(e)
            print(z)

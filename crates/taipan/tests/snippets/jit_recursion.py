# Deep recursion through calls, methods, operators, properties, generators and finally.

import sys
sys.setrecursionlimit(60000)


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


class N:

    def __init__(s, n, nx):
        s.n = n
        s.nx = nx

    def __add__(s, o):
        return s.n + (s.nx + o if s.nx else o)

    def __getattr__(s, k):
        if k.startswith('q') and len(k) < 40:
            return getattr(s, k + 'q')
        raise AttributeError(k)

    def walk(s):
        return s.n + (s.nx.walk() if s.nx else 0)

    @property
    def total(s):
        return s.n + (s.nx.total if s.nx else 0)


def chain(n):
    h = None
    for i in range(n):
        h = N(i, h)
    return h


def g(n):
    if n:
        yield from g(n - 1)
    yield n


def fin(n):
    try:
        return fin(n - 1) + 1 if n else 0
    finally:
        LOG[0] += 1


LOG = [0]


def mut1(n, acc):
    return acc if n == 0 else mut2(n - 1, acc + n)


def mut2(n, acc):
    return acc if n == 0 else mut1(n - 1, acc ^ n)


def srt(n):
    return sorted([n, 1], key=lambda v: v if n == 0 else srt(n - 1)[0])


for r in range(2):
    print(deep(50), deep(5000), deep(40000))
    print(chain(40) + 5, chain(400).walk(), chain(300).total)
    try:
        chain(1).qq
    except AttributeError as e:
        print(e)
    print(sum(g(60)), fin(30000), LOG, mut1(40000, 0), srt(20))
for r in range(1):
    for f in (lambda: deep(70000), lambda: fin(70000), lambda: mut1(70000, 0), lambda: chain(70000).walk(), lambda: chain(70000).total):
        try:
            print(f())
        except RecursionError as e:
            print('RecursionError')

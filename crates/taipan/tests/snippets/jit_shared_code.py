# One code object run by several functions, classes and namespaces.

import types


class Base1:

    def m(self):
        return 1


class Base2:

    def m(self):
        return 2


def factory(base, tag):

    class X(base):
        label = tag

        def __init__(self):
            self.t = tag

        def m(self):
            return super().m() * 10 + len(X.__name__) + tag

        @classmethod
        def c(cls):
            return cls.label

        @staticmethod
        def s(x):
            return x + tag

        @property
        def p(self):
            return self.t + tag
    return X


X1, X2, X3 = (factory(Base1, 100), factory(Base2, 200), factory(Base1, 300))


def use(xs, n):
    out = []
    for i in range(n):
        o = xs[i % len(xs)]
        out.append((o.m(), o.c(), o.s(i), o.p, o.t))
    return out[-4:]


for r in range(5):
    print(use([X1()], 20), use([X2()], 20), use([X1(), X2(), X3()], 40), use([X3()], 20))


def body(a, b=1):
    return a + b + G + helper(a)


def helper(x):
    return x * 2


G = 5
f1 = types.FunctionType(body.__code__, {'G': 1000, 'helper': lambda x: -x, '__builtins__': __builtins__}, 'f1', (7,))
f2 = types.FunctionType(body.__code__, globals(), 'f2', (9,))
f3 = types.FunctionType(body.__code__, {'G': 2.5, 'helper': str.__len__, '__builtins__': __builtins__}, 'f3', (9,))


def callf(f, n):
    return [f(i) for i in range(n)][-2:]


def loopf(fs, n):
    t = []
    for i in range(n):
        t.append(fs[i % len(fs)](i))
    return t[-4:]


for r in range(6):
    print(callf(body, 10), callf(f1, 10), callf(f2, 10), loopf([body], 20), loopf([f1], 20), loopf([body, f1, f2], 40))
    try:
        print(callf(f3, 3))
    except TypeError as e:
        print(e)


def loopsrc(n):
    s = 0
    for i in range(n):
        s += K * i
        if i % 5 == 0:
            s -= g(i)
    return s


envs = [{'K': k, 'g': g, '__builtins__': __builtins__, 'range': range} for k, g in ((1, abs), (2.5, lambda x: x), (2 ** 61, abs), ('a', abs))]
fs = [types.FunctionType(loopsrc.__code__, e) for e in envs]
for r in range(5):
    for f in fs:
        try:
            print(f(40))
        except TypeError as e:
            print(e)


def mk(n, *d):

    def inner(x, a=n, b=d):
        return x + a + n + len(b)
    return inner


ins = [mk(i, *range(i)) for i in range(6)]


def run(n):
    t = []
    for i in range(n):
        t.append(ins[i % 6](i))
    for i in range(n):
        t.append(ins[0](i))
    for i in range(n):
        t.append(ins[5](i, 1))
    for i in range(n):
        t.append(ins[3](i, 1, 'ab'))
    return (sum(t), t[-3:])


for r in range(5):
    print(run(30))
code = compile('t = 0\nfor i in range(60):\n    t += i * M\n    if t > 1000: t //= 3\nR = t\n', 'x', 'exec')
for M in (1, 2, 3.5, True, 2 ** 62, -1) * 2:
    ns = {'M': M}
    exec(code, ns)
    print(ns['R'])


class D(dict):

    def __missing__(self, k):
        return 11 if k == 'M' else dict.__getitem__({}, k)

    def __getitem__(self, k):
        return 4 if k == 'M' else dict.__getitem__(self, k)


for r in range(4):
    ns = D()
    exec(code, {}, ns) if False else exec(code, {'M': r}, ns)
    print(ns['R'])
    loc = {}
    exec(code, {'M': 2}, loc)
    print(loc['R'])


class Body:
    t = 0
    for i in range(50):
        t += i
    del i
    q = [k for k in range(3)]


print(Body.t, Body.q)


def gcls(n):
    r = []
    for k in range(n):

        class Z:
            v = 0
            for j in range(20):
                v += j * k

            def get(self):
                return self.v + k
        r.append(Z().get())
    return r


for r in range(3):
    print(gcls(8))


def partial_sum(it, start=0):
    for x in it:
        start += x
    return start


for it in ([1, 2, 3] * 10, range(30), (1.5, 2) * 9, {1: 2, 5: 6}, {7}, (x for x in range(30)), 'ab', map(int, '123456789' * 3), reversed(range(20)), iter([1] * 20), zip(), enumerate('')):
    for r in range(4):
        try:
            print(partial_sum(it))
        except TypeError as e:
            print(e)

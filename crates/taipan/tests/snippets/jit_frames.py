# Locals, line numbers and exceptions seen from outside of compiled frames; identity and comparison.

import sys, traceback


def look():
    return sorted(sys._getframe(1).f_locals.items(), key=lambda t: t[0])


def f(n):
    dead = n * 2
    dead2 = n + 0.5
    r = look()
    dead = 3
    dead2 = None
    if n % 2:
        del dead
    q = look()
    return (r, q)


def g(n):
    for i in range(n):
        dead = i * 3
        x = eval('dead + i')
        exec('dead = 7')
        y = sorted(locals().items(), key=lambda t: t[0])
        last = x
    return (x, y)


def h(n):
    a = n
    b = [a]
    try:
        c = a * 2
        a = 'changed'
        [][n]
    except IndexError as e:
        d = 1
        f = e.__traceback__.tb_frame
        return sorted(((k, str(v)) for k, v in f.f_locals.items() if k not in 'ef'))


def k(n):
    v = n + 1
    w = v * 2
    v = 'x'
    raise ValueError(w)


def k2(n):
    u = n
    k(u)


def tb(n):
    try:
        k2(n)
    except ValueError as e:
        t = e.__traceback__
        out = []
        while t:
            out.append((t.tb_frame.f_code.co_name, sorted(((a, str(b)) for a, b in t.tb_frame.f_locals.items() if a not in ('e', 't', 'out')))))
            t = t.tb_next
        return out


def rr():
    raise


def reraise(n):
    out = []
    for i in range(n):
        try:
            try:
                1 // (i % 2)
            except ZeroDivisionError:
                out.append(type(sys.exception()).__name__)
                rr()
        except ZeroDivisionError as e:
            out.append(('again', e.__traceback__.tb_next.tb_frame.f_code.co_name))
        out.append(sys.exc_info()[0])
    try:
        rr()
    except RuntimeError as e:
        out.append(str(e))
    return out


def lim(n):
    return lim2(n - 1) if n else 0


def lim2(n):
    return lim(n - 1) if n else 0


def deep():
    out = []
    for d in range(0, 200, 20):
        try:
            out.append(lim(d))
        except RecursionError as e:
            out.append(str(e))
    return out


def clos(n):
    a = n

    def inner():
        return (a, sorted(sys._getframe().f_locals))
    b = a + 1
    r = inner()
    a = 'new'
    return (r, inner())


class W:

    def __init__(s):
        s.l = []

    def __enter__(s):
        s.l.append('e')
        return s

    def __exit__(s, *a):
        s.l.append(sys._getframe(1).f_lineno)
        return True


def wi(n):
    out = []
    for i in range(n):
        w = W()
        with w as x:
            y = i
            if i % 2:
                raise KeyError
            z = 10 // (i % 3)
        out.append((w.l, y))
    return out


def lg(n):
    out = []
    for i in range(n):
        out.append(look()[:2])
        dead = i
        out.append(look()[:2])
        i = 'x'
        out.append(look()[1])
    return out[-4:]


for r in range(12):
    print(f(r))
    print(g(6))
    print(h(r))
    print(tb(r))
    print(reraise(4))
    print(clos(r))
    print(wi(5))
    print(lg(4))
old = sys.getrecursionlimit()
for r in range(6):
    print(deep())
sys.setrecursionlimit(100)
x = deep()
sys.setrecursionlimit(old)
print(x)


def rng(a, b, c):
    t = 0
    for i in range(a, b, c):
        t += i
        if t > 1 << 70:
            t >>= 9
    return t


for args in [(0, 10, 1)] * 8 + [(0, 10, True), (2 ** 62 - 5, 2 ** 62 + 5, 3), (0.0, 1, 1), (True, 5, 2), (5, -5, -3), (0, 5, 0), ('a', 1, 1), (10, 0, 1), (-2 ** 63, -2 ** 63 + 4, 1)] * 2:
    try:
        print(rng(*args))
    except (TypeError, ValueError) as e:
        print(e)


def strs(s, n):
    out = ''
    for i in range(n):
        out += s[i % len(s)] + s[-1 - i % len(s)]
        if s[i % len(s)] == 'é' or s > out:
            out = out[1:]
        if len(out) > 9:
            out = out[5:]
        if 'a' <= s[0] <= 'z':
            out += 'L'
    return out


for s in ['abc', 'é', 'aé', '日本語', '😀x', 'z', 'ABC'] * 2:
    print(strs(s, 40))


def cmpx(a, b):
    return (a < b, a == b, a != b, a is b, a >= b)


for pair in [(1, 2)] * 5 + [(1, 1.0), (2 ** 62, float(2 ** 62)), (2 ** 62 + 1, float(2 ** 62)), (float(2 ** 53), 2 ** 53 + 1), ('a', 'b'), ('a', 'a'), (True, 1), (None, None), ([1], [1]), (float('nan'),) * 2, (2 ** 70, 2 ** 70), ((1, 2), (1, 3))] * 4:
    try:
        print(cmpx(*pair))
    except TypeError as e:
        print(e)

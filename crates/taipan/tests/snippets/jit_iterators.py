# Iterators that escape or change while they are used, closures and generators in loops.


def nxt(it):
    return next(it, None)


def f1(n):
    it = iter(list(range(n)))
    out = []
    for x in it:
        if x % 3 == 0:
            out.append((x, nxt(it)))
        else:
            out.append(x)
    return out


def f2(n):
    l = list(range(n))
    out = []
    for x in l:
        if x == 3:
            l.append(100)
        if x == 5:
            l[:] = l[2:]
        if x == 9:
            l.insert(0, 7)
        out.append(x)
        if len(out) > 60:
            break
    return out


def f3(n):
    r = iter(range(n))
    out = []
    for x in r:
        for y in r:
            if y % 4 == 0:
                break
            out.append((x, y))
        else:
            out.append('e')
    return out


class It:

    def __init__(s, n):
        s.n = n

    def __iter__(s):
        return s

    def __next__(s):
        s.n -= 1
        if s.n < 0:
            raise StopIteration
        if s.n == 13:
            raise ValueError('13')
        return s.n


def f4(n):
    out = []
    try:
        for x in It(n):
            out.append(x)
    except ValueError as e:
        out.append(str(e))
    return out


def f5(n):
    d = {i: i for i in range(n)}
    out = 0
    for k, v in d.items():
        d[k] = v + 1
        out += d[k]
    try:
        for k in d:
            if k == 5:
                del d[k]
    except RuntimeError as e:
        out = (out, str(e))
    return out


def f6(a, b):
    out = []
    for x, y in zip(a, b):
        out.append(x if x is y else (x, y))
    return out


def f7(n):

    def inner(k):
        nonlocal c
        c += k
        return c
    c = 0
    t = 0
    for i in range(n):
        t += inner(i) + c
        if i == 8:
            c = 2 ** 62
        if i == 12:
            c = 0.5
    return (c, t)


def f8(n):
    fs = []
    for i in range(n):
        fs.append(lambda: i)
        if i % 2:
            i = 100
    return [f() for f in fs]


def f9(n):
    x = 5

    def get():
        return x
    out = []
    for i in range(n):
        try:
            out.append(get())
        except NameError as e:
            out.append(str(e))
        if i % 3 == 0:
            x = i
        elif i % 3 == 1:
            try:
                del x
            except NameError as e:
                out.append('N')
    return out


def gen(n):
    t = 0
    for i in range(n):
        try:
            t += (yield i)
        except ValueError:
            t += 1000
    return t


def f10(n):
    g = gen(n)
    out = [next(g)]
    for i in range(n):
        try:
            if i % 3:
                out.append(g.send(i))
            else:
                out.append(g.throw(ValueError))
        except StopIteration as e:
            out.append(e.value)
            break
    return out


def f11(n):
    s = 0
    for i in range(n):
        for j in range(i, n, 2 if i % 2 else 3):
            for k in range(j, -j, -1):
                if k == 2:
                    continue
                if k == -2:
                    break
                s += i * j - k
            else:
                s += 7
    return s


def f12(*a, **k):
    return sum(a) + len(k)


def f13(n):
    return [f12(*range(i), x=1, **{'y': 2}) for i in range(n)]


for r in range(8):
    print(f1(20))
    print(f2(15))
    print(f3(30))
    print(f4(10), f4(20))
    print(f5(10))
    print(f6([1, 2 ** 70, 2.5], (1, 2 ** 70, 2.5)))
    print(f7(20))
    print(f8(9))
    print(f9(14))
    print(f10(12))
    print(f11(12))
    print(f13(9))

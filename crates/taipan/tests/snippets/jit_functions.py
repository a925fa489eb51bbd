# Arguments of all kinds, closures, recursion, generators, comprehensions, lambdas.


def defaults(a, b=2, *rest, c=3, **more):
    return a + b * 10 + len(rest) * 100 + c * 1000 + sum(more.values()) * 10000


def calls(n):
    out = []
    for i in range(n):
        args, kw = (i, i + 1, 7)[: i % 4], {"c": i, "d": 2}
        try:
            out.append(defaults(*args))
            out.append(defaults(i, c=5))
            out.append(defaults(*args, **kw))
            out.append(defaults(i, b=1, z=i))
        except TypeError as e:
            out.append(str(e))
    return out


def counter(start):
    n = start

    def up(by=1):
        nonlocal n
        n += by
        return n

    def get():
        return n

    return up, get


def closures(n):
    up, get = counter(5)
    fs = [lambda x, i=i: x * i + n for i in range(4)]
    gs = [lambda: i for i in range(4)]
    out = []
    for k in range(n):
        up(k)
        out.append((get(), fs[k % 4](k), gs[k % 4]()))
    return out


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def ackermann(m, n):
    if m == 0:
        return n + 1
    return ackermann(m - 1, 1) if n == 0 else ackermann(m - 1, ackermann(m, n - 1))


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def squares(n):
    got = None
    for i in range(n):
        got = yield i * i if got is None else got
    return "done"


def chained(n):
    result = yield from squares(n)
    yield result
    yield from [1, 2]
    try:
        yield "last"
    finally:
        log.append("closed")


log = []


def generators(n):
    out = list(chained(n))
    g = chained(3)
    out.append(next(g))
    out.append(g.send(42))
    g.close()
    h = chained(0)
    out += [next(h), next(h), next(h), next(h)]
    h.close()
    return out


def comprehensions(n):
    rows = [[i * j for j in range(i)] for i in range(n) if i % 2]
    flat = {x: y for r in rows for x, y in enumerate(r) if y > 3}
    words = sorted({str(x)[::-1] for x in range(n)}, key=lambda w: (-len(w), w))
    return rows[-1], flat, words, sum(x for x in range(n) if x % 3), [y := 1, y + 1], [(z := i) for i in range(3)], z


def sorting(n):
    items = [(i * 7 % 5, -i) for i in range(n)]
    items.sort(key=lambda t: t[0])
    return items, sorted(items, key=lambda t: t[1]), max(items, key=lambda t: t[1] % 4), min(items)


def walrus(n):
    out, i = [], 0
    while (i := i + 1) < n:
        if (m := i % 5) and (k := i * m) > 10:
            out.append((m, k))
    return out, i


def deleted(n):
    out = []
    for i in range(n):
        if i % 3:
            x = i
        try:
            out.append(x)
            del x
        except UnboundLocalError as e:
            out.append(str(e))
    return out


def chain(n):
    return sum(1 for i in range(n) if 3 < i <= 10 != i), sum(0 <= i < 5 < n for i in range(n)), [i is not None for i in (1, None)]


def matched(values):
    out = []
    for v in values:
        match v:
            case 0 | 1:
                out.append("bit")
            case bool():
                out.append("bool")
            case int(n) if n > 100:
                out.append(n)
            case [a, b, *rest]:
                out.append((a, b, rest))
            case {"k": k, **more}:
                out.append((k, more))
            case str() | float() as s:
                out.append(s)
            case None:
                out.append("none")
            case _:
                out.append("other")
    return out


for r in range(8):
    print(calls(9), closures(8))
    print(fib(11), ackermann(2, 4), even(20), odd(21))
    print(generators(6), log)
    log.clear()
    print(comprehensions(12))
    print(sorting(9), walrus(14), deleted(7), chain(15))
    print(matched([0, 1, True, 5, 500, [1, 2, 3], (4, 5), [6], {"k": 1, "j": 2}, {}, "s", 2.5, None, 2**70] * 2))

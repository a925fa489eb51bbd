# zip in compiled code: iterators in registers, tuples only where they are needed.
def dot(a, b):
    t = 0
    for x, y in zip(a, b):
        t += x * y
    return t


def pairs(a, b):
    out = []
    for p in zip(a, b):
        out.append(p)
    return out


def rest(n, m):
    "What is left of the iterators."
    a, b = iter(list(range(n))), iter(tuple(range(m)))
    t = 0
    for x, y in zip(a, b):
        t += x - y
    return t, list(a), list(b)


def grouped(items):
    it = iter(items)
    return [x * y for x, y in zip(it, it)]


def grouped_loop(items):
    it = iter(items)
    out = 0
    for x, y in zip(it, it):
        out = out * 3 + x - y
    return out


def broken(a, b, at):
    z = zip(a, b)
    for x, y in z:
        if x == at:
            break
    return list(z)[:3]


def changes(n):
    a, b = list(range(n)), list(range(n))
    t = 0
    for x, y in zip(a, b):
        t += x + y
        if x == n // 2:
            b.append(1)
            a.extend([1, 2, 3])
            del b[n // 2 + 3:]
    return t, len(a), len(b)


def three(n):
    t = 0
    for x, y, z in zip(range(n), [1] * n, tuple(range(0, 2 * n, 2))):
        t += x * y + z
    return t


def nested(n):
    t = 0
    a = list(range(20))
    for i in range(n):
        for x, y in zip(a, a):
            for z, w in zip((1, 2), range(5)):
                t += x * z + y * w
    return t


def strict(a, b):
    try:
        for x, y in zip(a, b, strict=True):
            pass
    except ValueError as e:
        return str(e)
    return "equal"


def shared(n):
    "The inner loop takes from the iterator of the outer one."
    it = iter(list(range(n)))
    t = 0
    for x, y in zip(it, range(n)):
        for z in it:
            t += z - y
            if z % 7 == 0:
                break
    return t


def raises(a, b):
    t = 0
    try:
        for x, y in zip(a, b):
            t += x // y
    except ZeroDivisionError:
        return t, "zero"
    return t


def mixed(all):
    return [sorted(str(p) for p in zip(a, b)) for a, b in all]


for n in (12, 3000):
    a, b = list(range(n)), tuple(range(n, 0, -1))
    print(dot(a, b), dot(a, a), dot(b, range(n)), dot(range(n), a[: n // 2]), dot(a[: n // 3], b))
    print(pairs(a, b)[-2:], pairs("ab" * n, a)[-2:], pairs({1: 2}, [3]))
    t, x, y = rest(n, n + 5)
    print(t, x[:3], y[:3])
    t, x, y = rest(n + 5, n)
    print(t, x[:3], y[:3])
    print(sum(grouped(a)), grouped_loop(a) % 10**9, broken(a, b, n // 2))
    print(changes(n), three(n), nested(n // 4), shared(n))
    print(strict(a, b), strict(a, a[1:]), strict(a[1:], a))
    print(raises(a, [1] * n), raises(a, [1] * (n - 1) + [0]), raises([1.5] * n, [2] * n))
print(mixed([([1, 2], "ab"), ((1, 2), [3]), (range(3), {5}), (iter([1]), (2, 3))] * 3)[-4:])

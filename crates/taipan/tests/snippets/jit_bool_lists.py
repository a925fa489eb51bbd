"""Long lists made by repeating bools hold bytes: loads, stores, everything that changes their kind."""


def sieve(limit):
    flags = [True] * (limit + 1)
    flags[0] = flags[1] = False
    p = 2
    while p * p <= limit:
        if flags[p]:
            for multiple in range(p * p, limit + 1, p):
                flags[multiple] = False
        p += 1
    return flags


def count(flags):
    n = last = 0
    for i in range(len(flags)):
        if flags[i]:
            n += 1
            last = i
    return n, last


def by_iteration(flags):
    n = 0
    for k, flag in enumerate(flags):
        if flag:
            n += k
    return n, sum(1 for f in flags if not f), [f for f in flags[:6]]


flags = sieve(3000)
print(count(flags), by_iteration(flags), flags[2] is True, flags[4] is False, flags[-1], sum(flags), sum(flags, 5))


def fill(flags, value):
    for i in range(len(flags)):
        flags[i] = value
    return flags


def toggle(flags, rounds):
    for r in range(rounds):
        for i in range(0, len(flags), r % 7 + 1):
            flags[i] = not flags[i]
    return sum(flags)


def compared(flags, data):
    for i in range(len(flags)):
        flags[i] = data[i % len(data)] > 2
    return sum(flags)


for size in (10, 255, 256, 257, 1000):
    print(size, toggle([False] * size, 30), compared([False] * size, [1, 2, 3, 4, 5]))
    print([fill([True] * size, value)[0] for value in (False, True, 0, 1, 2.5, None, "x")])

# The list becomes one of words in the middle of a loop.


def mixed(flags, at, value):
    seen = []
    for i in range(len(flags)):
        if i == at:
            flags[i] = value
        elif flags[i] is True:
            flags[i] = False
        if i in (at - 1, at, at + 1):
            seen.append(flags[i])
    return seen, flags[at], type(flags[0]).__name__, flags.count(False)


for value in (True, 1, 0, None, 3.5, [1]):
    for at in (5, 400):
        print(mixed([True] * 500, at, value))


def both(lists):
    total = 0
    for _ in range(20):
        for row in lists:
            for i in range(len(row)):
                if row[i]:
                    total += 1
                row[i] = not row[i]
    return total


print(both([[True] * 300, [True] * 3, [1] * 300, [1.5] * 300, [False] * 300]))


# Methods and operators.
def fresh():
    flags = [True, False, False] * 100
    flags[7] = True
    return flags


a = fresh()
a.append(False)
a.append(True)
print(len(a), a[-3:], a.pop(), a.pop(0), a.pop(6), len(a), a.index(False), a.count(True))
a.insert(3, True)
a.insert(0, False)
print(a[:8], len(a), a == list(a), a == a[:], a != a[1:], a < a[:-1], hash(tuple(a)) == hash(tuple(list(a))))
a.reverse()
print(a[:5], a[-5:])
a.sort()
print(a[:3], a[-3:], sum(a))
b = fresh()
b.extend([True] * 400)
b += [False] * 300
print(len(b), sum(b), b[2:4] + b[300:302], (b * 2)[1003], (2 * b)[:3], len(b * 2), len(b * 0))
b *= 3
print(len(b), sum(b))
c = fresh()
c.append(5)
print(c[-2:], c[0], len(c))
d = fresh()
d.extend("xy")
print(d[298:], d[:3])
e = fresh()
e[10:20] = [False] * 10
e[::7] = [True] * len(e[::7])
e[1::2] = [False] * 150
print(sum(e), e[:12])
e[::50] = "abcdef"
print(e[::50], e[1:4])
e[5:8] = []
print(len(e), e[48:50])
f = fresh()
del f[3:290]
print(f)
f = fresh()
del f[::2]
print(len(f), sum(f))
g = fresh()
del g[0], g[-1]
print(len(g), g[:3], True in g, False in g, 1 in g, 0 in g, 2 in g, None in g, 1.0 in g, any(g), all(g), max(g), min(g))
print(sorted(g)[:2], sorted(g, reverse=True)[:2], list(reversed(g))[:2], g.copy() == g, [*g] == g, (*g,) == tuple(g), set(g))
print(repr(g[:3]), str([True] * 256)[:20], bytes(g)[:5], bytearray(g)[:3], list(map(int, g))[:4], list(zip(g, g))[:2])
g.clear()
print(g, [True] * 300 == [1] * 300, [False] * 300 == [0.0] * 300)
h = [False] * 300
h[0], h[1] = h[1], True
x, y, *rest = h
print(x, y, len(rest), h[299])
try:
    h[300] = True
except IndexError as error:
    print(error)
try:
    print(h[-301])
except IndexError as error:
    print(error)
h[-1] = True
print(h[299], h.index(True, 5))
h.remove(True)
print(len(h), sum(h))


def contains(flags, wanted):
    n = 0
    for _ in range(50):
        for w in wanted:
            if w in flags:
                n += 1
        if flags[3]:
            n += 100
    return n


print(contains([False] * 300, [True, False, 0, 1, 2]), contains([True] * 300, [True, False, 0, 1]))


def growing(n):
    flags = [False] * 256
    for i in range(n):
        flags.append(i % 3 == 0)
        if flags[i]:
            flags.append(True)
    return len(flags), sum(flags)


print(growing(2000))


def grid(n):
    rows = [[False] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            if (i * j) % 3 == 1:
                rows[i][j] = True
    total = 0
    for row in rows:
        for i, cell in enumerate(row):
            total += i if cell else -1
    return total


print(grid(20), grid(300))
import copy, pickle, json

k = fresh()
print(copy.copy(k) == k, copy.deepcopy(k) == k, pickle.loads(pickle.dumps(k)) == k, json.dumps(k)[:20])
q, *_ = [True] * 256
print(q)

# Lists of floats hold doubles; what else is stored in them, or asks for their items, changes that without being seen.
import copy
import math
import pickle


def total(a):
    s = 0.0
    for i in range(len(a)):
        s += a[i]
    for x in a:
        s += x
    return s


def fill(a, v):
    for i in range(len(a)):
        a[i] = v
    return a


def smooth(a, b):
    for i in range(1, len(a) - 1):
        b[i] = a[i - 1] * 0.25 + a[i] * 0.5 + a[i + 1] * 0.25


def collect(n):
    out = []
    for i in range(n):
        out.append(i * 0.5)
        if i % 7 == 0:
            out.append(out[-1] - 1.0)
    return out


def kinds(n):
    out = []
    for i in range(n):
        row = [0.5] * 3
        if i % 5 == 0:
            row[1] = i
        if i % 11 == 0:
            row[2] = None
        out.append(row[0])
        x, y, z = row
        out.append((y, z))
    return out[:60]


def shrink(n):
    a = [float(i) for i in range(n)]
    s = 0.0
    while a:
        s += a.pop()
        if len(a) % 10 == 3:
            a.insert(0, 0.25)
            s += a.pop(0)
    a.append(1)
    a.append(2.5)
    return s, a


for r in range(40):
    assert total([0.5] * 100) == 100.0
    assert total([1] * 100) == 200.0
    a = [0.5] * 100
    a[3] = 7
    assert total(a) == 113.0 and type(a[3]) is int
    assert fill([0.5] * 50, -0.0)[49].hex() == "-0x0.0p+0"
    assert fill([0.5] * 50, math.inf) == [math.inf] * 50
    assert fill([0.5] * 50, 1e-300) == [1e-300] * 50
    assert all(map(math.isnan, fill([0.5] * 50, math.nan)))
    assert fill([0.5] * 50, 3) == [3] * 50 and fill([0.5] * 5, "x") == ["x"] * 5
    a, b = [float(i) for i in range(60)], [0.0] * 60
    for _ in range(5):
        smooth(a, b)
        a, b = b, a
print(sum(a), collect(30), len(collect(300)))
print(kinds(200))
print(shrink(100), shrink(1000)[0])

a = [3.5, 1.5, -0.0, 0.0, math.inf, -math.inf, 2.0]
print(sorted(a), sorted(a, reverse=True), a[::-1], a[1:4], a[::2], a * 2, a + [1], a + [1.0])
print(a == list(a), a == copy.copy(a), tuple(a), pickle.loads(pickle.dumps(a)) == a, repr(a))
print(max(a), min(a), a.index(2.0), a.count(0.0), 2 in a, 1.5 in a, None in a, a.index(2))
a.sort(key=abs)
print(a)
a.reverse()
a[1:3] = [9.0, 8.0]
a[2:2] = [1, 2]
del a[0]
a.remove(9.0)
print(a, a.pop(0), a)
x = -0.0
print([x][0] is x, str([x, 1.5]))


def out_of_range(a, n):
    s = 0.0
    for i in range(n):
        s += a[i]
    return s


for i in range(80):
    out_of_range([1.0] * 30, 30)
try:
    out_of_range([1.0] * 30, 31)
except IndexError as e:
    print(e)


def backwards(a):
    s = 0.0
    for i in range(len(a) - 1, -1, -1):
        s += a[i] * i
    for i in range(0, len(a) - 3, 3):
        s -= a[i + 2]
    i = 0
    while i < len(a):
        s += a[i]
        i += 1
    return s


for n in (5, 100, 3, 0, 7):
    print(backwards([1.0 + k for k in range(n)]))


def zipped(n):
    out = []
    for k in range(n):
        a = [float(i) for i in range(20)]
        b = [i * 2 if k % 3 else i * 2.0 for i in range(25)]
        if k % 50 == 49:
            a[7] = "seven"
        s = []
        for x, y in zip(a, b):
            s.append((x, y))
        for i, x in enumerate(a):
            s.append((i, x))
        out.append(hash(repr(s)) and repr(s[5:9] + s[-2:]))
    return sorted(set(out))


print(zipped(200))

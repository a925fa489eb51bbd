# Slices of lists, also such as are stored at once and never made, and exits between the two.


def flips(perm):
    perm = perm[:]
    n = 0
    k = perm[0]
    while k:
        perm[: k + 1] = perm[k::-1]
        n += 1
        k = perm[0]
    return n, perm


def moved(to, source, start, stop, first, last, step):
    to[start:stop] = source[first:last]
    to[start:stop] = source[first:last:2]
    to[start:stop] = source[last:first:-1]
    return to


def kept(a, k):
    t = a[k::-1]
    a[: k + 1] = t
    t.append(99)
    return t, a


def raising(a, k):
    try:
        a[: k + 1] = a[k::-1]
    except TypeError as e:
        return str(e).split(":")[0], a
    return a


def bound(a, k, m):
    # The second bound is found only once the copy is due.
    a[: k * m] = a[k::-1]
    return a


class Index:
    def __init__(self, n):
        self.n = n

    def __index__(self):
        return self.n


for i in range(300):
    if i < 3 or i > 297:
        print(flips([3, 1, 4, 2, 0]), flips([1, 0]), flips([0]))
    else:
        flips([3, 1, 4, 2, 0])

for i in range(200):
    r = moved(list(range(10)), list(range(100, 120)), 2, 5, 7, 10, 1)
print(r)
print(moved([1.5, 2.5, 3.5, 4.5], [9.5, 8.5, 7.5], 0, 2, 0, 2, 1))
print(moved([True] * 300, [False] * 4, 0, 2, 0, 2, 1)[:6])
print(moved([1, 2, 3], ["a", 2.5, None, ()], 1, 2, 0, 3, 1))
print(moved(list(range(100)), list(range(100)), 10, 90, 5, 85, 1)[:30])
a = list(range(10))
print(moved(a, a, 2, 8, 0, 6, 1))
print(moved([], [], 0, 0, 0, 0, 1), moved([1], [2, 3], -100, 100, -5, 5, 1))
print(moved([1, 2, 3], [5, 6, 7], Index(1), Index(2), None, None, 1))
print(moved([1, 2, 3], [5, 6, 7], None, None, 2**70, -(2**70), 1))

for i in range(200):
    r = kept([1, 2, 3, 4], 2)
print(r)
for i in range(200):
    r = raising([1, 2, 3, 4], 2)
print(r, raising([1, 2], "x"), raising((1, 2), 1), raising([1, 2, 3], True))
for i in range(200):
    r = bound([1, 2, 3, 4, 5], 2, 1)
print(r, bound([1, 2, 3, 4, 5], 2, 2**62), bound([1, 2, 3, 4, 5], 2, 2**80), bound([1, 2, 3], 1, True))
try:
    bound([1, 2, 3], 1, 1.0)
except TypeError as e:
    print(e)


def whole(a):
    return a[:], a[::-1], a[1:], a[:-1], a[::2], a[-2:], a[1:1]


for i in range(200):
    r = whole([1, 2, 3, 4, 5])
print(r)
print(whole([]), whole([1.5, 2.5]), whole("abcde"), whole((1, 2, 3)), whole(b"abc"))


class Mine(list):
    def __getitem__(self, i):
        return i


print(whole(Mine([1, 2])))


def inserted(n):
    a, d = [], []
    for i in range(n):
        a.insert(i // 2, i)
        d.insert(0, i * 0.5)
        if i % 7 == 3:
            a.insert(-1, a.pop(0))
            d.insert(2, d.pop(1))
    d.insert(1, "x")
    return a, d


print(inserted(30))
print(inserted(300)[0][:20])

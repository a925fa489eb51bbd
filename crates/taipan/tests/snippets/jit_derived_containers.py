# Length, truth and iteration of classes derived from built-in containers, which compiled code asks in place as long as the
# classes leave them alone; and loops over ints as truth values.


class Items(list):
    pass


class Counted(list):
    def __len__(self):
        return 1000 + super().__len__()


class Walked(list):
    def __iter__(self):
        return iter([x * 10 for x in super().__iter__()])


class Pair(tuple):
    pass


class Names(dict):
    pass


class Never(list):
    def __bool__(self):
        return False


def use(c):
    n = 0
    for x in c:
        n += x
    if c:
        n += 10000
    if not c:
        n -= 5
    return n + len(c) * 100


def drain(c):
    n = 0
    while len(c):
        n = n * 3 + c.pop(0)
        if n % 7 == 3 and len(c) < 9:
            c.append(n % 5)
    return n


containers = [Items([1, 2]), Items(), [3], Counted([4, 5]), Walked([6, 7]), Pair((8, 9)), Names({1: 2, 3: 4}), Never([1]), (), {5: 6}]
for _ in range(60):
    got = [use(c) for c in containers]
print(got)
for _ in range(60):
    got = [drain(kind([1, 2, 3, 4, 5])) for kind in (Items, Items, list, Walked)]
print(got)
Items.__len__ = lambda self: 7
print([use(c) for c in containers[:3]])
del Items.__len__
Items.__iter__ = lambda self: iter((100, 200))
print([use(c) for c in containers[:3]])
del Items.__iter__
Items.__bool__ = lambda self: False
print([use(c) for c in containers[:3]])


def flips(perm):
    perm = perm[:]
    n = 0
    k = perm[0]
    while k:
        perm[: k + 1] = perm[k::-1]
        n += 1
        k = perm[0]
    return n


print([flips([3, 1, 4, 0, 2]) for _ in range(40)][-1], flips([2, 0, 1, 5]), flips([False, 1]), flips([None, 1]), flips([True, 0]))


def count(n, stop):
    rounds = 0
    while n:
        rounds += 1
        n = n - 1 if n != stop else stop and 2.5 - 2.5
    return rounds


print([count(n, stop) for n in (5, 30, 200) for stop in (-1, 3)] * 2, count(True, 7), count(2.0, 5), count(2**65, 2**65))


class Odd(str):
    def __str__(self):
        return "odd"


def texts(a, b):
    return "v%s" % a + "%d:%r" % (a, b) + "%5.2f" % a, "%s|%s" % (b, a)


for _ in range(60):
    got = [texts(a, b) for a in (1, 2.5, True, 10**30) for b in ("x", None, 3, Odd("y"), (1,), [2], b"z")]
print(got)
for bad in (("%s %s", 1), ("%d", "x"), ("%", 1), ("x", None), ("%s", (1, 2)), ("%c", 2**40)):
    try:
        [bad[0] % bad[1] for _ in range(60)]
    except Exception as e:
        print(type(e).__name__, e)

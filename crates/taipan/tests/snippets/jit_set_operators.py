# Operators on sets, which compiled code does in place as long as no item has to be compared by Python code.


def all_of(a, b):
    return a - b, a & b, a | b, a ^ b, a <= b, a < b, a >= b, a > b, a == b, a != b


def shown(r):
    return [sorted(x, key=repr) if isinstance(x, (set, frozenset)) else x for x in r], [type(x).__name__ for x in r[:4]]


class Same:
    """Equal to others of its number."""

    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return self.n

    def __eq__(self, other):
        return isinstance(other, Same) and self.n == other.n

    def __repr__(self):
        return f"Same({self.n})"


class Mine(set):
    def __sub__(self, other):
        return "mine"

    def __le__(self, other):
        return "le"


pairs = [
    ({1, 2, 3}, {2, 3, 4}),
    (frozenset(range(50)), frozenset([3, 7, 11])),
    (frozenset([3, 7, 11]), frozenset(range(50))),
    ({"a", "b"}, frozenset("abc")),
    (frozenset(), set()),
    ({1, 1.5, None, "x", (1, 2), b"y"}, {1.0, (1, 2), True, b"y", 2**70}),
    ({b"a", b"b", b"ab"}, {b"b", b"c"}),
    (set(range(1000)), set(range(500, 1500))),
]
for a, b in pairs:
    for i in range(60):
        r = all_of(a, b)
    print(shown(r) if len(a) < 100 else [len(x) if isinstance(x, set) else x for x in r])
s = {1, 2, 3}
print(shown(all_of(s, s)))
# The order is that of the operations of the interpreter.
for i in range(100):
    order = [list({5, 17, 9, 1, 33} | {2, 41, 9}), list({5, 17, 9, 1, 33} - {17, 5}), list({5, 17, 9} ^ {9, 100, 3})]
    more = [list(set(range(0, 400, 7)) - {7, 14}), list(set(range(0, 400, 7)) & set(range(0, 400, 3)))]
print(order, more)
x, y = {Same(1), 2, 5}, {Same(1), 5, 7}
for i in range(3):
    print(shown(all_of(x, y)))
print(shown(all_of({Same(1), 2}, {1, 2})))


def wrong(a, b):
    try:
        return a - b
    except TypeError as e:
        return str(e)


print(all_of(Mine([1]), {1, 2}))
for i in range(100):
    w = wrong({1}, {2})
print(w, wrong({1}, [1]), wrong({1: 2}.keys(), {2}))


def inplace(n):
    a = set(range(n))
    f = frozenset(a)
    old = f
    same = a
    for i in range(n):
        a -= {i}
        a |= {i + n}
        f -= frozenset([i])
        a ^= {i * 2}
    return a is same, sorted(a), f, len(old)


print(inplace(40))


def least(s):
    return min(s), max(s), len(s)


for i in range(100):
    r = least({5, 3, 9})
print(r, least([4, 2]), least((7.5, 8)), least(frozenset("xyz")), least([True, 2, 1.5]), least({3: 1, 2: 5}))
try:
    least(set())
except ValueError as e:
    print(str(e)[:5])

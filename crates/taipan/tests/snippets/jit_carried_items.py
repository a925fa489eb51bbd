# Items that the round before has loaded, lists that loops append to, results of several ways, and what goes wrong with them.


def neighbours(row):
    total = 0
    for i in range(len(row) - 1):
        total += row[i] * 2 + row[i + 1]
    return total


def appended(n, first):
    out = [first]
    for i in range(n):
        out.append(out[i] + i)
    return out[-1], len(out)


def moved(row, by, n):
    total = 0
    for i in range(n):
        total += row[by + i] - row[i]
    return total


def backwards(row, weight):
    for c in range(len(row) - 1, weight - 1, -1):
        row[c] = max(row[c], row[c - weight] + 1)
    return row[-1]


for _ in range(60):
    neighbours(list(range(40)))
    appended(40, 1)
    moved(list(range(40)), 5, 30)
    backwards(list(range(40)), 7)

print(neighbours(list(range(40))), neighbours([]), neighbours([1]), neighbours([1, 2]))
print(neighbours([1.5, 2, 2**70, 3, -1]), neighbours([True, False, 3]))
try:
    neighbours([1, 2, "x", 3])
except TypeError as e:
    print(e)
print(appended(40, 1), appended(5, 2**62), appended(3, 1.5), appended(0, 7), appended(70, 2**61))
print(moved(list(range(40)), -3, 10))
for by, n in (5, 36), (50, 3), (-41, 3):
    try:
        print(moved(list(range(40)), by, n))
    except IndexError as e:
        print(by, n, e)
print(backwards([3] * 9, 2), backwards([3] * 9, 20), backwards([1.5] * 9, 2))


class Above:
    def __init__(self, limit):
        self.limit = limit

    def cut(self, x):
        if x > self.limit:
            return self.limit
        if x < -self.limit:
            return -self.limit
        return x


class Kept:
    def __init__(self, limit):
        self.last = limit

    def cut(self, x):
        out = self.last
        self.last = x
        return out


def chain(parts, n):
    total = 0.0
    for i in range(n):
        x = i % 7 - 3.0
        for p in parts:
            x = 1.5 * p.cut(x)
        total += x
    return total


parts = [Above(2.5), Kept(0.0), Above(1.25)]
for _ in range(30):
    chain(parts, 50)
print(chain(parts, 50))
# Now an int comes out of one of them, then something else.
parts[1].last = 3
parts[2].limit = 1
print(chain(parts, 50))
parts[1].last = "no"
try:
    chain(parts, 5)
except TypeError as e:
    print(e)


def powers(values):
    total = 0
    for v in values:
        total += v.x ** 2 - -v.x
    return total


class V:
    def __init__(self, x):
        self.x = x


for _ in range(40):
    powers([V(i + 0.5) for i in range(20)])
print(powers([V(i + 0.1) for i in range(20)]), powers([V(3), V(2**40), V(0.5)]), powers([V(1e200 / 1e50), V(-0.0)]))


def pieces(data):
    out = bytearray()
    for i in range(0, len(data), 2):
        out += data[i + 1:i + 2] * data[i]
        out.append(data[i])
        out.extend(data[i:i + 3])
    return bytes(out)


data = bytes(k * 7 % 11 for k in range(40))
for _ in range(40):
    got = pieces(data)
print(len(got), got[:30], pieces(b""))
view = None


def grow(array, byte):
    array.append(byte)
    array.extend(b"ab")
    array += b"c"
    return len(array)


array = bytearray()
for k in range(300):
    grow(array, k & 255)
print(len(array), bytes(array[-8:]))
view = memoryview(array)
for bad in (lambda: grow(array, 1), lambda: grow(bytearray(), 256), lambda: grow(bytearray(), "x")):
    try:
        bad()
    except (BufferError, ValueError, TypeError) as e:
        print(type(e).__name__)
view.release()


class Attr:
    kind = "class"

    def __init__(self):
        self.own = 1

    @property
    def computed(self):
        return "computed"

    def __getattr__(self, name):
        if name == "made":
            return "made"
        raise AttributeError(name)


class Simple:
    shared = 5

    def __init__(self, n):
        self.n = n


def ask(o, names):
    out = []
    for name in names:
        out.append((getattr(o, name, None), hasattr(o, name)))
    return out


for _ in range(80):
    ask(Simple(1), ["n", "shared", "missing"])
print(ask(Simple(2), ["n", "shared", "missing", "__class__"])[:3])
print(ask(Attr(), ["own", "kind", "computed", "made", "nothing"]))
print(ask(Simple, ["shared", "__name__", "n"]))
Simple.n = property(lambda self: "now a property")
print(ask(Simple.__new__(Simple), ["n", "shared"]))
try:
    getattr(Simple.__new__(Simple), "absent")
except AttributeError as e:
    print(e)

sets = [{1, 2, 3}, {2, 3, "a"}, {(1, 2), 3}, set(range(100)), {1.0, 2, True}]
for a in sets:
    for b in sets:
        print(sorted(map(repr, a | b)) == sorted(map(repr, b | a)) or len(a | b), len(a & b), len(a - b), len(a ^ b))
        c = set(a)
        c |= b
        c ^= a
        c &= b
        print(len(c), end=" ")
print()

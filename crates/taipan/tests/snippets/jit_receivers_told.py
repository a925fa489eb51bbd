# What the interpreter tells the JIT before anything is compiled: classes met by a site, ints among floats; what is asked
# in place: isinstance of exact classes, the truth of bools; lists of doubles made of constants.
import traceback


class Shape:
    def __init__(self, size):
        self.size = size

    def area(self):
        return self.size * self.size


class Circle(Shape):
    def __init__(self, size):
        self.round = True
        self.size = size

    def area(self):
        return self.size * self.size * 3


class Line(Shape):
    def area(self):
        return 0


class Odd:
    __slots__ = ("size",)

    def __init__(self, size):
        self.size = size

    def area(self):
        return -self.size


def total(shapes):
    n = 0
    for shape in shapes:
        shape.size = shape.size + 1
        n += shape.area() + shape.size
    return n


shapes = [Shape(1), Circle(2), Line(3), Shape(4), Circle(5)]
print([total(shapes) for _ in range(30)][-1])
shapes.append(Odd(7))
print([total(shapes) for _ in range(30)][-1])
shapes[1].more = 1
print([total(shapes) for _ in range(30)][-1])


def mixed(a, b, c):
    return a * b + c, a - c, a < b, c / (b or 1)


numbers = [1, 2.5, 3, -0.0, 2**70, 1e300, True, 4, 5.5, 0]
for turn in range(4):
    rows = [mixed(a, b, c) for a in numbers for b in numbers for c in numbers]
    print(len(rows), sum(hash(row) for row in rows) % 1000003, rows[turn * 37])
only_ints = [mixed(a, b, a) for a in range(30) for b in range(30)]
print(only_ints[-1], only_ints[31], sorted({type(x).__name__ for row in only_ints for x in row}))


def first(a, b):
    return a + b


print([repr(first(x, y)) for x, y in [(1.5, 2.5)] * 20 + [(1, 2.5), (2.5, 1), (1, 2)] * 20][-4:])


class Meta(type):
    def __instancecheck__(cls, v):
        return v == 3


class Asked(metaclass=Meta):
    pass


class Sub(Shape):
    pass


class Liar:
    @property
    def __class__(self):
        return Shape


def kinds(v):
    return isinstance(v, Shape), isinstance(v, int), isinstance(v, float), isinstance(v, Asked), isinstance(v, list)


things = [Shape(1), Sub(1), Line(2), 3, 2**80, True, 2.5, 1e-320, Asked(), Liar(), [], None, "3"]
for _ in range(40):
    answers = [kinds(v) for v in things]
print(answers)


def changing(v):
    before = isinstance(v, Shape)
    v.__class__ = Circle if type(v) is Shape else Shape
    return before, isinstance(v, Shape), isinstance(v, Circle)


one = Shape(1)
print([changing(one) for _ in range(40)][-3:])


class Flags:
    def __init__(self, a, b):
        self.a, self.b = a, b

    def either(self):
        return self.a or (not self.b and self.a is not self.b)

    def both(self):
        return self.a and self.b


class Truthy:
    asked = 0

    def __bool__(self):
        Truthy.asked += 1
        return Truthy.asked % 3 == 0


def choose(flags):
    n = 0
    for f in flags:
        if f.either():
            n += 1
        if not f.both():
            n += 100
        while f.a:
            n += 10000
            break
    return n


flags = [Flags(a, b) for a in (True, False, None) for b in (True, False, None)]
print([choose(flags) for _ in range(40)][-1])
flags += [Flags(a, b) for a in ("", "x", [], [0], 0, 2.5) for b in (True, None, (), "y")]
print([choose(flags) for _ in range(40)][-1])
flags += [Flags(Truthy(), True), Flags(False, Truthy())]
print([choose(flags) for _ in range(40)][-1], Truthy.asked)


def make():
    row = [0.0, 1.5, -2.5]
    row += (3.5, 4.5)
    row.extend((5, "x") if len(row) > 9 else (6.5,))
    other = [1.5, 2, 2.5]
    other.extend((7.5, 8.5))
    return row, other, [*row, 1e-320, float("nan")]


for _ in range(40):
    made = make()
    made[0].append("end")
print(made)


def add(rows, k):
    for row in rows:
        row[0] += k
        row[1] -= row[0]
        x, y, z = row
        row[2] = x + y + z
    return rows


rows = [[0.0, 0.5, 1.0], [1.0 * n for n in (1, 2, 3)], [1, 2.5, 3], [1.5, 2.5, 3.5], [1, 2, 3]]
for n in range(60):
    add(rows, n / 4)
print(rows)


def flip(items, k):
    items[: k + 1] = items[k::-1]
    return items[::-1], items[k:0:-1], items[5:k:-1], items[-1:-9:-1], items[::-2]


for items in ([1, 2, 3, 4, 5, 6], [1.5, 2.5, 3.5, 4.5], [True] * 300, [1, 2.5, "x"], []):
    for n in range(40):
        parts = flip(items, n % 7)
    print(len(items), hash(tuple(map(tuple, parts))) == hash(tuple(map(tuple, flip(list(items), 100)))), parts[1][:4], parts[3][:3])


def last(node):
    while node[1] is not None:
        node = node[1]
    return node


class Chain:
    def __init__(self):
        self.next = None

    def end(self):
        p = self
        n = p.next
        while n is not None:
            p = n
            n = p.next
        return p

    def end_of(self):
        return self.end()

    def end_deeper(self):
        return self.end_of()

    def failing(self, at):
        p = self.end_deeper()
        return 1 // at + p.missing if at < 1 else p


chain = Chain()
for _ in range(50):
    chain.end_deeper().next = Chain()
print(sum(chain.failing(n) is chain.end() for n in range(1, 60)))
try:
    chain.failing(0)
except ZeroDivisionError as e:
    print([frame.name for frame in traceback.extract_tb(e.__traceback__)])

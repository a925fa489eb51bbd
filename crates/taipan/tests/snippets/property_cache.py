# modes: stress
"""Properties read through inline caches, and what invalidates these."""


class Point:
    def __init__(self, x, y):
        self._x, self._y = x, y

    @property
    def x(self):
        return self._x

    @property
    def total(self):
        return self.x + self._y

    @property
    def gen(self):
        yield self._x
        yield self._y

    @property
    def broken(self):
        return self.missing


class Fallback(Point):
    def __getattr__(self, name):
        return f"<{name}>"

    @property
    def bad(self):
        raise AttributeError("from the property")


def read(p, n):
    total = 0
    for _ in range(n):
        total += p.x + p.total
    return total


points = [Point(i, 2 * i) for i in range(5)]
print([read(p, 10) for p in points])
print([list(p.gen) for p in points for _ in range(2)][:4])


def try_broken(p):
    try:
        return p.broken
    except AttributeError as error:
        return str(error)


print([try_broken(Point(1, 2)) for _ in range(4)])
print([(Fallback(1, 2).bad, Fallback(1, 2).broken, Fallback(3, 4).x) for _ in range(3)])


def values(p):
    return [p.x for _ in range(3)]


p = Point(7, 8)
print(values(p))
Point.x = property(lambda self: "new")
print(values(p))
Point.__dict__["x"].__init__(lambda self: "newer")
print(values(p))
Point.x = 5
print(values(p))
del Point.x
try:
    values(p)
except AttributeError as error:
    print(error)


class Deep:
    @property
    def down(self):
        return self.down


try:
    Deep().down
except RecursionError as error:
    print(error)


def first_property(p):
    def local():
        yield p.total
        yield p.total

    return list(local())


print(first_property(Fallback(1, 1)) if hasattr(Point, "x") else "no x")

# Attributes, methods, properties, slots, operators and inheritance in hot code, and changes of all of them.


class Point:
    kind = "point"

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y

    def __lt__(self, other):
        return self.x < other.x

    def __repr__(self):
        return f"{type(self).__name__}({self.x}, {self.y})"

    def norm(self):
        return self.x * self.x + self.y * self.y

    @property
    def double(self):
        return self.x * 2

    @double.setter
    def double(self, value):
        self.x = value // 2

    @classmethod
    def make(cls, n):
        return cls(n, n)

    @staticmethod
    def twice(n):
        return n * 2


class Point3(Point):
    def __init__(self, x, y, z=0):
        super().__init__(x, y)
        self.z = z

    def norm(self):
        return super().norm() + self.z * self.z


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


def walk(points):
    total, at = 0, Point(0, 0)
    for p in points:
        total += p.norm() + p.double + p.twice(p.x)
        at = at + p
        p.double = p.x + 1
    return total, at


def kinds(points):
    return [p.kind for p in points]


def late(points):
    out = []
    for i, p in enumerate(points):
        if i % 3 == 0:
            p.extra = i
        out.append(getattr(p, "extra", None))
        if i % 6 == 0:
            del p.extra
        try:
            out.append(p.extra)
        except AttributeError as e:
            out.append(str(e))
    return out


def slotted(n):
    s, out = Slotted(1), []
    for i in range(n):
        s.a += i
        if i % 5 == 4:
            s.b = i
        try:
            out.append(s.b)
            del s.b
        except AttributeError as e:
            out.append(str(e))
    return s.a, out


def mixed(points):
    return sum(p.norm() for p in points), [q.norm() for q in points if q < points[2]]


def points(n):
    return [(Point, Point3)[i % 2](i, i + 1) for i in range(n)]


for r in range(12):
    ps = points(20)
    if r == 3:
        Point.kind = "changed"
    if r == 4:
        Point3.kind = property(lambda self: self.z)
    if r == 5:
        Point.norm = lambda self: 1
    if r == 6:
        Point.double = 10
    if r == 7:
        del Point3.kind
        ps[3].kind = "mine"
        ps[4].norm = lambda: 99
    if r == 8:
        Point3.__init__ = lambda self, x, y: self.__dict__.update(x=x, y=y, z=1)
    if r == 9:
        ps[5].__class__ = Point3
        ps[5].z = 4
    if r == 10:
        Point.__getattr__ = lambda self, name: name.upper() if name != "__iter__" else None
    if r == 11:
        Point.__setattr__ = lambda self, name, value: object.__setattr__(self, name, value if name != "x" else -1)
        ps = points(20)
    try:
        print(walk(ps))
    except AttributeError as e:
        print(e)
    print(kinds(ps), late(ps), slotted(12), mixed(ps), sorted(ps)[:3], Point.make(3) == Point3.make(3))

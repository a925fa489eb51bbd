# Calls f(*args, **kwargs) of known functions and classes: names found in the dict, defaults, names that are missing, unknown,
# given twice or no plain strs, and what changes in between.
from dataclasses import dataclass, replace


@dataclass
class Point:
    x: float
    y: float = 2.0


@dataclass
class Item:
    label: str
    point: Point
    weight: int = 1
    tags: tuple = ()


class Plain:
    def __init__(self, a, b=10, /, c=20):
        self.all = (a, b, c)


class Wrong:
    def __init__(self, a):
        self.a = a
        if a == 33:
            return a


def area(width, height=3, depth=1):
    return width * height * depth


def tried(f, *args, **kwargs):
    try:
        return f(*args, **kwargs)
    except TypeError as e:
        return str(e)


def make(kwargs):
    return Point(**kwargs)


def make_plain(args, kwargs):
    return Plain(*args, **kwargs).all


def make_wrong(kwargs):
    return Wrong(**kwargs).a


def measure(args, kwargs):
    return area(*args, **kwargs)


def moved(p, n):
    out = []
    for i in range(n):
        out.append(replace(p, x=i))
        p = replace(out[-1])
    return out[0], out[-1], p is out[-1], p == out[-1]


for _ in range(3):
    print(moved(Point(1.5, 2.5), 80))
item = Item("a", Point(1))
for i in range(80):
    item = replace(item, weight=i, tags=item.tags + (i,) if i % 20 == 0 else item.tags)
print(item)
print(tried(replace, item, nothing=3), tried(replace, Point(1), x=1, z=2))


class Key(str):
    pass


cases = [{"x": 1}, {"x": 1, "y": 5}, {"y": 5}, {}, {"x": 1, "z": 3}, {"x": 1, "y": 2, "z": 3}, {Key("x"): 7}]
for kwargs in cases:
    for _ in range(60):
        good = make({"x": _, "y": 1})
        short = make({"x": _})
        result = tried(make, kwargs)
    print(good, short, result)
for args, kwargs in [((1,), {}), ((1, 2), {"c": 3}), ((), {"c": 3}), ((1,), {"b": 2}), ((1, 2, 3), {"c": 4}), ((1,), {"c": None})]:
    for _ in range(60):
        good = make_plain((1, 2), {"c": _})
        result = tried(make_plain, args, kwargs)
    print(good, result)
for args, kwargs in [((2,), {"depth": 4}), ((2, 3), {"height": 4}), ([2], {"height": 1.5}), ((), {"depth": 2, "width": 3}), ((1, 2, 3, 4), {})]:
    for _ in range(60):
        good = measure((2,), {"height": _})
        result = tried(measure, args, kwargs)
    print(good, result)
for a in [1, 2, 33, 3]:
    for _ in range(40):
        result = tried(make_wrong, {"a": a})
    print(result)

# Defaults and code change.
for _ in range(60):
    measure((), {"width": 2})
area.__defaults__ = (5, 7)
print(measure((), {"width": 2}), measure((1,), {"height": 1}))
area.__defaults__ = None
print(tried(measure, (), {"width": 2}), measure((1,), {"height": 2, "depth": 3}))
area.__code__ = (lambda width, depth, height: (width, depth, height)).__code__
print(measure((1,), {"height": 2, "depth": 3}))
for _ in range(60):
    make({"x": 2})
Point.__init__ = lambda self, y, x=4: self.__dict__.update(x=y, y=x)
print(make({"y": 3}), tried(make, {"x": 3}))


# The dict that is spread is not the one that the function gets, and several are merged.
def grow(a, b):
    return a + b


def merged(first, second):
    return grow(**first, **second)


for pair in [({"a": 1}, {"b": 2}), ({"a": 1, "b": 2}, {}), ({"a": 1}, {"a": 2}), ({}, {"b": 1}), ({"a": 1.5}, {"b": 2})]:
    for _ in range(60):
        result = tried(merged, *pair)
    print(result)


class Mapping:
    def keys(self):
        return ["a", "b"]

    def __getitem__(self, key):
        return key * 2


def of_mapping(m):
    return grow(**m)


for m in [{"a": 1, "b": 2}, Mapping(), {"b": "x", "a": "y"}]:
    for _ in range(60):
        result = of_mapping(m)
    print(result)


def fails(n):
    total = 0
    for i in range(n):
        kwargs = {"a": i, "b": 1} if i < n - 1 else {"a": i, "b": "1"}
        total += grow(**kwargs)
    return total


try:
    fails(100)
except TypeError as e:
    tb, names = e.__traceback__, []
    while tb:
        names.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    print(e, names)

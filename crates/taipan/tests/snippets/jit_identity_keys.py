# Objects hashed by identity as keys, issubclass, and dicts of keyword arguments that mostly nobody makes.
import json


class Node:
    pass


class Meta(type):
    def __hash__(cls):
        Meta.hashed += 1
        return 5

    hashed = 0


class WithMeta(metaclass=Meta):
    pass


class Equal:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n

    def __hash__(self):
        return hash(self.n)


def walk(keys, d, s):
    found = 0
    for k in keys:
        if k in s:
            found += 1
        found += d.get(k, 0) * 10
        d[k] = d.get(k, 0) + 1
        s.add(k)
        if k not in d:
            found += 1000
    return found


nodes = [Node() for i in range(20)]
print(walk(nodes * 30, {}, set()))
print(walk([int, str, list, Node, len, print, walk] * 40, {}, set()))
print(walk([WithMeta, int] * 40, {}, set()), Meta.hashed)
print(walk([Equal(1), Equal(2), Equal(1)] * 40, {}, set()))
mixed = [Node, nodes[0], Equal(1), "x", (int, 1), None, 2.5, b"k"]
print(walk(mixed * 30, {}, set()))
Node.__eq__ = lambda self, other: True
Node.__hash__ = lambda self: 7
print(walk(nodes * 30, {}, set()))


def kinds(classes):
    n = 0
    for c in classes:
        if issubclass(c, int):
            n += 1
        elif issubclass(c, (str, list)):
            n += 100
    return n


class Abstract(type):
    def __subclasscheck__(cls, c):
        return c is float


class Floats(metaclass=Abstract):
    pass


def checked(classes, of):
    return [issubclass(c, of) for c in classes]


print(kinds([int, bool, str, list, float] * 50))
for i in range(100):
    r = checked([int, bool, float], int)
print(r, checked([int, bool, float], Floats))
try:
    checked([1], int)
except TypeError as e:
    print(e)


def leaf(a, *args, **kwargs):
    if a > 390:
        return sorted(kwargs.items()), args, locals()["kwargs"]
    return a


def calls(n):
    for i in range(n):
        r = leaf(i, x=i, y=2)
        q = leaf(i)
    return r, q


print(calls(300))
print(calls(400))


def trapped(a, **kwargs):
    b = a + 1
    kwargs["b"] = b
    return kwargs


def trap(values):
    for v in values:
        r = trapped(v, z=v)
    return r


print(trap(range(300)), trap([1] * 200 + [1.5]))

text = json.dumps([{"name": "x", "länge": 1, "a" * 40: 2, "k\n": 3, "": 4, "名": 5, "long key of more": 6}] * 5)
for ensure in (True, False):
    for i in range(3):
        back = json.loads(json.dumps(json.loads(text), ensure_ascii=ensure))
    print(back[0], back[0] == back[4])
for bad in ('{"abcdefgh', '{"a\x01bcdefgh": 1}', '{"abcdefgh\\', '{"abcdefghijk" 1}', '["\\u12"]'):
    try:
        json.loads(bad)
    except json.JSONDecodeError as e:
        print(e)
print(json.loads('{"abcdefgh\x7f": 1, "abcdefg\xff": 2, "\xe9\\"\\\\abcdefghijklmnop": 3}'))
print([json.loads(json.dumps("x" * i + '"' + "y" * j)) == "x" * i + '"' + "y" * j for i in range(20) for j in (0, 9)].count(False))

# modes: stress
"""Generators whose frames have cells of inlined comprehensions, made after stale values lay in their registers."""


def fill(depth):
    a, b, c, d, e, f, g, h = ([depth + i] for i in range(8))
    return fill(depth - 1) + a + b + c + d + e + f + g + h if depth else [0]


def walk(items):
    first = yield "start"
    for item in items:
        functions = [lambda: value + item for value in range(3)]
        yield [f() for f in functions]
        pairs = {key: (lambda: key) for key in (item, item + 1)}
        yield sorted(pairs[k]() for k in pairs)
    yield first


def chain(n):
    if n:
        yield from chain(n - 1)
    yield from walk([n])


for n in range(4):
    fill(3)
    print([part for part in chain(n)][-3:])


def shadowed():
    functions = [(lambda: i) for i in range(3)]
    i = 20
    return [f() for f in functions], i, locals()["i"]


print(shadowed())


class Outer:
    functions = [lambda: __class__ for _ in range(2)]


print([f() is Outer for f in Outer.functions])


class Generic[T]:
    T = "class"

    def method[U](self, x: (T for _ in (1,)) = None):
        return [T for _ in (1,)][0]


print(Generic().method())

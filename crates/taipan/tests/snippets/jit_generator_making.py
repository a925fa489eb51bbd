# Functions and generators that compiled code makes itself.
import inspect
import sys


def uniques(vec, n):
    t = 0
    for k in range(n):
        t += len(set(vec[i] + k for i in range(len(vec))))
        t += sum(v * k for v in vec)
        t += any(v > k for v in vec) + all(v >= 0 for v in vec)
    return t


def squares(n, step=1, *more, scale=2):
    for i in range(0, n, step):
        yield i * i * scale
    for m in more:
        yield m


def named(n):
    t = 0
    for k in range(n):
        for x in squares(k % 5):
            t += x
        t += sum(squares(4, 2, k, scale=k)) + sum(squares(3, scale=1))
    return t


class Tree:
    def __init__(self, left, value, right):
        self.left, self.value, self.right = left, value, right

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.value
        if self.right:
            yield from self.right

    def pairs(self):
        for x in self:
            yield x, -x


def tree(items):
    n = len(items) // 2
    return Tree(tree(items[:n]), items[n], tree(items[n + 1:])) if items else None


def walk(t, n):
    total = 0
    for k in range(n):
        for x in t:
            total += x
        for x, y in t.pairs():
            total += x * 2 + y
    return total


def closures(n):
    out = []
    for k in range(n):
        def inner(x, y=k, *, z=2):
            return x + y + z + k

        def gen(count):
            for i in range(count):
                yield i + k

        out.append(inner(1))
        out.append(inner(1, z=5))
        out.append(sum(gen(3)))
    return sum(out), inner.__qualname__, gen.__module__, inner.__defaults__, inner.__kwdefaults__, inner.__globals__ is globals()


def unfinished(n):
    log = []

    def gen(k):
        try:
            yield k
            yield k + 1
        finally:
            log.append(k)

    for k in range(n):
        g = gen(k)
        next(g)
        g.close()
    return len(log), log[-1], inspect.getgeneratorstate(g), inspect.getgeneratorstate(gen(1))


def recoded(n):
    def gen(x):
        yield x

    def other(x):
        return [x, x]

    out = 0
    for k in range(n):
        if k == n - 2:
            gen.__code__ = other.__code__
        out += sum(gen(k))
    return out


def attributes(n):
    for k in range(n):
        g = (x * k for x in (1, 2, 3))
    return g.__name__, g.__qualname__, g.gi_code.co_name, g.gi_frame.f_lineno - attributes.__code__.co_firstlineno, g.gi_running, list(g), g.gi_frame


def raising(n):
    lines = None
    for k in range(n):
        try:
            sum(1 // (x - k % 3) for x in (5, 4, 3, 2, 1))
        except ZeroDivisionError as e:
            tb, lines = e.__traceback__, []
            while tb:
                lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
                tb = tb.tb_next
    return lines


def sends(n):
    def echo():
        got = None
        while True:
            got = yield got
    t = 0
    for k in range(n):
        e = echo()
        next(e)
        t += e.send(k) + e.send(1)
    try:
        echo().send(3)
    except TypeError as err:
        return t, str(err)


def wrong():
    out = []
    for call in (lambda: squares(), lambda: squares(1, bad=2), lambda: Tree.pairs()):
        try:
            call()
        except TypeError as e:
            out.append(str(e))
    return out


t = tree(list(range(40)))
for n in (8, 2000):
    print(uniques([3, 1, 4, 1, 5], n), named(n), walk(t, n // 4), closures(n))
    print(unfinished(n), recoded(n), attributes(n), raising(n), sends(n))
print(wrong())

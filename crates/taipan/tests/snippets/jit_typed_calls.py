# Functions that are called with numbers and return numbers: ints that leave 64 bits, kinds that change, frames, exceptions.
import sys


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def doubled(n, x):
    if n == 0:
        return x
    return doubled(n - 1, x + x)


def average(a, b, depth):
    m = (a + b) * 0.5
    if depth == 0:
        return m
    return average(a, m, depth - 1) * 0.25 + average(m, b, depth - 1) * 0.75


def kinds(n):
    if n % 97 == 0:
        return None
    if n % 89 == 0:
        return "text"
    if n % 7 == 0:
        return n * 0.5
    if n > 3:
        return kinds(n - 3)
    return n


def fails(n):
    if n == 0:
        raise ValueError("bottom")
    return fails(n - 1) + 1


def caught(n):
    try:
        return fails(n)
    except ValueError as e:
        depth, tb = 0, e.__traceback__
        while tb:
            depth, tb = depth + 1, tb.tb_next
        return depth


def seen(n, x):
    if n == 0:
        frame, found = sys._getframe(), []
        while frame.f_code is seen.__code__:
            found.append((frame.f_locals["n"], frame.f_locals["x"]))
            frame = frame.f_back
        return len(found) + len(str(found)) * 0.001
    return seen(n - 1, x * 0.5) + 0.0


def with_default(n, step=1, *, scale=2):
    return 0 if n <= 0 else with_default(n - step, step, scale=scale) + scale


class Point:
    def __init__(self, x):
        self.x = x

    def scaled(self, k, n):
        if n == 0:
            return self.x * k
        return self.scaled(k, n - 1) + self.scaled(-k, n - 1)


def make(k):
    def inner(n):
        nonlocal k
        k += 1
        return k if n == 0 else inner(n - 1) - inner(n - 1) + n
    return inner


def cells(n):
    later = lambda: n
    return later() if n < 2 else cells(n - 1) + cells(n - 2)


def endless(n):
    return endless(n + 1) + 1


print(fib(20), [fib(i) for i in range(12)])
for _ in range(60):
    doubled(20, 3)
print(doubled(80, 3), doubled(61, 1), doubled(62, 1), doubled(63, 1), doubled(64, -1), doubled(3, "ab"), doubled(5, 0.25))
print(sum(average(float(i), i + 1.0, 6) for i in range(60)), average(0, 1, 4), average(1e300, -1e-300, 5), average(float("inf"), 1.0, 2))
print([kinds(n) for n in range(0, 400, 5)][-40:], [type(kinds(n)).__name__ for n in range(60)][:20])
print([caught(n % 9) for n in range(90)][-9:])
print([seen(i % 4, 8.0) for i in range(60)][-4:], seen(2, 5e-324))
print(sum(with_default(n) for n in range(60)), with_default(9, 2), with_default(5, scale=2.5), with_default(4.5))
p = Point(1.5)
print(sum(p.scaled(float(i), 4) for i in range(50)), Point(3).scaled(2, 3), Point(2**62).scaled(4, 2), Point("x").scaled(2, 0))
print([make(i)(5) for i in range(12)])
print(cells(14), [cells(i) for i in range(8)])
for _ in range(3):
    try:
        endless(0)
    except RecursionError as e:
        print(type(e).__name__, str(e)[:35])


def inner(n):
    return n + 1 if n < 5 else inner(n - 1) + 1


def outer(n):
    total = 0
    for i in range(n):
        total += inner(i % 12)
    return total


print(outer(3000))
inner.__code__ = (lambda n: n * 2 if n < 5 else inner(n - 1) + 0.5).__code__
print(outer(3000))
inner.__defaults__ = (7,)
print(outer(100), inner())


def inner(n):
    return str(n)[:1] and 2**64 + n


print(outer(10), outer(3000))


def traced(n):
    return n if n < 2 else traced(n - 1) + traced(n - 2)


traced(18)
lines = []
sys.settrace(lambda frame, event, arg: lines.append((event, frame.f_locals.get("n"))))
traced(3)
sys.settrace(None)
print(lines[:8], traced(18))


def unused(n, extra, text):
    if n == 0:
        return sorted(sys._getframe(1).f_locals.items())[0][1] if text else 0
    return unused(n - 1, extra * 1.5, text)


print([unused(i % 5, 2.0, "abc") for i in range(60)][-5:], unused(3, 2, ""))

"""Functions called by compiled code that push their frames themselves, late or never."""
import sys
import traceback


def ack(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ack(m - 1, 1)
    return ack(m - 1, ack(m, n - 1))


def tak(x, y, z):
    if y >= x:
        return z
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))


print(ack(2, 40), tak(14, 8, 3))


# Guards that fail where there is no frame yet: other types, large ints.
def pick(a, b, depth):
    if a < b:
        return a
    if depth == 0:
        return b
    return pick(b, a, depth - 1)


def picks(pairs):
    found = []
    for a, b in pairs:
        found.append(pick(a, b, 3))
    return found


numbers = [(i % 7, i % 5) for i in range(400)]
print(sum(picks(numbers)))
mixed = numbers[:40] + [(1.5, 2), (3, 2.5), ("b", "a"), (2**70, 2**65), (-(2**62), 2**62), ((1, 2), (1, 3)), (True, False)]
for _ in range(4):
    print(picks(mixed)[40:])


# Exceptions from where there is no frame yet have the function's line.
def first(items, depth):
    if depth > 0:
        return first(items, depth - 1)
    return items.value


class Holder:
    def __init__(self, value):
        self.value = value


def sum_of(holders):
    total = 0
    for h in holders:
        total += first(h, 2)
    return total


print(sum_of([Holder(i) for i in range(500)]))
try:
    sum_of([Holder(1)] * 50 + [None])
except AttributeError as e:
    print([(f.name, f.lineno) for f in traceback.extract_tb(e.__traceback__)])
    print(e)


def divide(a, b, depth):
    if b == 17:
        return a // (b - 17)
    if depth:
        return divide(a, b, depth - 1)
    return a // b


def divisions(n):
    total = 0
    for i in range(1, n):
        try:
            total += divide(n, i % 19 + 1, i % 3)
        except ZeroDivisionError as e:
            tb = e.__traceback__
            lines = []
            while tb:
                lines.append(tb.tb_lineno)
                tb = tb.tb_next
            total += sum(lines)
    return total


print(divisions(2000))


# Frames as they can be seen from within.
def names(depth):
    frame, found = sys._getframe(), []
    while frame and len(found) < depth:
        found.append((frame.f_code.co_name, frame.f_lineno, len(frame.f_locals)))
        frame = frame.f_back
    return found


def inner(n, look):
    if n < 0:
        return None
    if look and n == 0:
        return names(5)
    return inner(n - 1, look)


def outer(n):
    for i in range(n):
        inner(3, False)
    return inner(3, True)


print(outer(300))


# Frame objects outlive their calls.
def frame_at(n):
    if n == 0:
        return sys._getframe(1)
    got = frame_at(n - 1)
    return got


for _ in range(60):
    frames = [frame_at(k) for k in (1, 2, 3)]
print([(f.f_code.co_name, f.f_locals.get("n")) for f in frames])


# Loops before anything else, closures, defaults, many parameters.
def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def make(k):
    def step(x, y=3):
        if x % k == 0:
            return k
        return step(x + y, 1) + 1

    return step


def mix(n):
    total = 0
    steps = [make(3), make(5), make(7)]
    for i in range(1, n):
        total += gcd(i * 12, 90) + steps[i % 3](i)
    return total


print(mix(1500))


def many(a, b, c, d, e, f, g, h):
    if a > b:
        return many(b, a, c, d, e, f, g, h)
    if c:
        return many(a, b, c - 1, h, d, e, f, g)
    return a * 10000 + b * 1000 + d + e * 2 + f * 3 + g * 4 + h * 5


print(sum(many(i % 4, i % 3, i % 5, i, 2, 3, 4, 5) for i in range(800)))


# The recursion limit holds where frames are pushed late.
def down(n):
    if n == 0:
        return 0
    return down(n - 1) + 1


print(down(400), down(400), down(400))
for limit in (300, 600):
    old = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        down(5000)
    except RecursionError as e:
        print(e)
    finally:
        sys.setrecursionlimit(old)
print(down(800))


# Boxes that are returned without a frame.
def wide(a, b):
    if a > b:
        return a * b
    return wide(b + 1, a)


def floats(a, b):
    if a > b:
        return a * b + 0.1
    return floats(b + 1.0, a)


print(sum(wide(i << 28, i << 30) for i in range(1000)))
print(sum(floats(i * 1e300, i * 1e-5) for i in range(3)), sum(floats(i * 0.5, i * 0.25) for i in range(900)))

# enumerate over lists in hot loops, and variables that are numbers where they are bound.
import sys


def plain(items):
    total = 0
    for i, x in enumerate(items):
        total += i * x
    return total, i, x


def nested(a, b):
    cells = 0
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            if x == y:
                cells += i - j
    return cells


def started(items, n):
    out = []
    for i, x in enumerate(items, n):
        out.append((i, x))
    return out[-2:]


def reused(items):
    pairs = enumerate(items)
    seen = []
    for i, x in pairs:
        if i % 40 == 39:
            seen.append(next(pairs, None))
            break
    seen.append(sum(k for k, _ in pairs))
    seen.append(list(pairs))
    return seen


def growing(n):
    items = [1]
    for i, x in enumerate(items):
        if i < n:
            items.append(x + 1)
    return len(items), x


def shrinking(items):
    for i, x in enumerate(items):
        if items:
            items.pop()
    return i, x, items


def kinds(items):
    last = None
    for pair in enumerate(items):
        if pair[0] % 100 == 99:
            last = pair
    return last


def raising(items):
    try:
        for i, x in enumerate(items):
            y = 10 / x
    except ZeroDivisionError as e:
        frame = e.__traceback__.tb_frame
        return i, x, y, sorted(frame.f_locals)


def unbound(n, at):
    for i in range(n):
        if i > at:
            square = i * i
            half = i / 2
        if i == n - 1:
            names = sorted(sys._getframe().f_locals)
    return names, square, half


def never(n):
    for i in range(n):
        if i < 0:
            x = i
        z = i * 0.5
    try:
        return x
    except UnboundLocalError as e:
        return str(e), z


def deleted(n):
    out = 0
    for i in range(n):
        v = i + 0.5
        out += v
        if i % 3:
            del v
    try:
        return out, v
    except UnboundLocalError as e:
        return out, str(e)


for n in (5, 300):
    items = list(range(n))
    print(plain(items), nested(items, [1, 2, 3, 4.0]), started(items, 7), started(items, 1 << 62), started(items, -3))
    print(reused(items), growing(n), shrinking(list(items)), kinds(items), kinds([0.5] * 250))
    print(raising(items[1:] + [0, 1]), unbound(n, 2), never(n), deleted(n))
    print(plain(tuple(items)), plain([float(x) for x in items]), kinds("ab" * 60))
try:
    unbound(300, 400)
except UnboundLocalError as e:
    print(e)

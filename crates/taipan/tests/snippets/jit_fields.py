"""Floats in fields that every round of a loop replaces, and objects that turn out to be the same one."""
import sys


class Body:
    def __init__(self, x, v):
        self.x = x
        self.v = v
        self.n = 0


def pairs(bodies):
    for i in range(len(bodies)):
        a = bodies[i]
        for j in range(i + 1, len(bodies)):
            b = bodies[j]
            d = a.x - b.x
            a.v -= d * 0.25
            b.v += d * 0.5


def shared(acc, bodies):
    """The loop writes `acc`, and `acc` may be among the bodies."""
    for b in bodies:
        acc.v += b.x
        b.v = b.v * 0.5 + 1.0
    return acc.v


def twice(acc, xs):
    for x in xs:
        acc.v += x
        acc.n += 1
        acc.v *= 0.5
    return acc.v, acc.n


def total(acc, xs):
    for x in xs:
        acc.v += x
        acc.n += 1
    return acc.v, acc.n


def some(acc, xs):
    for x in xs:
        if x > 1.0:
            acc.v += x
    return acc.v


def leaves(acc, xs):
    for x in xs:
        acc.v += x
        if acc.v > 50.0:
            break
        acc.v -= 0.5
    return acc.v


def seen(acc, xs, at):
    """The field is read in the middle by others."""
    found = []
    for i, x in enumerate(xs):
        acc.v += x
        if i == at:
            found.append(acc.__dict__.copy())
    return found, acc.v


def changes(acc, xs):
    for x in xs:
        acc.v = acc.v + x
    return acc.v


for r in range(8):
    bodies = [Body(float(k), 0.5 * k) for k in range(9)]
    for _ in range(20):
        pairs(bodies)
    print([b.v for b in bodies])
    if r == 4:
        # From now on one is there twice.
        extra = [bodies[3], bodies[3], bodies[1], bodies[3]]
    if r > 4:
        for _ in range(30):
            pairs(extra)
        print([b.v for b in extra])
    acc = Body(1.0, 2.0)
    print(shared(acc, bodies), shared(bodies[2], bodies[:2] + bodies[3:]))
    if r > 3:
        print([shared(bodies[k], bodies) for k in range(9)], [b.v for b in bodies])
        print(shared(acc, [acc] * 70), acc.v)
    xs = [0.5 * k for k in range(80)]
    print(twice(acc, xs), total(acc, xs), some(acc, xs), leaves(acc, xs), total(acc, []))
    print(seen(acc, xs, 40 + r))
    print(changes(acc, xs), changes(acc, [1.0] * 50 + [1]), changes(acc, [1e308] * 60), changes(acc, [-1e308]))
    acc.v = 0.0
    print(changes(acc, [0.0] * 50), changes(acc, [5e-324] * 50), changes(acc, [-0.0] * 9), changes(acc, [float("nan")] * 40))
    acc.v = 3
    print(changes(acc, [1] * 50), changes(acc, xs), changes(acc, [2**80, 1.5]))
    acc.v = "s"
    try:
        changes(acc, xs)
    except TypeError as e:
        print(e)
    acc.v = 1.5
    acc.__class__ = type("Other", (Body,), {})
    print(changes(acc, xs), total(acc, xs))


class Watch:
    def __init__(self):
        self.v = 0.5

    def __setattr__(self, name, value):
        if value > 100.0:
            print("large", value)
            value = 1.0
        object.__setattr__(self, name, value)


w = Watch()
print(changes(w, [0.5 * k for k in range(60)]))


def raising(acc, xs):
    for x in xs:
        acc.v += x
        acc.v /= x - 30.0
    return acc.v


for at in (100.0, 30.0):
    acc = Body(0.0, 1.0)
    try:
        print(raising(acc, [at * 0 + 0.5 * k for k in range(59 if at > 50 else 90)]))
    except ZeroDivisionError as e:
        print(e, acc.v, sys._getframe().f_locals is not None)

# `is`, numbers that keep their identity, truth of all kinds of values, equality of mixed kinds.


class Truth:
    def __init__(self, n):
        self.n = n

    def __bool__(self):
        return self.n > 0


class Sized:
    def __len__(self):
        return 0


def truths(values):
    n = 0
    for v in values:
        if v:
            n += 1
        n += 10 if not v else 0
        n += 100 if v and True else 0
        n += 1000 if v or False else 0
    return n


def same(values):
    out = []
    for v in values:
        w, t = v, (v,)
        items = [v]
        d = {"k": v}
        out.append((w is v, t[0] is v, items[0] is v, d["k"] is v, v is None, v is not None))
    return out


def equal(values):
    out = 0
    for a in values:
        for b in values:
            out = (out * 3 + (a == b) + 2 * (a != b)) % 1000003
    return out


def identity(x):
    y = x
    for i in range(5):
        z = y
        y = z
    return y is x


VALUES = [0, 1, -1, 2**62, 2**70, 0.0, 1.0, -0.0, 1e300, float("nan"), "", "a", (), (0,), [], [0], {}, {1: 2}, set(), None, True, False, Truth(1), Truth(0), Sized(), len, int]
for r in range(8):
    print(truths(VALUES), all(all(s[:4]) for s in same(VALUES)), equal(VALUES[:22]), all(identity(v) for v in VALUES))
    print([s[4:] for s in same(VALUES)].count((True, False)))

# New instances that nobody but exits needs: attributes read from values, written, seen by frames, kept, compared by identity.
import sys


class V:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, o):
        return V(self.x + o.x, self.y + o.y)

    def __mul__(self, k):
        return V(self.x * k, self.y * k)

    def dot(self, o):
        return self.x * o.x + self.y * o.y


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a, b=2):
        self.b = b
        self.a = a
        self.b = a


class Odd:
    def __init__(self, x):
        self.x = x
        if x % 2:
            self.odd = True


class Pair:
    def __init__(self, left, right):
        self.left = left
        self.right = right


def sums(n):
    total = 0.0
    acc = V(0.0, 0)
    for i in range(n):
        v = (V(i, 1.5) + V(0.5, i)) * 2
        total += v.dot(v)
        acc = acc + v
    return total, acc.x, acc.y, v.x, v.y


def written(n):
    out = 0
    for i in range(n):
        v = V(i, i)
        v.x = v.y + 1
        w = v
        w.y += v.x
        v.z = 3
        out += v.x + w.y + v.z
    return out, sorted(vars(v))


def nested(n):
    out = 0
    for i in range(n):
        p = Pair(V(i, 2), (V(3, i), i))
        q = p.right[0]
        q.x += 1
        out += p.left.x * p.right[0].x + p.right[1]
        if p.right[0] is not q:
            out = -1
    return out, p.left.x, p.right[0].x


def leaves(n, at):
    kept = []
    for i in range(n):
        v = V(i, i * 0.5)
        w = v * 2
        if i == at:
            frame = sys._getframe()
            kept.append((frame.f_locals["v"].x, frame.f_locals["w"].y, frame.f_locals["v"] is v))
        if i > n - 3:
            kept.append(w.x)
    return kept, v.x, w.y


def raises(n):
    try:
        for i in range(n):
            v = V(10, i)
            w = V(v.x // (n - 1 - i), v)
    except ZeroDivisionError as e:
        f = e.__traceback__.tb_frame.f_locals
        return i, v.x, v.y, f["v"] is v, w.y.y, w.y is v


def slots(n):
    out = 0
    for i in range(n):
        s = Slots(i)
        t = Slots(s.a, s.b)
        out += t.a + t.b
    return out, s.a, t.b


def odd(n):
    out = 0
    for i in range(n):
        o = Odd(i)
        out += o.x + getattr(o, "odd", 0)
    return out


def mixed(n):
    items = []
    for i in range(n):
        v = V(i if i % 50 else "s", None)
        if isinstance(v.x, str):
            items.append(v)
        elif v.x == n - 1:
            items.append(v.x)
    return len(items), items[-1], items[0].x


def changed(n):
    out = 0
    for i in range(n):
        v = V(i, 1)
        if i == max(n - 10, 0):
            V.extra = property(lambda self: self.x * 1000)
        if i > n - 5:
            out += v.extra
        out += v.y
    del V.extra
    return out


for n in (4, 300):
    print(sums(n), written(n), nested(n))
    print(leaves(n, 2), leaves(n, n - 1), raises(n))
    print(slots(n), odd(n), mixed(n), changed(n))

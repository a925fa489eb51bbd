# Small kernels, long enough for the default thresholds.

import gc


class P:
    __slots__ = ('x', 'y')

    def __init__(s, x, y):
        s.x = x
        s.y = y

    def add(s, o):
        return P(s.x + o.x, s.y + o.y)


class Q:

    def __init__(s, x):
        s.x = x
        s.next = None

    def val(s):
        return s.x * 2


class R(Q):

    def __init__(s, x):
        super().__init__(x)
        s.z = 1

    def val(s):
        return super().val() + s.z


class S:

    def __init__(s, x):
        s.z = 3
        s.x = float(x)

    def val(s):
        return s.x


def poly(objs, n):
    t = 0
    for i in range(n):
        o = objs[i % len(objs)]
        t += o.val()
        o.x += 1
        if o.x > 50:
            o.x = o.x - 50
    return t


def link(n):
    head = None
    for i in range(n):
        q = Q(i) if i % 2 else R(i)
        q.next = head
        head = q
    t = 0
    while head is not None:
        t = t * 3 % 1000003 + head.val()
        if head.x % 5 == 0:
            head.late = t
        if hasattr(head, 'late'):
            t += head.late % 7
        head = head.next
    return t


def vec(n):
    a = P(0, 0.0)
    for i in range(n):
        a = a.add(P(i, i * 0.5))
        if i % 100 == 99:
            a = P(a.x % 1000, a.y)
    return (a.x, a.y)


def tree(d):
    return None if d == 0 else (tree(d - 1), d, tree(d - 1))


def total(t):
    return 0 if t is None else total(t[0]) + t[1] + total(t[2])


def sieve(n):
    s = [True] * n
    for i in range(2, n):
        if s[i]:
            for j in range(i * i, n, i):
                s[j] = False
    return sum(s)


def mat(n):
    a = [[i * j % 7 for j in range(n)] for i in range(n)]
    b = [[float(i + j) for j in range(n)] for i in range(n)]
    c = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            s = 0
            for k in range(n):
                s += a[i][k] * b[k][j]
            c[i][j] = s
    return (sum(map(sum, c)), c[1][2], a[1][2])


def overflow(n):
    x, seen = (1, [])
    for i in range(n):
        x = x * 6364136223846793005 + 1442695040888963407
        x &= (1 << 64) - 1
        if i % 500 == 0:
            seen.append(x)
    return (seen, x)


def overflow2(n):
    h = 14695981039346656037
    for i in range(n):
        h ^= i & 255
        h = h * 1099511628211 % 2 ** 64
    return h


def strs(n):
    d, s = ({}, '')
    for i in range(n):
        k = 'k' + str(i % 37)
        d[k] = d.get(k, 0) + i
        s = k + s[:20]
        if k == 'k3' and s[0] == 'k':
            d['x' + s[1]] = len(s)
    return (sorted(d.items())[:5], s)


def swap(n):
    a = b = c = 0
    a, b, c = (1, 2.0, 's')
    for i in range(n):
        a, b, c = (b, c, a)
    return (a, b, c)


def late_float(n):
    x = 0
    for i in range(n):
        x += 1
        if i == n - 10:
            x = x / 2
        if i == n - 5:
            x = 'str'
        if x == 'str':
            break
    return (x, i)


def fibs(n):
    a, b = (0, 1)
    out = []
    for i in range(n):
        a, b = (b, a + b)
        if i % 20 == 0:
            out.append(a)
    return out


def exc(n):
    c = 0
    for i in range(n):
        try:
            if i % 3 == 0:
                raise ValueError(i)
            c += 10 // (i % 5)
        except ZeroDivisionError:
            c += 100
        except ValueError as e:
            c += e.args[0] % 7
        finally:
            c += 1
    return c


def bubble(l):
    n = len(l)
    for i in range(n):
        for j in range(n - 1 - i):
            if l[j] > l[j + 1]:
                l[j], l[j + 1] = (l[j + 1], l[j])
    return l


N = 4000
for r in range(3):
    print(poly([Q(1), R(2)], N), poly([Q(1)], N), poly([Q(1), R(2), S(3)], N), poly([S(1), S(2)], N))
    print(link(N))
    print(vec(N))
    print(total(tree(10)))
    print(sieve(N))
    print(mat(16))
    print(overflow(N))
    print(overflow2(N))
    print(strs(N))
    print(swap(N), swap(N + 1), late_float(N), exc(N))
    print(fibs(150))
    print(bubble([i * 7919 % 101 for i in range(90)])[:10], bubble([float(i * 31 % 17) for i in range(50)])[:3], bubble([str(i * 31 % 17) for i in range(50)])[:3])

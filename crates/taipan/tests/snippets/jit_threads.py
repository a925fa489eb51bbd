# Threads that run the same compiled code with a short switch interval.

import sys, threading
sys.setswitchinterval(1e-05)


class P:

    def __init__(s, x):
        s.x = x

    def get(s):
        return s.x * 2


SHARED = [P(i) for i in range(5)]
CNT = {'a': 0}


def kernel(n, k):
    t = 0
    l = []
    f = 0.5
    for i in range(n):
        p = SHARED[i % 5]
        t = (t * 31 + p.get() + i) % 1000003
        f = f * 1.5 % 100.0
        l.append(t)
        if len(l) > 50:
            l = l[25:]
        try:
            if i % 97 == 13:
                raise ValueError(t)
            t += 7 // (i % 11)
        except ZeroDivisionError:
            t += 1
        except ValueError as e:
            t ^= e.args[0] & 255
        big = (1 << 61) + i
        t = (t + big * 3) % 999983
        d = {j: j * i for j in range(4)}
        t += d[i % 4]
    return (t, round(f, 6), sum(l))


want = [kernel(800, k) for k in range(4)]
for r in range(6):
    res = [None] * 4
    errs = []

    def run(k):
        try:
            res[k] = kernel(800, k)
        except BaseException as e:
            errs.append(repr(e))
    ts = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    [t.start() for t in ts]
    if r == 3:
        P.get = lambda s: s.x * 2
    [t.join() for t in ts]
    print(res == want, errs, want[0])


def gen(n):
    for i in range(n):
        yield i


g = gen(2000)
seen = []
bad = []


def pull():
    for _ in range(300):
        try:
            seen.append(next(g))
        except ValueError as e:
            bad.append(str(e))


ts = [threading.Thread(target=pull) for _ in range(3)]
[t.start() for t in ts]
[t.join() for t in ts]
print(len(set(seen)) == len(seen), set(bad) <= {'generator already executing'})

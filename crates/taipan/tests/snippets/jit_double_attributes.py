# modes: stress
"""Attributes that are kept as doubles: everything that makes words of them, and what cannot be kept so."""
import copy, pickle, gc, math

class P:
    def __init__(self, x, y, z=0.0):
        self.x = x
        self.y = y
        self.z = z

def f(n):
    a = P(1.0, 2.0); b = P(-0.0, 3.5)
    for i in range(n):
        a.x += b.y * 0.5
        b.y = -b.x
        b.x = a.x if i % 7 else -0.0
        if i == n // 2:
            a.y = "text"
        if i == n - 10:
            b.x = 1e-300
            b.z = float("nan")
            a.z = 10**400
    return a.x, a.y, b.x, b.y, str(b.z), a.z == 10**400
print(f(20)); print(f(1000))
print(P(1.0,2).__dict__, vars(P(-0.0, math.inf)), copy.copy(P(1.5, -0.0)).__dict__)
p = P(1.5, 1e300); q = pickle.loads(pickle.dumps(p)); print(q.__dict__)
p = P(0.0, -0.0); print(p.x is p.x, p.y is p.y, p.y, p.x)
x = float("1e-310"); p.x = x; print(p.x is x, p.x)
n = float("nan"); p.y = n; print(p.y is n, {p.y: 1}[p.y], p.y in [p.y])
ps = [P(float(i), float(i), float(i)) for i in range(100)]
for i, p in enumerate(ps): 
    if i % 3 == 0: p.y = i
def total(ps):
    t = 0
    for p in ps: t += p.x + p.y + p.z
    return t
for _ in range(200): t = total(ps)
print(t)
del ps[5].x
print(ps[5].__dict__, hasattr(ps[5], "x"))
class F(float): pass
p = P(F(1.5), True); print(type(p.x), type(p.y), type(p.z))
p.z = F(2.5); print(type(p.z)); p.z = 3; print(p.z, type(p.z))
class Big: pass
bigs = []
for k in range(4):
    b = Big()
    for i in range(80): setattr(b, f"a{i}", i + 0.5 if k != 2 else [i])
    bigs.append(b)
gc.collect()
print([getattr(b, "a70") for b in bigs], [getattr(b, "a3") for b in bigs])
def vec(n):
    class V:
        def __init__(self, x, y): self.x = x; self.y = y
        def __add__(self, o): return V(self.x + o.x, self.y + o.y)
        def __neg__(self): return V(-self.x, -self.y)
    v = V(0.0, 1.0)
    d = V(0.25, -0.5)
    for i in range(n):
        v = v + d
        if i % 50 == 0: v = -v
        if i == n - 100: v = V(v.x, 3)
        if i == n - 50: v = V(10**30, v.y)
    return v.x, v.y
print(vec(1500))
def over(n):
    p = P(1.0, 1.0)
    q = P(1.0, 1.0)
    for i in range(n):
        p.x *= 1.5
        p.y *= 0.5
        q.x -= p.y
    return p.x, p.y, q.x
print(over(1500))
try: print(over(3000))
except OverflowError as e: print(e)

class W:
    def __init__(self, x, y):
        self.x = x
        self.y = y
    def scaled(self, k):
        return W(self.x * k, self.y)

def rare(n, small):
    "Instances that only exits make, with numbers that do not fit."
    v = W(1.0, 2.0)
    seen = []
    for i in range(n):
        w = v.scaled(small if i > n - 20 else 0.5)
        u = W(w.x, -w.y)
        v = W(1.0 + w.y, u.y) if w.x > 1e-200 else W(float(i), 0.5)
        if i > n - 4:
            seen.append((u, w))
    return [(u.x, u.y, w.x, w.y) for u, w in seen]
for small in (1e-300, -0.0, float("inf"), 2.0):
    print(rare(30, small), rare(900, small))

class Keeps:
    def __init__(self, x):
        self.x = x
        self.y = x * 2.0
        self.z = len(str(x))
def made(xs):
    t = 0
    for x in xs:
        k = Keeps(x)
        t += k.x + k.y + k.z
    return t
print(made([float(i) for i in range(500)]), made([1e-310] * 200), made(list(range(300))))

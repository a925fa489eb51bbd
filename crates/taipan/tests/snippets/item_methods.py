import sys, traceback
class L:
    def __init__(self, d): self.d = d
    def __getitem__(self, i):
        if isinstance(i, slice): return L(self.d[i])
        if i == 99: raise IndexError("mine")
        return self.d[i]
    def __setitem__(self, i, v):
        if v is None: raise ValueError(i)
        self.d[i] = v
        return "ignored"
class G:
    def __getitem__(self, i):
        yield i
        yield self
class D(dict):
    def __missing__(self, k): return k * 2
class E(dict):
    def __getitem__(self, k): return ("e", super().__getitem__(k))
class R:
    def __getitem__(self, i): return self[i + 1]
    def __setitem__(self, i, v): self[i + 1] = v
class M(type):
    def __getitem__(cls, i): return cls.__name__, i
class C(metaclass=M): pass
class Dflt:
    def __getitem__(self, i, more=3): return i, more
class Cl:
    pass
def closure(n):
    class X:
        def __getitem__(self, i):
            locals_ = [i, n]
            return locals_
    return X()
def work(l, n):
    t = 0
    for i in range(n):
        t += l[i % 5] + l[-1] + l[0]
        l[i % 5] = i
        l[1] += 2
    return t
l = L([1, 2, 3, 4, 5])
print(work(l, 2000), l.d, list(l[1:3].d), [x for x in L([1,2])])
g = G()
print([type(x).__name__ for x in g[5]], D()[4], E(a=1)["a"], C[3], Dflt()[2], closure(7)[1])
for f in (lambda: l[99], lambda: l.__setitem__(0, None), lambda: R()[0], lambda: exec("r[0]=1", {"r": R()}), lambda: Cl()[0]):
    try: f()
    except Exception as e:
        tb = traceback.extract_tb(e.__traceback__)
        print(type(e).__name__, str(e)[:60], len(tb) > 2, tb[-1].name, tb[1].lineno)
def frames():
    class F:
        def __getitem__(self, i): return sys._getframe(1).f_lineno, sys._getframe(0).f_code.co_name, sys._getframe(1).f_code.co_name
    f = F()
    return f[
        0]
print(frames())
def gen(l):
    for i in range(3): yield l[i]
print(list(gen(L([7,8,9]))))
def deleted():
    x = L([1]); x[0] = 5; x[0] = x[0] + x[0]; return x.d
print(deleted())
sys.setrecursionlimit(200)
try: R()[0]
except RecursionError as e: print(e)
calls = []
sys.settrace(lambda f, e, a: calls.append((f.f_code.co_name, e)))
x = l[0]; l[0] = 3
sys.settrace(None)
print(calls)

# Finalisers, classes, modules, cells and globals that change what compiled code relies on; frames of inlined calls.

import sys, gc, weakref, types


def show(*a):
    print(*a)


STATE = [0]


class Cfg:
    pass


cfg = Cfg()
cfg.x = 0


class Fin:

    def __init__(s):
        s.me = s

    def __del__(s):
        STATE[0] += 1
        cfg.x += 1


def loop_fin(n):
    bad = 0
    for i in range(n):
        Fin()
        a = cfg.x
        b = STATE[0]
        if a != b:
            bad += 1
        t = (i, a)
        u = [t, t]
        if cfg.x != STATE[0]:
            bad += 1
    return bad


for r in range(3):
    show(loop_fin(3000))
gc.collect()
show(cfg.x == STATE[0], STATE[0] > 8900)


class N:
    pass


def truth(n):
    return (1 if n else 2, not n, bool(n))


n = N()
for r in range(30):
    if r == 10:
        N.__len__ = lambda s: 0
    if r == 15:
        N.__bool__ = lambda s: True
    if r == 20:
        del N.__bool__
    if r == 25:
        del N.__len__
    show(truth(n))


class Base1:

    def m(s):
        return 'b1'


class Base2:

    def m(s):
        return 'b2'


class Ch(Base1):

    def m(s):
        return 'c' + super().m()

    def k(s):
        return s.m()


def callm(o):
    return (o.m(), o.k())


c = Ch()
for r in range(30):
    if r == 10:
        Ch.__bases__ = (Base2,)
    if r == 15:
        Base2.m = lambda s: 'new'
    if r == 20:
        c.m = lambda: 'inst'
    if r == 25:
        del c.m
    show(callm(c))


class O:
    pass


def attrs(o):
    return (o.a, o.b)


o = O()
o.a = 1
o.b = 2
for r in range(40):
    if r == 10:
        o.__dict__['a'] = 5
    if r == 14:
        o.__dict__ = {'a': 7, 'b': 8}
    if r == 18:
        vars(o)['b'] = 9
    if r == 22:
        del o.a
        o.a = 3
    if r == 26:
        vars(o).clear()
    if r == 28:
        o.b = 1
        o.a = 2
    if r == 32:
        O.a = property(lambda s: 'p')
    if r == 36:
        O.__getattribute__ = lambda s, n: n
    try:
        show(r, attrs(o))
    except AttributeError as e:
        show(r, e)
mod = types.ModuleType('mod')
mod.x = 1


def getx():
    return mod.x


for r in range(40):
    if r == 8:
        mod.x = 2
    if r == 12:
        mod.x = 'a'
    if r == 16:
        mod.__dict__['x'] = 4.5
    if r == 20:
        del mod.x
    if r == 24:
        mod.__getattr__ = lambda n: 'ga'
    if r == 28:
        mod = O()
    if r == 32:
        mod = types.SimpleNamespace(x=77)
    try:
        show(r, getx())
    except AttributeError as e:
        show(r, e)


def mk(v):

    def f():
        return v
    return f


f = mk(1)
g = mk(2)


def callf():
    return f()


for r in range(30):
    if r == 10:
        f.__closure__[0].cell_contents = 'changed'
    if r == 15:
        f = g
    if r == 20:
        f = mk(r)
    if r == 25:
        del f.__closure__[0].cell_contents
    try:
        show(r, callf())
    except NameError as e:
        show(r, e)


def inner2():
    fr = sys._getframe()
    b = fr.f_back
    return (fr.f_code.co_name, fr.f_lineno, b.f_code.co_name, b.f_lineno, sorted(b.f_locals.items(), key=str), b.f_back.f_code.co_name)


def mid2(p, q=2):
    z = p * q
    r = inner2()
    return (r, z)


def top2(k):
    w = k + 1
    return mid2(w)


for r in range(20):
    show(top2(r))


def err3(x):
    return 1 // x


def mid3(x):
    y = err3(x - 5)
    return y


def top3(n):
    out = []
    for i in range(n):
        try:
            out.append(mid3(i))
        except ZeroDivisionError as e:
            tb = e.__traceback__
            l = []
            while tb:
                l.append((tb.tb_frame.f_code.co_name, tb.tb_lineno, sorted((k for k in tb.tb_frame.f_locals)), tb.tb_frame.f_lineno))
                tb = tb.tb_next
            out.append(l)
    return out


for r in range(6):
    show(top3(8))
G = 1


def useg():
    return G + len('abc')


for r in range(40):
    if r == 8:
        exec('G = 10', globals())
    if r == 12:
        globals().update(G=20)
    if r == 16:
        globals().pop('G')
    if r == 20:
        globals().setdefault('G', 30)
    if r == 24:
        __builtins__.len = lambda x: 500
    if r == 28:
        import builtins
        del builtins.len
    if r == 32:
        builtins.len = lambda x: 600
    if r == 36:
        globals()['len'] = lambda x: 700
    try:
        show(r, useg())
    except NameError as e:
        show(r, e)

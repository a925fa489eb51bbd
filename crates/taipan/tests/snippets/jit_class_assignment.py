# Instances whose __class__ is set between uses.


class A:
    __slots__ = ('x',)
    k = 'a'

    def m(self):
        return 'A'


class B:
    __slots__ = ('x',)
    k = 'b'

    def m(self):
        return 'B'


class C:

    def m(self):
        return 'C'


class D(C):

    def m(self):
        return 'D'


def set_class(o, c):
    o.__class__ = c


def f(o, c):
    first = o.m()
    set_class(o, c)
    return (first, isinstance(o, A), o.k, o.m())


def g(o, c):
    first = o.m()
    o.__class__ = c
    return (first, isinstance(o, D), isinstance(o, C))


for r in range(20):
    print(f(A(), B if r > 10 else A), g(C(), D if r > 10 else C))

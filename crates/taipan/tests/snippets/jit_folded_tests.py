# Tests folded because of a type that was guarded: the guard must stay.


def f(x):
    if x is None:
        return 'none'
    return 'some'


def g(x):
    if isinstance(x, str):
        return 'str'
    return 'other'


def h(x):
    return (x is None, isinstance(x, (int, float)), isinstance(x, int), isinstance(x, float))


def k(x, y):
    return x is y


for v in [1] * 1000:
    (f(v), g(v))
print(f(None), g('a'))
for v in [1] * 20 + [None, 'a', 2.5, True] + [2.5] * 20 + [None, 'a', 1, True]:
    print(f(v), g(v), h(v), k(v, None))
for v in [2.5] * 20 + [None, 'a', 1]:
    print((lambda x: 'none' if x is None else 'some')(v), f(v))

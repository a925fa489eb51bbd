# Code, defaults and keyword defaults of functions change while their callers are compiled.


def three(a, b, c):
    return "three", a, b, c


def two(a, b=2):
    return "two", a, b


def one(a, b=1, *, k=5):
    return "one", a, b, k


def direct(x):
    return two(x, x + 1)


def with_default(x):
    return two(x)


def with_keyword(x):
    return one(x)


def looped(n):
    total = []
    for i in range(n):
        if i == n // 2:
            small.__code__ = large.__code__
        total.append(small(i))
    return total


def small(x):
    return x + 1


def large(x):
    return x * 1000


def attempt(f, *args):
    try:
        return f(*args)
    except TypeError as e:
        return str(e)


for r in range(60):
    if r == 20:
        two.__defaults__ = ("new",)
        one.__kwdefaults__ = {"k": 6}
    if r == 30:
        two.__code__ = three.__code__
    if r == 40:
        two.__defaults__ = (8, 9)
        one.__kwdefaults__ = None
    if r == 50:
        two.__defaults__ = None
        one.__defaults__ = None
    print(r, attempt(direct, r), attempt(with_default, r), attempt(with_keyword, r))
print(looped(40))

# Calls of functions with several codes at one place.
import gc


def adder(amount):
    return lambda x: x + amount


def scaler(factor, modulus):
    return lambda x: x * factor % modulus


def twice(f):
    return lambda x: f(f(x))


def defaulted(k):
    def g(x, k=k, *, sign=1):
        return sign * (x + k)

    return g


def generator(x):
    yield x


class Callable:
    def __call__(self, x):
        return x - 1


def apply(functions, x, n):
    for i in range(n):
        for f in functions:
            x = f(x)
    return x


for round in range(3):
    print(apply([adder(3), scaler(31, 65537), twice(adder(5))], 1, 3000))
    gc.collect()
print(apply([adder(3), scaler(31, 65537), twice(adder(5)), defaulted(2), defaulted(-7)], 1, 2000))
print(apply([adder(3), Callable(), len.__class__ and abs, scaler(7, 1009)], 1, 2000))
print(apply([adder(0.5), adder("x") if False else adder(2), scaler(3, 11)], 1, 2000))

# The functions change while the place is hot.
a, b = adder(1), scaler(2, 1000)
print(apply([a, b], 1, 2000))
a.__code__ = (lambda amount: lambda x: x - amount)(1).__code__
print(apply([a, b], 1, 2000))
d = defaulted(4)
print(apply([d, b], 1, 2000))
d.__defaults__ = (5,)
print(apply([d, b], 1, 2000))
d.__kwdefaults__["sign"] = -1
print(apply([d, b], 1, 2000))


# The same code in other globals.
source = "def f(x):\n    return x + base\n"
spaces = [{"base": k} for k in (1, 10, 100)]
for space in spaces:
    exec(source, space)
print(apply([space["f"] for space in spaces] + [b], 0, 2000))
spaces[1]["base"] = 11
print(apply([space["f"] for space in spaces] + [b], 0, 2000))


# One raises, one returns a generator.
def bad(x):
    if x > 900:
        raise ValueError(x)
    return x + 1


try:
    apply([bad, adder(1), scaler(1, 10**6)], 0, 2000)
except ValueError as e:
    tb = e.__traceback__
    lines = []
    while tb:
        lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    print(e, lines)


def mixed(n):
    kinds = set()
    for i in range(n):
        for f in (adder(1), generator, scaler(2, 5)):
            kinds.add(type(f(i)).__name__)
    return sorted(kinds)


print(mixed(2000))

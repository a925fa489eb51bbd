# Complex numbers in compiled loops: kept as two doubles, made where somebody needs the object.
import math


def escape(z, c, limit):
    for i in range(limit):
        if abs(z) > 2.0:
            return i
        z = z * z + c
    return limit


def mixed(n):
    z = 1 + 2j
    seen = []
    for i in range(n):
        z = z * 0.5 + i
        z = 2 - z
        z = -z
        z = 3.5 * z - 1j
        z = z.conjugate() - complex(i, 0.25) * z
        if abs(z) > 1e6:
            z = complex(z.real % 7.0, z.imag % 5.0)
        if i % 100 == 0:
            seen.append(z)
    return z, seen


def keeps(n):
    best = 0j
    z = 0.1 + 0.2j
    for i in range(n):
        z = z * (1.01 + 0.01j)
        if i % 3 == 0:
            best = z
        else:
            z = z - 0.001
    return best, z, best is best


def infinities(n):
    out = []
    z = complex(1e200, 1e200)
    for i in range(n):
        w = z * z
        if i % 50 == 0:
            out.append(w)
            out.append(complex(math.inf, math.nan) * complex(1, i))
    return out


def changes(values):
    total = 0
    for v in values:
        total = total + v * v
    return total


def overflow(n):
    for i in range(n):
        z = complex(1e308, 1e308 if i == n - 1 else 0.0)
        try:
            abs(z)
        except OverflowError as e:
            return i, str(e)


def negative_zero(n):
    z = complex(-0.0, 0.0)
    out = set()
    for i in range(n):
        w = z + 0.0
        v = 0.0 - z
        out.add((repr(w), repr(v), repr(z * 1), repr(-z)))
    return sorted(out)


print([escape(complex(a / 10, 0.3), complex(-0.79, 0.156), 120) for a in range(-17, 17)])
for _ in range(3):
    print(mixed(500))
    print(keeps(700))
print(infinities(300))
print(changes([1j, 2.0, 3] * 200), changes([1.5] * 300), changes([1 + 1j] * 300), changes([2] * 300))
print(overflow(400))
print(negative_zero(300))


class Odd(complex):
    def __mul__(self, other):
        return "odd"


def product(values, z):
    out = []
    for v in values:
        out.append(v * z)
    return out


product([1j] * 300, 2j)
print(product([1j, Odd(1), 2.0], 2j))

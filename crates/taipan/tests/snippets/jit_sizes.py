"""Sizes of complex numbers compared with constants."""
import math

tiny, huge, inf, nan = 5e-324, 1.7976931348623157e308, math.inf, math.nan
PARTS = [0.0, -0.0, 1.0, 3.0, 4.0, -3.0, 0.6, 0.8, 2.0, math.nextafter(2.0, 3), math.nextafter(2.0, 1), math.sqrt(2.0),
         math.nextafter(math.sqrt(2.0), 2), math.sqrt(0.5), 1e-160, tiny, 1e153, 1.2e154, 1.3e154, 1e200]


def compares(zs):
    found = []
    for z in zs:
        found.append((abs(z) > 2.0, abs(z) >= 2.0, abs(z) < 1.0, abs(z) <= 1.0, abs(z) == 5.0, 5.0 != abs(z), 2 < abs(z), abs(z) > 1e-90))
    return found


def escapes(z, c, limit):
    for i in range(limit):
        if abs(z) > 2.0:
            return i
        z = z * z + c
    return limit


def inside(zs):
    n = 0
    for z in zs:
        if abs(z) <= 1.0:
            n += 1
    return n


def sized(zs):
    """The size is needed, too."""
    total = 0.0
    for z in zs:
        size = abs(z)
        if size < 2.0:
            total += size
    return total


def raises(zs):
    n = 0
    try:
        for z in zs:
            n += abs(z) > 2.0
    except OverflowError as e:
        return n, str(e)
    return n


ZS = [complex(x, y) for x in PARTS for y in PARTS]
for _ in range(5):
    found = compares(ZS)
    print([sum(column) for column in zip(*found)], sum(hash(row) % 1009 * (i + 1) for i, row in enumerate(found)) % 1000003 >= 0)
    for i, row in enumerate(found):
        if row != (abs(ZS[i]) > 2.0, abs(ZS[i]) >= 2.0, abs(ZS[i]) < 1.0, abs(ZS[i]) <= 1.0, abs(ZS[i]) == 5.0, abs(ZS[i]) != 5.0, abs(ZS[i]) > 2, abs(ZS[i]) > 1e-90):
            print("differs", ZS[i], row)
    print(inside(ZS), sized(ZS[:40]), sized([z for z in ZS if abs(z) < 9]))
    print([escapes(complex(x, 0.1), complex(-0.79, 0.156), 60) for x in PARTS[:14]])
    print([i for i, row in enumerate(found) if row[0] != row[1] or row[2] != row[3] or row[4]])
    print(raises(ZS + [complex(nan, 1.0), complex(inf, nan), complex(-inf, 0.0)]))
    print(raises([3j] * 80 + [complex(huge, huge)]), raises([complex(nan, nan)] * 50), raises([complex(huge, 1.0)] * 50))

# All angles around the circle: on it, next to it, and what libm says.
near = []
for k in range(4000):
    w = complex(2.0 * math.cos(k * 0.7), 2.0 * math.sin(k * 0.7))
    near.append(w)
above = equal = below = 0
for w in near:
    if abs(w) > 2.0:
        above += 1
    if abs(w) == 2.0:
        equal += 1
    if abs(w) < 2.0:
        below += 1
sizes = [abs(w) for w in near]
print(above == sum(s > 2.0 for s in sizes), equal == sizes.count(2.0), below == sum(s < 2.0 for s in sizes), above + equal + below)

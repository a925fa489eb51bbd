# Ints that leave 63 and 64 bits in hot loops, shifts, and divisions of negative numbers.


def grow(x, step, n):
    seen = []
    for i in range(n):
        x = x * 3 + step
        seen.append(x)
    return seen[::6], x


def around(limit):
    out = []
    for d in range(-4, 5):
        x = limit + d
        out.append((x + 1, x - 1, -x, x * 2, x ^ 5, x & -16, x | 3, ~x, x >> 2, x << 1, abs(x)))
    return out


def divide(n):
    check = 0
    for i in range(-n, n):
        for d in (-7, -3, -2, -1, 1, 2, 3, 8, 10):
            q, r = i // d, i % d
            assert q * d + r == i and (r == 0 or (r < 0) == (d < 0)), (i, d, q, r)
            check = (check * 31 + q * 7 + r) % 1000003
    return check


def by_constants(n):
    total = 0
    for i in range(-n, n):
        total += (i // 8) * 3 + i % 8 + (i // 7) * 5 + i % 7 - (i // -5) + i % -5 + (i >> 1) + (i // 1) - (i % 1)
    return total


def shifts(n):
    out = []
    for i in range(n):
        x = 1 << (i % 70)
        y = -x
        out.append((x >> (i % 64), y >> (i % 90), y << 2, (x - 1) >> 64))
    return out[::9], hash(tuple(out)) == hash(tuple(out))


def zero(values):
    caught = 0
    for v in values:
        try:
            caught += 10 // v
        except ZeroDivisionError as e:
            caught += 1000
            message = str(e)
    try:
        5 % (caught - caught)
    except ZeroDivisionError as e:
        message += str(e)
    return caught, message


def negative_shift(n):
    out = []
    for i in range(n, -3, -1):
        try:
            out.append(1 << i)
            out.append(1000 >> i)
        except ValueError as e:
            out.append(str(e))
    return out


def bools(n):
    t = True
    total = 0
    for i in range(n):
        t = i % 3 == 0
        total += t + (not t) * 2 - (t & (i > 5)) + (t ^ True) + -t + ~int(t)
    return total, t & t, t | t, t ^ t, t + t, True << 3, type(t & True), type(t & 1)


for r in range(8):
    print(grow(r, 5 - r, 60))
    print(divide(12), by_constants(30 + r), shifts(80), zero([1, 2, -3, 0, 5] * 3), bools(50))
for limit in (0, 2**31, 2**53, 2**62, -(2**62), 2**63, -(2**63), 2**64):
    for r in range(3):
        print(around(limit))
print(negative_shift(20))

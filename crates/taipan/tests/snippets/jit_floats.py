# Floats, nan, infinities and -0.0; ints and floats that change places while hot.

INF, NAN = float("inf"), float("nan")
SPECIAL = [0.0, -0.0, 1.0, -1.5, INF, -INF, NAN, 5e-324, 1e308]


def compare(values):
    out = []
    for x in values:
        for y in values:
            out.append((x < y) * 1 + (x <= y) * 2 + (x == y) * 4 + (x != y) * 8 + (x > y) * 16 + (x >= y) * 32)
    return out


def branches(values):
    n = [0, 0, 0, 0]
    for x in values:
        for y in values:
            if x < y:
                n[0] += 1
            if not x < y:
                n[1] += 1
            if x == y:
                n[2] += 1
            if not x >= y:
                n[3] += 1
    return n


def arithmetic(values):
    out = []
    for x in values:
        for y in values:
            out.append((x + y, x - y, x * y))
    return out


def divide(values):
    out = []
    for x in values:
        for y in values:
            try:
                out.append((x / y, x // y, x % y))
            except ZeroDivisionError as e:
                out.append(str(e))
    return out


def mixed(n):
    x = 0
    seen = []
    for i in range(n):
        x = x + 1 if i % 7 else x * 0.5
        if i % 10 == 9:
            x = int(x)
        seen.append(x)
    return seen


def add(a, b):
    return a + b


def large(n):
    out = 0
    big = 2**53
    for i in range(n):
        out += (big + i == float(big + i)) + (big + i < big + float(i)) * 1000
    return out, float(big + 1), (big + 1) * 1.0, (2**62 - 1) * 1.0, (2**62 - 1) / 3


def zeros(n):
    x = 0.0
    out = []
    for i in range(n):
        x = -x
        out.append(str(x))
        x = x * 1
    return out, str(0.0 * -1), str(-0.0 + 0), str(0 * -1.0), str(-(0.0)), abs(-0.0)


for r in range(6):
    print(compare(SPECIAL), branches(SPECIAL))
    print(arithmetic(SPECIAL))
    print(divide(SPECIAL + [2, -3]))
    print(mixed(45))
    print(large(40), zeros(9))
kinds = [(1, 2), (1.5, 2), (2, 0.5), (True, 1), ("a", "b"), ((1,), (2,)), (2**62, 2**62), ([1], [2]), (1, None)]
for r in range(90):
    try:
        print(add(*kinds[r // 10]), end=" ")
    except TypeError as e:
        print(e)
print(sum(NAN is NAN for _ in range(50)), [NAN] == [NAN], NAN in [NAN], NAN == NAN)

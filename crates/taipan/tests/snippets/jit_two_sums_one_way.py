# One way of a branch adds to two variables, each of which may overflow there.
def count(flags, a, b):
    for flag in flags:
        if flag:
            a += 1
            b += 1
    return a, b


def turned(flags, a, b):
    i = 0
    while i < len(flags):
        if flags[i] & 1:
            b += 1
            a += 1
        i += 1
    return a, b


def steps(flags, a, b):
    seen = []
    for flag in flags:
        if flag:
            b += 1152921504606846976
            a += 4611686018427387904
        if a > 1 << 70:
            seen.append((a, b))
            a -= 1 << 70
    return a, b, seen[:3], len(seen)


flags = [i % 3 == 0 for i in range(400)]
print(count([False, True] * 200, 0, 0))
for start in (0, 2**62 - 2, 2**63 - 30, 2**63 - 2**62, -2**63, 2**63 - 1, -2**62):
    print(steps(flags[:9], start, 0))
    print(steps(flags[:9], 0, start))
    print(steps(flags, start, start))
    print(count(flags[:5], start, -start))
    print(turned([i % 3 for i in range(100)], start, start))
    print(turned([i % 3 for i in range(10)], start, -start))
    print(count(flags, start, start))
    print(turned([i % 3 for i in range(100)], start, start))
    print(turned([i % 3 for i in range(10)], start, -start))

"""Rotations of 32 bits by shifts, of numbers that turn out to have more bits, or a sign, while the code is hot."""

MASK = 0xFFFFFFFF


def rotate(x, count):
    return ((x >> count) | (x << (32 - count))) & MASK


def mix(words):
    total = 0
    for x in words:
        total = (total * 31 + (rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3))) & MASK
    return total


def schedule(block):
    w = list(block)
    for t in range(16, 40):
        x = w[t - 15]
        s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3)
        x = w[t - 2]
        s1 = rotate(x, 17) + rotate(x, 19) ^ (x >> 10)
        w.append((w[t - 16] + s0 + w[t - 7] + s1) & MASK)
    return w[-1], len(w)


def left(x, count):
    return (x << count & MASK) | (x & MASK) >> (32 - count)


def plus(values, count):
    return [((v << count) + (v >> (32 - count))) & MASK for v in values]


small = list(range(1, 400000, 997))
print(mix(small))
for odd in (1 << 32, MASK, -1, -5, 1 << 61, (1 << 62) - 1, 1 << 70, -(1 << 80), True):
    for _ in range(30):
        found = mix(small)
    print(odd, found, mix(small[:50] + [odd] + small[50:]), mix([odd] * 400))

for n in range(60):
    block = [(n * 7919 + k * 104729) & MASK for k in range(16)]
    result = schedule(block)
print(result)
for n in range(60):
    block = [(n << 30) + k * 104729 for k in range(16)]
    result = schedule(block)
print(result)
for n in range(60):
    block = [-n - k for k in range(16)]
    result = schedule(block)
print(result)
print([left(x, 5) for x in (1, MASK, 1 << 40, -3)])
for n in range(200):
    values = plus([n, n * n, MASK - n], 9)
print(values, plus([1 << 50, -1, -(1 << 65), 3], 9))


# Loops whose counters, variables and flags follow from one number: what is left of them when they are left early.
def counts(items, stop):
    left = len(items)
    i = seen = 0
    for n in range(3, 3 + len(items)):
        i += 1
        left -= 1
        before = seen
        seen = items[n - 3]
        if seen == stop:
            break
    return sorted(locals().items(), key=str)


def late(n):
    for k in range(n):
        if k == n - 1:
            return sorted(locals().items())
        previous = k
        flag = True


def twice(n):
    for k in range(n, 0, -1):
        for j in range(k):
            if j > 5 and k == 3 + n % 2:
                return k, j
    for k in range(n):
        pass
    return k, j, sorted(locals())


items = list(range(1000))
for stop in (5, 999, 998, -1, 1500):
    for _ in range(30):
        counts(items, -1)
    print([pair for pair in counts(items, stop) if pair[0] != "items"])
items[700] = "text"
print([pair for pair in counts(items, "text") if pair[0] != "items"])
for n in (1, 2, 3, 2000, 2000, 2000):
    print(late(n))
for n in (1, 7, 300, 300, 301):
    print(twice(n))

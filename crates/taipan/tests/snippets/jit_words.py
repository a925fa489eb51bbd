# Ints of 64 bits without sign: masks, shifts, multiplications, comparisons; where they leave the range again.
MASK = 0xFFFFFFFFFFFFFFFF


def xorshift(x, n):
    total = 0
    for _ in range(n):
        x ^= (x << 13) & MASK
        x ^= x >> 7
        x ^= (x << 17) & MASK
        total = (total + x * 0xFF51AFD7ED558CCD) & MASK
    return x, total


def rotate(x, k):
    return ((x << k) | (x >> (64 - k))) & MASK


def hashes(n):
    a, b, low, high = 0x9E3779B97F4A7C15, 1, 0, 0
    for i in range(n):
        a = rotate(a, 7) ^ (~b & MASK)
        b = (b * 6364136223846793005 + 1442695040888963407) & MASK
        if a < b:
            low += 1
        elif a >= b:
            high += 1
        if a == b:
            low = -1
        if i % 100 == 0:
            a = a >> 3
    return a, b, low, high


def escapes(n):
    # The wide value itself is wanted, too.
    x, seen = 0xC0FFEE1234567890, []
    for i in range(n):
        wide = x << 5
        x = (wide ^ i) & MASK
        if i % 50 == 0:
            seen.append(wide)
            seen.append(-x)
    return x, seen[-4:], sum(seen) % 1000007


def branches(n):
    x = 1 << 63
    for i in range(n):
        if i % 3 == 0:
            x = (x * 3) & MASK
        elif i % 3 == 1:
            x = i
        else:
            x = (x - i * i) & MASK
    return x


def leaves(n, step):
    x = MASK - 5
    for i in range(n):
        x = x + step
        if i == n // 2:
            x = x & MASK
    return x


def kinds(values):
    out = 0
    for v in values:
        out ^= (v << 3) & MASK
    return out


def divide(n):
    x = 0xDEADBEEFCAFEBABE
    rest = 0
    for i in range(1, n):
        x = (x * 0x5851F42D4C957F2D + i) & MASK
        rest += x % 97 + x // (1 << 60) + (x >> 63)
        if x:
            rest += 1
        rest += len(str(x))
    return rest, float(x), x / 3


for rounds in (3, 400):
    print(xorshift(88172645463325252, rounds), hashes(rounds))
    print(escapes(rounds), branches(rounds))
    print(leaves(rounds, 1), leaves(rounds, 1 << 62), leaves(rounds, -(1 << 63)))
    print(divide(rounds))
print(kinds(list(range(-200, 200))), kinds([MASK, 1, -1, 1 << 64, 1 << 200, -(1 << 64)] * 80))
print(kinds([True, False, 2] * 100), kinds([1 << 63] * 301))
try:
    kinds([1] * 300 + [1.5])
except TypeError as e:
    print(e)

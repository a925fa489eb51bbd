# What exits find of variables that a loop does not read again, and branches that become selects.
import sys


def stale(rows, stop):
    """Variables of all kinds, some unbound in the first round; an exit in the middle shows them."""
    seen = 0
    for i, row in enumerate(rows):
        for j, x in enumerate(row):
            if seen == stop:
                return sorted((k, v) for k, v in locals().items() if k not in ("rows", "row"))
            if j % 3 == 0:
                number = j * 2
            elif j % 3 == 1:
                double = x / 2
                flag = x > 3
            else:
                ch = "abc"[j % 3]
                mixed = ch
            if j % 5 == 0:
                mixed = double if j else j
            last, previous = x, (last if seen else None)
            wide = (x * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
            seen += 1
    return "end"


def raised(n, bad):
    total = 0
    for i in range(n):
        square = i * i
        half = i / 2
        name = "xyz"[i % 3]
        try:
            total += 10 // (i - bad)
        except ZeroDivisionError:
            return sorted(sys.exc_info()[2].tb_frame.f_locals.items())
        root = half * square
    return total


def swap(n):
    a, b, c, x, y = 1, 2, 3, 0.5, 1.5
    for i in range(n):
        a, b, c = b, c, a
        x, y = y, x
        if i == n - 1:
            return locals()


def calls(n):
    out = []
    for i in range(n):
        total = 0.0
        for k in range(5):
            total += k * i
        out.append(total)
        text = str(total)
        length = len(text)
    return out[-1], total, text, length, k


def count(values, start, limit):
    n = start
    for v in values:
        if v < limit:
            n += 1
    return n


def count_down(values, start):
    n = start
    for v in values:
        if v % 2:
            n -= 3
    return n


def distance(a, b):
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a):
        current = [i + 1]
        for j, y in enumerate(b):
            cost = previous[j] if x == y else previous[j] + 1
            if previous[j + 1] + 1 < cost:
                cost = previous[j + 1] + 1
            if current[j] + 1 < cost:
                cost = current[j] + 1
            current.append(cost)
        previous = current
    return previous[-1]


def pick(items, other, flags):
    out = []
    for i in range(len(flags)):
        if flags[i]:
            v = items[i]
        else:
            v = items[i] + 1
        out.append(v * 2)
        if other[i] == v:
            out.append(i)
    return out


def rotate(x, n):
    return ((x >> n) | (x << (32 - n))) & 0xFFFFFFFF


def mix(words):
    a = 0x12345678
    out = 0
    for w in words:
        a = (a + w) & 0xFFFFFFFF
        out ^= rotate(a, 7) ^ rotate(a, 31) ^ rotate(w & 0xFF, 1) ^ (w >> 3)
        out = (out << 1 | out >> 63) & 0xFFFFFFFFFFFFFFFF
    return out


class Items(list):
    pass


rows = [[k * r % 11 for k in range(12)] for r in range(30)]
for stop in (0, 1, 2, 7, 40, 200, 359):
    for _ in range(3):
        shown = stale(rows, stop)
    print(stop, shown)
print(stale(rows, 10**6))
for bad in (0, 3, 77, 500):
    for _ in range(3):
        shown = raised(300, bad)
    print(bad, shown)
for n in (1, 2, 3, 100, 101):
    print(swap(n))
print(calls(200))
for start in (0, 2**62 - 5, 2**63 - 6, -(2**63), 2**70):
    print(count(list(range(40)) * 5, start, 20), count_down(list(range(40)) * 5, -start))
print(count([1, 2.5, True, 7] * 30, 0, 3), count(range(100), 0.5, 50))
words = [k * 7919 % 6 for k in range(60)]
print(distance(words, words[7:] + words[:20]), distance("kitten" * 5, "sitting" * 4), distance([1.0, 2] * 20, [2, 1] * 15))
flags = [k % 3 == 0 for k in range(50)]
numbers = list(range(50))
for _ in range(3):
    first = pick(numbers, numbers, flags)
print(first[:20], len(first))
print(pick(numbers[:-3] + [2.5, True, 2**62], numbers, flags)[-6:])
for wrong in (["a"] * 50, numbers[:20]):
    try:
        print(pick(wrong, numbers, flags)[:3])
    except (TypeError, IndexError) as e:
        print(type(e).__name__, e)
print(pick(Items(numbers), numbers, flags) == first)
print(mix([k * 2654435761 & 0xFFFFFFFF for k in range(300)]), mix([2**32 + 5, -1, 2**70, 3] * 20))

# appends of ints in loops that end in all ways
def squares(n, stop, big):
    out = []
    for i in range(n):
        x = i * i
        if i == stop:
            x = big
        out.append(x)
    return out

def leaves(n, stop):
    out = [7]
    for i in range(n):
        if i == stop:
            break
        out.append(i * 3 - 1)
        if i * 2 == stop:
            return out, i
    return out, -1

def kinds(n, at, odd):
    out = []
    for i in range(n):
        x = i + 1
        if i == at:
            x = odd
        out.append(x)
    return out

def prefix(xs):
    sums = [0]
    for i in range(len(xs)):
        sums.append(sums[i] + xs[i])
    return sums

def fails(xs):
    out = []
    try:
        for x in xs:
            out.append(100 // x)
    except ZeroDivisionError as e:
        return out, str(e)
    return out

def rows(n, m):
    table = []
    for i in range(n):
        row = [i]
        for j in range(m):
            row.append(row[j] * 3 + j & 0xFFFF)
        table.append(row)
    return table

def comp(n):
    return [i ^ 5 for i in range(n)]

def loop(n):
    out = []
    i = 0
    while i < n:
        out.append(i)
        i += 2
    return out

# numbers that count beyond 64 bits
def beyond(start, rounds):
    before = i = start
    n = 0
    while n < rounds:
        before = i
        i += 1
        n += 1
    return before, i

def beyond_constant(rounds):
    i = 9223372036854775700
    last = 0
    for k in range(rounds):
        last = i
        i += 1
    return last, i

# what a round appends the next one reads, near the largest int that fits a word
def edits(a, b, least):
    previous = [least + j for j in range(len(b) + 1)]
    for i, x in enumerate(a):
        current = [least + i + 1]
        for j, y in enumerate(b):
            cost = previous[j] if x == y else previous[j] + 1
            if previous[j + 1] + 1 < cost:
                cost = previous[j + 1] + 1
            if current[j] + 1 < cost:
                cost = current[j] + 1
            current.append(cost)
        previous = current
    return previous[-1], sum(previous) & 0xFFFFFFFF

def sums_of(xs, first):
    out = [first]
    for j, x in enumerate(xs):
        out.append(out[j] + x)
    return out

# counts near that, and beyond 64 bits
def counted(rounds, first, mask):
    buckets = [first] * 4
    ones = first * 2 + 1
    for i in range(rounds):
        buckets[i & 3] += 1
        ones += i & mask
    return buckets, ones

def check(x):
    if isinstance(x, (list, tuple)):
        h = 0
        for y in x:
            h = (h * 31 + hash(check(y))) & 0xFFFFFFFFFFFF
        return h
    return sum(map(ord, x)) if isinstance(x, str) else 99 if x is None else x
for k in range(25):
    print(k, check(squares(3000, -1, 0)), check(squares(3000, 1500 + k, 1 << 62 + k % 4)), check(squares(300, 20, -(1 << 62) - k % 2)))
    print(check(leaves(2000, 700 + k)), check(leaves(2000, 5000)), check(leaves(20, 3)))
    print(check(kinds(500, 100, [1.5, True, None, 2**70, 'x'][k % 5])), check(kinds(500, 0, [1.5, True, None, 2**70, 'x'][k % 5])))
    print(check(prefix([3, 4, 5] * 300)), check(prefix([2**61] * 6)), check(prefix([1.5, 2] * 3)))
    print(check(fails([1, 2, 3] * 200 + [0])), check(fails([1, 2, 3] * 200)))
    print(beyond((1 << 63) - 300 - k, 400), beyond(-k, 300), beyond_constant(90 + k))
    print(check(rows(20, 100)), check(comp(10000)), check(loop(9000 + k)))
    print(edits([1, 2, 3, 4] * 6, [2, 3, 1] * 9, 0), edits([1, 5] * 9, [5, 2] * 8, (1 << 62) - 20 + k), edits([1.0, 2, 'x'] * 5, [1, 2.0, 'x'] * 5, -3))
    print(check(sums_of([1, 2, k] * 2000, k)), check(sums_of([1] * 600, (1 << 62) - 300 - k)), check(sums_of([-5] * 600, 900 - (1 << 62))))
    print(check(sums_of([1, 2.5, 3] * 40, 0)), check(sums_of([True, 2] * 40, 2**64)))
    print(counted(900, (1 << 62) - 100 - k, 1), counted(900, -(1 << 62), 3), counted(100, (1 << 63) - 10, 1))

"""Loops that append to a list and read back its last item in the next round."""


def prefix(values):
    sums = [0]
    for v in values:
        sums.append(sums[-1] + v)
    return sums


def by_index(values, first):
    row = [first]
    for i, v in enumerate(values):
        best = row[i] + 1
        if v < best:
            best = v
        row.append(best)
    return row


def pairs(n):
    fib = [0, 1]
    for i in range(n):
        fib.append((fib[-1] + fib[-2]) % 1000003)
    return fib


def two(n):
    row = [1, 2, 3]
    for i in range(2, n):
        row.append(row[i] * 3 % 1009 + row[i - 1])
    return row


def doubling(n):
    row = [1]
    for _ in range(n):
        row.append(row[-1] * 2)
    return row


def growing(n, step):
    row = [(1 << 62) - 50]
    for i in range(n):
        row.append(row[-1] + step)
    return row


def falling(n):
    row = [-(1 << 62) + 20]
    for i in range(n):
        row.append(row[i] - 1)
    return row


def early(values):
    row = [5]
    for i, v in enumerate(values):
        if v == 77:
            break
        if v < 0:
            continue
        row.append(row[-1] + v)
    return row


def nested(n):
    total = 0
    previous = list(range(n + 1))
    for i in range(n):
        current = [i + 1]
        for j in range(n):
            cost = previous[j] + (i * j % 3 != 0)
            if current[j] + 1 < cost:
                cost = current[j] + 1
            current.append(cost)
        previous = current
        total += current[-1] + len(current)
    return total, previous[-3:]


def changed(n):
    # Something else writes to the list.
    row = [0]
    other = row
    for i in range(n):
        if i % 10 == 3:
            other[-1] = 100
        row.append(row[-1] + 1)
    return row[-5:]


def popped(n):
    row = [0]
    for i in range(n):
        row.append(row[-1] + 1)
        if i % 7 == 0:
            row.pop()
    return len(row), row[-1]


def twice(n):
    row = [1]
    for i in range(n):
        row.append(row[-1] + 1)
        row.append(row[-1] * 2 % 101)
    return row[-4:]


def mixed(values):
    row = [0]
    for v in values:
        row.append(row[-1] + v)
    return row


def seen(n):
    row = [0]
    kept = []
    for i in range(n):
        last = row[-1]
        kept.append(last)
        row.append(last + i)
    return sum(kept), last, row[-1]


data = [k * 7919 % 31 for k in range(300)]
for _ in range(8):
    print(sum(prefix(data)), by_index(data, 3)[-4:], by_index(data, 10**20)[:3], pairs(200)[-1], two(200)[-1])
    print([len(str(x)) for x in doubling(100)][-3:], growing(120, 1)[-1], growing(30, 10)[-1], growing(5, 1 << 61)[-1])
    print(falling(60)[-1], early([1, 2, -3, 4] * 50 + [77, 9])[-1], early([])[-1], nested(60), nested(0))
    print(changed(100), popped(100), twice(100), seen(200), prefix([]))
    print(mixed([1, 2, 2.5, 3]), mixed([1] * 100 + [True, 1.5])[-2:], mixed([10**30, 1])[-1])
    try:
        mixed([1] * 70 + ["x"])
    except TypeError as error:
        print(error)

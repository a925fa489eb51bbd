# Loops over lists and tuples of rows, compiled where their inner loops are: what the outer sequence holds is known from its iterator.


def add(rows, total):
    for row in rows:
        for value in row:
            total += value
    return total


doubles = [[i + j / 8 for j in range(100)] for i in range(60)]
ints = [[i * j for j in range(100)] for i in range(60)]
mixed = [[i, i / 4, True] * 30 for i in range(60)]
tuples = tuple(tuple(row) for row in doubles)
bools = [[j % 3 == 0 for j in range(100)] for i in range(60)]


def fresh():
    def add(rows, total):
        for row in rows:
            for value in row:
                total += value
        return total

    return add


for rows in doubles, ints, mixed, tuples, bools, [tuples[0]] * 60, (doubles[0],) * 60:
    one = fresh()
    print(one(rows, 0), one(rows, 0.5), add(rows, 0), add(rows, 0.0))

# What the outer list holds changes while the inner loop runs.


def changing(rows):
    total = 0.0
    for row in rows:
        for value in row:
            total += value
            if value == 99.5:
                rows[1] = [1, 2, 3]
                rows[2] = (4.0, 5.0)
                rows.append([0.25])
    return total


for _ in range(3):
    print(changing([[k + 0.5 for k in range(3000)], None, None]))


def failing(rows):
    total = 0.0
    for row in rows:
        for value in row:
            total += value
    return total


for last in 7, None, 2.5:
    try:
        print(failing([[0.5] * 4000, [1.5] * 10, last]))
    except TypeError as error:
        print(error)

# An iterator that is shared, and one of a tuple.


def shared(rows, it):
    seen = []
    for row in it:
        for value in row:
            if value > 60:
                seen.append(len(next(it, ())))
    return seen


for rows in doubles, tuples:
    for _ in range(3):
        print(shared(rows, iter(rows)))


def sines(n, step):
    import math

    pairs = []
    for k in range(n):
        x = k * step
        pairs.append((math.cos(x), math.sin(x)))
    return pairs


for step in 0.001, 0.37, 1e17, -0.0, 2.5e-310:
    pairs = sines(3000, step)
    print(pairs[1], pairs[1234], pairs[-1], sum(c * c + s * s for c, s in pairs))

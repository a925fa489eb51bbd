# Columns of lists of lists: rows are looked at once in front of the loop over columns, if nothing in it changes them.


def product(a, b):
    result = []
    for i in range(len(a)):
        row = []
        for j in range(len(b[0])):
            total = 0.0
            for k in range(len(b)):
                total += a[i][k] * b[k][j]
            row.append(total)
        result.append(row)
    return result


def matrix(rows, cols, kind):
    return [[kind((i * 7 + j * 3) % 11 - 5) for j in range(cols)] for i in range(rows)]


def check(a, b):
    try:
        c = product(a, b)
        print(len(c), len(c[0]), sum(sum(row) for row in c), c[0][0], c[-1][-1])
    except (IndexError, TypeError) as error:
        print(type(error).__name__, error)


for _ in range(12):
    c = product(matrix(20, 30, float), matrix(30, 25, float))
check(matrix(20, 30, float), matrix(30, 25, float))
check(matrix(20, 30, int), matrix(30, 25, float))
check(matrix(20, 30, float), matrix(30, 25, int))
check(matrix(20, 30, int), matrix(30, 25, bool))
check(matrix(2, 0, int), [[1.0]])
for change in [1.0] * 3, [1.0] * 60, [1] * 25, [None] * 25, tuple([2.0] * 25), "text", None, 7:
    b = matrix(30, 25, float)
    b[17] = change
    check(matrix(20, 30, float), b)


# The loop over columns changes what it reads.


def shrinking(b, n, at):
    seen = []
    for j in range(n):
        total = 0
        for k in range(len(b)):
            total += b[k][j]
        seen.append(total)
        if j == at:
            b[3].pop()
            b[5] = [k * 0.5 for k in range(n)]
    return seen


def replacing(b, n, at):
    seen = []
    for j in range(n):
        total = 0
        for k in range(len(b)):
            total += b[k][j]
        seen.append(total)
        if j == at:
            b[2] = ["a"] * n
    return seen


def growing(b, n):
    """The list that is appended to is the list of rows, or a row."""
    for j in range(n):
        total = 0
        for k in range(3):
            total += b[k][j]
        b.append([total] * n)
    return len(b), b[-1][0]


def own_row(n):
    """The new list is one of the rows."""
    fresh = [1, 2, 3]
    rows = [[5] * n, fresh, [6] * n]
    seen = 0
    for j in range(n):
        for k in range(3):
            seen += rows[k][j]
        fresh.append(seen % 1000)
    return seen, len(fresh)


def own_floats(n):
    fresh = []
    fresh.append(0.5)
    rows = [[5.0] * n, fresh, [6.0] * n]
    seen = 0.0
    for j in range(n):
        for k in range(3):
            seen += rows[k][j]
        fresh.append(seen % 7.0 if j < n - 5 else j)
    return seen, len(fresh)


def many(f, *args):
    for _ in range(30):
        try:
            result = f(*(arg() if callable(arg) else arg for arg in args))
        except (IndexError, TypeError) as error:
            result = type(error).__name__, str(error)
    print(f.__name__, result if len(str(result)) < 100 else (len(result), result[:3], result[-1]))


for at in 1000, 150, 199, 0:
    many(shrinking, lambda: matrix(12, 200, float), 200, at)
    many(replacing, lambda: matrix(12, 200, int), 200, at)
many(growing, lambda: matrix(12, 200, int), 200)
many(own_row, 300)
many(own_floats, 300)


def negative(b, n):
    total = 0
    for j in range(-n, 0):
        for k in range(len(b)):
            total += b[k][j]
    return total


def window(b, lo, hi, n):
    total = 0
    for j in range(n):
        for k in range(lo, hi):
            total += b[k][j]
    return total


many(negative, lambda: matrix(12, 200, float), 200)
many(negative, lambda: matrix(12, 200, float), 201)
many(window, lambda: matrix(12, 200, int), 2, 12, 200)
many(window, lambda: matrix(12, 200, int), 2, 13, 200)
many(window, lambda: matrix(12, 200, int), -3, 12, 200)
many(window, lambda: matrix(12, 200, int), 5, 5, 300)
many(window, lambda: [[1, 2]] * 5 + [[3.5] * 200] * 5, 5, 10, 200)

# What a dead temporary held before a loop is not there any more once the loop has called functions, whose windows
# lie over it.
def show(a, b, c, d):
    return (a, b, c, d)


def use(i):
    x, y, z = i, i + 1, [i]
    return x + y + len(z)


def f(n, d):
    out = []
    for r in range(n):
        out.append(show(0, r, d, d))
        for i in range(3):
            use(i)
        out.append(show(0, r, d, d))
    return out


for n in range(4, 16):
    for row in f(n, {n: 1})[-4:]:
        print(row)

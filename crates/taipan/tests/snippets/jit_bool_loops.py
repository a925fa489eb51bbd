# A variable that is an int before a loop and a bool in it stays what it is.
def counted(n):
    x = 5
    for i in range(n):
        x = i < 3
    return x


def entered(n, y):
    x = y
    while n > 0:
        n -= 1
        x = n > 3
    return x


def mixed(n):
    x, seen = 1, set()
    for i in range(n):
        x = (i & 1 == 0) if i % 3 else x + 1
        seen.add(repr(x))
    return x, sorted(seen)


def joined(n):
    out = []
    for i in range(n):
        x = 0 if i % 2 else i > 2
        out.append(x)
    return out[-2:]


for n in (3, 300):
    for k in range(20):
        result = counted(n), counted(2), entered(n, 7), entered(0, 7), mixed(n), joined(n)
    print(result)

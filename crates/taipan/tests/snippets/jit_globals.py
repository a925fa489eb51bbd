# Globals and built-ins that change, appear and disappear while hot.

LIMIT = 10
STEP = 1


def count(n):
    total = 0
    for i in range(n):
        if i < LIMIT:
            total += STEP
    return total


def changing(n):
    global LIMIT, STEP
    out = []
    for i in range(n):
        if i == 10:
            STEP = 2.5
        if i == 20:
            STEP = "text"
        if i == 25:
            del STEP
        if i == 30:
            STEP = 2**80
        try:
            out.append(STEP * 2)
        except NameError as e:
            out.append(str(e))
    STEP = 1
    return out


def built_in(items):
    return len(items) + abs(-3) + max(1, 2) + sum(items) + int("4") + ord("a") + isinstance(items, list)


def shadowed(n):
    out = []
    for i in range(n):
        if i == 8:
            globals()["abs"] = lambda x: x * 100
        if i == 16:
            del globals()["abs"]
        out.append(abs(-i))
    return out


def method_of(n):
    out = []
    for i in range(n):
        if i == 12:
            import builtins

            builtins.ord = lambda c: 7
        out.append(ord("a"))
    return out


for r in range(20):
    if r == 5:
        LIMIT = 3
    if r == 10:
        LIMIT = 4.5
    if r == 15:
        LIMIT = 2**70
    if r == 12:
        len = lambda x: 1000
    if r == 14:
        del len
    print(count(20), built_in([1, 2, 3]))
print(changing(40))
print(shadowed(24), shadowed(24))
print(method_of(20))

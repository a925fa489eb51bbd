# What generators change while a compiled loop iterates over them.


def gen(n):
    global H
    for i in range(n):
        H = i * i
        yield i


H = 5


def f(n):
    return [(x, H) for x in gen(n)]


def g(n):
    seen = []
    for x in gen(n):
        seen.append((x, H))
    return seen


for r in range(6):
    print(f(12), g(12))

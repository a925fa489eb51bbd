# Writes through frame.f_locals into a compiled caller.

import sys


def poke(name, v):
    sys._getframe(1).f_locals[name] = v


def f(n):
    x = 0
    for i in range(n):
        x += 1
        if i % 10 == 5:
            poke('x', 100 + i)
    return x


for i in range(4):
    print(f(30))

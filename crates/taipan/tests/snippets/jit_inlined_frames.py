# Calls made from inlined calls: frames, lines, locals and tracebacks are those of the interpreter.
import sys
import traceback

seen = []
kept = []


def peek(depth):
    f = sys._getframe(1)
    names = []
    while f is not None and len(names) < 4:
        names.append((f.f_code.co_name, f.f_lineno))
        f = f.f_back
    return names, sys._getframe(depth).f_locals.get("x")


def inner(x, when):
    if when:
        seen.append(peek(1))
    return len(str(x)) + x


def middle(x, when):
    y = inner(x + 1, when)
    return y * 2


def outer(n):
    total = 0
    for i in range(n):
        total += middle(i, i % 700 == 699)
    return total


print(outer(3000))
for s in seen:
    print(s)


def keep():
    kept.append(sys._getframe(1))


def holder(x):
    a = x
    keep()
    b = a + 1
    return sorted(kept[-1].f_locals.items()), b


def hold(n):
    for i in range(n):
        r = holder(i)
        if i % 500 == 0:
            print(r, kept[-1].f_lineno)
        kept.clear()


hold(2000)


def bad(x):
    return 1 // x


def calls_bad(x):
    return bad(x) + 1


def loop(n):
    done = 0
    for i in range(n):
        try:
            done += calls_bad(n - 1 - i - n // 2)
        except ZeroDivisionError:
            print([(f.name, f.lineno) for f in traceback.extract_tb(sys.exc_info()[2])])
    return done


print(loop(3001))


class Named:
    def __init__(self, name):
        self.name = name

    def text(self):
        return f"<{self.name!r}>"


class Bomb:
    def __init__(self, n):
        self.n = n

    def __repr__(self):
        if self.n == 0:
            raise ValueError("bomb")
        return f"b{self.n}"


def texts(n):
    out = 0
    for i in range(n):
        try:
            out += len(Named(Bomb(i % 600)).text())
        except ValueError as e:
            print(i, e, [f.name for f in traceback.extract_tb(e.__traceback__)])
    return out


print(texts(2500))


def change(value):
    sys._getframe(1).f_locals["x"] = value


def changed(x, when):
    if when:
        change(-x)
    return x


def changes(n):
    return sum([changed(i, i % 400 == 399) for i in range(n)])


print(changes(3000))


def recurse(n):
    return 0 if n == 0 else 1 + middle_recursion(n - 1)


def middle_recursion(n):
    return recurse(n)


print(recurse(300))
for _ in range(600):
    recurse(3)
try:
    recurse(10**6)
except RecursionError as e:
    print(e)

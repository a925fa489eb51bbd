"""Constant formats with displays of values behind %: what is built as an f-string gives what formatting gives."""
import traceback


class Shown:
    def __init__(self, name):
        self.name = name

    def __str__(self):
        return "S" + self.name

    def __repr__(self):
        return "R\u00e9" + self.name

    def __format__(self, spec):
        return "formatted"


class Text(str):
    def __format__(self, spec):
        return "text:" + spec

    def __str__(self):
        return "as str"


class Number(int):
    def __str__(self):
        return "number"

    def __repr__(self):
        return "a number"

    def __format__(self, spec):
        return "formatted"


class Real(float):
    def __format__(self, spec):
        return "formatted"


class Indexed:
    def __index__(self):
        return 7

    def __int__(self):
        return 8

    def __float__(self):
        return 2.5


dynamic = {}


def same(constant, fmt, args):
    """A format that is not constant goes the long way."""
    slow = fmt % args
    print(repr(constant), constant == slow, type(constant) is type(slow))


a, b, c = Shown("x"), "te\u20acxt", [1, "2"]
same("%s|%r|%a" % (a, a, a), "%s|%r|%a", (a, a, a))
same("%5s|%-5s|%.2s|%-6.3s|%8.1r" % (b, b, b, b, b), "%5s|%-5s|%.2s|%-6.3s|%8.1r", (b, b, b, b, b))
same("100%% of %s%%" % (c,), "100%% of %s%%", (c,))
same("%s" % (c,), "%s", (c,))
same("%s" % (Text("abc"),), "%s", (Text("abc"),))
n = Number(5)
same("%d,%s,%5d,%-5d|" % (n, n, n, n), "%d,%s,%5d,%-5d|", (n, n, n, n))
for v in (0, -3, 10**30, True, False, 2.9, -2.9, Indexed(), Number(-4)):
    same("%d|%8d|%-8d|" % (v, v, v), "%d|%8d|%-8d|", (v, v, v))
for v in (0, 1.5, -2.25, 1e300, 1e-300, float("inf"), float("-inf"), float("nan"), 10**20, True, Real(0.1), Indexed(), -0.0):
    same("%f|%.2f|%10.3f|%-10.1e|%g|%.3G|%E" % (v, v, v, v, v, v, v), "%f|%.2f|%10.3f|%-10.1e|%g|%.3G|%E", (v,) * 7)
same("%05d|%+d|% d|%x|%c|%.3d|%ld" % (42, 42, 42, 42, 42, 42, 42), "%05d|%+d|% d|%x|%c|%.3d|%ld", (42,) * 7)
same("%*d|%-*s|" % (5, 42, 6, "ab"), "%*d|%-*s|", (5, 42, 6, "ab"))


# Order and errors.
def note(log, v):
    log.append(v)
    return v


def order():
    log = []
    try:
        "%d %d" % (note(log, "x"), note(log, 2))
    except TypeError as e:
        log.append(str(e))
    try:
        "%.1f %s" % (note(log, None), note(log, 3))
    except TypeError as e:
        log.append(str(e))
    return log


print(order())


def fails(k):
    if k == 0:
        return "%d items" % ("many",)
    if k == 1:
        return "%s and %s" % (1,)
    if k == 2:
        return "%s" % (1, 2)
    if k == 3:
        return "%d" % (float("nan"),)
    if k == 4:
        return "%.2f" % (10**400,)
    if k == 5:
        return "%z" % (1,)
    if k == 6:
        return "%d" % (1j,)
    return "%5.1f|" % (
        "wide",
    )


for k in range(8):
    try:
        print(fails(k))
    except Exception as e:
        print(type(e).__name__, e)
        print("".join(traceback.format_tb(e.__traceback__)[-1:]).split(", ", 1)[1], end="")


def walrus():
    x = 1
    return "%s %s %d %d" % (x, (x := 2), x, (x := 3)), "%s %s" % (x, (x := 4))


print(walrus())
print("a%s" % (1,) + "b%s" % (2,) * 2, ("%s" "%s") % (1, 2), "%s" % (*[1],))


# Hot.
def rows(n):
    out = []
    for i in range(n):
        out.append("%d,%.2f,%s,%5d|%r" % (i, i * 0.25, "abcd"[i % 4], i * i, i % 3 == 0))
    return out


r = rows(500)
print(r[7], r[499], len("".join(r)))


def mixed(values):
    return ["%d %.1f" % (v, v) for v in values]


for _ in range(30):
    got = mixed([1, 2.5, True, Number(3), 2**70, Indexed()])
print(got)

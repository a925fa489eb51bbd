# Functions of math on numbers, min and max of floats; comparisons of tuples that need not be made; dicts with __missing__.
import collections
import math


def all_of(x):
    return [math.sin(x), math.cos(x), math.tan(x), math.atan(x), math.tanh(x), math.exp(x), math.sqrt(abs(x)), math.fabs(x)]


def logs(x):
    return [math.log(x), math.log2(x), math.log10(x), math.asin(1 / x), math.acos(1 / x), math.atan2(x, 2), math.atan2(-1, x)]


def tried(f, x):
    try:
        return [repr(v) for v in f(x)]
    except (ValueError, OverflowError, TypeError, ZeroDivisionError) as e:
        return type(e).__name__


class Number:
    def __float__(self):
        return 1.5


for f in (all_of, logs):
    for i in range(300):
        f(1.5 + i)
    for x in (1, 1.5, 2.25, 10, True, 2**62 + 1, 0.75):
        print(f.__name__, x, tried(f, x))
    for x in (0, -1, -0.0, math.inf, -math.inf, math.nan, 1e308, 710, 0.0, "x", None, Number(), 2**2000):
        print(f.__name__, repr(x)[:20] if not isinstance(x, Number) else "Number", tried(f, x))


def best(x, y):
    return min(x, y), max(x, y)


for i in range(300):
    best(1.5, 2.5 + i)
for x, y in ((1.5, 2.5), (2.5, 1.5), (0.0, -0.0), (-0.0, 0.0), (math.nan, 1.0), (1.0, math.nan), (1, 2.0), (2.0, 1), (1, 2), (1.0, 1)):
    print(best(x, y))


def summed(n):
    low = high = 0.5
    for i in range(n):
        x = math.sin(i) * i
        low = min(low, x)
        high = max(high, x)
    return format(low, ".9g"), format(high, ".9g")


print(summed(1000))


def find(rows, pair):
    n = 0
    for i in range(len(rows) - 1):
        if (rows[i], rows[i + 1]) == pair:
            n += 1
        if pair != (rows[i], rows[i + 1]):
            n += 100
    return n


words = [b"a", b"b", b"a", b"b", b"c"] * 30
print(find(words, (b"a", b"b")), find(words, (b"c", b"a")), find(words, (b"a",)), find(words, [b"a", b"b"]), find(words, None))
nan = math.nan
print(find([nan, 1, nan, 1], (nan, 1)), find([float("nan"), 1], (float("nan"), 1)), find([1, 2.0, 1.0, 2], (1, 2)))


class Loud:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


class Sneaky(tuple):
    def __eq__(self, other):
        return "yes"

    def __ne__(self, other):
        return ""

    __hash__ = None


print(find([1, 2, 3], (Loud(), 2)), find([Loud(), 2, 3], (5, 2)), find([1, 2], Sneaky((1, 2))))


class Defaults(dict):
    missing = 0

    def __missing__(self, key):
        Defaults.missing += 1
        if key == 13:
            raise LookupError(key)
        return key


def count(c, keys):
    for k in keys:
        c[k] += 1
    return c


keys = [(b"a", b"b"), "x", 5, 2.5, None, (b"a", b"b"), "x"] * 50
print(count(collections.Counter(), keys))
print(sorted(count(collections.defaultdict(int), keys).items(), key=repr))
print(count(Defaults(), [1, 2, 3, 1] * 40), Defaults.missing)
try:
    count(Defaults(), [1] * 50 + [13])
except LookupError as e:
    print("lookup", e)
try:
    count(collections.Counter(), [1] * 50 + [[]])
except TypeError as e:
    print(str(e)[:40])


class Odd(dict):
    def __getitem__(self, key):
        return 7

    def __setitem__(self, key, value):
        super().__setitem__(key, value * 2)


print(count(Odd(), [1, 2] * 30))
c = collections.Counter()
count(c, [1, 2] * 50)
collections.Counter.__missing__, old = lambda self, key: 100, collections.Counter.__missing__
print(count(c, [3, 1]))
collections.Counter.__missing__ = old
print(count(c, [4, 1]))

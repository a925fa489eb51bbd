# Methods of built-in objects that are bound and called later, functions found in classes, deleting from dicts, repr.


def gather(n):
    out = []
    append = out.append
    for i in range(n):
        append(i)
    return out


def many(n):
    d, s, text, a = {}, set(), "a-b", []
    get, add, split, insert = d.get, s.add, text.split, a.insert
    total = 0
    for i in range(n):
        d[i % 7] = i
        total += get(i % 7) + get(-1, 3)
        add(i % 5)
        insert(0, len(split("-")))
    return total, s, len(a), get.__self__ is d, add.__name__


def escaping(n):
    kept = []
    for i in range(n):
        out = [i]
        append = out.append
        append(i)
        kept.append(append)
        if i % 50 == 49:
            kept[-2]("late")
    return kept[-2].__self__, kept[-1].__self__, kept[0] == kept[0].__self__.append


def rebound(n):
    out = []
    append = out.append
    for i in range(n):
        append(i)
        if i == 100:
            out = []
        if i == 200:
            append = out.append
    return len(out), append.__self__ is out


def raising(n):
    d = {}
    pop = d.pop
    caught = 0
    for i in range(n):
        try:
            pop(i)
        except KeyError as e:
            caught += e.args[0]
    return caught


class Mine(list):
    def append(self, x):
        super().append(x * 2)


def own(kind):
    out = kind()
    append = out.append
    append(1)
    append(2)
    return out


print(gather(500)[-3:], many(300), escaping(300), rebound(400), raising(300))
for i in range(200):
    r = own(list)
print(r, own(Mine), own(bytearray))


class C:
    def f(self):
        return "f"

    @staticmethod
    def s():
        return "s"

    @classmethod
    def c(cls):
        return cls.__name__

    x = 5


class D(C):
    def __repr__(self):
        return "D!"


def found(n):
    for i in range(n):
        r = [C.f is C.__dict__["f"], C.s(), C.c(), C.x, int.__repr__ is int.__repr__, list.append is list.append, C.f(None)]
        f, g = C.s, C.c
    return r, f(), g(), dict.__repr__.__name__


def reprs(classes):
    r = None
    names = []
    for c in classes:
        r = getattr(c, "__repr__", None)
        names.append((r is int.__repr__, r is dict.__repr__, r is object.__repr__, getattr(c, "nothing", None), hasattr(c, "x")))
    return names


print(found(300))
print(reprs([int, bool, dict, C, D, str, type] * 40)[:7])
C.f = staticmethod(lambda x: ("new", x))
C.s = lambda: "t"
print(found(3)[0][1:])


def delete(n, start):
    d = dict.fromkeys(range(n))
    for i in range(start, n):
        d[i] = 1
        del d[i]
        d["k"] = i
        del d["k"]
    return d


print(delete(200, 10), delete(200, 199)[0])


def missing(d, keys):
    n = 0
    for k in keys:
        try:
            del d[k]
        except (KeyError, TypeError, IndexError) as e:
            n += 1
            last = type(e).__name__
    return n, last, d


print(missing(dict.fromkeys(range(100)), list(range(90)) * 2))
print(missing({}, [[]] * 50), missing([1, 2, 3], [0, 5]), missing(globals(), ["absent"] * 40)[:2])


class Loud:
    def __del__(self):
        pass

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return 1


k = [Loud(), Loud(), Loud()]
print(missing({k[0]: 1, k[1]: 2, 1: 3}, [k[1], 1, k[2], k[0]])[:2])


class Shown:
    def __repr__(self):
        return "shown"


def texts(values):
    out = []
    for v in values:
        out.append(repr(v))
    return out


print(texts([1, "a", 1.5, None, True, b"x", (1, "b"), [1], Shown(), 2**70] * 30)[-10:])
limit = 7


def volatile(n):
    global limit
    for i in range(n):
        limit = i
        del limit
        try:
            limit
        except NameError:
            pass
    limit = 3
    return limit


print(volatile(100))

# Generators that delegate to others, instances whose `__iter__` is one, and what `sorted` and `dict` make of them, all
# built in place.
import sys
import traceback


def run(f, *args, times=300):
    result = None
    for _ in range(times):
        result = f(*args)
    return result


def lines(f, *args):
    try:
        return f(*args)
    except Exception as e:
        found = [(t.name, t.lineno - f.__code__.co_firstlineno) for t in traceback.extract_tb(e.__traceback__)[1:]]
        return type(e).__name__, str(e), found


def count(n):
    i = 0
    while i < n:
        yield i
        i += 1
    return i * 10


def chained(n):
    yield -1
    got = yield from count(n)
    yield got
    yield from (7, 8)
    yield from range(2)
    yield from [n, n + 1]


def total(n):
    t = 0
    for x in chained(n):
        t = t * 3 + x
        if t > 10**15:
            t = 1
    return t


def totals(n):
    return sum(chained(n)), list(chained(n)), max(chained(n)), any(x == 8 for x in chained(n))


def stop_in_middle(n, at):
    for x in chained(n):
        if x == at:
            return x
    return None


def deeper(n):
    yield from chained(n)
    yield 100


def deepest(n):
    t = 0
    for x in deeper(n):
        t += x
        if x == 100:
            break
    return t


def dividing(n, k):
    for i in range(n):
        yield 100 // (k - i)


def through(n, k):
    yield from dividing(n, k)


def sum_through(n, k):
    t = 0
    for x in through(n, k):
        t += x
    return t


def catching(n, k):
    t = 0
    try:
        for x in through(n, k):
            t += x
    except ZeroDivisionError as e:
        return t, [t.name for t in traceback.extract_tb(e.__traceback__)]
    return t


print(run(total, 6), run(totals, 5), run(stop_in_middle, 9, 4), stop_in_middle(4, 40), run(deepest, 4))
print(run(sum_through, 9, 10), lines(sum_through, 12, 10), run(lambda: lines(sum_through, 12, 10)))
print(run(catching, 9, 10), run(catching, 12, 10))


def mixed(items):
    yield from (x + 1 for x in items)


def sum_mixed(items, start):
    t = start
    for x in mixed(items):
        t = t + x
    return t


print(run(sum_mixed, [1, 2, 3], 0), sum_mixed([1, 2.5, 3], 0), sum_mixed([1, 1 << 70, 3], 0), sum_mixed([1, 2], 0.5))
print(run(sum_mixed, [1, 2.5, 1 << 70], 0))


def looking(n):
    for i in range(n):
        if i == n - 1:
            f = sys._getframe()
            found = []
            while f.f_code.co_name != "look":
                found.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))
                f = f.f_back
            yield found, f.f_lineno - f.f_code.co_firstlineno
        yield i


def passing(n):
    yield from looking(n)


def look(n):
    last = None
    for x in passing(n):
        if type(x) is tuple:
            last = x
    return last


print(run(look, 5))


def from_list(items):
    yield from items
    yield from items


def grow():
    items = [1]
    t = 0
    for x in from_list(items):
        t += x
        if len(items) < 6:
            items.append(x + 1)
    return t, items


print(run(grow))


def tree_sizes(depth):
    if depth == 0:
        yield 1
        return 1
    left = yield from tree_sizes(depth - 1)
    right = yield from tree_sizes(depth - 1)
    yield left + right + 1
    return left + right + 1


def sizes(depth):
    t = 0
    for x in tree_sizes(depth):
        t = t * 5 % 1000003 + x
    return t, sum(tree_sizes(depth))


print(run(sizes, 5))


class Cell:
    def __init__(self, value, next):
        self.value = value
        self.next = next


class Linked:
    def __init__(self, items):
        self.head = None
        for x in items:
            self.head = Cell(x, self.head)

    def __iter__(self):
        cell = self.head
        while cell is not None:
            yield cell.value
            cell = cell.next


class Sub(Linked):
    pass


class Other:
    def __iter__(self):
        return iter([5, 6])


def walk(items):
    t = 0
    for x in items:
        t = t * 3 + x
    return t


def walk_twice(items):
    t = 0
    for x in items:
        for y in items:
            t += x * y
    return t


print(run(walk, Linked([1, 2, 3])), walk(Sub([1, 2])), walk(Other()), walk([1, 2.5]), walk(Linked([1, 2.5])))
print(run(walk_twice, Linked([1, 2, 3])), sum(x for x in Linked([1, 2])))
for items in Linked([1, 2]), Sub([3]), Other(), [4, 5], (1,), range(3), Linked([]):
    print(run(walk, items, times=60))
Linked.__iter__ = lambda self: iter((9, 9))
print(walk(Linked([1])), walk(Sub([1])))
Linked.__iter__ = lambda self: 5
print(lines(walk, Linked([1])))


def ordered(n, k):
    return sorted(x * k % 11 for x in range(n))


def ordered_of(items):
    return sorted(x for x in items)


class Odd:
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        if self.n == 13:
            raise ValueError("thirteen")
        return self.n < other.n

    def __repr__(self):
        return f"Odd({self.n})"


print(run(ordered, 9, 5), run(ordered, 5, 2.5), ordered(3, -1))
print(run(ordered_of, ["b", "a", "c"]), ordered_of([3, 1.5]), lines(ordered_of, [1, "a"]))
print(run(ordered_of, [Odd(3), Odd(1), Odd(2)]), lines(ordered_of, [Odd(3), Odd(13)]))
print(run(lambda: lines(ordered_of, [2, "a", 1])))


def table(n, k):
    return dict((i % k, i * i) for i in range(n))


def table_of(items):
    return dict((x, len(x)) for x in items)


def odd_pairs(items):
    return dict(x for x in items)


class Hashed:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return self.n % 2

    def __eq__(self, other):
        return self.n == other.n


print(run(table, 12, 5), table(3, 5), lines(table, 3, 0))
print(run(table_of, ["a", "bb", (1,)]), lines(table_of, ["a", [1]]))
print(run(odd_pairs, [(1, 2), [3, 4], "ab"]), lines(odd_pairs, [(1, 2), (1, 2, 3)]), lines(odd_pairs, [(1, 2), 3]))
print([(k.n, v) for k, v in run(lambda: dict((Hashed(i % 3), i) for i in range(7))).items()])


def pairs(n):
    for i in range(n):
        if i < 6:
            yield i, -i
        else:
            yield i


print(run(lambda n: dict(pairs(n)), 5), lines(lambda n: dict(pairs(n)), 8))


def shown(x):
    frame = sys._getframe(1)
    return x + len([k for k in frame.f_locals if k != ".0"]), frame.f_code.co_name


def calling(n):
    for i in range(n):
        yield shown(i)[0]


def show(n):
    return [shown(x) for x in count(n)], list(shown(x) for x in count(n)), sum(shown(x)[0] for x in calling(n))


print(run(show, 3))

# Loops over generators made for them, whose code is built in place.
import sys
import traceback


def count(n):
    i = 0
    while i < n:
        yield i
        i += 1


def total(n):
    t = 0
    for x in count(n):
        t += x
    return t


def picked(items, k):
    for x in items:
        if x % k == 0:
            yield x


def total_picked(items, k):
    t = 0
    for x in picked(items, k):
        t += x
    else:
        t += 1
    return t


def several(n):
    yield -1
    for i in range(n):
        yield i
        if i % 3 == 0:
            yield i * 2.5
    yield None


def total_several(n):
    t = 0
    kinds = []
    for v in several(n):
        for j in range(3):
            if v is None:
                kinds.append(j)
                continue
            t += v * j
    return t, kinds


def outer(n):
    for x in count(n):
        if x & 1:
            continue
        for y in count(x):
            yield x * y


def total_outer(n):
    t = 0
    for v in outer(n):
        t += v
    return t


def first_above(n, limit):
    for x in count(n):
        if x * x > limit:
            return x
    return None


def broken(n, limit):
    t = 0
    for k in range(4):
        for x in count(n):
            if x > limit:
                break
            if x == 7:
                continue
            t += x * k
        else:
            t += 1000
    return t


def expression(n):
    t = 0
    for x in (i * i for i in range(n) if i & 1):
        t += x
    return t


def generator_of(n):
    # The frame of the loop is a generator's, too.
    for x in count(n):
        for y in count(2):
            yield x + y


def consumed(n):
    return sum(x * 2 for x in count(n)), any(x == n - 1 for x in count(n)), list(x for x in count(n) if x % 5 == 0)


def run(f, *args, times=300):
    result = None
    for _ in range(times):
        result = f(*args)
    return result


print(run(total, 30), total(0), total(1))
print(run(total_picked, list(range(50)), 3), total_picked([], 3), total_picked([9.0, 4.5, 1.5], 1.5))
print(run(total_several, 10))
print(run(total_outer, 12))
print(run(first_above, 40, 300), first_above(3, 300))
print(run(broken, 30, 20), broken(5, 20))
print(run(expression, 30))
print(run(lambda: list(generator_of(6))))
print(run(consumed, 20))


# Exits in the middle: other kinds of numbers, ints that grow.
def powers(n, base):
    x = 1
    for _ in range(n):
        yield x
        x *= base


def sum_powers(n, base):
    t = 0
    for x in powers(n, base):
        t += x
    return t


print(run(sum_powers, 20, 3), sum_powers(100, 3), sum_powers(20, 0.5), sum_powers(5, 2), sum_powers(70, 2))


def mixed(items):
    for x in items:
        yield x + 1


def add_mixed(items, start):
    t = start
    for x in mixed(items):
        t = t + x
    return t


print(run(add_mixed, list(range(20)), 0), add_mixed([1, 2.5, 3], 0), add_mixed([1, 2, 1 << 70], 0), add_mixed([1.5], 2))
print(run(add_mixed, [1, 2, 2.5, 3, True] * 5, 0))


# Exceptions of the generator, of the loop's body, and where they say that they come from.
def dividing(n, k):
    for i in range(n):
        yield 100 // (k - i)


def sum_dividing(n, k):
    t = 0
    for x in dividing(n, k):
        t += x
    return t


def lines(f, *args):
    try:
        return f(*args)
    except Exception as e:
        found = [(t.name, t.lineno - f.__code__.co_firstlineno) for t in traceback.extract_tb(e.__traceback__)[1:]]
        return type(e).__name__, str(e), found


print(run(sum_dividing, 10, 20), lines(sum_dividing, 30, 20))
print(run(lambda: lines(sum_dividing, 30, 20)))


def body_divides(n, k):
    t = 0
    for x in count(n):
        t += 100 // (k - x)
    return t


print(run(body_divides, 10, 20), lines(body_divides, 30, 20))


def caught_inside(n, k):
    t = 0
    for x in count(n):
        try:
            t += 100 // (k - x)
        except ZeroDivisionError as e:
            t += 1000
    return t


def caught_outside(n, k):
    t = 0
    try:
        for x in count(n):
            t += 100 // (k - x)
    except ZeroDivisionError:
        return t, x
    return t


def caught_of_generator(n, k):
    t = 0
    x = None
    try:
        for x in dividing(n, k):
            t += x
    except ZeroDivisionError as e:
        return t, x, e.__traceback__.tb_next.tb_frame.f_code.co_name
    return t


print(run(caught_inside, 30, 20), run(caught_outside, 30, 20), run(caught_outside, 10, 20))
print(run(caught_of_generator, 10, 20), run(caught_of_generator, 30, 20))


def stops(n):
    for i in range(n):
        if i == 5:
            raise StopIteration(i)
        yield i


def sum_stops(n):
    t = 0
    for x in stops(n):
        t += x
    return t


print(run(sum_stops, 5), lines(sum_stops, 6))
print(run(lambda: lines(sum_stops, 6)))


def cleaning(n, log):
    try:
        for i in range(n):
            yield i
    finally:
        log.append(n)


def clean(n, limit, log):
    t = 0
    for x in cleaning(n, log):
        if x == limit:
            break
        t += x
    return t


log = []
print(run(clean, 10, 20, log), len(log))


# What frames look like from inside.
def names(depth):
    f = sys._getframe(1)
    found = []
    for _ in range(depth):
        found.append((f.f_code.co_name, f.f_lineno - f.f_code.co_firstlineno))
        f = f.f_back
    return found


def looking(n):
    for i in range(n):
        if i == 7:
            yield names(2)
        else:
            yield i


def look(n, here):
    found = []
    for x in looking(n):
        if x == here:
            found.append(names(1))
        if type(x) is list:
            found.append(x)
    return found


print(run(look, 5, 6), look(9, 3), look(9, 20))
print(run(look, 9, 3))


def locals_inside(n):
    for i in range(n):
        k = i * 2
        if i == n - 1:
            yield sorted(locals().items())
        else:
            yield k


def see_locals(n):
    last = None
    for x in locals_inside(n):
        last = x
    return last, sorted(locals())


print(run(see_locals, 5))


# Lists and iterators that both sides work with.
def growing(items):
    for x in items:
        yield x


def grow(n):
    items = [1]
    t = 0
    for x in growing(items):
        t += x
        if len(items) < n:
            items.append(x + 1)
    return t, len(items)


def shared(items):
    it = iter(items)
    found = []
    for x in growing(it):
        found.append((x, next(it, None)))
    return found


def twice(it):
    for x in it:
        yield x
    for x in it:
        yield -x


def use_twice(items):
    found = []
    for x in twice(iter(items)):
        found.append(x)
    return found, sum(twice(iter(items))), sum(twice(items))


print(run(grow, 20), run(shared, [1, 2, 3, 4, 5]), run(use_twice, [1, 2, 3]))


class Box:
    def __init__(self, items):
        self.items = items
        self.seen = 0

    def each(self):
        for x in self.items:
            self.seen += 1
            yield x

    def __iter__(self):
        for x in self.items:
            yield x + 1

    def sum(self):
        t = 0
        for x in self.each():
            t += x * self.seen
        for x in self:
            t += x
        return t


box = Box(list(range(20)))
print(run(box.sum), box.seen)


def calls_back(f, n):
    for i in range(n):
        yield f(i)


def with_calls(n):
    t = 0
    for x in calls_back(lambda i: i * 3, n):
        t += int(str(x))
    return t


print(run(with_calls, 10))


def sent(n):
    got = []
    for i in range(n):
        got.append((yield i))
    yield got


def see_sent(n):
    last = None
    for last in sent(n):
        pass
    return last


print(run(see_sent, 4))


def returning(n):
    for i in range(n):
        if i == 6:
            return i
        yield i


def end_early(n):
    t = 0
    for x in returning(n):
        t += x
    return t, x


print(run(end_early, 20), run(end_early, 3))


def walk(tree):
    if tree:
        left, value, right = tree
        for x in walk(left):
            yield x
        yield value
        for x in walk(right):
            yield x


def make_tree(lo, hi):
    if lo >= hi:
        return None
    mid = (lo + hi) // 2
    return make_tree(lo, mid), mid, make_tree(mid + 1, hi)


tree = make_tree(0, 40)


def walk_all():
    found = []
    for x in walk(tree):
        found.append(x)
    return found


print(run(walk_all, times=60) == list(range(40)))


def changing(n):
    global extra
    for i in range(n):
        extra = i
        yield i


extra = 0


def see_changes(n):
    t = 0
    for x in changing(n):
        t += extra * 2 - x
    return t


print(run(see_changes, 20))


def float_then_int(n):
    x = 0.5
    while x < n:
        yield x
        x = x + 1 if x < 10 else int(x) + 1


def sum_kinds(n):
    t = 0
    for x in float_then_int(n):
        t += x
    return t, type(x).__name__


print(run(sum_kinds, 8), sum_kinds(20), run(sum_kinds, 20))


def reassign(n):
    # The loop's variable and the generator's parameter change.
    t = 0
    while n > 0:
        for n in count(n):
            t += n
            if t > 500:
                return t, n
        n -= 1
    return t, n


print(run(reassign, 9))


# A handler in which the generator never waits.
def parsed(texts):
    bad = 0
    for text in texts:
        try:
            value = int(text)
        except ValueError:
            bad += 1
            continue
        finally:
            bad += 0
        yield value, bad
    try:
        yield len(texts), 1 // (bad - 2)
    except GeneratorExit:
        print("closed")


def parsed_plainly(texts):
    bad = 0
    for text in texts:
        try:
            value = 10 // int(text)
        except ValueError:
            bad += 1
            value = bad
        yield value, bad


def sum_parsed(f, texts):
    t = 0
    for value, bad in f(texts):
        t = t * 2 + value - bad
    return t


print(run(sum_parsed, parsed, ["1", "2", "33"]), run(sum_parsed, parsed, ["1", "x", "33"]))
print(lines(sum_parsed, parsed, ["x", "y"]))
print(run(sum_parsed, parsed_plainly, ["1", "2", "3"]), run(sum_parsed, parsed_plainly, ["1", "x", "3"]))
print(lines(sum_parsed, parsed_plainly, ["x", "0"]), run(sum_parsed, parsed_plainly, ["2", "x", "y"]))


def known_parsed(texts):
    t = 0
    for value, bad in parsed_plainly(texts):
        t = t * 2 + value - bad
    return t


print(run(known_parsed, ["1", "2", "3"]), known_parsed(["1", "x", "3"]), lines(known_parsed, ["x", "0"]))
print(run(known_parsed, ["1", "x", "3"]), run(lambda: lines(known_parsed, ["x", "0"])))

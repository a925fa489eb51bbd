"""Generators that a built-in function goes through at once, and all the ways out of them."""
import sys
import traceback


def rounds(f, *args, n=300):
    result = None
    for _ in range(n):
        result = f(*args)
    return result


def search(items, limit):
    return any(x > limit for x in items), all(x < limit for x in items)


def totals(items, k):
    return sum(x * k for x in items), sum(x > 2 for x in items), sum(1 for x in items if x)


def collections(items, k):
    return (
        list(x + k for x in items),
        tuple(x * k for x in items if x != k),
        set(x % 3 for x in items),
        ",".join(str(x) for x in items),
    )


print(rounds(search, [1, 2, 3], 2), rounds(search, (), 2), rounds(search, [1, 2, 3], 9))
print(rounds(totals, [1, 2, 3, 4], 3), rounds(totals, [], 3))
print(rounds(collections, [1, 2, 3, 4], 3), rounds(collections, (), 3))

# Other types than at first, in the middle.
mixed = [1, 2.5, 3, 1 << 70, -2.25]
print(rounds(totals, mixed, 3), rounds(totals, [0.1] * 10, 1), rounds(totals, [True, False], 2))
print(rounds(totals, [1 << 61, 1 << 61, 5], 3, n=50))
print(rounds(search, ["a", "b"], "a"), rounds(search, [1.5, 2], 1))
print(rounds(collections, [1.5, 2.5], 1), rounds(collections, range(4), 2))


def floats(items):
    return sum(x * 0.1 for x in items)


print(rounds(floats, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), rounds(floats, []), rounds(floats, [1e308, 1e308, -1e308]))
print(rounds(floats, [1e16, 1.0, -1e16, float("inf")]), rounds(floats, [10.0] * 7))


def doubles(items):
    return sum(x for x in items)


print(rounds(doubles, [0.1] * 10), rounds(doubles, [1e16, 1.0, -1e16]), rounds(doubles, [-0.0]), rounds(doubles, []))
print(rounds(doubles, [0.5, 3, 1 << 65, 2j]), rounds(doubles, [1, 2, 3]), rounds(doubles, [0.25, True]))


# Exceptions inside, by the consumer, and by the iterator; where they are caught.
class Odd:
    def __init__(self, x):
        self.x = x

    def __bool__(self):
        if self.x == 7:
            raise ValueError("seven")
        return self.x % 2 == 1

    def __add__(self, other):
        return ("added", self.x, other)

    def __radd__(self, other):
        return other + self.x

    def __hash__(self):
        if self.x == 5:
            raise KeyError("five")
        return hash(self.x)

    def __eq__(self, other):
        return isinstance(other, Odd) and self.x == other.x


def consumers(items):
    results = []
    for consume in (
        lambda: any(x for x in items),
        lambda: all(x for x in items),
        lambda: sum(x for x in items),
        lambda: len(set(x for x in items)),
        lambda: "".join(x for x in items),
        lambda: len(list(x for x in items)),
        lambda: sum(10 // x for x in items),
        lambda: tuple(x.x for x in items),
    ):
        try:
            results.append(consume())
        except Exception as e:
            results.append((type(e).__name__, str(e), len(traceback.extract_tb(e.__traceback__))))
    return results


print(rounds(consumers, [1, 2, 3]))
print(rounds(consumers, [1, 0, 3]))
print(rounds(consumers, [Odd(2), Odd(4), Odd(7)]))
print(rounds(consumers, [Odd(5), Odd(2)]))
print(rounds(consumers, ["x", "y", 3]))


def stops(items):
    def item(x):
        if x == 3:
            raise StopIteration("inside")
        return x

    try:
        return sum(item(x) for x in items)
    except RuntimeError as e:
        return str(e), type(e.__cause__).__name__, e.__cause__.value


print(rounds(stops, [1, 2]), rounds(stops, [1, 2, 3, 4]))


def traced(items, log):
    return sum(log(x) for x in items)


frames = []


def look(x):
    frame = sys._getframe(1)
    frames.append((frame.f_code.co_name, frame.f_locals["x"], frame.f_lineno, frame.f_back.f_code.co_name))
    return x


print(rounds(traced, [1, 2, 3], lambda x: x + 1), rounds(traced, [1, 2, 3], look), frames[:2], frames[-1], len(frames))


def failing(items):
    def check(x):
        if x > 2:
            raise ValueError(x)
        return x

    return max(
        1,
        sum(
            check(x)
            for x in items
        ),
    )


print(rounds(failing, [1, 2]))
for _ in range(60):
    try:
        failing([1, 2, 3])
    except ValueError:
        text = traceback.format_exc().replace(__file__, "FILE")
print(text)


# Inside each other, in generators, with closures that change, in classes.
def nested(rows, k):
    return sum(any(x > k for x in row) for row in rows), [sum(x * y for y in row) for row in rows for x in row]


print(rounds(nested, [[1, 2], [3, 4], []], 2))


def places(n, placed=()):
    row = len(placed)
    if row == n:
        yield placed
        return
    for column in range(n):
        if all(column != c and abs(column - c) != row - r for r, c in enumerate(placed)):
            yield from places(n, placed + (column,))


print(len(list(places(7))), next(places(8)))


def changing(n):
    k = 0

    def bump():
        nonlocal k
        k += 1
        return k

    return sum(bump() * k for _ in range(n)), k


print(rounds(changing, 5))


# The generator is held by something, or passed on.
def held(items):
    g = (x * x for x in items)
    first = sum(g)
    return first, sum(g), list(g), next(g, "end")


print(rounds(held, [1, 2, 3]))


def generate(n):
    for i in range(n):
        if i == 4:
            yield "four"
        else:
            yield i


def functions(n):
    return list(generate(n)), any(generate(n)), tuple(generate(3)), set(generate(n)) == {0, 1, 2, 3, "four"}


print(rounds(functions, 5), rounds(functions, 3))


def fails(n):
    try:
        return sum(generate(n))
    except TypeError as e:
        return str(e)


print(rounds(fails, 4), rounds(fails, 6))


def rebound(items):
    return sum(x for x in items), any(x for x in items)


print(rounds(rebound, [1, 2]))
real_sum = sum
sum = lambda g: ["mine", *g]
print(rounds(rebound, [1, 2]))
sum = real_sum
print(rounds(rebound, [1, 2]))


closed = []


def closing(n):
    try:
        for i in range(n):
            yield i
    finally:
        closed.append(n)


def early(n):
    return any(closing(n)), all(closing(n)), sum(closing(n))


print(rounds(early, 3))
import gc

gc.collect()
print(len(closed))

"""`min` and `max` of generators in compiled code."""


def rounds(f, *args, n=300):
    result = None
    for _ in range(n):
        result = f(*args)
    return result


def extremes(items, k):
    return max(x * k for x in items), min(x - k for x in items)


def halves(items):
    return max(x / 2 for x in items), min(x * 0.5 for x in items), max(len(str(x)) for x in items)


def raw(items):
    try:
        return max(x for x in items), min(x for x in items)
    except (ValueError, TypeError) as e:
        return type(e).__name__, str(e)


def failing(items):
    try:
        return max(10 // x for x in items)
    except ZeroDivisionError as e:
        return str(e)


class Ranked:
    def __init__(self, rank):
        self.rank = rank

    def __lt__(self, other):
        return self.rank < other.rank

    def __gt__(self, other):
        return self.rank > other.rank

    def __repr__(self):
        return f"Ranked({self.rank})"


print(rounds(extremes, [3, -1, 7, 7], 2), rounds(extremes, [1 << 62, 5], 3), rounds(extremes, (2.5, 1), 2))
print(rounds(halves, [3, -1, 8]), rounds(halves, [0.0, -0.0]), rounds(halves, [float("nan"), 1.0]))
print(rounds(halves, [1.0, float("nan"), 2.0]), rounds(halves, [float("inf"), -5]))
for items in ([1, 2, 3], [], [True, 1, 0], [1, True], [1.0, 1], [1, 1.0], ["b", "a"], [1, "a"], [None], [2.0, 1.0, 3], (0.0, -0.0),
              [1 << 70, 1], [Ranked(2), Ranked(5), Ranked(1)], [-5, -7], [-2.5, -7.5]):
    print(rounds(raw, items, n=120), end=" ")
print()
print(rounds(failing, [1, 2, 5]), rounds(failing, [3, 0, 1]), rounds(failing, [-1, 20]))

"""`list(v)` in loops: of lists of all kinds, tuples, ranges, and of what runs Python code."""


class Own:
    def __iter__(self):
        return iter("own")


class Sub(list):
    def __iter__(self):
        return iter([9, 9])


def copies(v, n):
    kept = None
    for _ in range(n):
        new = list(v)
        if kept is not None and new != kept:
            return "differs"
        if isinstance(v, list) and new is v:
            return "same"
        kept = new
        new.append(1)
        kept.pop()
    return kept[:4], len(kept), type(kept).__name__


for v in (
    [1, 2, 3], [], [1.5, 2.5], [True] * 300, (1, 2), (), range(5), range(10, 0, -3), "text", {1: 2}, {5}, b"ab",
    Own(), Sub([1]), enumerate("ab"), [None, "x"], [1, 2.5],
):
    try:
        print(copies(v, 50))
    except TypeError as error:
        print(error)

for v in (5, None):
    try:
        copies(v, 3)
    except TypeError as error:
        print(error)
big = list(range(1000))
print(copies(big, 100), sum(list(big)), len(big))

# Exceptions raised and caught in hot code; finally, with, tracebacks and line numbers.

import sys


class Manager:
    def __init__(self, mute):
        self.mute, self.log = mute, []

    def __enter__(self):
        self.log.append("in")
        return self

    def __exit__(self, kind, value, tb):
        self.log.append(kind.__name__ if kind else "out")
        return self.mute


def lines(e):
    found, tb = [], e.__traceback__
    while tb:
        found.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    return found


def inner(x, y):
    if x == 3:
        raise ValueError(x)
    return (
        x
        // y
    )


def middle(x, y):
    z = inner(x, y)
    return z + [][x - 9] if x == 9 else z


def outer(n):
    out = []
    for i in range(n):
        try:
            out.append(middle(i, i - 5))
        except ValueError as e:
            out.append(("V", str(e), lines(e)))
        except (ZeroDivisionError, IndexError) as e:
            out.append((type(e).__name__, lines(e)))
        else:
            out.append("else")
        finally:
            out.append(i)
    return out


def leaves(n):
    seen = []
    for i in range(n):
        try:
            if i == 7:
                return "returned", i
            if i % 2:
                continue
        finally:
            seen.append(i)
        if i == 20:
            break
    else:
        return "else", n, seen
    return "broke", i, seen


def managed(n):
    out = []
    for i in range(n):
        m = Manager(i % 3 == 0)
        try:
            with m:
                if i % 2:
                    raise KeyError(i)
                out.append(i)
        except KeyError as e:
            out.append(repr(e))
        out.append(m.log)
    return out


def nested(n):
    out = []
    for i in range(n):
        try:
            try:
                [].pop() if i % 2 else {}["k"]
            except KeyError:
                raise RuntimeError("second")
            except IndexError as e:
                raise RuntimeError("third") from e
        except RuntimeError as e:
            out.append((str(e), repr(e.__context__), repr(e.__cause__), e.__suppress_context__))
            try:
                e
            finally:
                del e
        try:
            e
        except UnboundLocalError as x:
            out.append(str(x))
    return out


def here(n):
    out = []
    for i in range(n):
        frame = sys._getframe()
        out.append(frame.f_lineno)
        out.append(
            sys._getframe().f_lineno
        )
        out.append(frame.f_locals["i"])
        out.append(sorted(locals()))
    return out


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


def endless(n):
    return endless(n + 1) + 1


for r in range(8):
    print(outer(12))
    print(leaves(5), leaves(10), leaves(0), leaves(30), managed(9))
    print(nested(4))
print(here(6))
print([depth(n) for n in (0, 10, 100)])
for r in range(3):
    try:
        endless(0)
    except RecursionError as e:
        print(type(e).__name__)

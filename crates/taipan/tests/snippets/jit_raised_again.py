"""Exceptions that are handled and then raised again: by `raise`, at the end of `finally`, by `with` statements."""
import sys


def trail(e):
    """Functions and lines of a traceback, and the ints in the variables of their frames."""
    tb, out = e.__traceback__, []
    while tb is not None:
        frame = tb.tb_frame
        out.append((frame.f_code.co_name, tb.tb_lineno, sorted(v for v in frame.f_locals.values() if type(v) is int)))
        tb = tb.tb_next
    return out


def here(i):
    total = 0
    try:
        try:
            if i % 3 == 0:
                raise ValueError(i)
            total += 1
        except ValueError:
            total += 10
            raise
    except ValueError as e:
        total += e.args[0]
    return total


def finally_here(i):
    total = 0
    try:
        try:
            if i % 3 == 0:
                raise ValueError(i)
            total += 1
        finally:
            total += 10
    except ValueError as e:
        total += e.args[0]
    return total


def inner(i):
    try:
        if i % 3 == 0:
            raise ValueError(i)
        return 1
    except ValueError:
        raise


def inner_finally(i):
    try:
        if i % 3 == 0:
            raise ValueError(i)
        return 1
    finally:
        i += 1000


def inner_named(i):
    try:
        if i % 3 == 0:
            raise ValueError(i)
        return 1
    except ValueError as e:
        e.note = i
        raise


def inner_both(i):
    try:
        try:
            return inner(i)
        except (KeyError, ValueError):
            raise
    finally:
        i -= 1


def inner_other(i):
    try:
        if i % 3 == 0:
            raise ValueError(i)
        return 1
    except KeyError:
        return 2


def inner_from(i):
    try:
        if i % 3 == 0:
            raise ValueError(i)
        return 1
    except ValueError as e:
        raise KeyError(i) from e


def inner_while_handling(i):
    try:
        if i % 3 == 0:
            raise ValueError(i)
        return 1
    except ValueError:
        raise KeyError(i)


class Manager:
    def __init__(self):
        self.seen = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, e, tb):
        self.seen += kind is not None
        return False


def inner_with(i, manager=Manager()):
    with manager:
        if i % 3 == 0:
            raise ValueError(i)
        return 1


def again():
    raise


def inner_helper(i):
    try:
        if i % 3 == 0:
            raise ValueError(i)
        return 1
    except ValueError:
        again()


def missing(i, table={1: 1, 2: 2}):
    try:
        return table[i % 3]
    except KeyError:
        raise


def caught(function, n):
    total = 0
    for i in range(n):
        try:
            total += function(i)
        except (ValueError, KeyError) as e:
            total += 100
            if i > n - 5:
                print(function.__name__, i, type(e).__name__, e.args, trail(e))
                print("  context", repr(e.__context__), "cause", repr(e.__cause__), "handled", sys.exception() is e)
    return total


def named(n, total=0):
    for i in range(n):
        try:
            total += inner(i)
        except ValueError:
            total += 100
    return total


def named_finally(n, total=0, last=None):
    for i in range(n):
        try:
            total += inner_finally(i)
        except ValueError as e:
            total += 100
            last = e if i > n - 4 else None
    return total, trail(last) if last else None


def named_with(n, total=0):
    for i in range(n):
        try:
            total += inner_with(i)
        except ValueError as e:
            total += e.args[0]
    return total


def named_both(n, total=0, last=None):
    for i in range(n):
        try:
            total += inner_both(i)
        except ValueError as e:
            total += 100
            if i > n - 4:
                last = trail(e)
    return total, last


def same(n):
    """What is raised again is the same object, with one entry for each frame."""
    kept, count = None, 0
    for i in range(n):
        try:
            try:
                raise KeyError(i)
            except KeyError as e:
                kept = e
                raise
        except KeyError as e:
            count += e is kept
            tb, length = e.__traceback__, 0
            while tb is not None:
                tb, length = tb.tb_next, length + 1
            count += length * 1000
    return count


def nothing(n):
    count = 0
    for _ in range(n):
        try:
            raise
        except RuntimeError as e:
            count += str(e) == "No active exception to reraise"
    return count


def generator(n):
    for i in range(n):
        try:
            try:
                if i % 3 == 0:
                    raise ValueError(i)
                yield i
            except ValueError:
                raise
        except ValueError as e:
            yield -e.args[0]


def handled(n):
    """What is being handled before, meanwhile and afterwards."""
    count = 0
    for i in range(n):
        try:
            raise IndexError(i)
        except IndexError as outer:
            try:
                try:
                    raise ValueError(i)
                except ValueError:
                    raise
                finally:
                    count += type(sys.exception()) is ValueError
            except ValueError as e:
                count += sys.exception() is e and e.__context__ is outer
            count += sys.exception() is outer
    return count + (sys.exception() is None)


for function in (here, finally_here):
    print(function.__name__, sum(function(i) for i in range(3000)))
for function in (
    inner, inner_finally, inner_named, inner_both, inner_other, inner_from, inner_while_handling, inner_with, inner_helper,
    missing,
):
    print(function.__name__, caught(function, 400))
print(named(3000), named_finally(3000), named_with(3000), named_both(3000))
print(same(1000), nothing(1000), sum(generator(3000)), handled(1000))

# Exceptions that are raised in calls which compiled code builds in place, and caught by it or by a caller.
import sys
import traceback


class Problem(Exception):
    def __init__(self, where, reason):
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class Small(Problem):
    pass


class Large(Problem):
    pass


def frames(e):
    found = []
    tb = e.__traceback__
    while tb is not None:
        f = tb.tb_frame
        names = {k: v for k, v in f.f_locals.items() if isinstance(v, (int, str)) and k[0] != "_"}
        found.append((f.f_code.co_name, tb.tb_lineno - f.f_code.co_firstlineno, names))
        tb = tb.tb_next
    return found


def check(i, n):
    if n < 2:
        raise Small(i, "small")
    if n > 7:
        raise Large(i, "large")
    return n


def outer(i, n):
    doubled = n * 2
    return check(i, n) + doubled


def caught_by_class(n):
    small = large = good = text = 0
    seen = []
    for i in range(n):
        try:
            good += outer(i, i % 10)
        except Small as e:
            small += len(e.reason)
            if i % 1000 == 1:
                seen.append(frames(e))
        except Problem as e:
            large += len(str(e))
            text += e.where
            if i % 1000 == 8:
                seen.append((e.args, e.__context__, frames(e)))
    return small, large, good, text, seen[-2:]


print(caught_by_class(4000))


# Handlers of functions that are built in place.
def lookup(table, key):
    try:
        return table[key]
    except KeyError:
        return -1


def lookup_text(table, key):
    try:
        return table[key]
    except KeyError as e:
        return str(e)


def lookup_error(table, key):
    try:
        return table[key]
    except KeyError as e:
        return e


def ratio(a, b):
    try:
        return a // b
    except ZeroDivisionError:
        return 0


def item(items, i):
    try:
        return items[i]
    except IndexError:
        return None
    finally:
        items[0] += 1


def handlers(n):
    table = {k: k * k for k in range(0, 20, 3)}
    items = [0, 1, 2]
    missing = total = nothing = 0
    texts = set()
    last = None
    for i in range(n):
        if lookup(table, i % 20) < 0:
            missing += 1
        total += ratio(i, i % 4)
        if item(items, i % 5) is None:
            nothing += 1
        t = lookup_text(table, i % 5)
        if type(t) is str:
            texts.add(t)
        e = lookup_error(table, i % 4)
        if type(e) is KeyError:
            last = e
    return missing, total, nothing, sorted(texts), items[0], last, frames(last), last.__context__


print(handlers(4000))


# What is being handled is seen, whoever asks.
def conversion(v):
    try:
        return int(v)
    except ValueError:
        return repr(sys.exception())


def asked(v):
    try:
        raise Small(v, "asked")
    except Small:
        return sys.exc_info()[0].__name__, type(sys.exception()).__name__


def nested(i):
    try:
        try:
            raise KeyError(i)
        except KeyError:
            raise ValueError(i + 1)
    except ValueError as e:
        return e.args, e.__context__.args, type(e.__context__).__name__, sys.exception() is e


def chained(i):
    try:
        try:
            raise KeyError(i)
        except KeyError as k:
            raise ValueError(i + 1) from k
    except ValueError as e:
        return e.__cause__.args, e.__suppress_context__, e.__context__ is e.__cause__


def from_none(i):
    try:
        try:
            raise KeyError(i)
        except KeyError:
            raise ValueError(i) from None
    except ValueError as e:
        return e.__cause__, e.__suppress_context__, type(e.__context__).__name__


def handled(n):
    out = set()
    for i in range(n):
        out.add(conversion("x" if i % 3 else "7"))
        out.add(asked(i % 2))
        out.add(nested(i % 2))
        out.add(chained(i % 2))
        out.add(from_none(i % 2))
        out.add(sys.exception())
    return sorted(map(repr, out))


print(*handled(3000), sep="\n")


# A handler that does not match, and a raise inside a handler, go on to the next frame out.
def picky(i):
    try:
        if i % 3 == 0:
            raise KeyError(i)
        if i % 3 == 1:
            raise IndexError(i)
        return i
    except KeyError:
        return -i


def middle(i):
    try:
        return picky(i)
    except LookupError as e:
        if i % 2:
            raise
        raise ValueError("even") from e


def passing(n):
    good = lookups = values = 0
    contexts = set()
    for i in range(n):
        try:
            good += middle(i)
        except LookupError as e:
            lookups += e.args[0]
            contexts.add((len(frames(e)), e.__context__))
        except ValueError as e:
            values += e.__cause__.args[0]
            contexts.add((len(frames(e)), len(frames(e.__cause__)), type(e.__context__)))
    return good, lookups, values, sorted(contexts, key=repr)


print(passing(3000))


# `finally` and `with` see every exception, and frames go on after it.
class Manager:
    def __init__(self):
        self.log = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and len(self.log) < 3:
            self.log.append((kind.__name__, value.args, trace.tb_lineno - trace.tb_frame.f_code.co_firstlineno))
        return kind is KeyError


def guarded(manager, i):
    with manager:
        if i % 4 == 1:
            raise KeyError(i)
        if i % 4 == 2:
            raise Small(i, "in with")
    return i


def cleaning(i, counts):
    try:
        return 10 // (i % 3)
    finally:
        counts[0] += 1


def cleanup(n):
    manager = Manager()
    counts = [0]
    none = problems = zero = 0
    for i in range(n):
        try:
            if guarded(manager, i) is None:
                none += 1
        except Small as e:
            problems += e.where
        try:
            cleaning(i, counts)
        except ZeroDivisionError as e:
            zero += len(frames(e))
    return manager.log, none, problems, zero, counts


print(cleanup(3000))


# Exceptions that outlive their handlers.
def kept(n):
    errors = []
    saved = None
    for i in range(n):
        try:
            outer(i, 1)
        except Small as e:
            saved = e
        try:
            {}[i]
        except KeyError as e:
            if i % 500 == 0:
                errors.append((e.__context__, e.args))
        if i % 500 == 3:
            errors.append((saved.__context__, saved.args, len(frames(saved))))
    return errors


print(*kept(1500), sep="\n")


def raised_twice(n):
    counts = set()
    for i in range(n):
        error = Small(i, "twice")
        try:
            raise error
        except Small:
            pass
        try:
            raise error
        except Small as e:
            counts.add((e is error, len(frames(e)), e.__context__))
    return counts


print(raised_twice(2000))


def own_attribute(n):
    total = 0
    for i in range(n):
        error = KeyError(i)
        error.extra = i
        try:
            raise error
        except KeyError as e:
            total += e.extra + e.args[0]
            e.extra = None
        total += error.extra is None
    return total


print(own_attribute(2000))


# Generators that raise into loops, and loops that leave generators.
def numbers(n):
    for i in range(n):
        if i == 5:
            raise Large(i, "number")
        yield i


def from_generators(n):
    total = 0
    for i in range(n):
        try:
            total += sum(x for x in numbers(i % 8))
        except Large as e:
            total += len(frames(e))
    return total


print(from_generators(1500))


def stops(n):
    out = set()
    for i in range(n):
        it = iter([1, 2][: i % 3])
        try:
            out.add(sum(next(it) for _ in range(2)))
        except RuntimeError as e:
            out.add((str(e), type(e.__cause__).__name__))
    return sorted(map(repr, out))


print(stops(1500))


# One that is caught neither here nor by the caller: the whole way is in the traceback.
def uncaught(n):
    for i in range(n):
        try:
            outer(i, i % 8)
        except Large:
            pass
        except Small:
            if i >= n - 10:
                raise


try:
    uncaught(3000)
except Small as e:
    print(frames(e))
    print([line for line in traceback.format_exception(e) if "File" in line][-1].split(", ", 1)[1])


# A callee's handler that was never needed before stands in front of the caller's.
def late(x, mode):
    if mode:
        raise ValueError(x)
    try:
        return check(x, x)
    except Problem:
        return -1


def in_front(n, m):
    total = caught = 0
    for i in range(n):
        try:
            total += late(2 + i % m, i % 3 == 0)
        except Exception:
            caught += 1
    return total, caught


print(in_front(3000, 5), in_front(3000, 5), in_front(3000, 12))

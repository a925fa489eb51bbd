# Exceptions raised and caught in compiled code: whatever can be seen of them is as if they had been made.
import sys


class Plain(Exception):
    pass


class Derived(Plain):
    pass


class Own(Exception):
    def __init__(self, *args):
        self.extra = args


def chain(e):
    out = []
    while e is not None:
        tb, lines = e.__traceback__, []
        while tb:
            lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
            tb = tb.tb_next
        out.append((type(e).__name__, e.args, lines))
        e = e.__context__
    return out


def missing(d, n):
    found = lost = 0
    for i in range(n):
        try:
            found += d[i % 7]
        except KeyError:
            lost += 1
    return found, lost


def division(n):
    total = zero = 0
    for i in range(n):
        try:
            total += 100 // (i % 5)
            total += 100 % (i % 3)
        except ZeroDivisionError as e:
            zero += len(e.args[0])
    for i in range(n):
        try:
            total += 1.5 / (i % 4)
        except (KeyError, ZeroDivisionError):
            zero += 1
    return total, zero


def indices(items, n):
    total = outside = 0
    texts = set()
    for i in range(n):
        try:
            total += items[i % 7 - 3]
        except IndexError as e:
            outside += 1
            texts.add(str(e))
    return total, outside, texts


def explicit(n):
    count = [0, 0, 0, 0]
    for i in range(n):
        try:
            if i % 4 == 0:
                raise Plain(i, "x")
            elif i % 4 == 1:
                raise Derived
            elif i % 4 == 2:
                raise Own(i)
            count[0] += 1
        except Derived:
            count[1] += 1
        except Plain as e:
            count[2] += e.args[0]
        except Own as e:
            count[3] += e.extra[0]
    return count


def seen(d, n):
    "What handlers see."
    out = None
    for i in range(n):
        try:
            d[i]
        except KeyError:
            if i == n - 1:
                kind, value, tb = sys.exc_info()
                out = kind.__name__, value.args, tb.tb_lineno - seen.__code__.co_firstlineno, sys.exception() is value
    return out, sys.exc_info()


def raised_in_handler(d, n):
    out = None
    for i in range(n):
        try:
            try:
                d[i]
            except KeyError:
                raise Plain("while handling", i)
        except Plain as e:
            out = chain(e)
    return out


def native_in_handler(d, n):
    out = None
    for i in range(n):
        try:
            try:
                d[i]
            except KeyError as e:
                out = int("no number") + i
        except ValueError as e:
            out = chain(e)
    return out


def from_cause(d, n):
    out = None
    for i in range(n):
        try:
            try:
                d[i]
            except KeyError as e:
                raise Plain(i) from e
        except Plain as e:
            out = e.__cause__.args, chain(e)
    return out


def leave_in_handler(d, items):
    "A guard fails inside the handler."
    total = 0
    for x in items:
        try:
            d[x]
        except KeyError:
            total = total + x * 2
            if type(total) is float:
                return total, chain(sys.exception())
    return total


def nested(d, n):
    out = None
    for i in range(n):
        try:
            d[i]
        except KeyError:
            try:
                d[-i - 1]
            except KeyError as inner:
                out = inner
            try:
                1 // (i - i)
            except ZeroDivisionError as e:
                pair = chain(out), chain(e)
            out = pair
    return out, sys.exception()


def loop_in_handler(d, n):
    total = 0
    for i in range(n):
        try:
            d[i]
        except KeyError:
            for k in range(3):
                total += k
            if i == n - 1:
                return total, chain(sys.exception())
    return total


def kept(d, n):
    all = []
    for i in range(n):
        try:
            d[i]
        except KeyError as e:
            all.append(e)
    return len(set(map(id, all))), all[0].args, all[-1].args, chain(all[-1])


def generator(d, n):
    for i in range(n):
        try:
            d[i]
        except KeyError:
            yield i, type(sys.exception()).__name__
    yield sys.exception()


def lookup(d, key):
    try:
        return d[key]
    except KeyError:
        return -1
    finally:
        d["calls"] = d.get("calls", 0) + 1


def finals(n):
    log = []
    for i in range(n):
        try:
            try:
                if i % 2:
                    raise Plain(i)
            finally:
                log.append(i)
        except Plain as e:
            log.append(e.args[0])
    return len(log), log[-3:]


def stops(n):
    total = 0
    for i in range(n):
        it = iter([1, 2, 3])
        while True:
            try:
                total += next(it)
            except StopIteration as e:
                total += e.value is None
                break
    return total


def uncaught(d, n):
    for i in range(n):
        try:
            d[i]
        except IndexError:
            pass


class Trouble:
    def __hash__(self):
        raise Plain("hash")


class Equal:
    def __hash__(self):
        return hash(3)

    def __eq__(self, other):
        return True


def keys(d, all):
    out = []
    for k in all:
        try:
            out.append(d[k])
        except KeyError as e:
            out.append(("missing", e.args))
        except (TypeError, Plain) as e:
            out.append(str(e).replace("cannot use 'list' as a dict key (", "").rstrip(")"))
    return out


for n in (20, 3000):
    d = {3: 4, 5: 6}
    print(missing(d, n), division(n))
    print(indices([1, 2], n), indices((1, 2, 3), n))
    print(explicit(n))
    print(seen({}, n))
    print(raised_in_handler({}, n))
    print(native_in_handler({}, n))
    print(from_cause({}, n))
    print(leave_in_handler({}, [1] * n + [2.5]))
    print(nested({}, n))
    print(loop_in_handler({}, n))
    print(kept({}, n))
    out = list(generator({}, n))
    print(len(out), out[-2:], sys.exception())
    calls = {}
    print([lookup(calls, k % 3) for k in range(n)][-1], calls)
    print(finals(n), stops(n))
    try:
        uncaught({k: k for k in range(n - 1)}, n)
    except KeyError as e:
        print(chain(e))
    print(keys({3: 4, (1, 2): 5}, [1, 3, (1, 2), (1, 3), Equal(), Trouble(), [1], "s", 2.5, 3.0] * (n // 10))[-10:])

# While an exception is handled outside, it is the context.
try:
    {}["outer"]
except KeyError:
    print(kept({}, 2000)[1:], seen({}, 2000)[0], raised_in_handler({}, 2000)[-1])


def changed(n):
    count = 0
    for i in range(n):
        try:
            raise Plain(i)
        except Derived:
            count += 1000
        except Plain:
            count += 1
    return count


print(changed(3000))
Plain.__init__ = lambda self, *args: print("init", args) if args[0] == 2999 else None
print(changed(3000))
del Plain.__init__
Plain.__new__ = lambda cls, *args: Derived.__new__(Derived) if cls is Plain else Exception.__new__(cls)
print(changed(10))


# An exception in a variable is the one that is caught, each time it is raised.
def same(n):
    count = 0
    for i in range(n):
        try:
            error = Plain(i)
            raise error
        except Plain as e:
            count += e is error
    return count


def again(n):
    error, count = Plain("again"), 0
    for i in range(n):
        try:
            raise error
        except Plain as e:
            count += e is error
    depth, tb = 0, error.__traceback__
    while tb:
        depth, tb = depth + 1, tb.tb_next
    return count, depth


def spread_in_generator(n, *pair):
    for i in range(n):
        yield add(*pair) + i


def add(a, b=5):
    total = [x for x in (a, b)]
    return sum(total)


del Plain.__new__
print(same(2000), again(600), sum(spread_in_generator(2000, 1, 2)), sum(spread_in_generator(2000, 3)))

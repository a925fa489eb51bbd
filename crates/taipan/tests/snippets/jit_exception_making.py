"""Exceptions with a Python __init__ made in compiled code, and with statements that are left by exceptions."""
import traceback


class Base(Exception):
    def __init__(self, line, reason):
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Near(Base):
    pass


class Far(Base):
    pass


class Bare(Exception):
    def __init__(self, *values):
        self.values = values


class Keyed(KeyError):
    def __init__(self, key, *, where="here"):
        KeyError.__init__(self, key)
        self.where = where


class Wrong(Exception):
    def __init__(self):
        return 1


class Found(StopIteration):
    def __init__(self, x):
        self.x = x


class Unset(OSError):
    def __init__(self, number):
        super().__init__(number, "text")
        self.mine = self.errno + 1


def check(line, value):
    if value % 5 == 0:
        raise Near(line, "near")
    if value % 7 == 0:
        raise Far(line, reason="far")
    return value


def catch(n):
    near = far = good = 0
    texts = []
    for i in range(n):
        try:
            good += check(i, i)
        except Near as e:
            near += e.line
            last = e
        except Base as e:
            far += len(str(e)) + len(e.args)
            last = e
    return near, far, good, repr(last), last.args, last.__dict__, last.__traceback__.tb_next.tb_frame.f_code.co_name


def others(n):
    found = []
    for i in range(n):
        for make in (lambda: Bare(i, 2), lambda: Keyed(i), lambda: Keyed(i, where="there"), Wrong, lambda: Found(3),
                     lambda: Unset(i)):
            try:
                raise make()
            except Exception as e:
                found.append((type(e).__name__, e.args, vars(e), str(e)))
    return found[-6:]


def each(n):
    found = []
    for i in range(n):
        try:
            raise Bare(i)
        except Bare as e:
            found.append((e.args, e.values, e.__context__, len(traceback.extract_tb(e.__traceback__))))
        try:
            raise Keyed(i, where=i)
        except KeyError as e:
            found.append((e.args, e.where, str(e)))
        try:
            raise Unset(i)
        except OSError as e:
            found.append((e.args, e.mine, e.strerror))
    return found[-3:]


class Manager:
    def __init__(self, swallow):
        self.swallow = swallow
        self.log = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.log.append((kind.__name__, str(value), trace.tb_lineno if trace else None))
        return kind is self.swallow


class Silent:
    closed = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.closed += 1
        return kind is IndexError


def managed(n, manager):
    items = [1, 2, 3]
    total = 0
    for i in range(n):
        with manager:
            total += items[i % 5]
    return total


def nested(n, outer, inner):
    items = {1: 2}
    total = escaped = 0
    for i in range(n):
        try:
            with outer:
                with inner:
                    total += items[i % 3]
                total += 10
        except LookupError as e:
            escaped += len(e.args) + (e.__context__ is None)
    return total, escaped


for _ in range(40):
    results = catch(200), others(3), each(50)
for result in results:
    print(result)
for _ in range(40):
    manager, silent = Manager(IndexError), Silent()
    results = managed(100, manager), manager.log[-2:], len(manager.log), managed(100, silent), silent.closed
print(results)
for _ in range(40):
    results = [nested(60, Manager(kind), inner) for kind in (KeyError, ValueError) for inner in (Silent(), Manager(IndexError))]
print(results)
for swallow in (ValueError, KeyError):
    try:
        managed(4, Manager(swallow))
    except IndexError:
        print(traceback.format_exc().replace(__file__, "FILE"))

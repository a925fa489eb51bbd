"""Small differences that CPython's own suite found: places of exceptions, names looked up, checks of arguments."""
import builtins
import gc
import io
import symtable
import sys
import traceback
import types


def place(f):
    """Lines, from the function's first, that the traceback and the finished frame show."""
    try:
        f()
    except Exception as error:
        entry = error.__traceback__.tb_next
        first = f.__code__.co_firstlineno
        return f.__name__, entry.tb_lineno - first, entry.tb_frame.f_lineno - first


class Quiet:
    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass


def unmatched():
    try:
        1 / 0
    except TypeError as error:
        pass


def leaves_with():
    with Quiet():
        1 / 0
        pass


def passes_finally():
    try:
        1 / 0
    finally:
        x = 1


for f in unmatched, leaves_with, passes_finally:
    print(*place(f))


def naked():
    try:
        raise ValueError(42)
    except* ValueError as e:
        raise


try:
    naked()
except ExceptionGroup as group:
    entry = group.__traceback__.tb_next
    positions = list(naked.__code__.co_positions())[entry.tb_lasti // 2]
    print([p and p - naked.__code__.co_firstlineno for p in positions[:2]], positions[2:])

# Line events: a loop's variable on another line than what is iterated.
events = []


def loop():
    for _ in (
        range(2)
    ):
        pass


def tracer(frame, event, argument):
    if frame.f_code is loop.__code__:
        events.append((frame.f_lineno - loop.__code__.co_firstlineno, event))
    return tracer


sys.settrace(tracer)
loop()
sys.settrace(None)
print(events)

# Profile events of native functions behind bound methods.
seen = []


class Shown:
    f = classmethod(repr)


sys.setprofile(lambda frame, event, argument: seen.append(event))
Shown().f()
sys.setprofile(None)
print(seen)


# Symbol tables.
def show(table, depth=0):
    print("  " * depth, table.get_type(), table.get_name(), sorted(map(repr, table.get_symbols())))
    for child in table.get_children():
        show(child, depth + 1)


show(symtable.symtable("def f(a: int): pass\n[(lambda: x) for x in [1]]", "?", "exec"))

# Namespaces of built-ins.
for namespace in {"__builtins__": 123}, {"__builtins__": {}}:
    try:
        exec("print(1)", namespace)
    except (TypeError, NameError) as error:
        print(type(error).__name__, error)


class Refuses(dict):
    def __getitem__(self, key):
        raise KeyboardInterrupt(key)


try:
    exec(compile("name", "?", "exec"), {"__builtins__": Refuses(name=1)})
except KeyboardInterrupt as error:
    print("asked for", error)
try:
    eval("x.__reduce__()", {"__builtins__": types.MappingProxyType({}), "x": iter([1])})
except AttributeError as error:
    print(error)


# Keywords that claim to be equal to parameters.
class Equal(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return str.__hash__(self) ^ 3


for f in print, round:
    try:
        f(1.5, **{Equal("foo"): 1})
    except TypeError as error:
        print(error)
try:
    str(b"x", "utf-8", "ignore", encoding="ascii")
except TypeError as error:
    print(error)

# Type parameters and comparisons.
try:
    compile("class A[__classdict__]: pass", "?", "exec")
except SyntaxError as error:
    print(error.msg)


class Broken:
    @property
    def __eq__(self):
        raise AttributeError("nothing here")


print(Broken() == 1)


class Mixed(int):
    __add__ = str.__add__


try:
    Mixed() + Mixed()
except TypeError as error:
    print(error)


# Attributes of modules whose class also has them from elsewhere.
class Base:
    pass


class Module(Base, types.ModuleType):
    pass


module = Module("name")
print(type(module.__dict__).__name__, module.__dict__["__name__"])
for change in (lambda: setattr(module, "__dict__", {})), (lambda: delattr(ValueError(), "__dict__")):
    try:
        change()
    except (AttributeError, TypeError) as error:
        print(error)

# Immortal objects, tracked objects.
print([sys._is_immortal(v) for v in (None, False, ..., 0, b"", b"x", (), "", "x", int, [], 2**100)])
print([gc.is_tracked(v) for v in ((), (1, "a"), ((), 1), ([],), type, Base, Base(), gc, "a")])
gc.freeze()
print(gc.get_freeze_count() > 0)
gc.unfreeze()
print(gc.get_freeze_count())

# Memory.
class Releases:
    def __index__(self):
        view.release()
        return 4


view = memoryview(bytearray(b"\xff" * 8))
print(list(view[: Releases()]))


class Clears:
    def __init__(self, array):
        self.array = array

    def __buffer__(self, flags):
        self.array.clear()
        return memoryview(self.array)


array = bytearray(b"A")
try:
    array.split(Clears(array))
except BufferError as error:
    print(error)

# The library's traceback prints what nobody catches, as it is.
stream = io.StringIO()
sys.stderr, before = stream, sys.stderr
original = traceback._print_exception_bltin
traceback._print_exception_bltin = lambda error: print("replaced:", error, file=sys.stderr)
sys.__excepthook__(ValueError, ValueError("shown"), None)
traceback._print_exception_bltin = original
sys.stderr = before
print(stream.getvalue(), end="")

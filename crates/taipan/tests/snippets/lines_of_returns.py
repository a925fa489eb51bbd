"""Where functions return that end in an exception handler, to a trace function; tracebacks made by hand; deep source."""
import sys
import types


def events_of(function):
    events = []

    def trace(frame, event, argument):
        if frame.f_code is function.__code__:
            events.append((frame.f_lineno - frame.f_code.co_firstlineno, event))
        return trace

    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(None)
    return events


def nested():
    try:
        try:
            raise ValueError
        except ValueError as ex:
            5
    except TypeError:
        7


def after_with():
    with open("/dev/null") as file:
        pass


for function in (nested, after_with):
    print(function.__name__, events_of(function))

traceback = types.TracebackType(None, sys._getframe(), 1, 2)
print(traceback.tb_lasti, traceback.tb_lineno)

sys.set_int_max_str_digits(700)
try:
    compile("a = 1\nb = " + "3" * 701, "<digits>", "exec")
except SyntaxError as error:
    print(error.lineno, error.msg[:60])
for part in ("()", ".b", "[0]", "*a"):
    try:
        compile("a" + part * 100_000, "<deep>", "single")
    except RecursionError as error:
        print(part, "RecursionError")


class Slotted(property):
    __slots__ = ("foo",)


print(Slotted(doc="lost").__doc__)
try:
    Slotted(type("G", (), {"__doc__": "doc"}))
except AttributeError as error:
    print(error)

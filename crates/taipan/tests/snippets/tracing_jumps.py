"""Assignments to f_lineno, and the lines that a trace function sees."""
import sys
import warnings

warnings.simplefilter("ignore")


class Manager:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        print("  exit", self.name, kind and kind.__name__)
        return True


def trace(function, jump_from=None, jump_to=None):
    first = function.__code__.co_firstlineno
    events, done = [], []

    def tracer(frame, event, arg):
        if frame.f_code is not function.__code__:
            return None
        line = frame.f_lineno - first
        events.append(f"{event} {line}")
        if event == "line" and line == jump_from and not done:
            done.append(True)
            try:
                frame.f_lineno = jump_to + first
            except ValueError as error:
                events.append(str(error))
        return tracer

    sys.settrace(tracer)
    try:
        result = function()
    except Exception as error:
        result = repr(error)
    finally:
        sys.settrace(None)
    print(function.__name__, jump_from, jump_to, "->", result)
    print("   ", "; ".join(events))


def straight():
    out = []
    out.append(1)
    out.append(2)
    return out


def loops():
    out = []
    for i in 1, 2:
        out.append(i)
    while len(out) < 4:
        out.append(0)
        if len(out) == 3:
            continue
    return out


def handlers():
    out = []
    try:
        out.append(1)
        1 / 0
    except ZeroDivisionError as error:
        out.append(2)
        out.append(3)
    finally:
        out.append(4)
    out.append(sys.exception())
    return out


def managers():
    out = []
    with Manager("a"):
        out.append(1)
        1 / 0
    with Manager("b"):
        out.append(2)
    return out


def branches(x=0):
    if x:
        x = 1
    elif not x:
        if x:
            x = 2


def leaves():
    for i in range(2):
        try:
            if i:
                break
        finally:
            i = 5
    with Manager("c"):
        return 1


for function in straight, loops, handlers, managers, branches, leaves:
    trace(function)
for jump in (2, 4), (3, 2), (1, 99), (2, -1):
    trace(straight, *jump)
for jump in (1, 3), (3, 5), (3, 7), (3, 2), (5, 2), (5, 3):
    trace(loops, *jump)
for jump in (3, 6), (6, 10), (6, 3), (7, 9), (9, 3), (10, 2):
    trace(handlers, *jump)
for jump in (1, 3), (3, 6), (3, 7), (6, 3), (7, 2):
    trace(managers, *jump)
try:
    sys._getframe().f_lineno = 1
except ValueError as error:
    print(error)

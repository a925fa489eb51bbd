"""sys.settrace, sys.setprofile and sys.monitoring."""
import sys


def work(n):
    total = 0
    for i in range(n):
        total += i
    return total


def numbers():
    yield 1
    yield 2


def fails():
    raise ValueError("x")


events = []


def tracer(frame, event, arg):
    if frame.f_code.co_filename != __file__:
        return None
    line = frame.f_lineno - frame.f_code.co_firstlineno
    events.append((frame.f_code.co_name, event, line, arg if event == "return" else type(arg).__name__))
    return tracer


sys.settrace(tracer)
work(2)
list(numbers())
try:
    fails()
except ValueError:
    pass
sys.settrace(None)
print(*events, sep="\n")

calls = []
sys.setprofile(lambda f, e, a: calls.append((f.f_code.co_name, e, getattr(a, "__name__", a))))
work(1)
len([])
sys.setprofile(None)
print(*calls, sep="\n")

m = sys.monitoring
E = m.events
m.use_tool_id(m.PROFILER_ID, "test")
print(m.get_tool(m.PROFILER_ID), m.get_events(m.PROFILER_ID))
seen = []
m.register_callback(m.PROFILER_ID, E.PY_START, lambda code, offset: seen.append(("start", code.co_name)))
m.register_callback(m.PROFILER_ID, E.PY_RETURN, lambda code, offset, value: seen.append(("return", value)))
m.register_callback(m.PROFILER_ID, E.LINE, lambda code, line: (seen.append(("line", line - code.co_firstlineno)), m.DISABLE)[1])
m.set_local_events(m.PROFILER_ID, work.__code__, E.PY_START | E.PY_RETURN | E.LINE)
work(2)
work(2)
m.set_local_events(m.PROFILER_ID, work.__code__, 0)
work(2)
m.free_tool_id(m.PROFILER_ID)
print(*seen, sep="\n")
for f in (lambda: m.use_tool_id(9, "x"), lambda: m.set_events(1, 1), lambda: m.set_events(1, 1 << 30)):
    try:
        f()
    except ValueError as e:
        print(e)

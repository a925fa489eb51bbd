# Interpreters besides the main one: worlds of their own, data that crosses, their end.
import _interpqueues
import _interpreters
import sys
import threading
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor

LINES = "import sys; sys.stdout.reconfigure(line_buffering=True)"
exec(LINES)
interp = interpreters.create()
interp.exec(LINES)
print(interp, interpreters.get_current(), interp.is_running())
interp.exec("import sys; sys.marker = 1; value = 5\nprint('in', __name__, value)")
print(hasattr(sys, "marker"), "value" in globals())
interp.prepare_main(text="sent", number=2**40, pair=(1, (b"x", None)))
interp.exec("print(text, number, pair); value += 1; print(value)")

# Errors come back as text.
try:
    interp.exec("def f(): return 1 / 0\nf()")
except interpreters.ExecutionFailed as e:
    print(e.excinfo.type.__name__, e.excinfo.msg)
    print(e.excinfo.errdisplay)
for bad in ("x = 1 +", 5):
    try:
        interp.exec(bad)
    except (SyntaxError, TypeError) as e:
        print(type(e).__name__, e)


def stateless(a, b):
    return [a, b, a + b]


def gives_function():
    return lambda: 7


print(interp.call(stateless, 2, 3), interp.call(len, ("abc",)), interp.call(gives_function)())
for what in (lambda: stateless, 3):
    try:
        interp.call(what)
    except Exception as e:
        print(type(e).__name__)

# What is shareable.
for v in (None, True, 1, 1.5, "s", b"b", (1, "x"), (1, []), [], object(), memoryview(b"m")):
    print(type(v).__name__, interpreters.is_shareable(v), end="; ")
print()

# Queues, and items whose interpreter has ended.
queue = interpreters.create_queue(maxsize=3)
interp.prepare_main(queue=queue)
interp.exec("queue.put('from inside'); queue.put([1, {'a': 2}])")
print(queue.get(), queue.get(), queue.empty())
view = memoryview(bytearray(b"shared"))
queue.put(view)
received = queue.get()
received[0] = ord("S")
print(bytes(view), type(received.obj).__name__)
other = interpreters.create()
other.exec(LINES)
other.prepare_main(queue=queue)
other.exec("queue.put(1); import atexit; atexit.register(print, 'atexit of the other')")
other.close()
print(queue.get())
try:
    queue.get(block=False)
except interpreters.QueueEmpty as e:
    print("empty:", e)

# Settings.
print(_interpreters.new_config("isolated", allow_fork=True))
interp.exec("""if True:
    import os, threading, signal, _thread
    for f in (os.fork, lambda: os.execv('/bin/true', ['true']), lambda: signal.signal(2, signal.SIG_IGN)):
        try:
            f()
        except Exception as e:
            print(type(e).__name__, e)
    try:
        threading.Thread(target=print, daemon=True).start()
    except RuntimeError as e:
        print(e)
    t = threading.Thread(target=print, args=('a thread inside',))
    t.start()
    t.join()
    print(_thread._is_main_interpreter(), len(threading.enumerate()))
""")

# Limits and hooks belong to an interpreter.
sys.set_int_max_str_digits(5000)
interp.exec("import sys; print(sys.get_int_max_str_digits()); sys.setrecursionlimit(777)")
print(sys.getrecursionlimit() == 777)

interp.close()
print([i.id for i in interpreters.list_all()])

# Several threads, each in an interpreter.
results = []


def work(n):
    own = interpreters.create()
    results.append(own.call(sum, range(n)))
    own.close()


threads = [threading.Thread(target=work, args=(n,)) for n in (10, 100, 1000)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sorted(results))
with InterpreterPoolExecutor(max_workers=2) as pool:
    print(list(pool.map(pow, [2, 3, 4], [5, 6, 7])))
    try:
        pool.submit(int, "x").result()
    except ValueError as e:
        print(e)
print(_interpqueues.list_all() == [], len(_interpreters.list_all()))

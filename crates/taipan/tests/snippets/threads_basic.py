# modes: stress
"""Threads: the GIL, locks, events, local data, joins, daemons, errors."""
import _thread
import queue
import sys
import threading
import time

counter = 0
lock = threading.Lock()


def add(n):
    global counter
    for _ in range(n):
        with lock:
            counter += 1


threads = [threading.Thread(target=add, args=(50,)) for _ in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(counter, [t.is_alive() for t in threads])

local = threading.local()
local.x = "main"
seen = []


def use_local():
    seen.append(hasattr(local, "x"))
    local.x = "thread"
    seen.append(local.x)


t = threading.Thread(target=use_local)
t.start()
t.join()
print(seen, local.x)


class Counted(threading.local):
    made = 0

    def __init__(self, start):
        self.value = start
        Counted.made += 1


counted = Counted(3)
t = threading.Thread(target=lambda: setattr(counted, "value", counted.value + 1))
t.start()
t.join()
print(counted.value, Counted.made)

r = threading.RLock()
with r, r:
    print(r.acquire(blocking=False), r._is_owned())
    r.release()
try:
    r.release()
except RuntimeError as e:
    print(e)
try:
    threading.Lock().release()
except RuntimeError as e:
    print(e)
l = threading.Lock()
print(l.acquire(timeout=0.01), l.acquire(timeout=0.01), l.acquire(False), l.locked())

q = queue.SimpleQueue()
t = threading.Thread(target=lambda: [q.put(i) for i in range(3)])
t.start()
print([q.get(timeout=5) for _ in range(3)], q.empty())
t.join()
try:
    q.get(timeout=0.01)
except queue.Empty:
    print("empty")

event = threading.Event()
t = threading.Thread(target=lambda: (event.wait(), print("woken")))
t.start()
time.sleep(0.02)
event.set()
t.join()

errors = []
threading.excepthook = lambda args: errors.append((args.exc_type.__name__, str(args.exc_value)))
t = threading.Thread(target=lambda: 1 / 0)
t.start()
t.join()
print(errors)

done = _thread.allocate_lock()
done.acquire()
_thread.start_new_thread(lambda a, b=0: (print("started", a, b), done.release()), (1,), {"b": 2})
done.acquire()
print(threading.current_thread() is threading.main_thread(), threading.active_count())
old = sys.getswitchinterval()
sys.setswitchinterval(0.001)
print(round(sys.getswitchinterval(), 6))
sys.setswitchinterval(old)
spin = threading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True)
spin.start()
print("end")

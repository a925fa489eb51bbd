# Frames of calls that compiled code makes: what tracebacks, sys._getframe and trace functions see of inlined calls, of functions
# that only store (which have no frame until something leaves them), and of functions whose calls end in one.
import sys


class Node:
    def __init__(self, value, link):
        self.value = value
        self.link = link
        self.seen = 0
        self.best = None


class Task:
    def __init__(self, name, priority):
        self.name = name
        self.priority = priority
        self.holding = True
        self.count = 0
        self.log = [0] * 4


def append_to(node, lst):
    """Stores, and goes through a list, and no more."""
    node.link = None
    if lst is None:
        return node
    p = lst
    while p.link is not None:
        p = p.link
    p.link = node
    return lst


def release(task, other, amount):
    """Stores, then does arithmetic that is left where the kinds of numbers change."""
    task.holding = False
    task.count = task.count + amount
    task.log[amount % 4] = task.count
    if task.priority > other.priority:
        return task
    return other


def chain(n):
    head = None
    for i in range(n):
        head = append_to(Node(i, None), head)
    total = 0
    while head is not None:
        total = total * 3 % 1000003 + head.value
        head = head.link
    return total


def work(n, amounts):
    a, b = Task("a", 1), Task("b", 2)
    out = []
    for i in range(n):
        out.append(release(a, b, amounts[i % len(amounts)]).name)
        b, a = a, b
    return "".join(out[-4:]), a.count, b.count, a.log, a.holding


for _ in range(6):
    print(chain(60), end=" ")
print()
for amounts in [[1, 2, 3], [1], [2**40, 2**41], [2**62, 1], [True, 2], [3]]:
    for _ in range(3):
        result = work(120, amounts)
    print(result)


def where(e):
    lines = []
    tb = e.__traceback__
    while tb is not None:
        lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    return lines


for amounts in [[1, 2, "x"], [2, 1, 1.5], [1, 1, None], [[], 1]]:
    for _ in range(4):
        try:
            work(121, amounts)
        except TypeError as e:
            last = (str(e), where(e))
    print(last)


# What lies above a call is seen by what it calls.
def stack(depth):
    frame, names = sys._getframe(1), []
    while frame is not None and len(names) < depth:
        names.append((frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno, sorted(frame.f_locals)[:3]))
        frame = frame.f_back
    return names


seen = []


def leaf(i, node):
    node.seen = i
    if i % 50 == 49:
        seen.append(stack(4))
    return fib(i % 5) + i


def middle(i, node):
    x = leaf(i, node) + 1
    return x


class Caller:
    def __init__(self, i, node):
        self.i = middle(i, node)
        self.node = node

    def twice(self):
        return middle(self.i, self.node) + self.i


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def drive(n):
    node = Node(0, None)
    total = 0
    for i in range(n):
        total += Caller(i, node).twice()
    return total


for _ in range(3):
    seen.clear()
    print(drive(160), len(seen), seen[0], seen[-1])


# Recursion ends where it should, and what was stored on the way stays.
class Depth:
    def __init__(self):
        self.n = 0
        self.back = 0


def down(d):
    d.n = d.n + 1
    down(d)
    d.back += 1


def odd(d, n):
    d.n += 1
    return n if n == 0 else even(d, n - 1)


def even(d, n):
    d.back += 1
    return n if n == 0 else odd(d, n - 1)


for _ in range(5):
    d = Depth()
    try:
        down(d)
    except RecursionError as e:
        print(e, 900 < d.n <= 1000, d.back, len(where(e)) > 900)
for _ in range(40):
    d = Depth()
    r = odd(d, 500)
print(r, d.n, d.back)


# Tracing that begins in a call sees what returns into it.
events = []


def tracer(frame, event, arg):
    if frame.f_code.co_name in ("leaf", "middle", "twice", "release", "append_to"):
        events.append((frame.f_code.co_name, event))
    return tracer


def turn_on(i, limit):
    if i == limit:
        sys.settrace(tracer)
    return i


def traced(n, limit):
    node = Node(0, None)
    total = 0
    for i in range(n):
        total += middle(turn_on(i, limit), node)
        node = append_to(Node(i, None), None)
        if i == limit + 1:
            sys.settrace(None)
    return total


for _ in range(2):
    print(traced(100, 1000))
print(traced(100, 80), len(events), events[:4], events[-4:])

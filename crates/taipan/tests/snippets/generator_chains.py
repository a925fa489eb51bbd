# modes: stress
# Generators that delegate to others: they are suspended and resumed together, and each can be looked at in between.
import gc
import inspect
import sys
import threading


def leaf(n, log=None):
    for i in range(n):
        sent = yield i
        if sent is not None and log is not None:
            log.append(sent)
    return "leaf done"


def chain(depth, n, log=None):
    if depth == 0:
        return (yield from leaf(n, log))
    result = yield from chain(depth - 1, n, log)
    return result + "."


def drive(g):
    out = []
    while True:
        try:
            out.append(next(g))
        except StopIteration as e:
            return out, e.value


print(drive(chain(5, 4)))
print([x for x in chain(20, 3)], sum(chain(3, 10)), list(chain(2, 3)))

log = []
g = chain(4, 6, log)
print(next(g), g.send("a"), g.send("b"), next(g), log)


# Who waits in the middle can be asked, and be resumed by somebody else.
def parts(g):
    found = [g]
    while (inner := getattr(found[-1], "gi_yieldfrom", None)) is not None:
        found.append(inner)
    return found


g = chain(3, 5)
next(g)
next(g)
every = parts(g)
print([inspect.getgeneratorstate(x) for x in every], [x.gi_running for x in every])
print([x.gi_frame.f_lineno - x.gi_frame.f_code.co_firstlineno for x in every])
print([x.gi_frame.f_back for x in every], [x.gi_suspended for x in every])
next(g)
print(next(every[2]), next(every[-1]), next(g, "ended"), [inspect.getgeneratorstate(x) for x in every])


# A frame that was asked for earlier has no caller while it is suspended, and has one while it runs.
def looking(depth, out):
    if depth:
        yield from looking(depth - 1, out)
    else:
        while True:
            f = sys._getframe()
            names = []
            while f is not None and f.f_code.co_name != "<module>":
                names.append((f.f_code.co_name, f.f_locals.get("depth")))
                f = f.f_back
            out.append(names)
            yield len(names)


def consumer(g):
    return next(g)


out = []
g = looking(3, out)
print(next(g), consumer(g), next(g))
frame = parts(g)[2].gi_frame
next(g)
print(frame.f_back, out)
g.close()
print(frame.f_lineno > 0, inspect.getgeneratorstate(g))


# A running generator cannot be resumed, wherever it is in the chain.
def nosy(depth, root):
    if depth:
        yield from nosy(depth - 1, root)
    else:
        while True:
            seen = []
            for x in root:
                try:
                    next(x)
                except ValueError as e:
                    seen.append(str(e))
            yield seen


root = []
g = nosy(2, root)
next(g)
next(g)
root.extend(parts(g))
print(next(g))


# throw and close reach the innermost; what a handler in the middle catches goes on from there.
def careful(depth, log):
    try:
        if depth:
            yield from careful(depth - 1, log)
        else:
            while True:
                yield depth
    except KeyError as e:
        log.append(("caught", depth, type(e.__context__)))
        yield "handled %d" % depth
        if depth == 1:
            raise ValueError(depth) from e
    finally:
        log.append(("left", depth))


log = []
g = careful(3, log)
print(next(g), next(g), g.throw(KeyError("k")), next(g, "end"), log)
log = []
g = careful(3, log)
next(g), next(g)
inner = parts(g)[2]
print(inner.throw(KeyError("middle")), next(inner, "end of inner"))
try:
    print(next(g, "end"), log)
except ValueError as e:
    print("ValueError", e, log)
log = []
g = careful(2, log)
next(g), next(g)
g.close()
print(log)


# Exceptions that are being handled: each generator has its own, and the consumer has another.
def handling(depth):
    if depth:
        try:
            raise KeyError(depth)
        except KeyError:
            yield from handling(depth - 1)
            yield repr(sys.exception())
    else:
        yield repr(sys.exception())
        yield repr(sys.exception())


g = handling(2)
print(next(g))
try:
    raise IndexError("outer")
except IndexError:
    print(next(g), next(g), repr(sys.exception()))
print(next(g), sys.exception())
g = chain(3, 5)
next(g), next(g)
try:
    raise IndexError("outer")
except IndexError:
    print(next(g), repr(sys.exception()))
print(next(g), sys.exception())


# A chain becomes a part of a longer one.
def adopt(g):
    yield "begin"
    return (yield from g)


g = chain(2, 6)
next(g), next(g)
h = adopt(adopt(g))
print(next(h), next(h), next(h), next(h), parts(h)[-1].gi_frame.f_locals["i"])
print(drive(h))


# Recursion through trees; frames called from inside lie above whoever resumed the chain.
class Tree:
    def __init__(self, left, value, right):
        self.left, self.value, self.right = left, value, right

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.double(self.value)
        if self.right:
            yield from self.right

    def double(self, v):
        a, b, c = v, v * 2, [v]
        return self.half(b) * 2 + len(c) - 1

    def half(self, v):
        return v // 2


def tree(items):
    if not items:
        return None
    i = len(items) // 2
    return Tree(tree(items[:i]), items[i], tree(items[i + 1 :]))


t = tree(range(300))
print(sum(t), list(t) == [2 * (i // 1) for i in range(300)])


def deeper(it, n):
    local = [n] * 3
    if n:
        return deeper(it, n - 1) + local[0] - n
    return next(it)


it = iter(t)
print([deeper(it, k) for k in (0, 9, 3, 17, 1, 5)], sum(it))
pair = zip(t, t)
print(sum(a * b for a, b in pair))


# Resumed by one thread, then by another.
def resume(g, out):
    def run():
        out.extend(deeper(g, 5) for _ in range(3))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


out = []
g = iter(tree(range(20)))
for k in range(3):
    resume(g, out)
    out.append(deeper(g, k))
    gc.collect()
print(out, sum(g))


# The outermost is dropped while somebody holds one in the middle.
log = []
g = careful(3, log)
next(g), next(g)
inner = parts(g)[1]
del g
gc.collect()
print(next(inner, "closed"), inspect.getgeneratorstate(inner))
inner.close()
print(log[:3])


# Too deep a chain raises, and leaves the rest in order.
def endless(n):
    if n == 0:
        yield 0
        yield 1
    else:
        yield from endless(n - 1)


limit = sys.getrecursionlimit()
g = endless(200)
print(next(g))
sys.setrecursionlimit(150)
try:
    next(g)
except RecursionError as e:
    print(e)
sys.setrecursionlimit(limit)
print(next(g, "ended"))


# Tracing that begins while a chain is suspended.
g = chain(2, 5)
next(g), next(g)
events = []


def tracer(frame, event, arg):
    if frame.f_code.co_name == "leaf":
        events.append((frame.f_code.co_name, event))
    return tracer


sys.settrace(tracer)
value = next(g)
sys.settrace(None)
print(value, events)
print(next(g), next(g), next(g, "ended"))


# Coroutines wait for one another in the same way.
class Suspend:
    def __await__(self):
        return (yield "suspended")


async def waits(depth, n):
    if depth:
        return await waits(depth - 1, n) + 1
    total = 0
    for _ in range(n):
        total += await Suspend()
    return total


c = waits(5, 3)
out = [c.send(None)]
try:
    for k in (1, 2, 3):
        out.append(c.send(k))
except StopIteration as e:
    out.append(e.value)
print(out, inspect.getcoroutinestate(c))
c = waits(3, 2)
c.send(None)
inner = c.cr_await
print(inspect.getcoroutinestate(inner), inner.cr_frame.f_back, c.cr_running)
try:
    print(inner.send(5))
    c.send(1)
except RuntimeError as e:
    print(e)
except StopIteration as e:
    print("done", e.value)
c.close()

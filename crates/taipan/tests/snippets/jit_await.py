"""Coroutines that compiled code makes and awaits."""
import gc
import sys
import traceback
import types
import warnings


def finish(coro):
    """Runs a coroutine to its end; what it returned and how often it was suspended."""
    count, sent = 0, None
    try:
        while True:
            got = coro.send(sent)
            count += 1
            sent = got * 2 if isinstance(got, int) else None
    except StopIteration as e:
        return e.value, count


async def fibonacci(n):
    if n <= 1:
        return n
    return await fibonacci(n - 1) + await fibonacci(n - 2)


print(finish(fibonacci(15)), finish(fibonacci(16)), finish(fibonacci(17)))


# Suspended somewhere down the chain, now and then.
@types.coroutine
def pause(value):
    return (yield value)


async def leaf(n):
    if n % 7 == 0:
        return await pause(n)
    return n


async def walk(depth, n):
    if depth == 0:
        return await leaf(n)
    total = await walk(depth - 1, 2 * n) + await walk(depth - 1, 2 * n + 1)
    return total + depth


print([finish(walk(6, 1)) for _ in range(12)][-1], finish(walk(8, 3)))


# Exceptions pass through, are caught, are thrown in.
async def fails(depth, n):
    if depth == 0:
        if n % 5 == 0:
            raise ValueError(n)
        return n
    return await fails(depth - 1, n)


async def careful(n):
    total = 0
    for i in range(n):
        try:
            total += await fails(3, i)
        except ValueError as e:
            total += 1000 * len(traceback.extract_tb(e.__traceback__))
    return total


print(finish(careful(300)), finish(careful(300)))


def lines_of(depth, n):
    try:
        finish(fails(depth, n))
    except ValueError as e:
        return [(f.name, f.lineno) for f in traceback.extract_tb(e.__traceback__)]


for _ in range(30):
    found = lines_of(2, 5)
print(found)


class Gone(Exception):
    pass


async def guarded(depth, log):
    if depth == 0:
        return await pause("here")
    try:
        return await guarded(depth - 1, log)
    except Gone:
        log.append(depth)
        if depth == 2:
            return "caught"
        raise
    finally:
        log.append(-depth)


def throw_into():
    log = []
    coro = guarded(3, log)
    coro.send(None)
    chain, c = [], coro
    while c is not None:
        chain.append(c.__name__)
        c = getattr(c, "cr_await", None)
    try:
        coro.throw(Gone)
    except StopIteration as e:
        return e.value, log, chain


for _ in range(40):
    thrown = throw_into()
print(thrown)


def close_early():
    log = []
    coro = guarded(2, log)
    coro.send(None)
    coro.close()
    return log


for _ in range(40):
    closed = close_early()
print(closed)


# What is awaited may be anything.
class Awaitable:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        if self.value % 2:
            yield self.value
        return self.value + 1


async def many_kinds(n):
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += await Awaitable(i)
        elif i % 3 == 1:
            total += await leaf(i)
        else:
            total += await pause(i) or 0
    return total


print(finish(many_kinds(200)), finish(many_kinds(201)))


async def wrong(n):
    for i in range(n):
        await leaf(1)
    await (3 if n > 5 else leaf(1))


for n in (3, 50, 50):
    try:
        print(finish(wrong(n)))
    except TypeError as e:
        print(e)


async def twice(n):
    for i in range(n):
        c = leaf(i * 7 + 1)
        await c
    await c


try:
    finish(twice(100))
except RuntimeError as e:
    print(e)


# Recursion ends where it should, and frames show the chain.
async def deep(n):
    if n == 0:
        return 0
    return 1 + await deep(n - 1)


print(finish(deep(50)), finish(deep(300)), finish(deep(300)))
try:
    finish(deep(5000))
except RecursionError as e:
    print(type(e).__name__, e)
print(finish(deep(200)))


async def names(n):
    if n == 0:
        f, found = sys._getframe(), []
        while f and f.f_code.co_name == "names":
            found.append((f.f_lineno, f.f_locals["n"]))
            f = f.f_back
        return found
    return await names(n - 1)


for _ in range(50):
    seen, _ = finish(names(3))
print(seen)


# Async iteration, context managers, comprehensions.
class Manager:
    def __init__(self):
        self.entered = self.left = 0

    async def __aenter__(self):
        self.entered += 1
        return self.entered

    async def __aexit__(self, kind, value, trace):
        self.left += 1
        return kind is Gone


async def numbers(n):
    for i in range(n):
        if i % 4 == 3:
            await pause(i)
        yield i


async def uses(n):
    manager, total = Manager(), 0
    async for x in numbers(n):
        async with manager as k:
            total += x * k
            if x % 3 == 0:
                raise Gone
    total += sum([x async for x in numbers(n) if x % 2])
    return total, manager.entered, manager.left


print(finish(uses(60)), finish(uses(61)))

# Coroutines that nobody awaits are reported.
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")

    async def forgets(n):
        for i in range(n):
            leaf(i)

    finish(forgets(60))
    gc.collect()
print({str(w.message) for w in caught}, len(caught))

# Native futures and tasks: results, cancellation, eager start, call graph, errors.
import asyncio, _asyncio

print(asyncio.Task is _asyncio.Task, asyncio.Future is _asyncio.Future)

async def nap(n, log):
    log.append(("start", n))
    await asyncio.sleep(0)
    log.append(("end", n))
    return n * 2

async def fail():
    raise ValueError("no")

async def main():
    log = []
    print(await asyncio.gather(*(nap(i, log) for i in range(3))), log)
    task = asyncio.create_task(asyncio.sleep(10), name="long")
    await asyncio.sleep(0)
    print(task.get_name(), task.cancel("why"), task.cancelling(), task.done(), asyncio.current_task() in asyncio.all_tasks())
    try:
        await task
    except asyncio.CancelledError as e:
        print("cancelled", e.args, task.cancelled(), repr(task).partition(" coro")[0])
    bad = asyncio.create_task(fail())
    try:
        await bad
    except ValueError as e:
        print("raised", e, bad.exception() is e)
    future = asyncio.get_running_loop().create_future()
    seen = []
    future.add_done_callback(lambda f: seen.append(f.result()))
    future.add_done_callback(seen.append)
    # Where the callback is depends on where the tests are.
    print(future.remove_done_callback(seen.append), repr(future).split(" at ")[0])
    future.set_result(5)
    try:
        future.set_result(6)
    except asyncio.InvalidStateError as e:
        print(type(e).__name__, e)
    print(await future, future)
    await asyncio.sleep(0)
    print(seen)
    for act in (lambda: future.__class__(loop=3), lambda: asyncio.Task(3), lambda: bad.set_result(1), lambda: asyncio.Future().result()):
        try:
            act()
        except Exception as e:
            print(type(e).__name__, e)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(nap(i, log)) for i in (5, 6)]
    print([t.result() for t in tasks])
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.sleep(9))
    except* ValueError as group:
        print(group.exceptions)
    try:
        await asyncio.wait_for(asyncio.sleep(9), 0.001)
    except TimeoutError as e:
        print("timeout", repr(e))

async def eager():
    async def ready():
        return "at once"
    async def later():
        await asyncio.sleep(0)
        return "later"
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    a, b = asyncio.create_task(ready()), asyncio.create_task(later())
    print(a.done(), a.result(), b.done(), await b, a.get_coro())

async def wrong():
    class Odd:
        def __await__(self):
            yield 3
    try:
        await Odd()
    except RuntimeError as e:
        print(e)
    fut = asyncio.get_running_loop().create_future()
    it = iter(fut)
    print(next(it) is fut, fut._asyncio_future_blocking)
    try:
        next(it)
    except RuntimeError as e:
        print(e)
    fut.set_result(7)
    try:
        it.send(None)
    except StopIteration as e:
        print("stop", e.value)

asyncio.run(main())
asyncio.run(eager())
asyncio.run(wrong())
try:
    asyncio.get_running_loop()
except RuntimeError as e:
    print(e)

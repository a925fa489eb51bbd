# Compiled code, the thread that compiles, and fork: parent and child have their own from then on.
import os
import threading


def make(n):
    names = {}
    exec(
        "def f(k):\n"
        "    t = 0\n"
        "    for i in range(k):\n"
        f"        t += i * {n} + (i & {n})\n"
        "        if t > 10**9:\n"
        "            t -= 10**9\n"
        "    return t\n",
        names,
    )
    return names["f"]


def plain(n, k):
    t = 0
    for i in range(k):
        t += i * n + (i & n)
        if t > 10**9:
            t -= 10**9
    return t


def work(seed):
    for j in range(4):
        f = make(seed + j)
        results = {f(3000) for _ in range(5)}
        if results != {plain(seed + j, 3000)}:
            return 1
    return 0


def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


bad = 0
for n in range(8):
    work(n)
    pid = os.fork()
    if pid == 0:
        code = work(1000 + n)
        if n % 3 == 0:
            pid = os.fork()
            if pid == 0:
                os._exit(work(5))
            code |= status(pid)
        os._exit(code)
    bad += work(2000 + n)
    bad += status(pid)
print(bad)

results = []
threads = [threading.Thread(target=lambda n=n: results.append(work(n * 50))) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results, threading.active_count())

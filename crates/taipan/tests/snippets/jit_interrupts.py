# Trace functions, threads and signals reach loops that are compiled.

import sys
ev = []


def tracer(fr, what, arg):
    if fr.f_code.co_name in ('hot', 'leafy', 'rec'):
        ev.append((fr.f_code.co_name, what, fr.f_lineno - fr.f_code.co_firstlineno))
    return tracer


def leafy(x):
    y = x + 1
    return y


def hot(n, at):
    t = 0
    for i in range(n):
        if i == at:
            sys.settrace(tracer)
            sys._getframe().f_trace = tracer
        t += leafy(i)
        if i == at + 3:
            sys.settrace(None)
            sys._getframe().f_trace = None
    return t


for r in range(4):
    print(hot(40, 10), ev)
    ev.clear()


def tr2(fr, what, arg):
    if what == 'line' and fr.f_code.co_name == 'hot3' and (fr.f_locals.get('i') == 20):
        fr.f_locals['t'] = 0
    return tr2


def hot3(n):
    t = 0
    for i in range(n):
        t += i
    return t


for r in range(3):
    print(hot3(30))
sys.settrace(tr2)
print(hot3(30))
sys.settrace(None)
print(hot3(30))
import threading
total = 0


class Box:
    pass


box = Box()
box.flag = False
box.n = 0


def spin():
    c = 0
    while not box.flag:
        c += 1
    return c > 0


t = threading.Timer(0.3, lambda: setattr(box, 'flag', True))
t.start()
print(spin())
t.join()
STOP = False


def spin2():
    c = 0
    while not STOP:
        c += 1
    return c > 0


def stop():
    global STOP
    STOP = True


t = threading.Timer(0.3, stop)
t.start()
print(spin2())
t.join()
import signal
STOP = False


def handler(s, f):
    global STOP
    STOP = True


signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
print(spin2())


def handler(s, f):
    raise TimeoutError('alarm')


signal.signal(signal.SIGALRM, handler)


def forever():
    i = 0
    while True:
        i = i + 1 & 255


for r in range(3):
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        forever()
    except TimeoutError as e:
        print(e)
lst = [0]


def spin3():
    while lst[0] == 0:
        pass
    return lst


t = threading.Timer(0.3, lambda: lst.__setitem__(0, 5))
t.start()
print(spin3())
t.join()
d = {}


def spin4():
    while 'k' not in d:
        pass
    return d


t = threading.Timer(0.3, lambda: d.__setitem__('k', 5))
t.start()
print(spin4())
t.join()


def spin5():
    x = None

    def s():
        nonlocal x
        x = 1
    t = threading.Timer(0.3, s)
    t.start()
    while x is None:
        pass
    t.join()
    return x


print(spin5())


def work(n, out):
    s = 0
    for i in range(n):
        s += i * 2 % 7
    out.append(s)


outs = []
ts = [threading.Thread(target=work, args=(20000, outs)) for _ in range(4)]
[t.start() for t in ts]
[t.join() for t in ts]
print(outs)

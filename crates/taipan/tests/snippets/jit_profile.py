# sys.setprofile called from compiled code.

import sys
events = []


def leafy(x):
    return x


def profile(frame, what, arg):
    events.append((what, frame.f_code.co_name))


def hot(n, at):
    t = 0
    for i in range(n):
        if i == at:
            sys.setprofile(profile)
        t += leafy(i)
        t += leafy(t)
        if i == at + 1:
            sys.setprofile(None)
    return t


for r in range(4):
    hot(40, 10)
    print([e for e in events if e[1] == 'leafy'])
    events.clear()

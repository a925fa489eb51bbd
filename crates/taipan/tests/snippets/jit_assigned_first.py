"""Variables that rounds of a loop assign before they read them: what they are where a loop begins shows in frames only."""

def sums(items, fail_at, kind):
    for i in range(len(items)):
        x = items[i]
        if i == fail_at:
            raise KeyError(i)
        half = x / 2
        twice = x * 2
        if kind and i % 7 == kind:
            half = str(half)
    return i, x, half, twice


def seen(items, fail_at, kind=0):
    try:
        return sums(items, fail_at, kind)
    except KeyError as e:
        frame = e.__traceback__.tb_next.tb_frame
        names = {k: v for k, v in frame.f_locals.items() if k != "items"}
        return "failed", sorted(names.items())


def shown(n, look):
    """The loop's variables, asked for in its rounds."""
    out = []
    for k in range(n):
        if k == look:
            out.append(sorted(kv for kv in locals().items() if kv[0] != "out"))
        a = k * 1.5
        b = k + 1
        for j in range(3):
            c = a * j
            if k == look and j == 1:
                out.append(sorted(kv for kv in locals().items() if kv[0] != "out"))
            d = b - j
    return out, a, b, c, d


def deleted(n):
    total = 0
    for k in range(n):
        y = k * 3
        total += y
        del y
    try:
        return total, y
    except UnboundLocalError as e:
        return total, str(e)


def nested(rows):
    best = 0
    for row in rows:
        for v in row:
            w = v * v
            if w > best:
                best = w
        w = None
    return best, w


numbers = list(range(40))
floats = [n / 4 for n in numbers]
for round in range(60):
    a = seen(numbers, 41), seen(floats, 41), seen(numbers, round % 40), seen(floats, 0)
    b = seen(numbers, 30, 1 + round % 6), seen([True] * 12, 3), seen([2**70] * 9, 4)
    if round % 20 == 19:
        print(a)
        print(b)
for round in range(40):
    c = shown(round % 5 + 1, round % 5), deleted(round + 1), nested([numbers, floats, numbers[:round]])
    if round % 13 == 12:
        print(c)


class Tracer:
    """Sees the frame of a loop when it is left by an exception."""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        while traceback.tb_next:
            traceback = traceback.tb_next
        self.names = sorted(kv for kv in traceback.tb_frame.f_locals.items() if isinstance(kv[1], (int, float)))
        return True


def divides(divisors):
    for d in divisors:
        q = 100 / d
        r = 100 % d
    return q, r


for round in range(50):
    tracer = Tracer()
    with tracer:
        divides([5] * (round % 9) + [0])
    if round % 10 == 9:
        print(tracer.names)

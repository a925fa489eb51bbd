"""Loops that append in every round, loops whose last item is carried, values of a loop that a later loop's exits name."""
import sys


def squares(n):
    out = []
    for i in range(n):
        out.append(i * i)
    return out


def leaving(n, at):
    """Leaves early: the room that was made is not all used."""
    out = [0]
    for i in range(n):
        if i == at:
            break
        out.append(i)
    return out


def raising(n, at):
    out = []
    try:
        for i in range(n):
            out.append(100 // (at - i))
    except ZeroDivisionError:
        out.append("zero")
    return out


def nested(rows, columns):
    flat = []
    for i in range(rows):
        for j in range(columns):
            flat.append(i * j)
        flat.append(-1)
    return flat


def short_rounds(n, limit):
    """Inner loops that could go on for long but are left at once."""
    out = []
    for i in range(n):
        for j in range(limit):
            out.append(j + i)
            if j == i & 1:
                break
    return out


def doubles(items):
    return [x * 0.5 for x in items]


def doubles_then(n, k):
    out = []
    for i in range(n):
        out.append(i * 0.5 if i != k else "k")
    return out


def bools(n):
    out = [True] * 40
    for i in range(n):
        out.append(i % 3 == 0)
    return out


def two_lists(a, b):
    both, sums = [], []
    for i in range(len(a)):
        both.append((a[i], b[i]))
        sums.append(a[i] + b[i])
    return both, sums


def itself(n):
    """A list that holds itself and grows."""
    out = []
    out.append(out)
    for i in range(n):
        out.append(i)
    return len(out), out[0] is out, out[-3:]


def running(items, first):
    """The last item is read in every round: sums that become too large for a small int."""
    out = [first]
    for i in range(len(items)):
        out.append(out[i] + items[i])
    return out


def running_last(items, first):
    out = [first]
    for j, x in enumerate(items):
        best = x
        if out[j] + 1 < best:
            best = out[j] + 1
        out.append(best)
    return out


def while_other_grows(n):
    """Going through a list while the loop appends to another one, and to the same one."""
    a, b = [1, 2, 3], []
    for x in a:
        if len(a) < n:
            a.append(x + 1)
        b.append(x)
    return len(a), len(b), b[-2:]


TABLE = [i * 7 % 64 for i in range(64)]


def constant_table(items):
    total = 0
    for i in range(len(items)):
        total += TABLE[i & 63] ^ items[i]
    return total


def changed_table(items, at):
    total = 0
    for i in range(len(items)):
        if i == at:
            TABLE.clear()
            TABLE.extend(float(k) for k in range(64))
        total += TABLE[i & 63] * items[i]
    return total


def after(n, at):
    """What the first loop left is seen where the second one is left."""
    s = t = 0
    for i in range(n):
        s = s + i
        t = s ^ i
        u = t * 3
    for k in range(n):
        if k == at:
            return sorted((name, v) for name, v in sys._getframe().f_locals.items())
    return s, t, u, k


def after_raise(n, at):
    s, w = 0, 1.5
    for i in range(n):
        s += i
        w = w * 0.5 + s
    done = 0
    while done < n:
        done += 1
        done // (at - done)
    return s


def locals_of(f, *args):
    try:
        f(*args)
    except ZeroDivisionError as e:
        tb = e.__traceback__
        while tb.tb_next:
            tb = tb.tb_next
        return sorted(tb.tb_frame.f_locals.items())


for _ in range(6):
    print(squares(50)[-2:], len(squares(9000)), sum(squares(20000)))
    print(leaving(10**6, 5), len(leaving(10**15, 700)), leaving(3, 99))
    print(raising(200, 150)[-3:], raising(200, 400)[-2:])
    print(len(nested(30, 7)), nested(3, 4), len(nested(50, 0)))
    print(len(short_rounds(3000, 10**6)), short_rounds(5, 10**9))
    print(doubles(range(300))[-1], doubles([1.0, 2.5] * 40)[:3])
    print(doubles_then(60, -1)[-1], doubles_then(60, 33)[31:35])
    print(bools(50)[-5:], type(bools(3)[-1]))
    print(two_lists(list(range(90)), [x * 0.5 for x in range(90)])[1][-1])
    print(itself(100))
    print(running([1] * 80, 0)[-1], running([2**60] * 20, 5)[-1], running([-(2**61)] * 9, -7)[-1])
    print(running([1] * 40, 2**62 - 20)[-3:], running([0.5] * 40, 0)[-1], running([1] * 40, 0.5)[-1])
    print(running([2**70] * 3, 1), running([1] * 30, 2**63)[-1], running([1, 2, "x"][:2] * 9, True)[-1])
    print(running_last([9, 3, 8] * 30, 4)[-4:], running_last([2**62] * 3 + [5], 2**62 - 2))
    print(while_other_grows(500))
    print(constant_table(list(range(500))))
    print(after(60, -1), after(60, 59))
    print(locals_of(after_raise, 70, 66), after_raise(40, 90))

for i in range(40):
    changed_table(list(range(100)), -1)
print(changed_table(list(range(100)), 50), constant_table.__name__)
try:
    print(constant_table([1, 2, 3]))
except TypeError as e:
    print(e)

# Nested loops with break, continue and else; loops entered in the middle; variables that change their kind between loops.


def primes(n):
    out = []
    for i in range(2, n):
        for p in out:
            if p * p > i:
                out.append(i)
                break
            if i % p == 0:
                break
        else:
            out.append(i)
    return out


def collatz(limit):
    best = (0, 0)
    for start in range(1, limit):
        n, steps = start, 0
        while n != 1:
            if n % 2:
                n = 3 * n + 1
            else:
                n //= 2
            steps += 1
            if steps > 1000:
                break
        else:
            if steps > best[0]:
                best = (steps, start)
                continue
    return best


def triangle(n):
    total = 0
    i = n
    while True:
        i -= 1
        if i < 0:
            break
        j = 0
        while j < i:
            j += 1
            if j == 5:
                continue
            k = j
            while k:
                k -= 1
                if (i + j + k) % 11 == 0:
                    total += 1
                    break
    return total


def retyped(n):
    x, out = 1, []
    for i in range(n):
        x += i
    out.append(x)
    for i in range(n):
        x += 0.5
    out.append(x)
    x = str(x)
    for i in range(n):
        x += "a"
    out.append(x)
    x = [x]
    for i in range(n):
        x += [i]
    out.append(x[-3:])
    return out


def unbound(n, late):
    out = []
    for i in range(n):
        if i >= late:
            y = i
        try:
            out.append(y * 2)
        except UnboundLocalError as e:
            out.append(str(e)[:30])
    return out[::4]


def many(n):
    a, b, c, d, e, f = 0, 1, 2.0, "s", None, ()
    for i in range(n):
        a, b = b, (a + b) % 1000
        c, d = c * 1.5 % 100, d[-5:] + str(i % 10)
        e = f if e is None else None
        f = (*f[-2:], i)
    return a, b, c, d, e, f


def after(n):
    for i in range(n):
        pass
    try:
        return i
    except UnboundLocalError as e:
        return str(e)


def steps():
    out = []
    for args in ((10,), (3, 12), (0, 20, 3), (20, 0, -3), (5, 5), (5, 0), (0, 5, -1), (2**62 - 2, 2**62 + 2), (-(2**62) - 2, -(2**62) + 2), (2**64, 2**64 + 3)):
        total = 0
        for i in range(*args):
            total = total * 3 + i
        out.append(total)
    return out


for r in range(5):
    print(primes(120)[-5:], collatz(60), triangle(20 + r), retyped(12), unbound(20, 7), many(30), after(9), after(0), steps())

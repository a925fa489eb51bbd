# A list iterator that a callee exhausts stays exhausted.


def drain(it):
    return list(it)


def f(n):
    items = list(range(n))
    it, out = (iter(items), [])
    for x in it:
        out.append(x)
        if x == n - 8:
            out.append(drain(it))
            items.append(99)
    return out


for r in range(6):
    print(f(20))

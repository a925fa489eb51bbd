# loops that are entered in the middle, over ranges whose steps vary
def walk(r, xs):
    total = last = 0
    for i in r:
        total += xs[i]
        last = i
    return total, last

def drain(it, n):
    out = []
    for i in it:
        out.append(i)
        if len(out) == n:
            break
    return out[-1], len(out), sum(out)

xs = [k * 3 % 17 for k in range(4000)]
for k in range(90):
    step = 1 if k < 30 else (2, 1, -1, 3)[k % 4]
    r = range(3999, -1, step) if step < 0 else range(k, 4000, step)
    it = iter(r)
    print(k, walk(r, xs), drain(it, 700), drain(it, 600))

total = 0
for i in range(20000):
    total += i & 7
print(total, i)
for i in range(20000, 0, -3):
    total -= i & 7
print(total, i)
try:
    for i in range(3990, 6000):
        total += xs[i]
except IndexError as e:
    print(total, i, e)

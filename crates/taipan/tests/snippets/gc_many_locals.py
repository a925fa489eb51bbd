"""Arguments of functions with many locals survive collections while they are bound."""
import gc


def many(a, /, *rest, k=1, **named):
    b = c = d = e = f = g = h = i = j = l = m = n = o = p = q = a
    return a, rest, k, named, b + c + d + e + f + g + h + i + j + l + m + n + o + p + q


for x in range(300):
    gc.collect(0) if x % 50 == 0 else None
    got = many(x, x + 1, str(x), k=[x], z=x, y=(x, x))
    assert got == (x, (x + 1, str(x)), [x], {"z": x, "y": (x, x)}, 15 * x), got
print(got)

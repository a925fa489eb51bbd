def f(a, b):
    c = a + b
    a, b = b, a
    c += 1
    d = c if a < 10 else f(a)
    d = d or {}
    return d + (d := 5)
def g(x):
    if x:
        y = 1
    print(y)
    del y
    while x is not None:
        x = x.next(1, key=y)

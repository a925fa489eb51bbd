# Operators and calls whose results are not used, made hot with one kind of operands, run with others.

import re
import zlib


class Loud:
    pass


def loud(name):

    def f(self, *a):
        LOG.append(name)
        return {'__bool__': True, '__len__': 3, '__index__': 1, '__hash__': 1, '__int__': 2, '__float__': 1.5, '__str__': 's', '__repr__': 'r', '__format__': 'f', '__iter__': iter(()), '__contains__': True}.get(name, self)
    return f


for n in 'add radd sub rsub mul rmul truediv floordiv rfloordiv mod lshift rlshift rshift and or xor neg pos invert lt le eq ne gt ge bool len getitem call index hash int float str repr format iter contains abs'.split():
    setattr(Loud, f'__{n}__', loud(f'__{n}__'))
LOG = []
EXPRS = ['x + 1', 'x - y', 'x * 2', 'x / y', 'x // y', 'x % y', 'x << y', 'x >> y', 'x & y', 'x | y', 'x ^ y', '-x', '+x', '~x', 'not x', 'x < y', 'x == y', 'x != 3', 'x < y < 3', 'x and y', 'x or y', 'x if y else 2', 'x is y', 'x is None', 'x[0]', 'x[y]', 'x.a', 'x.m', 'x()', 'len(x)', 'abs(x)', 'int(x)', 'float(x)', 'min(x, y)', 'isinstance(x, int)', 'x in (1, 2)', '1 in [x]', "f'{x}'", '[x + 1]', '(x, -y)', '{x: 1}', '[z + x for z in (1, 2)]', 'range(x)', 'x ** 2', '1.5 + x', 'x * 0.5', '2.5 < x', 'x + "a"', 'x + [1]', '10 // x', '10 % x', '1 / x', 'x == None', 'hash(x)', 'bool(x)', 'str(x)', 'iter(x)', 'u', 'x + u', 'nosuch', 'sum([x])']
ns = {'LOG': LOG}
fs = []
for i, e in enumerate(EXPRS):
    src = f"\ndef f{i}(x, y):\n    if x == 12345: u = 1\n    {e}\n    return 'ok'\ndef g{i}(x, y):\n    for k in range(3):\n        try:\n            {e}\n        except Exception as err:\n            return type(err).__name__, str(err)\n        {e}\n    return 'done'\ndef h{i}(x, y):\n    t = 0\n    for k in range(4):\n        if k == 2: q = {(e.replace('u', 'k') if e in ('u', 'x + u') else e)}\n        t += k\n    return t\n"
    exec(src, ns)
    fs += [ns[f'f{i}'], ns[f'g{i}'], ns[f'h{i}']]


def call(f, a):
    LOG.clear()
    try:
        r = f(*a)
    except Exception as e:
        r = (type(e).__name__, str(e))
    return (r, LOG[:])


SETS = [[(3, 2)] * 8, [(2.5, 1.5)] * 8, [('a', 'b')] * 8, [(True, 1)] * 8, [([1], 0)] * 8, [(3, 2.5)] * 8]
PROBES = [(3, 2), (2.5, 0.5), ('a', 1), (None, None), (Loud(), 1), (1, Loud()), ([1], 0), (2 ** 62, 3), (1, 0), (1, -1), (True, False), ((), 5), (0.0, 0), (1, 'a'), (Loud(), Loud())]
for f in fs:
    for warm in SETS:
        for a in warm:
            call(f, a)
        res = [call(f, p) for p in PROBES]
        text = re.sub('0x[0-9a-f]+|<[^>]*>', '', str(res))
        print(EXPRS[int(f.__name__[1:])], f.__name__, len(text), zlib.crc32(text.encode()))

# Operators and built-in functions on numbers of all kinds.

import math
import zlib
nan = float('nan')
inf = float('inf')
VALS = [0, 1, -1, True, False, 2.5, -0.0, 0.0, nan, inf, -inf, 2 ** 53 + 1, 2 ** 62 - 1, 2 ** 62, -2 ** 62, -2 ** 62 - 1, 2 ** 63, -2 ** 63, 2 ** 64, 1e+300, 'a', None, 3.0, -3.7, 7]


def one(x):
    out = []
    for i in range(2):
        try:
            out.append(abs(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(int(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(float(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(math.sqrt(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(math.floor(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(-x)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(not x)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(str(x) + repr(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(bool(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(chr(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(round(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(range(x))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x ** 2 if not isinstance(x, float) else 0)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(type(x).__name__)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(isinstance(x, int) + isinstance(x, (float, str)) * 2)
        except Exception as e:
            out.append(str(e))
    return out


def two(x, y):
    out = []
    for i in range(2):
        try:
            out.append(min(x, y))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(max(x, y))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x + y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x - y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x * y)
        except Exception as e:
            out.append(str(e)[:30])
        try:
            out.append(x / y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x // y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x % y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x == y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x < y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x >= y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x >> (y if isinstance(y, int) and y < 10 ** 6 else 2))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x << (y if isinstance(y, int) and y < 100 else 2))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x & y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x | y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x ^ y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(divmod(x, y))
        except Exception as e:
            out.append(str(e))
        try:
            out.append(x is y)
        except Exception as e:
            out.append(str(e))
        try:
            out.append(range(x, y, 3)[-1] if y != inf and abs(y) < 100 and (abs(x) < 100) else 0)
        except Exception as e:
            out.append(str(e))
    return out


VALS2 = [v for v in VALS if v != 'a']


def crc(v):
    return zlib.crc32(repr(v).encode())


for rep in range(2):
    for x in VALS:
        for _ in range(5):
            z = one(x)
        print(x, crc(z))
for x in VALS2:
    row = []
    for y in VALS2:
        for _ in range(2):
            z = two(x, y)
        row.append(z)
    print(x, crc(row))

"""Prints float test cases (bit patterns in hex) and CPython's results, tab separated."""
import random, struct
R = random.Random(3)
def bits(x): return struct.pack('>d', x).hex()
def p(*a): print(*a, sep='\t')
def rnd():
    k = R.randrange(7)
    if k == 0: return struct.unpack('>d', R.randbytes(8))[0]
    if k == 1: return float(R.randrange(-10**R.randrange(1, 25), 10**R.randrange(1, 25)))
    if k == 2: return round(R.uniform(-1000, 1000), R.randrange(6))
    if k == 3: return 2.0 ** R.randrange(-1074, 1024)
    if k == 4: return R.randrange(-4000, 4000) / 8
    if k == 5: return float('%de%d' % (R.randrange(1, 1000), R.randrange(-330, 308)))
    return R.uniform(-1, 1) * 10.0 ** R.randrange(-20, 20)
def tryf(f, *a):
    try: return repr(f(*a))
    except (OverflowError, ValueError): return 'error'
def fromhex(h):
    try: return repr(float.fromhex(h))
    except OverflowError: return 'Overflow'
    except ValueError: return 'Invalid'
def powf(x, y):
    try:
        r = x ** y
        return 'Complex' if isinstance(r, complex) else repr(r)
    except ZeroDivisionError: return 'ZeroDivision'
    except OverflowError: return 'Overflow'
for i in range(40000):
    x = rnd()
    if x != x: continue
    p('repr', bits(x), repr(x))
    if x - x == 0:
        p('hex', bits(x), x.hex()); p('hash', bits(x), hash(x))
        nd = R.choice((0, 1, 2, 3, 5, 10, 17, 20, 100, 320, -1, -2, -3, -5, -15, -20, -300)); p('round', bits(x), nd, tryf(round, x, nd))
        if i % 4 == 0: p('ratio', bits(x), '%d %d' % x.as_integer_ratio())
        s = repr(x)[:R.randrange(1, 20)] + R.choice(('', '0', '_1', 'e5', '.', '_')); p('parse', s, tryf(float, s))
        h = x.hex(); h = h.replace('.', R.choice(('.', '.', '', '.8', '7.', 'f.000000000000000000001'))); p('fromhex', h, fromhex(h))
    y = rnd()
    if y == y:
        if y: p('divmod', bits(x), bits(y), '%r %r' % divmod(x, y))
        p('crepr', bits(x), bits(y), repr(complex(x, y)))
    y = float(R.choice((0, 1, 2, -1, -2, .5, 1/3, 10, 1e10, 300, float('inf'), -float('inf')))); p('pow', bits(x), bits(y), powf(x, y))
    if x - x == 0:
        c = R.choice('eEfFgG'); pr = R.choice((0, 1, 2, 3, 6, 10, 16, 17, 20, 40, 400, 1500)); alt = R.randrange(2)
        p('fmt', bits(x), pr, c, alt, ('%#.*' + c if alt else '%.*' + c) % (pr, x))

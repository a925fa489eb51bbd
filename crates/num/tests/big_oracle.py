"""Prints integer test cases: op, operands, expected (tab separated)."""
import math, random, sys
sys.set_int_max_str_digits(0)
R = random.Random(14)
def n(bits):
    k = R.randrange(6)
    v = R.getrandbits(bits)
    if k == 0: v = (1 << bits) - R.randrange(3)
    if k == 1: v = (1 << bits) | R.randrange(3)
    if k == 2: v = v >> (bits // 2) << (bits // 2)
    if k == 3: v = ((1 << bits) - 1) ^ (R.getrandbits(30) << R.randrange(bits + 1))
    return -v if R.random() < .4 else v
def p(*a): print(*a, sep='\t')
def tf(a, b):
    try: return repr(a / b)
    except OverflowError: return 'overflow'
def fl(a):
    try: return repr(float(a))
    except OverflowError: return 'overflow'
def pm(a, b):
    try: return pow(a, 0x2345 + (7 << 30), b)
    except ValueError: return 'error'
def inv(a, b):
    try: return pow(a, -1, b)
    except ValueError: return 'error'
SIZES = [1, 5, 29, 30, 31, 59, 60, 61, 63, 64, 65, 90, 120, 128, 150, 200, 300, 700, 1000, 1023, 1024, 1025, 2000, 4000]
for i in range(6000):
    a, b = n(R.choice(SIZES)), n(R.choice(SIZES))
    for op, f in (('add', int.__add__), ('sub', int.__sub__), ('mul', int.__mul__), ('and', int.__and__), ('or', int.__or__), ('xor', int.__xor__)):
        p(op, a, b, f(a, b))
    if b:
        p('divmod', a, b, '%d %d' % divmod(a, b)); p('mod', a, b, a % b); p('truediv', a, b, tf(a, b))
        if i % 20 == 0: p('powmod', a, b, pm(a, b)); p('inv', a, b, inv(a, b))
    p('gcd', a, b, math.gcd(a, b))
    s = R.randrange(200); p('shl', a, s, a << s); p('shr', a, s, a >> s)
    if abs(a) < 1 << 200: e = R.randrange(30); p('pow', a, e, a ** e)
    p('not', a, ~a); p('hash', a, hash(a)); p('float', a, fl(a)); p('bits', a, '%d %d' % (a.bit_length(), a.bit_count()))
    p('isqrt', a, math.isqrt(abs(a))); p('hex', a, ('%x' % a)); p('oct', a, '%o' % a)
    p('i64', a, a if -2**63 <= a < 2**63 else 'none')
    p('bytes', a, a.to_bytes(a.bit_length() // 8 + 1 if a >= 0 else (-a).bit_length() // 8 + 1, 'little', signed=True).hex()); p('base36', a, '')
for i in range(30):
    for bits in (9000, 20000, 50000, 100000):
        a, b = n(bits), n(R.choice((3000, 5000, bits // 2, bits)))
        p('mul', a, b, a * b); p('gcd', a, b, math.gcd(a, b)) if bits < 30000 else 0
        if b: p('divmod', a, b, '%d %d' % divmod(a, b))
        p('base36', a, '')
# halfway cases for float conversion and true division
for i in range(2000):
    m = R.getrandbits(53) | 1 << 52; e = R.randrange(1, 900); d = R.choice((-1, 0, 1))
    a = ((m << 1 | 1) << e) + d; p('float', a, fl(a))
    s = R.randrange(1100, 2200); p('truediv', a, 1 << s, tf(a, 1 << s)); b = R.getrandbits(60) | 1; p('truediv', a * b, b << s, tf(a * b, b << s))

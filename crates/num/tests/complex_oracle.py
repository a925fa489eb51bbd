"""Prints complex and integer-literal test cases and CPython's results, tab separated."""
import random, struct
R = random.Random(8)
bits = lambda x: struct.pack('>d', x).hex()
def p(*a): print(*a, sep='\t')
inf, nan = float('inf'), float('nan')
V = [0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.5, 1e200, 1e-200, inf, -inf, nan, 1.25, 7.0]
def tr(f):
    try: return repr(f())
    except (ZeroDivisionError, OverflowError, ValueError) as e: return type(e).__name__
for i in range(12000):
    a, b = complex(R.choice(V), R.choice(V)), complex(R.choice(V), R.choice(V))
    f = [bits(x) for x in (a.real, a.imag, b.real, b.imag)]
    p('mul', *f, tr(lambda: a * b)); p('div', *f, tr(lambda: a / b)); p('abs', *f, tr(lambda: abs(a)))
    if a == a: p('hash', *f, hash(a))
    b = R.choice((b, complex(R.randrange(-5, 6), 0)))
    f = [bits(x) for x in (a.real, a.imag, b.real, b.imag)]
    if all(abs(x) < 100 for x in (a.real, a.imag, b.real, b.imag)): p('pow', *f, tr(lambda: a ** b))
    s = ''.join(R.choice('1.5ej+-_(in) 0Jnf') for _ in range(R.randrange(1, 7))).strip()
    if R.random() < .5: s = R.choice(('', '-', '+', '(')) + R.choice(('1', '1.5', '.5', 'inf', 'nan', '1e5', '1_0')) + R.choice(('', '+', '-')) + R.choice(('', '2', '1e-3', 'inf', 'nan')) + R.choice(('j', 'J', '', ')'))
    if s: p('parse', s.replace(' ', '~'), tr(lambda: complex(s)))
    s = R.choice(('', '-', '+')) + R.choice(('', '0', '0x', '0b', '0o', '0X_')) + ''.join(R.choice('01_1799afz') for _ in range(R.randrange(5))); base = R.choice((0, 2, 8, 10, 16, 36, 7))
    p('int', s or '~', base, tr(lambda: int(s, base)))

"""Prints formatting test cases as hex-encoded UTF-8 fields: op, args..., expected."""
import _string, random, struct, sys
R = random.Random(9)
def p(*a): print('\t'.join(str(x).encode('utf-8', 'surrogatepass').hex() for x in a))
def tr(f):
    try: return f()
    except (ValueError, OverflowError) as e: return f'{type(e).__name__}: {e}'
def opt(*a, chance=.5): return R.choice(a) if R.random() < chance else ''
def spec(kinds):
    f = opt('*', '0', ' ', 'é', '{', 'x', chance=.2)
    a = opt('<', '>', '^', '=', chance=.3)
    if f and not a: a = R.choice('<>^=')
    w = opt('0', '5', '12', '20', '40', '1', '007', '٣', '99999999999999999999', chance=.5)
    if len(w) > 10 and R.random() < .9: w = '8'
    pr = opt('.0', '.1', '.3', '.10', '.', '.20', '.3_', '.8,', '._', '.,', '.5_,', chance=.4)
    s = f + a + opt('+', '-', ' ', chance=.3) + opt('z', chance=.1) + opt('#', chance=.2) + opt('0', chance=.3) + w + opt(',', '_', ',_', '_,', ',,', chance=.3) + pr + opt(*kinds, chance=.8)
    if R.random() < .03: s += R.choice(('é', 'q', 'dd', '\x01'))
    return s
INTS = [0, 1, -1, 7, 12, 123, 1234, -12345, 1234567, 2**31, -2**40, 10**18, 10**30, -10**25, 65, 0x1F600, 0x110000, 0xd800, 10**400]
FLS = [0.0, -0.0, 1.0, -1.5, 0.1, 123.456, 1234567.891, 1e16, 1e15, 1e100, -1e-5, 0.5, 2.5, 1e-10, 5e-324, float('inf'), -float('inf'), float('nan'), 999999.5, 0.0001, 12345678901234567.0, -0.001]
for i in range(60000):
    s = spec('bcdoxXneEfFgG%sr' + 'dfgx' * 3)
    if i % 3 == 0:
        v = R.choice(INTS) if R.random() < .5 else R.randrange(-10**R.randrange(1, 20), 10**R.randrange(1, 20)); p('int', v, s, tr(lambda: format(v, s) if s else str(v)))
    elif i % 3 == 1:
        v = R.choice(FLS) if R.random() < .5 else R.uniform(-1, 1) * 10 ** R.randrange(-8, 20); p('float', struct.pack('>d', v).hex(), s, tr(lambda: format(v, s)))
    elif i % 2:
        a, b = R.choice(FLS), R.choice(FLS); p('complex', struct.pack('>d', a).hex(), struct.pack('>d', b).hex(), s, tr(lambda: format(complex(a, b), s)))
    else:
        v = R.choice(('', 'a', 'héllo', 'x' * 12)); s = spec('sssd'); p('str', v, s, tr(lambda: format(v, s)))
for i in range(20000):
    s = '%' + ''.join(R.choice('-+ #0') for _ in range(R.randrange(4))) + opt('5', '12', '30', '1') + opt('.', '.0', '.3', '.15') + opt('l', 'h', 'L', chance=.1)
    if i % 3 == 0: v = R.choice(INTS); s += R.choice('dioxXu'); p('pint', v, s, tr(lambda: s % v))
    elif i % 3 == 1: v = R.choice(FLS); s += R.choice('eEfFgG'); p('pfloat', struct.pack('>d', v).hex(), s, tr(lambda: s % v))
    else: v = R.choice(('', 'a', 'héllo', 'x' * 12)); s += R.choice('ss\x01qé%'); p('pstr', v, s, tr(lambda: s % ((v,) if s != '%%' else ())))
for s in ('%', '%5', '%(a', '%(a(b)', '%.', '%l', 'abc%', '%99999999999999999999d', '%.9999999999d'): p('pstr', '', s, tr(lambda: s % {'a': 1}))
def tmpl(s): return repr([(a, b, c, d) for a, b, c, d in _string.formatter_parser(s)])
def fields(s):
    first, rest = _string.formatter_field_name_split(s)
    return repr((first, list(rest)))
for i in range(30000):
    s = ''.join(R.choice('{{{}}}ab:![].0!:9') for _ in range(R.randrange(12))); p('template', s, tr(lambda: tmpl(s)))
    s = ''.join(R.choice('ab[[]]..019') for _ in range(R.randrange(9))); p('field', s, tr(lambda: fields(s)))
for s in ('9' * 30, 'a[%s]' % ('9' * 30), '9' * 30 + 'a'): p('field', s, tr(lambda: fields(s)))

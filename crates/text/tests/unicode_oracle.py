"""Prints Unicode test cases: op, code points, expected (tab separated)."""
import _sre, random, sys, unicodedata as U
R = random.Random(16)
w = sys.stdout.write
hx = lambda s: ' '.join('%x' % ord(c) for c in s)
num = lambda v: '-' if v is None else repr(float(v))
sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')
def case(op, s, v): w(f'{op}\t{hx(s)}\t{v}\n')
for cp in range(0x110000):
    c = chr(cp)
    if U.category(c) in ('Cn', 'Co') and cp % 97: continue
    fl = [c.isalpha(), c.isdecimal(), c.isdigit(), c.isnumeric(), c.isalnum(), c.islower(), c.isupper(), U.category(c) == 'Lt', c.isspace(), c.isprintable(),
          len(('a' + c + 'b').splitlines()) > 1, c.isidentifier() and c != '_', ('a' + c).isidentifier(), U.mirrored(c)]
    case('cp', c, '|'.join([''.join('01'[bool(x)] for x in fl), num(U.decimal(c, None)), num(U.digit(c, None)), num(U.numeric(c, None)),
        hx(c.lower()), hx(c.upper()), hx(c.title()), hx(c.casefold()), '%x' % _sre.unicode_tolower(cp), U.category(c), U.bidirectional(c), str(U.combining(c)),
        U.east_asian_width(c), U.decomposition(c), U.name(c, '-')]))
    n = U.name(c, None)
    if n: w(f'lookup\t{n.lower() if cp & 1 else n}\t{cp:x}\n')
assigned = [cp for cp in range(0x110000) if U.category(chr(cp)) not in ('Cn', 'Co')]
marks = [cp for cp in assigned if U.combining(chr(cp))]
dec = [cp for cp in assigned if U.decomposition(chr(cp))]
cased = [cp for cp in assigned if chr(cp).lower() != chr(cp) or chr(cp).upper() != chr(cp)]
pick = lambda: chr(R.choice(R.choice((assigned, marks, marks, dec, cased, [0x3a3], [0x41, 0x27, 0x1100, 0x1161, 0x11a8, 0xac00], range(128)))))
for i in range(40000):
    s = ''.join(pick() for _ in range(R.randrange(1, 8)))
    if R.random() < .3: s = U.normalize('NFD', s)
    for f in ('NFC', 'NFD', 'NFKC', 'NFKD'): case(f, s, hx(U.normalize(f, s)))
    for f in ('lower', 'upper', 'title', 'capitalize', 'swapcase', 'casefold'): case(f, s, hx(getattr(s, f)()))
    case('repr', s, repr(s))

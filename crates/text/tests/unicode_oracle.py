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
# Aliases, where cargo keeps the Unicode data file.
import glob, os
for path in glob.glob(os.path.expanduser('~/.cargo/registry/src/*/unicode_names2-2.0.0/data/NameAliases.txt')):
    for line in open(path, encoding='utf-8'):
        if line[0] not in '#\n':
            alias = line.split(';')[1]
            w(f'lookup\t{alias}\t{ord(U.lookup(alias)):x}\n')
def look(n):
    try: return '%x' % ord(U.lookup(n))
    except (KeyError, TypeError): return '-'
for n in ('LATINSMALLLETTERA', 'LATIN SMALL-LETTER A', 'latin_small_letter_a', 'CJK UNIFIED IDEOGRAPH-4e00', 'CJK UNIFIED IDEOGRAPH-04E00', 'CJK UNIFIED IDEOGRAPH-FFFF', 'cjk unified ideograph-4E00',
          'HANGUL SYLLABLE gag', 'hangul syllable GAG', 'HANGUL SYLLABLE', 'HANGUL SYLLABLE XX', ' SPACE', 'SPACE ', '', 'A', 'CJK COMPATIBILITY IDEOGRAPH-F900', 'TANGUT IDEOGRAPH-17000', 'tangut ideograph-17000', 'NUSHU CHARACTER-1B170', 'KHITAN SMALL SCRIPT CHARACTER-18B00', 'EGYPTIAN HIEROGLYPH-13460', 'BELL', 'ALERT'):
    w(f'lookup\t{n}\t{look(n)}\n')

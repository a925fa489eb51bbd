"""Writes src/unicode/tables.rs: the Unicode 16.0 properties behind Python's str methods.

Run with a Python whose unicodedata.unidata_version is 16.0.0; every property is asked of str
methods and unicodedata, one code point at a time.
"""
import _sre, sys, unicodedata as U
assert U.unidata_version == '16.0.0'
SHIFT = 7
FLAGS = 'ALPHA DECIMAL DIGIT NUMERIC LOWER UPPER TITLE SPACE PRINTABLE LINEBREAK CASED CASE_IGNORABLE XID_START XID_CONTINUE SPECIAL'.split()
BIT = {n: 1 << i for i, n in enumerate(FLAGS)}
special, numeric, decomp, pairs = [], [], [], []
tags, gcs, bidis, eaws = [''], [], [''], []
out = []

def idx(lst, v):
    if v not in lst: lst.append(v)
    return lst.index(v)

def simple_upper(c):
    u, t = c.upper(), c.title()
    return u if len(u) == 1 else t if len(t) == 1 else c

def record(cp):
    c = chr(cp)
    f = 0
    def flag(n, v):
        nonlocal f
        if v: f |= BIT[n]
    flag('ALPHA', c.isalpha()); flag('DECIMAL', c.isdecimal()); flag('DIGIT', c.isdigit()); flag('NUMERIC', c.isnumeric())
    flag('LOWER', c.islower()); flag('UPPER', c.isupper()); flag('TITLE', U.category(c) == 'Lt'); flag('SPACE', c.isspace())
    flag('PRINTABLE', c.isprintable()); flag('LINEBREAK', len(('a' + c + 'b').splitlines()) > 1)
    flag('CASED', c.islower() or c.istitle())
    final = lambda s: s.lower()[-1] == '\u03c2'
    flag('CASE_IGNORABLE', final('A' + c + '\u03a3') and not final(' ' + c + '\u03a3'))
    flag('XID_START', c.isidentifier() and c != '_'); flag('XID_CONTINUE', ('a' + c).isidentifier())
    lo, up = _sre.unicode_tolower(cp), ord(simple_upper(c))
    ti = ord(c.title()) if len(c.title()) == 1 else up
    full = [c.lower(), c.upper(), c.title(), c.casefold()]
    if full != [chr(lo), chr(up), chr(ti), chr(lo)]:
        flag('SPECIAL', True); special.append((cp, full))
    dec, dig = U.decimal(c, 255), U.digit(c, 255)
    if c.isnumeric() and dig == 255: numeric.append((cp, U.numeric(c)))
    return (f, dec, dig, up - cp, lo - cp, ti - cp)

def record_b(cp):
    c = chr(cp)
    d = '' if 0xAC00 <= cp < 0xAC00 + 11172 else U.decomposition(c)  # Hangul is computed
    if d:
        parts = d.split()
        tag = parts.pop(0)[1:-1] if d[0] == '<' else ''
        cps = [int(x, 16) for x in parts]
        decomp.append((cp, idx(tags, tag), cps))
        if not tag and len(cps) == 2 and U.normalize('NFC', ''.join(map(chr, cps))) == c: pairs.append((cps[0], cps[1], cp))
    # Quick check: 1 not NFC, 2 not NFD, 4 not NFKC, 8 not NFKD on its own.
    qc = sum(1 << i for i, n in enumerate(('NFC', 'NFD', 'NFKC', 'NFKD')) if not U.is_normalized(n, c))
    return (idx(gcs, U.category(c)), idx(bidis, U.bidirectional(c)), U.combining(c), idx(eaws, U.east_asian_width(c)), bool(U.mirrored(c)), bool(d), qc)

def table(name, recs, struct, fields):
    ids, uniq = {}, []
    seq = []
    for r in recs:
        if r not in ids: ids[r] = len(uniq); uniq.append(r)
        seq.append(ids[r])
    blocks, index = {}, []
    flat = []
    n = 1 << SHIFT
    for i in range(0, len(seq), n):
        b = tuple(seq[i:i + n])
        if b not in blocks: blocks[b] = len(blocks); flat.extend(b)
        index.append(blocks[b])
    ty = 'u8' if len(uniq) < 256 else 'u16'
    arr(f'{name}_INDEX', 'u8' if len(blocks) < 256 else 'u16', index)
    arr(f'{name}_BLOCKS', ty, flat)
    b = lambda v: str(v).lower() if isinstance(v, bool) else str(v)
    arr(f'{name}_RECORDS', struct, [f'{struct} {{ ' + ', '.join(f'{k}: {b(v)}' for k, v in zip(fields, r)) + ' }' for r in uniq])

def arr(name, ty, items):
    out.append(f'pub static {name}: [{ty}; {len(items)}] = [')
    line = ''
    for it in items:
        it = str(it)
        if len(line) + len(it) > 1000: out.append(line); line = ''
        line += it + ','
    out.append(line + '];')

ALL = range(0x110000)
ra = [record(cp) for cp in ALL]
rb = [record_b(cp) for cp in ALL]
# A character that may compose with the one before is in doubt for NFC and NFKC.
for cp in {b for _, b, _ in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11a8, 0x11c3)):
    rb[cp] = rb[cp][:-1] + (rb[cp][-1] | 5,)
table('CTYPE', ra, 'CType', ('flags', 'decimal', 'digit', 'upper', 'lower', 'title'))
table('UCD', rb, 'Ucd', ('category', 'bidi', 'combining', 'width', 'mirrored', 'decomposes', 'quick_check'))
pad = lambda s: '[' + ','.join(map(str, ([ord(x) for x in s] + [0, 0])[:3])) + ']'
arr('SPECIAL_CASES', '(u32, [[u32; 3]; 4])', [f'({cp},[{",".join(map(pad, full))}])' for cp, full in special])
arr('NUMERIC_VALUES', '(u32, f64)', [f'({cp},{v!r})' for cp, v in numeric])
flat, rows = [], []
for cp, tag, cps in decomp:
    rows.append(f'({cp},{tag},{len(flat)},{len(cps)})'); flat += cps
arr('DECOMPOSITIONS', '(u32, u8, u16, u8)', rows); arr('DECOMPOSED', 'u32', flat)
arr('COMPOSITIONS', '(u32, u32, u32)', [f'({a},{b},{c})' for a, b, c in sorted(pairs)])
for name, lst in (('TAGS', tags), ('CATEGORIES', gcs), ('BIDI', bidis), ('WIDTHS', eaws)):
    arr(name, "&str", ['"%s"' % s for s in lst])
head = ['// @generated by tools/gen_tables.py from Unicode 16.0 data; do not edit.', 'use super::{CType, Ucd};']
head += [f'pub const {n}: u16 = {b};' for n, b in BIT.items()]
open(sys.argv[1], 'w').write('\n'.join(head + out) + '\n')
print(len(special), len(numeric), len(decomp), len(pairs), len(set(ra)), len(set(rb)), [len(x) for x in (gcs, bidis, eaws, tags)])

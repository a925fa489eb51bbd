"""Prints codec test cases: dec|enc, codec, handler, final, input hex, expected (tab separated)."""
import _codecs, random, warnings
warnings.simplefilter('ignore')
R = random.Random(5)
def hx(s): return ' '.join('%x' % ord(c) for c in s)
def err(e): return f'{e.encoding} {e.start} {e.end} {e.reason}'
DEC = {n: getattr(_codecs, n.replace('-', '_') + '_decode') for n in 'utf_8 utf_16 utf_16_le utf_16_be utf_32 utf_32_le utf_32_be utf_7 unicode_escape raw_unicode_escape'.split()}
DEC['ascii'] = lambda b, e, f: _codecs.ascii_decode(b, e)
DEC['charmap'] = lambda b, e, f: _codecs.charmap_decode(b, e, ''.join(chr(i + 0x100) if i % 3 else '\ufffe' for i in range(250)))
DH = 'strict ignore replace backslashreplace surrogateescape surrogatepass'.split()
EH = DH + ['xmlcharrefreplace', 'namereplace']
def dec(name, b, h, f):
    try: s, n = DEC[name](b, h, f); r = f'{hx(s)}|{n}'
    except UnicodeDecodeError as e: r = err(e)
    print('dec', name, h, int(f), b.hex(), r, sep='\t')
def enc(name, s, h):
    if name == 'charmap': fn = lambda s, h: _codecs.charmap_encode(s, h, {i: (b'ab' if i == 66 else i & 255) for i in range(300) if i % 3})
    else: fn = getattr(_codecs, name + '_encode')
    try: r = fn(s, h)[0].hex()
    except UnicodeEncodeError as e: r = err(e)
    print('enc', name, h, 0, hx(s), r, sep='\t')
PIECES = [b'a', b'\xc3\xa9', b'\xe2\x82\xac', b'\xf0\x9f\x98\x80', b'\xed\xa0\x80', b'\xed\xb0\x80', b'\xff', b'\xc0\x80', b'\xe2', b'\xf0\x9f', b'\x80', b'\xf4\x90', b'\xe0\x80', b'\xe2\x82', b'0']
U7 = [b'+', b'-', b'a', b'+AOk', b'+2D3eAA-', b'+-', b'+2D0-', b'+2D0', b'\xff', b'A', b'+A', b'/', b'!', b'+IKw-', b'+AB', b'~', b'\x00', b'+2D3YPQ']
ESC = [b'\\', b'\\n', b'x', b'\\x', b'41', b'\\u', b'00e9', b'\\U', b'0001f600', b'00110000', b'\\N', b'{LATIN SMALL LETTER A}', b'{}', b'{', b'{nope}', b'\\7', b'\\400', b'\\\n', b'\\\\', b'\xe9', b'g', b'\\q', b"\\'", b'd800']
def blob():
    k = R.randrange(3)
    if k == 0: return b''.join(R.choice(PIECES) for _ in range(R.randrange(5)))
    return R.randbytes(R.randrange(10)) if k == 1 else b'ab\xe9cd'
for i in range(20000):
    h, f = R.choice(DH), R.random() < .6
    dec('utf_8', b''.join(R.choice(PIECES) for _ in range(R.randrange(6))), h, f)
    if i % 4 == 0: dec('ascii', blob(), h, True); dec('charmap', blob(), h, True)
    order = R.choice(('', '_le', '_be'))
    u = lambda n: b''.join(R.choice((0x61, 0xd83d, 0xde00, 0xfeff, 0xfffe, 0xe9, 0xdc80)).to_bytes(n, R.choice(('little', 'little', 'big'))) for _ in range(R.randrange(5))) + b'\0a\0'[:R.choice((0, 0, 1, 2, 3))]
    dec('utf_16' + order, u(2), h, f)
    v = b''.join(R.choice((0x61, 0xd83d, 0x1f600, 0xfeff, 0x110000)).to_bytes(4, R.choice(('little', 'little', 'big'))) for _ in range(R.randrange(4))) + b'\0a\0'[:R.choice((0, 0, 1, 2, 3))]
    dec('utf_32' + order, v, h, f)
    dec('utf_7', b''.join(R.choice(U7) for _ in range(R.randrange(7))), h, f)
    e = b''.join(R.choice(ESC) for _ in range(R.randrange(7)))
    dec('unicode_escape', e, h, f); dec('raw_unicode_escape', e, h, f)
    try: r = _codecs.escape_decode(e, h)[0].hex()
    except ValueError as x: r = str(x)
    print('esc', 'bytes', h, 0, e.hex(), r, sep='\t')
    print('esc', 'enc', h, 0, e.hex(), _codecs.escape_encode(e)[0].hex(), sep='\t')
    s = ''.join(R.choice('ab+-~\\\n\x00é€ß😀\udc80\ud83d\ude00Ā\udcff') for _ in range(R.randrange(6))); h = R.choice(EH)
    for n in ('utf_8', 'ascii', 'latin_1', 'utf_16', 'utf_16_le', 'utf_16_be', 'utf_32', 'utf_32_be', 'utf_7', 'unicode_escape', 'raw_unicode_escape', 'charmap'):
        if i % 3 == 0: enc(n, s, h)

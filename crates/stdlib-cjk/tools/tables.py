"""Writes data/tables.bin: what CPython's stateless East Asian codecs map.

    python3.14 tables.py ../data/tables.bin

Each codec is asked for all its sequences and all characters. Layout, little-endian, the whole deflated:
for each codec: name (u8 length, ASCII); 256 x u16 of the single bytes (0xffff: none, 0xfffe: leads a longer sequence);
128 x 256 x u24 of the two-byte sequences from 0x80 on and a flag byte, 1 if 128 x 128 x u24 of those behind 0x8f follow;
each table is XORed with that of the codec named as its base (u8, index + 1, 0 for none) and split into three planes.
A value is a character, or 0x200000 + n for pair n. Then u16 count of pairs, 2 x u32 each; u16 count of characters whose
encoding is not their first shortest sequence: u32 character, u8 length (0: none), bytes.
"""
import struct
import sys
import zlib

CODECS = {
    "gb2312": None, "gbk": "gb2312", "gb18030": "gbk", "euc_kr": None, "cp949": "euc_kr", "johab": None,
    "big5": None, "cp950": "big5", "big5hkscs": "big5", "euc_jp": None, "euc_jis_2004": "euc_jp",
    "euc_jisx0213": "euc_jis_2004", "shift_jis": None, "cp932": "shift_jis", "shift_jis_2004": "shift_jis",
    "shift_jisx0213": "shift_jis_2004",
}


def decode(data, name):
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        return None if "illegal" in error.reason else ...


def planes(table, base):
    xored = [a ^ b for a, b in zip(table, base)] if base else table
    return b"".join(bytes(v >> shift & 255 for v in xored) for shift in (0, 8, 16))


def dump(name, tables):
    single, two, three, pairs, known = [], [0] * (128 * 256), [0] * (128 * 128), [], {}

    def value(text, data):
        known.setdefault(text, data)
        if len(text) == 1:
            return ord(text)
        pairs.append(text)
        return 0x200000 + len(pairs) - 1

    leads = []
    for b in range(256):
        text = decode(bytes([b]), name)
        single.append(0xFFFE if text is ... else 0xFFFF if text is None else ord(text))
        if text is ...:
            leads.append(b)
        elif text:
            known.setdefault(text, bytes([b]))
    for b in leads:
        for t in range(256):
            text = decode(bytes([b, t]), name)
            if text and text is not ...:
                two[(b - 128) * 256 + t] = value(text, bytes([b, t]))
    has_three = name.startswith("euc_j")
    if has_three:
        for a in range(128, 256):
            for b in range(128, 256):
                text = decode(bytes([0x8F, a, b]), name)
                if text and text is not ...:
                    three[(a - 128) * 128 + b - 128] = value(text, bytes([0x8F, a, b]))
    special = []
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000:
            continue
        try:
            data = chr(c).encode(name)
        except UnicodeEncodeError:
            data = b""
        if len(data) == 4 and name == "gb18030" or len(data) == 8:
            continue
        if data != known.get(chr(c), b""):
            special.append((c, data))
    base = tables.get(CODECS[name])
    out = [bytes([len(name)]), name.encode(), struct.pack("<256H", *single)]
    out.append(bytes([0 if base is None else list(CODECS).index(CODECS[name]) + 1, has_three]))
    out.append(planes(two, base and base[0]))
    if has_three:
        out.append(planes(three, base and base[1]))
    tables[name] = two, three
    out.append(struct.pack("<H", len(pairs)) + b"".join(struct.pack("<II", *map(ord, p)) for p in pairs))
    out.append(struct.pack("<H", len(special)))
    out.extend(struct.pack("<IB", c, len(data)) + data for c, data in special)
    return b"".join(out)


def main(path):
    tables = {}
    data = b"".join(dump(name, tables) for name in CODECS)
    with open(path, "wb") as file:
        file.write(zlib.compress(data, 9))


main(sys.argv[1])

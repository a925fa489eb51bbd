"""Digests and compression: known values, streams, errors."""
import bz2
import gzip
import hashlib
import hmac
import lzma
import zlib

for name in sorted(hashlib.algorithms_guaranteed):
    h = hashlib.new(name, b"abc", usedforsecurity=False)
    n = (8,) if name.startswith("shake") else ()
    print(name, h.hexdigest(*n), h.block_size, h.digest_size)
print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 100).hex())
print(hashlib.scrypt(b"password", salt=b"NaCl", n=16, r=8, p=2).hex()[:32])
print(hmac.new(b"key", b"message", "sha512").hexdigest()[:32], hmac.compare_digest(b"a", b"a"))
print(hashlib.blake2s(b"x", key=b"k", salt=b"s", person=b"p", digest_size=10).hexdigest())
for f in (
    lambda: hashlib.md5("text"),
    lambda: hashlib.new("nope"),
    lambda: hashlib.blake2b(digest_size=65),
    lambda: hashlib.pbkdf2_hmac("md5", b"a", b"b", 0),
    lambda: zlib.decompress(b"nonsense"),
    lambda: zlib.decompress(zlib.compress(b"abc")[:-2]),
    lambda: bz2.decompress(b"nonsense"),
    lambda: lzma.decompress(b"nonsense"),
    lambda: zlib.compressobj(99),
    lambda: bz2.BZ2Compressor(0),
    lambda: lzma.LZMACompressor(filters=[{"id": 1}]),
):
    try:
        f()
    except Exception as e:
        print(type(e).__name__, e)
data = b"".join(bytes([i % 251]) * (i % 40) for i in range(4000))
for module in (zlib, bz2, lzma, gzip):
    packed = module.compress(data)
    print(module.__name__, module.decompress(packed) == data, len(packed) < len(data) // 4)
for module, make in ((zlib, zlib.decompressobj), (bz2, bz2.BZ2Decompressor), (lzma, lzma.LZMADecompressor)):
    packed, d, out = module.compress(data) + b"tail", make(), b""
    if module is zlib:
        while not d.eof:
            out += d.decompress(d.unconsumed_tail or packed, 1000)
            packed = b"" if d.unconsumed_tail else packed
    else:
        out = d.decompress(packed, 1000)
        while not d.eof:
            out += d.decompress(b"", 1000)
    print(out == data, d.unused_data)
c = zlib.compressobj(zdict=b"hello world")
packed = c.compress(b"hello world, hello") + c.flush()
print(zlib.decompressobj(zdict=b"hello world").decompress(packed))
print(zlib.crc32(b"abc"), zlib.adler32(b"abc", 7), zlib.crc32(b"c", zlib.crc32(b"ab")))

# modes: stress. _zstd: compression, dictionaries, parameters, frames, files; and cProfile over _lsprof.
import io
import cProfile
from compression import zstd

data = b"".join(b"line %d of the text\n" % i for i in range(500))
small = zstd.compress(data)
print(zstd.decompress(small) == data, len(small) < len(data) // 4)
print(zstd.decompress(zstd.compress(data, level=19)) == data, zstd.decompress(small + small) == data * 2)

info = zstd.get_frame_info(small)
print(info.decompressed_size, info.dictionary_id, zstd.get_frame_size(small) == len(small))

c = zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1})
parts = [c.compress(data[:5000]), c.compress(data[5000:], mode=c.FLUSH_BLOCK), c.flush()]
d = zstd.ZstdDecompressor()
out = b"".join(d.decompress(part) for part in parts)
print(out == data, d.eof, d.needs_input, d.unused_data)
d = zstd.ZstdDecompressor()
first = d.decompress(small + b"rest", max_length=100)
print(first, d.needs_input, d.eof)
rest = b""
while not d.eof:
    rest += d.decompress(b"", max_length=3000)
print(first + rest == data, d.unused_data)

samples = [b"sample %d: the quick brown fox jumps over the dog %d" % (i, i * i) for i in range(300)]
trained = zstd.train_dict(samples, 2000)
print(trained.dict_id != 0, len(trained) <= 2000)
with_dict = zstd.compress(samples[7], zstd_dict=trained)
print(len(with_dict) < len(samples[7]), zstd.decompress(with_dict, zstd_dict=trained) == samples[7])
print(zstd.get_frame_info(with_dict).dictionary_id == trained.dict_id)

buffer = io.BytesIO()
with zstd.open(buffer, "wt") as f:
    f.write("one\ntwo\nthree\n")
buffer.seek(0)
with zstd.open(buffer, "rt") as f:
    print([line.rstrip() for line in f])

for test in (
    lambda: zstd.decompress(b"not a frame at all"),
    lambda: zstd.decompress(small[:-3]),
    lambda: zstd.decompress(with_dict),
    lambda: zstd.compress(data, level=100),
    lambda: zstd.ZstdDict(b"x" * 100),
    lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 99}),
    lambda: zstd.compress("text"),
):
    try:
        print(test())
    except Exception as e:
        print(type(e).__name__, e)
print(zstd.CompressionParameter.window_log.bounds(), zstd.Strategy.btultra2)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def work():
    for _ in range(3):
        sorted([3, 1, 2], key=lambda x: -x)
        len("x")
        [].append(1)
    try:
        int("no")
    except ValueError:
        pass
    return fib(8)


profile = cProfile.Profile()
print(profile.runcall(work))
profile.create_stats()
for where, (primitive, calls, _, _, callers) in sorted(profile.stats.items()):
    print(where[2], primitive, calls, sorted((c[2], n[:2]) for c, n in callers.items()))

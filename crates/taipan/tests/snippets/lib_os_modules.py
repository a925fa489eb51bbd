# mmap, shared memory, semaphores, zstd.
import mmap, os, re, tempfile
from compression import zstd
from multiprocessing import shared_memory, synchronize, get_context

with tempfile.TemporaryFile() as f:
    f.write(b"line one\nline two\n" * 300); f.flush()
    with mmap.mmap(f.fileno(), 0) as m:
        print(len(m), m[:8], m[-4:-1], m[0], m.find(b"two"), m.rfind(b"two"), m.readline(), m.tell(), m.seek(-3, 2), m.read(), m.size())
        m[0:4] = b"LINE"; m.flush(); m.move(9, 0, 8)
        print(m[:20], re.findall(rb"o\w+", m)[:3], b"L" in m, 76 in m)
        for act in (lambda: m[10**6], lambda: m.__setitem__(0, 300), lambda: m.seek(-1), lambda: m.write(b"x" * 9999), lambda: m.resize(2**62)):
            try:
                act()
            except Exception as e:
                print(type(e).__name__, e)
        m.resize(4096)
        view = memoryview(m)
        try:
            m.close()
        except BufferError as e:
            print(e)
        view.release()
    print(m.closed, m)
    os.lseek(f.fileno(), 0, 0)
    print(os.read(f.fileno(), 4))
anonymous = mmap.mmap(-1, 10, access=mmap.ACCESS_COPY)
anonymous.write(b"abc")
print(anonymous, anonymous[:4])
memory = shared_memory.SharedMemory(create=True, size=64)
try:
    other = shared_memory.SharedMemory(memory.name)
    memory.buf[:3] = b"abc"
    print(bytes(other.buf[:3]), memory.size >= 64)
    other.close()
finally:
    memory.close(); memory.unlink()
context = get_context("fork")
lock, counter = context.RLock(), context.Semaphore(2)
print(lock.acquire(), lock.acquire(), counter.get_value(), counter.acquire(), counter.acquire(False), counter.acquire(True, 0.01), counter.get_value())
lock.release(); lock.release(); counter.release()
try:
    lock.release()
except AssertionError as e:
    print(e)
child = os.fork()
if child == 0:
    with counter:
        os._exit(7 if not lock.acquire(False) or lock._semlock._is_mine() else 8)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), counter.get_value())

data = b"the same text again and again, " * 200
packed = zstd.compress(data, 5)
print(len(packed) < 100, zstd.decompress(packed) == data, zstd.get_frame_info(packed), zstd.get_frame_size(packed) == len(packed))
d = zstd.ZstdDecompressor()
print(d.decompress(packed[:20] + b"", 5), d.needs_input, len(d.decompress(packed[20:] + b"tail")), d.eof, d.unused_data)
c = zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1, zstd.CompressionParameter.window_log: 12})
parts = c.compress(data) + c.flush(c.FLUSH_BLOCK) + c.compress(b"end", c.FLUSH_FRAME)
print(zstd.decompress(parts)[-8:], c.last_mode)
dictionary = zstd.ZstdDict(b"the same text again", is_raw=True)
print(dictionary, zstd.decompress(zstd.compress(data, zstd_dict=dictionary), dictionary) == data)
for act in (lambda: zstd.decompress(b"junkjunkjunk"), lambda: zstd.ZstdCompressor(level=99), lambda: zstd.ZstdCompressor(options={1: 2}), lambda: zstd.ZstdDict(b"x")):
    try:
        act()
    except Exception as e:
        print(type(e).__name__, e)
